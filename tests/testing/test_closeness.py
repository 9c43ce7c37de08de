"""Comparisons in units of rounding errors: what passes, what fails, and what the message says."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refdiff.testing import EPS, assert_close, assert_within_standard_errors
from refdiff.testing.closeness import as_float64, dtype_name

torch = pytest.importorskip("torch", reason="comparing tensors needs torch")

moderate = st.floats(1e-6, 1e6)


@pytest.mark.parametrize("name", ["float64", "float32", "float16"])
def test_eps_is_the_gap_above_one(name):
    assert EPS[name] == np.finfo(name).eps


def test_eps_of_bfloat16_is_torchs():
    assert EPS["bfloat16"] == torch.finfo(torch.bfloat16).eps


@given(x=moderate, units=st.integers(1, 8))
def test_the_limit_is_where_it_is_said_to_be(x, units):
    inside = x + (units - 0.6) * EPS["float64"] * x
    assert_close(inside, x, units=units)
    with pytest.raises(AssertionError, match=f"{units} units of float64"):
        assert_close(x + 2.1 * units * EPS["float64"] * x + 2 * math.ulp(x), x, units=units)


@given(x=moderate)
def test_the_coarser_dtype_counts(x):
    rounded = np.float32(x)
    assert_close(rounded, x)
    assert_close(x, rounded)
    assert_close(torch.tensor(x, dtype=torch.bfloat16), x)
    if abs(float(rounded) - x) > 8 * EPS["float64"] * x:
        with pytest.raises(AssertionError, match="float64"):
            assert_close(float(rounded), x)


def test_terms_allow_for_cancellation_and_only_then():
    difference = (1.0 + 1e-9) - 1.0
    assert_close(difference, 1e-9, terms=2.0)
    with pytest.raises(AssertionError):
        assert_close(difference, 1e-9)


def test_the_worst_element_is_shown():
    with pytest.raises(AssertionError, match=r"got 3\.5, expected 3\.0 at \(1, 0\).*2 of 4"):
        assert_close(np.array([[1.0, 2.1], [3.5, 4.0]]), np.array([[1.0, 2.0], [3.0, 4.0]]))


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (math.nan, math.nan),
        (math.nan, 1.0),
        (1.0, math.nan),
        (math.inf, 1.0),
        (math.inf, -math.inf),
        (np.zeros(2), np.zeros(3)),
        (np.zeros((2, 1)), np.zeros(2)),
        (1.0, np.ones(1)),
        (1e-300, 0.0),
    ],
)
def test_what_never_agrees(actual, expected):
    with pytest.raises(AssertionError):
        assert_close(actual, expected)


def test_what_always_agrees():
    assert_close(math.inf, math.inf)
    assert_close(np.array([-math.inf, 0.0]), np.array([-math.inf, -0.0]))
    assert_close(np.ones((2, 2)), 1.0)
    assert_close(np.zeros((0, 3)), np.zeros((0, 3)))


def test_tensors_with_gradients_and_of_any_dtype_are_read():
    tensor = torch.tensor([1.5, -2.0], requires_grad=True)
    assert as_float64(tensor).tolist() == [1.5, -2.0]
    assert as_float64(torch.tensor([3])).tolist() == [3.0]
    assert [dtype_name(v) for v in (tensor, 1.0, 3, np.float16(1), np.arange(3))] == [
        "float32",
        "float64",
        "float64",
        "float16",
        "float64",
    ]


def test_a_biased_sample_is_seen_and_a_right_one_is_not():
    draws = np.random.default_rng(0).normal(1.0, 2.0, size=(40_000, 3))
    assert_within_standard_errors(draws, np.ones(3))
    with pytest.raises(AssertionError, match=r"5 s\.e\."):
        assert_within_standard_errors(draws, np.array([1.0, 1.0, 1.1]))
    assert_within_standard_errors(draws, np.array([1.0, 1.0, 1.1]), num=20)


def test_a_constant_sample_may_be_off_by_rounding_alone():
    assert_within_standard_errors(np.full(1000, 0.1), 0.1)
    with pytest.raises(AssertionError):
        assert_within_standard_errors(np.full(1000, 0.1), 0.1 + 1e-12)


@pytest.mark.parametrize("sample", [3.0, np.ones(1), np.ones((1, 5))])
def test_one_draw_has_no_standard_error(sample):
    with pytest.raises(ValueError, match="at least two draws"):
        assert_within_standard_errors(sample, 1.0)
