"""One source, many readings: the dispatch of the elementary functions."""

import math
import subprocess
import sys
from fractions import Fraction
from types import SimpleNamespace

import mpmath
import numpy as np
import pytest
import sympy
import torch

from refdiff import _namespace as namespace
from refdiff.testing import assert_close

POINTWISE = (
    *("sqrt", "exp", "log", "log1p", "expm1", "sin", "cos", "log_ndtr"),
    *("arctan", "to_bits", "add_log_two_pi"),
)
PAIRWISE = ("minimum", "maximum", "divide")
POINTS = (0.25, 0.5, 1.0, 1.75)


def exact(name, *arguments):
    functions = {
        "arctan": mpmath.atan,
        "log_ndtr": lambda x: mpmath.log(mpmath.ncdf(x)),
        "to_bits": lambda x: x / mpmath.log(2),
        "add_log_two_pi": lambda x: x + mpmath.log(2 * mpmath.pi),
        "minimum": min,
        "maximum": max,
        "divide": lambda a, b: mpmath.mpf(a) / b,
    }
    with mpmath.workdps(40):
        found = functions.get(name) or getattr(mpmath, name)
        return float(found(*(mpmath.mpf(a) for a in arguments)))


@pytest.mark.parametrize("name", POINTWISE)
def test_pointwise_functions_agree_in_every_reading(name):
    function = getattr(namespace, name)
    expected = np.array([exact(name, x) for x in POINTS])
    assert_close(np.array([function(x) for x in POINTS]), expected)
    assert_close(function(np.array(POINTS)), expected)
    assert_close(function(torch.tensor(POINTS, dtype=torch.float64)).numpy(), expected)
    assert_close(np.array([float(function(mpmath.mpf(x))) for x in POINTS]), expected)
    symbol = sympy.Symbol("x")
    symbolic = [float(function(symbol).subs(symbol, sympy.Rational(x))) for x in POINTS]
    assert_close(np.array(symbolic), expected)


@pytest.mark.parametrize("name", PAIRWISE)
def test_pairwise_functions_take_the_array_of_either_argument(name):
    function = getattr(namespace, name)
    expected = np.array([exact(name, x, 0.75) for x in POINTS])
    swapped = np.array([exact(name, 0.75, x) for x in POINTS])
    array, tensor = np.array(POINTS), torch.tensor(POINTS, dtype=torch.float64)
    assert_close(function(array, 0.75), expected)
    assert_close(function(0.75, array), swapped)
    assert_close(function(tensor, 0.75).numpy(), expected)
    assert_close(function(0.75, tensor).numpy(), swapped)
    assert_close(function(tensor, torch.full_like(tensor, 0.75)).numpy(), expected)
    assert_close(np.array([function(x, 0.75) for x in POINTS]), expected)
    assert_close(float(function(mpmath.mpf(0.5), 0.75)), exact(name, 0.5, 0.75))
    assert_close(float(function(sympy.Rational(1, 2), 0.75)), exact(name, 0.5, 0.75))


def test_readings_keep_dtype_and_device():
    half = torch.tensor([0.5], dtype=torch.float16)
    for name in ("sqrt", "exp", "log", "sin"):
        function = getattr(namespace, name)
        assert function(half).dtype == torch.float16
        assert function(np.ones(1, np.float32)).dtype == np.float32
        assert isinstance(function(0.5), float)
    assert namespace.sqrt(half.to("meta")).device.type == "meta"
    assert namespace.minimum(half, 0.25).dtype == torch.float16


def test_ends_follow_ieee_without_a_warning():
    infinite = math.inf
    for zero in (0.0, np.float64(0.0), np.zeros(1)):
        assert namespace.log(zero) == -infinite
        assert namespace.divide(1.0, zero) == infinite
        assert namespace.log1p(zero - 1) == -infinite
        assert namespace.exp(zero + 1000) == infinite
        assert namespace.expm1(zero + 1000) == infinite
    assert math.isnan(namespace.sqrt(-1.0))
    assert math.isnan(namespace.log(-1.0))
    assert math.isnan(namespace.log1p(-2.0))
    assert math.isnan(namespace.divide(0.0, 0.0))
    assert namespace.log(mpmath.mpf(0)) == -mpmath.inf
    assert namespace.divide(mpmath.mpf(-1), 0) == -mpmath.inf
    assert mpmath.isnan(namespace.divide(mpmath.mpf(0), 0))


