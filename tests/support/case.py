"""One row of the table of pointwise equations, and how to run a function on what is drawn."""

from dataclasses import dataclass

import pytest
from hypothesis import strategies as st

from refdiff.testing import assert_within_budget
from tests.support import inputs
from tests.support.groups import function_named
from tests.support.textbook import TEXTBOOK


@dataclass(frozen=True, repr=False)
class Case:
    """A pointwise function: `count` tensors, then the values that are drawn with a domain."""

    name: str
    count: int
    values: st.SearchStrategy

    def __repr__(self):
        return self.name

    @property
    def function(self):
        return function_named(self.name)

    @property
    def textbook(self):
        return TEXTBOOK[self.name]

    def split(self, values):
        """Split drawn values into positional and keyword arguments."""
        first = POSITIONAL.get(self.name, ())
        return [values[n] for n in first], {n: v for n, v in values.items() if n not in first}


POSITIONAL = {"learned_range_variance": ("v",), "discretized_gaussian_log_likelihood": ("x_0",)}
"""Tensors that have a domain, and so are drawn with the schedule values."""


def row(name, count, values, *ids):
    case = Case(name, count, values)
    return pytest.param(case, id=name, marks=pytest.mark.verifies(*ids, kind="oracle"))


def drawn(data, case, dtype="float64"):
    """Draw the positional and keyword arguments of a few points, as arrays."""
    tensors = data.draw(inputs.tensors(case.count, dtype), label="tensors")
    first, values = case.split(data.draw(inputs.stacked(case.values), label="values"))
    return [*first, *tensors], values


def within(case, args, values, dtype, **options):
    """Assert that a function is within its budget of the textbook, in some reading."""
    assert_within_budget(
        case.function, *args, dtype=dtype, oracle=case.textbook, **options, **values
    )
