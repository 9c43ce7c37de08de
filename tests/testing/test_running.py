"""Running error analysis: the bounds follow the derivatives, and they bound what happens."""

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from refdiff import _namespace as ns
from refdiff.testing import EPS, assert_close
from refdiff.testing.running import FORMATS, Running, running

plain = st.floats(0.05, 20.0).filter(lambda x: x != 1.0)
signed = st.one_of(plain, plain.map(lambda x: -x))

UNARY = {
    "sqrt": (lambda x: x.sqrt(), mpmath.sqrt, plain),
    "exp": (lambda x: x.exp(), mpmath.exp, signed),
    "expm1": (lambda x: x.expm1(), mpmath.expm1, signed),
    "log": (lambda x: x.log(), mpmath.log, plain),
    "log1p": (lambda x: x.log1p(), mpmath.log1p, plain),
    "sin": (lambda x: x.sin(), mpmath.sin, signed),
    "cos": (lambda x: x.cos(), mpmath.cos, signed),
    "arctan": (lambda x: x.arctan(), mpmath.atan, signed),
    "tanh": (lambda x: x.tanh(), mpmath.tanh, signed),
    "square": (lambda x: x**2, lambda x: x**2, signed),
    "inverse cube": (lambda x: x**-3, lambda x: x**-3, signed),
    "reciprocal": (lambda x: 1 / x, lambda x: 1 / x, signed),
    "power": (lambda x: x**2.5, lambda x: x ** mpmath.mpf(2.5), plain),
    "negative": (lambda x: -x, lambda x: -x, signed),
    "absolute": (abs, abs, signed),
}
EXACT = ("negative", "absolute")  # these round nothing


def last_place(x):
    """Return the unit in the last place, in units of epsilon."""
    return math.ulp(x) / EPS["float64"]


@pytest.fixture(autouse=True)
def sixty_digits():
    with mpmath.workdps(60):
        yield


@pytest.mark.parametrize("name", list(UNARY))
@given(data=st.data())
def test_a_function_adds_its_slope_times_the_bound_and_one_rounding(name, data):
    function, exact, domain = UNARY[name]
    x = data.draw(domain)
    found = function(running(x))
    slope = mpmath.diff(exact, mpmath.mpf(x))
    rounding = 0 if name in EXACT else abs(exact(mpmath.mpf(x)))
    assert found.value == exact(mpmath.mpf(x))
    expected = float(abs(slope) * last_place(x) + rounding)
    # Near a zero of the slope the second order is all there is.
    assert_close(float(found.bound), expected, terms=1 + expected, units=1e7)


BINARY = {
    "add": (lambda x, y: x + y, lambda x, y: (1, 1)),
    "subtract": (lambda x, y: x - y, lambda x, y: (1, 1)),
    "multiply": (lambda x, y: x * y, lambda x, y: (abs(y), abs(x))),
    "divide": (lambda x, y: x / y, lambda x, y: (abs(1 / y), abs(x / y**2))),
}


@pytest.mark.parametrize("name", list(BINARY))
@given(x=signed, y=signed)
def test_an_operation_adds_both_inputs_and_one_rounding(name, x, y):
    function, slopes = BINARY[name]
    found = function(running(x), running(y))
    a, b = mpmath.mpf(x), mpmath.mpf(y)
    slope_x, slope_y = slopes(a, b)
    expected = slope_x * last_place(x) + slope_y * last_place(y) + abs(function(a, b))
    assert found.value == function(a, b)
    assert_close(float(found.bound), float(expected), units=16)


@given(x=signed, y=signed, n=st.integers(-9, 9))
def test_numbers_on_either_side_are_constants_without_error(x, y, n):
    assume(n != 0)
    a = running(x)
    for mixed, lifted in (
        (a + n, a + Running(mpmath.mpf(n), mpmath.mpf(0), a.form)),
        (n - a, -(a - n)),
        (n * a, a * n),
        (n / a, (a / n) ** -1),
    ):
        assert abs(mixed.value - lifted.value) < mpmath.mpf(10) ** -50 * (1 + abs(lifted.value))
    assert (a * n).bound == abs(n) * a.bound + abs(n * a.value)
    assert (a * np.float64(0.5)).value == a.value / 2


def test_constants_that_the_format_cannot_hold_bring_a_rounding():
    x32, x64 = running(3.0, "float32"), running(3.0)
    assert (x32 * 0.5).bound == 1.0 + 1.5
    assert (x32 * 0.1).bound > (x64 * 0.1).bound
    assert FORMATS["float32"].represents(1 + 2.0**-23)
    assert not FORMATS["float32"].represents(1 + 2.0**-24)
    assert FORMATS["float16"].represents(0.0)
    assert FORMATS["float64"].represents(0.1)


def test_zero_and_one_are_exact_inputs():
    for value in (0.0, -0.0, 1.0, -1.0):
        assert running(value).bound == 0
    assert running(0.75).bound == 0.5
    assert running(-5.0, "float32").bound == 4.0
    assert (1 - running(1.0)).bound == 0