def test_where_reads_conditions_of_every_kind():
    assert namespace.where(True, 1.0, 2.0) == 1.0
    assert namespace.where(False, 1.0, 2.0) == 2.0
    mask = np.array([True, False])
    assert namespace.where(mask, 1.0, 2.0).tolist() == [1.0, 2.0]
    assert namespace.where(torch.tensor(mask), 1.0, 2.0).tolist() == [1.0, 2.0]
    x = sympy.Symbol("x")
    chosen = namespace.where(x < 1, x, 0)
    assert (chosen.subs(x, 0.5), chosen.subs(x, 2)) == (0.5, 0)


def test_sorting_is_along_the_last_axis():
    table = [[3.0, 1.0], [0.0, 2.0]]
    for array in (np.array(table), torch.tensor(table)):
        assert namespace.sort_last(array).tolist() == [[1.0, 3.0], [0.0, 2.0]]


def test_other_numbers_and_libraries():
    assert namespace.sqrt(Fraction(1, 4)) == 0.5
    assert namespace.sqrt(True) == 1.0

    class Own:
        """A number with methods of its own."""

        def sqrt(self):
            return "own sqrt"

        def minimum(self, other):
            return ("own minimum", other)

    assert namespace.sqrt(Own()) == "own sqrt"
    assert namespace.minimum(0.5, Own()) == ("own minimum", 0.5)

    class Standard:
        """An array of a library that follows the Python array API standard."""

        def __array_namespace__(self):
            names = [
                "sqrt",
                "exp",
                "log",
                "log1p",
                "expm1",
                "sin",
                "cos",
                "atan",
                "minimum",
                "maximum",
                "where",
                "divide",
                "sort",
            ]
            return SimpleNamespace(**{name: lambda *a, n=name: f"standard {n}" for name in names})

    assert namespace.sqrt(Standard()) == "standard sqrt"
    with pytest.raises(TypeError, match=r"sqrt\(\) got a list: .*numpy\.asarray"):
        namespace.sqrt([0.25])


FRESH = """
import torch
from refdiff.equations import ddim_step
x = torch.linspace(-1, 1, 12).reshape(3, 4)
a = torch.tensor([[0.1], [0.3], [0.5]])
levels = {"alpha_bar_t": a, "alpha_bar_s": a + 0.2, "eta": 0.5}
step = torch.compile(
    lambda x, **kw: ddim_step(x, x, x, **kw), fullgraph=True, backend="eager", dynamic=False
)
found = step(x, **levels)  # the very first use of a tensor is inside the trace
assert torch.equal(found, ddim_step(x, x, x, **levels))
"""


def test_first_tensor_may_arrive_inside_a_compiled_function():
    subprocess.run([sys.executable, "-c", FRESH], check=True, timeout=120)


def test_gradients_flow_through_equations():
    from refdiff.equations import discretized_gaussian_log_likelihood, posterior_mean

    mean = torch.tensor([0.1, -0.4], dtype=torch.float64, requires_grad=True)
    std = torch.tensor([0.3, 0.05], dtype=torch.float64, requires_grad=True)
    x_0 = torch.tensor([-1.0, 1.0 / 255], dtype=torch.float64)

    def likelihood(mean, std):
        return discretized_gaussian_log_likelihood(x_0, mean=mean, std=std)

    assert torch.autograd.gradcheck(likelihood, (mean, std))

    def back(mean, level):
        return posterior_mean(mean, mean, alpha_bar_t=level * 0.3, alpha_bar_s=level)

    assert torch.autograd.gradcheck(back, (mean, std))
