"""Budgets let right formulas pass and planted mistakes fail."""

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refdiff._namespace import sqrt
from refdiff.testing import EPS, assert_close, assert_within_budget, budget
from refdiff.testing.budgets import evaluate, round_to
from refdiff.testing.strategies import alpha_bar_pairs, images

LEVELS = np.array([0.04, 0.3, 0.5, 0.9])


def textbook_variance(*, alpha_bar_t, alpha_bar_s):
    """Return the posterior variance as the DDPM paper writes it."""
    beta = 1 - alpha_bar_t / alpha_bar_s
    return (1 - alpha_bar_s) / (1 - alpha_bar_t) * beta


def rearranged(*, alpha_bar_t, alpha_bar_s):
    return (1 - alpha_bar_s) * (alpha_bar_s - alpha_bar_t) / (alpha_bar_s * (1 - alpha_bar_t))


MISTAKES = {
    "no denominator": lambda *, alpha_bar_t, alpha_bar_s: (
        (1 - alpha_bar_s) * (1 - alpha_bar_t / alpha_bar_s)
    ),
    "beta alone": lambda *, alpha_bar_t, alpha_bar_s: 1 - alpha_bar_t / alpha_bar_s,
    "root taken": lambda *, alpha_bar_t, alpha_bar_s: sqrt(
        rearranged(alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s)
    ),
    "t and s swapped": lambda *, alpha_bar_t, alpha_bar_s: (
        (1 - alpha_bar_t) / (1 - alpha_bar_s) * (1 - alpha_bar_t / alpha_bar_s)
    ),
    "one part in a billion": lambda *, alpha_bar_t, alpha_bar_s: (
        rearranged(alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s) * 1.000000001
    ),
}


@given(pair=alpha_bar_pairs())
def test_right_forms_pass_near_every_edge(pair):
    levels = dict(zip(("alpha_bar_t", "alpha_bar_s"), pair, strict=True))
    for dtype in ("float64", "float32"):
        for form in (textbook_variance, rearranged):
            assert_within_budget(form, dtype=dtype, oracle=textbook_variance, **levels)


@pytest.mark.parametrize("name", list(MISTAKES))
def test_planted_mistakes_fail(name):
    with pytest.raises(AssertionError, match="budgets of"):
        assert_within_budget(
            MISTAKES[name], oracle=textbook_variance, alpha_bar_t=LEVELS, alpha_bar_s=0.95
        )


def test_the_message_is_enough_to_repeat_the_failure():
    with pytest.raises(AssertionError) as caught:
        assert_within_budget(lambda x: x * (1 + 1e-6), 0.7, oracle=lambda x: x)
    message = str(caught.value)
    assert (0.7).hex() in message
    assert "<lambda>" in message
    assert "should be 0.69999999999999995559" in message
    with pytest.raises(AssertionError, match=r"textbook_variance\(alpha_bar_t=0x1\."):
        assert_within_budget(
            textbook_variance,
            oracle=lambda *, alpha_bar_t, alpha_bar_s: alpha_bar_t,
            alpha_bar_t=LEVELS,
            alpha_bar_s=0.95,
        )


def test_a_lost_digit_shows_without_an_oracle():
    def unstable(x):
        return (1e8 + x) - 1e8

    assert_within_budget(unstable, 0.3)  # the cancellation is in the formula, so it is budgeted
    with pytest.raises(AssertionError):
        assert_within_budget(lambda x: float(unstable(x)) if isinstance(x, float) else x, 0.3)


def test_units_scale_the_budget():
    def off(x):
        return x * (1 + 3 * EPS["float64"])

    with pytest.raises(AssertionError):
        assert_within_budget(off, 1.75, units=0.1, oracle=lambda x: x)
    assert_within_budget(off, 1.75, units=2, oracle=lambda x: x)


