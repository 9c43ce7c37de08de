"""Measuring by how much a variant misses: in units of the budget, with all digits where it can."""

import mpmath
import numpy as np
import pytest

from refdiff._namespace import sqrt
from refdiff.conformance.variants import Variant
from refdiff.conformance.vectors import calling, measuring, separating
from refdiff.conformance.vectors.cases import Case

INF = float("inf")
LEVEL = Case("snr", "a-level", {"alpha_bar_t": 0.25})
CLEAN = Case("snr", "clean", {"alpha_bar_t": 1.0})
TABLE = Case("alpha_bars_from_betas", "a-table", {"betas": [0.5, 0.25]})
LONG = Case("linear_betas", "a-long-one", {"num_steps": 9, "beta_start": 0.125, "beta_end": 0.25})
ENTRIES = Case("linear_betas", "some-entries", LONG.inputs, entries=(0, 8))


def missed(case, function):
    variant = Variant("planted", "deviation", "A mistake.", {case.function: function})
    allowed = measuring.budget(case, "float64")
    return separating.missed_by(variant, case, measuring.exact(case), allowed.bounds)


def failing(*, alpha_bar_t):
    raise ValueError("not this one")


@pytest.mark.parametrize(
    ("case", "function", "units"),
    [
        (LEVEL, lambda *, alpha_bar_t: alpha_bar_t / (1 - alpha_bar_t), 0),
        (LEVEL, lambda *, alpha_bar_t: mpmath.mpf(1) / 3, 0),
        (LEVEL, lambda *, alpha_bar_t: sqrt(-alpha_bar_t), INF),
        (LEVEL, lambda *, alpha_bar_t: INF, INF),
        (LEVEL, failing, INF),
        # Python's division by zero raises; that of arrays, which a target has, is infinite.
        (CLEAN, lambda *, alpha_bar_t: alpha_bar_t / (1 - alpha_bar_t), 0),
        (CLEAN, lambda *, alpha_bar_t: -alpha_bar_t / (1 - alpha_bar_t), INF),
        (TABLE, lambda betas: np.cumprod([1.0, 0.5, 0.75]), 0),
        (TABLE, lambda betas: np.cumprod([0.5, 0.75]), INF),
        (LONG, lambda n, *, beta_start, beta_end: np.linspace(0.125, 0.25, 9), 0),
        (LONG, lambda n, *, beta_start, beta_end: np.linspace(0.125, 0.25, 10), INF),
        (ENTRIES, lambda n, *, beta_start, beta_end: np.linspace(0.125, 0.25, 9) ** 1, 0),
        (ENTRIES, lambda n, *, beta_start, beta_end: np.full(9, [0.125] + 8 * [0.25]), 0),
        (ENTRIES, lambda n, *, beta_start, beta_end: np.linspace(0.125, 0.25, 10), INF),
    ],
)
def test_units(case, function, units):
    assert missed(case, function) == units


def test_one_budget_is_one_unit():
    allowed = measuring.budget(LEVEL, "float64").bounds
    with mpmath.workdps(calling.DIGITS):
        third = mpmath.mpf(1) / 3
        assert missed(LEVEL, lambda *, alpha_bar_t: third + 3 * mpmath.mpf(allowed)) == 3
        assert missed(LEVEL, lambda *, alpha_bar_t: third - 9 * mpmath.mpf(allowed)) == 9
    assert not separating.is_separated(8)
    assert separating.is_separated(9)


def test_what_cannot_be_called_is_a_mistake_of_the_variant():
    with pytest.raises(TypeError, match="planted cannot be called with the inputs of a-level"):
        missed(LEVEL, lambda level: level)


def test_forms_widen_the_budget_and_are_named_where_they_cannot():
    steep = Case("cosine_betas", "steep", {"num_steps": 50, "offset": 0.008, "max_beta": 0.999})
    narrow, wide = measuring._own_bounds(steep, "float64"), measuring.budget(steep, "float64")
    assert wide.beyond == ()
    # One minus a ratio near 1 costs the small first betas more than the product of sines.
    assert wide.bounds[0] > 5 * float(narrow[0])
    noise = Case("min_snr_weight_eps", "noise", {"snr_t": 0.0, "gamma": 5.0})
    assert measuring.budget(noise, "float64").beyond == ("min-snr-weight-eps-as-quotient",)


def test_a_budget_by_hand():
    """1 - 1/4: a unit in the last place of the input, 2^-2, and the rounding of 3/4."""
    case = Case("forward_variance", "quarter", {"alpha_bar_t": 0.25})
    for dtype, eps in (("float64", 2.0**-52), ("float32", 2.0**-23)):
        allowed = measuring.budget(case, dtype).bounds
        assert eps <= allowed < 1.01 * eps
