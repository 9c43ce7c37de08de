"""The phi functions in every reading, against their integral and their recurrence."""

import math
from functools import cache

import mpmath
import numpy as np
import pytest
import sympy
import torch

from refdiff._namespace import phi
from refdiff.testing import assert_close
from refdiff.testing.running import running

POINTS = [-300.0, -5.0, -3.0, -1.5, -0.3, -1e-9, 0.0, 1e-300, 1e-5, 0.7, 1.0, 2.0, 3.5, 40.0]
orders = pytest.mark.parametrize("order", [1, 2, 3, 4])


@cache
def integral(x, order):
    """Return the average of exp((1 - u) x) u^(k-1) / (k-1)! over u in 0..1."""
    with mpmath.workdps(20):
        weight = mpmath.factorial(order - 1)
        return float(
            mpmath.quad(
                lambda u: mpmath.exp((1 - u) * mpmath.mpf(x)) * u ** (order - 1) / weight,
                [0, 0.02, 0.2, 0.8, 0.98, 1],
            )
        )


@orders
def test_all_readings_are_the_integral(order):
    expected = np.array([integral(x, order) for x in POINTS])
    array = np.array(POINTS)
    assert_close(np.array([phi(x, order) for x in POINTS]), expected)
    assert_close(phi(array, order), expected)
    assert_close(phi(torch.tensor(array), order), expected)
    assert_close(np.array([float(phi(mpmath.mpf(x), order)) for x in POINTS]), expected)
    symbol = sympy.Symbol("x")
    found = [phi(symbol, order).subs(symbol, sympy.Rational(x)).evalf(60) for x in (-3, 0.5, 3.5)]
    assert_close(np.array(found, dtype=float), [integral(x, order) for x in (-3, 0.5, 3.5)])


@orders
def test_float32_keeps_its_dtype_and_its_digits(order):
    array = np.array(POINTS, dtype=np.float32)
    for found in (phi(array, order), phi(torch.tensor(array), order).numpy()):
        assert found.dtype == np.float32
        assert_close(found, np.array([integral(float(x), order) for x in array]))


@orders
def test_mpmath_numbers_have_all_their_digits_near_0(order):
    with mpmath.workdps(50):
        x = mpmath.mpf(10) ** -20
        series = sum(x**n / mpmath.factorial(n + order) for n in range(8))
        assert abs(phi(x, order) - series) <= mpmath.mpf(10) ** -49
        assert phi(mpmath.mpf(0), order) == mpmath.mpf(1) / mpmath.factorial(order)


@orders
def test_the_recurrence_and_the_limits(order):
    below = math.exp(0.8) if order == 1 else phi(0.8, order - 1)
    assert_close(0.8 * phi(0.8, order), below - 1 / math.factorial(order - 1), terms=below)
    assert phi(0.0, order) == 1 / math.factorial(order)
    assert phi(-math.inf, order) == 0.0


@orders
def test_running_numbers_bound_the_error_of_float64(order):
    for x in POINTS[1:-1]:
        found = phi(running(x), order)
        assert abs(phi(x, order) - found.value) <= found.error


@pytest.mark.parametrize("order", [1, 2, 3])
def test_symbols_that_are_zero_have_the_limit(order):
    assert phi(sympy.Integer(0), order) == sympy.Rational(1, sympy.factorial(order))
