"""Values in reports: whatever a check hands over becomes what JSON can hold."""

import json

import numpy as np
import pytest
import torch

from refdiff.conformance.results import Result, plain
from refdiff.conformance.verdicts import Outcome


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (np.float64("nan"), "nan"),
        (float("-inf"), "-inf"),
        (np.int64(3), 3),
        (np.bool_(1), True),
        (np.float32(0.5), 0.5),
        (np.arange(3), [0, 1, 2]),
        (np.array(2.5), 2.5),
        (np.array([np.inf, 1.0]), ["inf", 1.0]),
        (np.zeros((9, 9)), "float64 array of shape (9, 9)"),
        (torch.tensor(1.5, requires_grad=True), 1.5),
        (torch.ones(2, dtype=torch.bfloat16), [1.0, 1.0]),
        (torch.zeros(100), "torch.float32 array of shape (100,)"),
        ((1, {"a": np.int8(2)}), [1, {"a": 2}]),
        ({3, 1}, [1, 3]),
        (list(range(50)), "50 items, the first of which is 0"),
        (1 + 2j, "(1+2j)"),
        (None, None),
    ],
)
def test_plain(value, shown):
    made = plain(value)
    assert made == shown
    assert type(made) is type(shown)
    json.dumps(made, allow_nan=False)


def test_long_texts_are_cut():
    assert len(plain("x" * 10_000)) == 2000


def test_a_result_takes_everything_over_from_an_outcome():
    outcome = Outcome(
        *("convention", "two\nlines", "v", np.float64(3)),
        at={"x": np.zeros(2)},
        expected=np.float32(1),
        observed=np.nan,
        also_fits=["w"],
        choices={"end rule": "v"},
        series=[({"t": np.int64(1)}, np.float64(2))],
    )
    made = Result.of("a/b", ["id"], outcome)
    assert made.message == "two lines"
    assert (made.error_units, made.at, made.expected, made.observed) == (
        3.0,
        {"x": [0, 0]},
        1,
        "nan",
    )
    assert made.series == (({"t": 1}, 2.0),)
    with pytest.raises(ValueError, match="gave the verdict 'fine'"):
        Result.of("a/b", [], Outcome("fine", ""))