def test_a_budget_counts_inputs_and_roundings():
    exact, allowed = budget(lambda x, y: x * y, 3.0, 5.0)
    assert exact == 15
    # 3 has the last place 2 and 5 has 4, each times the other factor; then one rounding.
    # The product of the two errors is charged too; it is of second order.
    assert_close(allowed, (2 * 5 + 4 * 3 + 15) * EPS["float64"], units=8)
    exact, allowed = budget(lambda x: x + x, 3.0, dtype="float32")
    assert_close(allowed, (2 + 2 + 6) * EPS["float32"])


def test_inputs_are_rounded_before_the_exact_value():
    exact, _ = budget(lambda x: x, 0.1, dtype="float32")
    assert exact == mpmath.mpf(float(np.float32(0.1)))
    assert_within_budget(lambda x: x, 0.1, dtype="float32", oracle=lambda x: x)


def test_whole_numbers_are_exact_and_constants_allowed():
    assert budget(lambda x, n: x * 0 + n, 0.3, 7)[0] == 7
    assert budget(lambda x: 1.0, 0.3) == (1, 0.0)
    assert_within_budget(lambda x, *, n: x / n, np.array([0.3, 0.4]), n=7)


def test_a_result_in_another_precision_or_shape_fails():
    with pytest.raises(AssertionError, match="float32 inputs gave a float64 result"):
        assert_within_budget(lambda x: x * np.float64(0.1), np.ones(3), dtype="float32")
    with pytest.raises(AssertionError, match="shape"):
        assert_within_budget(lambda x: x.sum(), np.ones(3))


def test_an_undetermined_result_is_not_passed_in_silence():
    with pytest.raises(AssertionError, match="do not determine"):
        assert_within_budget(lambda x: 1 / (x - 0.75), 0.75 + 1e-16)
    with pytest.raises(AssertionError):
        assert_within_budget(lambda x: x * math.nan if isinstance(x, float) else x, 0.75)


def test_an_exact_infinity_must_be_met():
    def reciprocal(x):
        return 1 / x if x != 0 else math.inf

    assert_within_budget(reciprocal, 0.0, oracle=lambda x: mpmath.inf if x == 0 else 1 / x)
    with pytest.raises(AssertionError):
        assert_within_budget(lambda x: -reciprocal(x), 0.0, oracle=lambda x: mpmath.inf)


def test_an_unknown_dtype_is_refused():
    with pytest.raises(ValueError, match="dtype='float8'"):
        budget(lambda x: x, 1.0, dtype="float8")


def mean_square(x):
    return (x * x).mean(1)


@given(x=images((3, 7)), y=images((3, 7), dtype="float32"))
def test_functions_of_whole_arrays(x, y):
    def oracle(rows):
        return [mpmath.fsum(v**2 for v in row) / len(row) for row in rows]

    assert_within_budget(mean_square, x, oracle=oracle, elementwise=False)
    assert_within_budget(mean_square, y, dtype="float32", oracle=oracle, elementwise=False)


def test_a_wrong_function_of_whole_arrays_fails():
    x = np.arange(1.0, 7.0).reshape(2, 3)

    def sums(rows):
        return [mpmath.fsum(v**2 for v in row) for row in rows]

    with pytest.raises(AssertionError, match=r"mean_square\(element \(0,\)\)"):
        assert_within_budget(mean_square, x, oracle=sums, elementwise=False)
    with pytest.raises(AssertionError, match="shape"):
        assert_within_budget(mean_square, x, oracle=lambda rows: [1], elementwise=False)


def test_evaluation_has_sixty_digits_and_rounding_keeps_integers():
    third = evaluate(lambda x: 1 / x, 3)
    with mpmath.workdps(60):
        assert abs(third * 3 - 1) < mpmath.mpf(10) ** -58
    assert round_to(7, "float32") == 7
    assert round_to(0.1, "float32") == np.float32(0.1)
    assert round_to([0.1], "float32").dtype == np.float32


@given(st.floats(0.01, 100.0))
def test_the_default_oracle_is_the_function_with_sixty_digits(x):
    assert_within_budget(lambda v: sqrt(v * v + 1) - v, x)