def test_cancellation_is_charged():
    near = running(1.0 - 2.0**-30)
    difference = 1 - near
    assert difference.error / difference.value > 2**28 * EPS["float64"]


def test_a_root_of_nothing_but_error_is_the_root_of_the_error():
    noise = running(0.75) - running(0.75)
    assert noise.value == 0
    assert_close(float(noise.sqrt().error), math.sqrt(float(noise.error)))


def test_what_the_inputs_do_not_determine_has_no_bound():
    nothing = running(0.75) - running(0.75)
    for lost in (1 / nothing, nothing.log(), (nothing - 1).log1p(), nothing**-2):
        assert lost.bound == mpmath.inf
    exact_zero = running(0.0)
    assert (1 / exact_zero).value == mpmath.inf
    assert (1 / exact_zero).bound == 0
    assert exact_zero.log().value == -mpmath.inf
    assert exact_zero.log().bound == 0


@given(x=plain, y=plain)
def test_the_smaller_and_the_larger_take_the_error_of_the_one_chosen(x, y):
    assume(abs(x - y) > 1e-9)
    a, b = running(x), running(y)
    small, large = (a, b) if x < y else (b, a)
    for found, one in ((a.minimum(b), small), (a.maximum(b), large)):
        assert found.value == one.value
        assert_close(float(found.bound), float(one.bound), units=1e6)


def test_near_a_tie_either_may_be_chosen():
    coarse, fine = (
        running(2.0) * 1e6 / 1e6,
        Running(mpmath.mpf(2), mpmath.mpf(0), FORMATS["float64"]),
    )
    assert coarse.minimum(fine).bound == coarse.bound
    assert coarse.maximum(fine).bound == coarse.bound
    with pytest.raises(TypeError, match="'two'"):
        coarse.minimum("two")


@given(x=st.floats(-30, 30))
def test_the_logarithm_of_the_normal_integral_in_both_tails(x):
    found = running(x).log_ndtr()
    with mpmath.workdps(400):
        assert abs(found.value / mpmath.log(mpmath.ncdf(x)) - 1) < mpmath.mpf(10) ** -20


def test_underflow_is_charged_absolutely():
    tiny = running(2.0**-140, "float32") * running(2.0**-5, "float32")
    assert tiny.error >= 2.0**-149


@given(x=signed)
def test_order_is_that_of_the_values(x):
    a = running(x)
    assert (a < 1) == (x < 1)
    assert a <= running(x)
    assert a >= x
    assert (a > np.float64(0)) == (x > 0)
    assert a == x
    assert float(a) == x
    assert int(a) == int(x)
    assert +a is a


def test_foreign_operands_are_left_to_the_other_side():
    for operation in (
        lambda a: a + "x",
        lambda a: a - None,
        lambda a: [] - a,
        lambda a: a / "x",
        lambda a: None / a,
        lambda a: a ** "x",
        lambda a: "x" ** a,
    ):
        with pytest.raises(TypeError):
            operation(running(2.0))


def test_the_namespace_takes_running_numbers():
    x = running(0.3)
    for name in ("sqrt", "exp", "log", "log1p", "expm1", "sin", "cos", "log_ndtr"):
        assert getattr(ns, name)(x).value == getattr(x, name)().value
    assert ns.minimum(1.0, x).value == ns.minimum(x, 1.0).value == x.value
    assert ns.maximum(0.0, x).value == ns.maximum(x, 0.0).value == x.value
    assert ns.divide(1.0, x).value == 1 / x.value
    assert ns.divide(x, 1.0).value == x.value
    assert (2.0**x).value == mpmath.mpf(2) ** x.value


FORMULAS = {
    "polynomial": lambda x, y: (x - y) * (x + y) + x * y * 3,
    "ratio": lambda x, y: (1 + x) / (1 + y) - x / y,
    "roots": lambda x, y: ns.sqrt(x + y) - ns.sqrt(x),
    "logs": lambda x, y: ns.log(x / y) + ns.log1p(x * y),
    "exponentials": lambda x, y: ns.expm1(x / 20) * ns.exp(-y / 20),
    "waves": lambda x, y: ns.sin(x) * ns.cos(y) - ns.sin(x - y),
    "powers": lambda x, y: x**3 - y**2 + x**0.75,
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", list(FORMULAS))
@given(x=st.floats(0.0625, 20.0, width=32), y=st.floats(0.0625, 20.0, width=32))
def test_the_bound_bounds_what_floating_point_does(name, dtype, x, y):
    formula = FORMULAS[name]
    found = formula(running(x, dtype), running(y, dtype))
    kind = np.dtype(dtype).type
    actual = formula(kind(x), kind(y))
    assert str(np.asarray(actual).dtype) == dtype
    assert abs(mpmath.mpf(float(actual)) - found.value) <= found.error


@given(x=plain, y=plain)
def test_the_value_is_exact(x, y):
    found = FORMULAS["polynomial"](running(x), running(y)).value
    a, b = Fraction(x), Fraction(y)
    exact = (a - b) * (a + b) + a * b * 3
    assert abs(found - mpmath.mpf(exact.numerator) / exact.denominator) < mpmath.mpf(10) ** -50
