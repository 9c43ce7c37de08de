"""Arrays with rounding bounds: the exact value, and a bound that is neither broken nor idle."""

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refdiff import checks, equations
from refdiff._namespace import expm1, log, sqrt, where
from refdiff.conformance.bounded import Truth, bounded
from refdiff.testing import EPS

numbers = st.floats(0.01, 0.99)


def right_within(plain, exact):
    """Compare a float64 computation with a Bounded one: its rounding is within the bound."""
    gap = np.abs(np.asarray(plain, np.longdouble) - exact.value).astype(float)
    return bool(np.all(gap <= exact.error))


@given(numbers, numbers)
def test_float64_computations_stay_within_the_bound(a, b):
    for function in (
        lambda x, y: (x - y) / (1 - x * y),
        lambda x, y: sqrt(1 - x) * log(y) + x**2,
        lambda x, y: expm1(-x) / y - y * x,
        lambda x, y: (x + y) ** (1 - y),
    ):
        assert right_within(function(a, b), function(bounded(a), bounded(b)))


@given(numbers)
def test_the_bound_is_a_few_units_where_nothing_cancels(x):
    for function in (sqrt, log, lambda x: x * x + x, lambda x: x / (1 + x)):
        found = function(bounded(x))
        # The input's own last place, magnified by its share in the result, and a few roundings.
        slope = abs(mpmath.diff(lambda u, f=function: f(u), x))
        allowed = EPS["float64"] * (float(slope) * x + 4 * abs(float(found.value)))
        assert float(found.error) <= allowed * 2


def test_cancellation_widens_the_bound():
    near = bounded(0.999999)
    assert (1 - near).error / float((1 - near).value) > 1e5 * EPS["float64"]


def test_zero_and_one_are_exact():
    assert not bounded([0.0, 1.0, -1.0]).error.any()
    assert float((1 - bounded(1.0)).error) == 0.0


def test_comparisons_choose_elementwise():
    x = bounded([0.1, 0.5, 0.9])
    chosen = where((x > 0.2) & ~(x >= 0.9), 10 * x, -1.0)
    assert [float(v) for v in chosen.value] == [-1.0, 5.0, -1.0]
    assert chosen.error[0] == 0 < chosen.error[1]
    constants = where(x < 0.2, 1.0, 2.0)
    assert constants.tolist() == [1.0, 2.0, 2.0]


def test_a_single_comparison_is_a_truth_value():
    assert bounded(0.3) < bounded(0.4)
    assert not bounded(0.3) > 0.4
    assert isinstance(bounded([0.3]) <= 1.0, Truth)
    assert np.array(bounded([0.3, 2.0]) <= 1.0).tolist() == [True, False]


def test_sorting_takes_the_bounds_along():
    x = bounded([[3.0, 1.0, 2.0], [0.5, 0.25, 8.0]])
    ordered = x.sort_last()
    assert ordered.value.tolist() == [[1.0, 2.0, 3.0], [0.25, 0.5, 8.0]]
    assert ordered.error.tolist() == np.sort(x.error, axis=-1).tolist()


def test_an_exact_zero_keeps_exact_under_positive_powers():
    power = bounded([0.0, 0.5]) ** bounded([0.3, 0.3])
    assert float(power.value[0]) == 0.0 == power.error[0]
    assert power.error[1] > 0


def test_half_precision_has_wider_bounds():
    wide, narrow = (bounded(0.3, name) * 0.7 for name in ("bfloat16", "float64"))
    assert wide.error > 1e10 * narrow.error


@pytest.mark.parametrize("name", ["dynamic_threshold", "rescale_guidance", "simple_loss"])
def test_reductions_and_quantiles_run_on_bounds(name):
    rng = np.random.default_rng(0)
    arrays = [3 * rng.normal(size=(2, 1, 3, 3)) for _ in range(1 + (name != "dynamic_threshold"))]
    settings = {"dynamic_threshold": {"percentile": 90.0}, "rescale_guidance": {"phi": 0.7}}
    function, known = getattr(equations, name), settings.get(name, {})
    with checks("off"):
        exact = function(*map(bounded, arrays), **{k: bounded(v) for k, v in known.items()})
    assert right_within(function(*arrays, **known), exact)
    assert np.all(exact.error < 2**12 * EPS["float64"])
