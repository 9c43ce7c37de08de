"""Every pointwise equation against the paper's textbook form with 60 digits.

The inputs lie near the edges of the domain, the tolerance is the rounding budget of the formula,
and the oracle shares no code with the function.
"""

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refdiff.testing import EPS, assert_law, budget
from refdiff.testing.budgets import evaluate
from tests.support import inputs
from tests.support.cases import drawn, every_dtype, every_function, fewer, within

SMALLEST = float(np.finfo(np.float32).tiny)


@every_dtype
@every_function
@given(data=st.data())
def test_within_budget_of_the_textbook(case, dtype, data):
    args, values = drawn(data, case, dtype)
    within(case, args, values, dtype)


@every_dtype
@every_function
@fewer
@given(data=st.data())
def test_torch_is_within_budget_of_the_textbook(case, dtype, data):
    args, values = drawn(data, case, dtype)
    torch = pytest.importorskip("torch", reason="torch is not installed")
    within(case, args, values, dtype, convert=torch.as_tensor)


@pytest.mark.property_id("P110")
@every_function
@fewer
@given(data=st.data())
def test_precisions_agree_as_far_as_the_point_is_well_conditioned(case, data):
    args, values = drawn(data, case, "float32")
    args = [np.float32(arg) for arg in args]
    values = {name: np.float32(value) for name, value in values.items()}
    single = case.function(*args, **values)
    wide = [np.float64(arg) for arg in args]
    double = case.function(*wide, **{name: np.float64(v) for name, v in values.items()})
    for k in range(inputs.POINTS):
        point = [float(arg[k]) for arg in args]
        named = {name: float(value[k]) for name, value in values.items()}
        exact, allowed = budget(case.function, *point, **named)
        if not mpmath.isfinite(exact):
            assert float(double[k]) == float(single[k]) == float(exact)
            continue
        if abs(exact) < SMALLEST:  # float32 has no relative precision there
            assert max(abs(float(double[k])), abs(float(single[k]))) <= SMALLEST
            continue
        condition = max(1.0, allowed / (EPS["float64"] * float(abs(exact))))
        assert_law("P110", float(double[k]), float(exact), scale=condition)
        assert_law("P110/float32", float(single[k]), float(double[k]), scale=condition)


@every_function
@fewer
@given(data=st.data())
def test_fifty_digits_come_out_of_mpmath_numbers(case, data):
    args, values = drawn(data, case)
    for k in range(inputs.POINTS):
        point = [float(arg[k]) for arg in args]
        named = {name: float(value[k]) for name, value in values.items()}
        exact = evaluate(case.textbook, *point, **named)
        found = evaluate(case.function, *point, **named)
        _, allowed = budget(case.function, *point, **named)
        with mpmath.workdps(60):
            # The budget of 10^-16 shrinks with the digits: 34 more of them.
            floor = mpmath.mpf(10) ** -50
            limit = mpmath.mpf(allowed) * mpmath.mpf(10) ** -34 + floor * max(1, abs(exact))
            assert found == exact or abs(found - exact) <= limit
