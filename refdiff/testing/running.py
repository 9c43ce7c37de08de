"""Numbers that carry their own rounding error: running error analysis.

A `Running` number is an exact value (60 digits and more) with a bound on the error that the same
computation makes in a floating-point dtype. The bound is absolute, in units of the dtype's
epsilon. Each operation z = f(x, y) sets::

    bound_z = |df/dx| bound_x + |df/dy| bound_y + |z|,

so that after any formula the bound holds the rounding of every intermediate, amplified by all
that comes after it, and the effect of changing each input by one unit in the last place. Where a
derivative is not enough (a square root or a logarithm near 0, a difference that may change its
sign) the function is evaluated at the ends of the error interval instead.

A function of `refdiff.equations` accepts these numbers unchanged, since it is written with
operators and with `refdiff._namespace`, which calls the methods ``x.sqrt()``, ``x.exp()`` ...
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import mpmath
import numpy as np

from refdiff._namespace_phi import mpmath_phi
from refdiff.testing.closeness import EPS

__all__ = ["FORMATS", "Format", "Running", "running"]

_Exact: TypeAlias = Any  # mpmath has no types
_INF = mpmath.inf
_POOR_FUNCTION = 4  # units in the last place that log_ndtr and phi may lose
_SINGLE_EXP = 3  # likewise exp in float32: NumPy states 2.52 for its vectorized one


@dataclass(frozen=True)
class Format:
    """A floating-point format: its epsilon and its smallest normal number."""

    eps: float
    smallest_normal: float

    def rounding(self, value: _Exact) -> _Exact:
        """Return the error of rounding `value`, in units of epsilon; gradual underflow included."""
        return max(abs(value), self.smallest_normal) if value else mpmath.mpf(0)

    def last_place(self, value: _Exact) -> _Exact:
        """Return the unit in the last place of `value`, in units of epsilon."""
        if not value:
            return mpmath.mpf(0)
        power = mpmath.ldexp(mpmath.mpf(1), int(mpmath.frexp(abs(value))[1]) - 1)
        return max(power, mpmath.mpf(self.smallest_normal))

    def represents(self, value: float) -> bool:
        """Say whether a constant of the source survives the conversion to this format."""
        scaled = np.ldexp(value, -int(np.frexp(value)[1])) * (2.0 / self.eps)
        return bool(scaled == np.rint(scaled))


FORMATS: dict[str, Format] = {
    "float64": Format(EPS["float64"], 2.0**-1022),
    "float32": Format(EPS["float32"], 2.0**-126),
    "float16": Format(EPS["float16"], 2.0**-14),
    "bfloat16": Format(EPS["bfloat16"], 2.0**-126),
}
"""The formats by the names of their dtypes."""


@dataclass(frozen=True, eq=False)
class Running:
    """An exact value and a bound on its floating-point error.

    Parameters
    ----------
    value : mpmath.mpf
        The exact value.
    bound : mpmath.mpf
        Bound on the absolute error, in units of ``form.eps``.
    form : Format
        The floating-point format that the bound is for.

    Examples
    --------
    >>> x = running(0.75)
    >>> float((x - running(0.5)).bound)  # one ulp of each input, one rounding of the result
    1.25
    """

    value: _Exact
    bound: _Exact
    form: Format

    @property
    def error(self) -> _Exact:
        """Bound on the absolute error."""
        return self.bound * self.form.eps

    # ------------------------------------------------------------------ arithmetic

    def _lift(self, other: Any) -> Running | None:
        if isinstance(other, Running):
            return other
        if isinstance(other, (int, np.integer)):
            return Running(mpmath.mpf(int(other)), mpmath.mpf(0), self.form)
        if isinstance(other, (float, np.floating)):
            exact = mpmath.mpf(float(other))
            known = self.form.represents(float(other))
            return Running(exact, mpmath.mpf(0) if known else abs(exact), self.form)
        if isinstance(other, mpmath.mpf):
            return Running(other, abs(other), self.form)
        return None

    def _result(self, value: _Exact, inherited: _Exact) -> Running:
        return Running(value, inherited + self.form.rounding(value), self.form)

    def __add__(self, other: Any) -> Any:
        y = self._lift(other)
        return NotImplemented if y is None else _add(self, y)

    def __sub__(self, other: Any) -> Any:
        y = self._lift(other)
        return NotImplemented if y is None else _add(self, -y)

    def __rsub__(self, other: Any) -> Any:
        y = self._lift(other)
        return NotImplemented if y is None else _add(y, -self)

    def __mul__(self, other: Any) -> Any:
        y = self._lift(other)
        return NotImplemented if y is None else _multiply(self, y)

    def __truediv__(self, other: Any) -> Any:
        y = self._lift(other)
        return NotImplemented if y is None else _divide(self, y)

    def __rtruediv__(self, other: Any) -> Any:
        y = self._lift(other)
        return NotImplemented if y is None else _divide(y, self)

    __radd__ = __add__
    __rmul__ = __mul__

    def __neg__(self) -> Running:
        return Running(-self.value, self.bound, self.form)

    def __pos__(self) -> Running:
        return self

    def __abs__(self) -> Running:
        return Running(abs(self.value), self.bound, self.form)

    def __pow__(self, exponent: Any) -> Any:
        if isinstance(exponent, (int, np.integer)):
            n = int(exponent)
            if n < 0 and abs(self.value) <= self.error:  # it may be zero
                return 1 / self**-n
            return self._through(lambda x: x**n)
        y = self._lift(exponent)
        return NotImplemented if y is None else _power(self, y)

    def __rpow__(self, base: Any) -> Any:
        x = self._lift(base)
        return NotImplemented if x is None else _power(x, self)

    # ------------------------------------------------------------------ order: of the exact values

    def __lt__(self, other: Any) -> bool:
        return bool(self.value < _exact(other))

    def __le__(self, other: Any) -> bool:
        return bool(self.value <= _exact(other))

    def __gt__(self, other: Any) -> bool:
        return bool(self.value > _exact(other))

    def __ge__(self, other: Any) -> bool:
        return bool(self.value >= _exact(other))

    def __eq__(self, other: object) -> bool:
        return bool(self.value == _exact(other))

    __hash__ = None  # type: ignore[assignment]  # equal to numbers of other types, so no hash

    def __float__(self) -> float:
        return float(self.value)

    def __int__(self) -> int:
        return int(self.value)

    def minimum(self, other: Any) -> Running:
        """Return the smaller one; near a tie the error of either counts."""
        return self._pick(other, min)

    def maximum(self, other: Any) -> Running:
        """Return the larger one; near a tie the error of either counts."""
        return self._pick(other, max)

    def _pick(self, other: Any, choose: Callable[..., Any]) -> Running:
        y = self._lift(other)
        if y is None:
            raise TypeError(f"expected a number, got a {type(other).__name__}: {other!r}")
        value = choose(self.value, y.value)
        low = choose(self.value - self.error, y.value - y.error)
        high = choose(self.value + self.error, y.value + y.error)
        return Running(value, max(high - value, value - low) / self.form.eps, self.form)

    # ------------------------------------------------------------------ functions

    def _through(
        self,
        function: Callable[[_Exact], _Exact],
        *,
        low: _Exact = -_INF,
        pole: bool = False,
        ulps: int = 1,
    ) -> Running:
        """Apply a function that is monotone near the value.

        Below `low` it is not defined: there its error interval ends, or, at a pole, is unbounded.
        """
        value = function(self.value)
        if mpmath.isinf(value) or mpmath.isnan(value):
            return Running(value, mpmath.mpf(0) if not self.bound else _INF, self.form)
        if not self.bound:
            return self._result(value, (ulps - 1) * abs(value))
        left, right = self.value - self.error, self.value + self.error
        if left <= low and pole:
            return Running(value, _INF, self.form)
        ends = (function(max(left, low)), function(right))
        spread = max(abs(end - value) for end in ends) / self.form.eps
        return self._result(value, spread + (ulps - 1) * abs(value))

    def sqrt(self) -> Running:
        """Return the square root."""
        return self._through(mpmath.sqrt, low=mpmath.mpf(0))

    def exp(self) -> Running:
        """Return e to this power."""
        return self._through(mpmath.exp, ulps=_SINGLE_EXP if self.form == FORMATS["float32"] else 1)

    def expm1(self) -> Running:
        """Return e to this power, minus one."""
        return self._through(mpmath.expm1)

    def log(self) -> Running:
        """Return the natural logarithm; minus infinity at 0."""
        return self._through(lambda x: mpmath.log(x) if x else -_INF, low=mpmath.mpf(0), pole=True)

    def log1p(self) -> Running:
        """Return the natural logarithm of one plus this; minus infinity at -1."""
        return self._through(
            lambda x: mpmath.log1p(x) if x != -1 else -_INF, low=mpmath.mpf(-1), pole=True
        )

    def log_ndtr(self) -> Running:
        """Return the logarithm of the standard normal distribution function."""
        return self._through(_log_ndtr, ulps=_POOR_FUNCTION)

    def phi(self, order: int) -> Running:
        """Return phi_k of this, for the order k."""
        return self._through(lambda x: mpmath_phi(x, order), ulps=_POOR_FUNCTION)

    def sin(self) -> Running:
        """Return the sine."""
        return self._through(mpmath.sin)

    def cos(self) -> Running:
        """Return the cosine."""
        return self._through(mpmath.cos)

    def arctan(self) -> Running:
        """Return the angle with this tangent."""
        return self._through(mpmath.atan)

    def tanh(self) -> Running:
        """Return the hyperbolic tangent."""
        return self._through(mpmath.tanh)


def running(value: Any, dtype: str = "float64") -> Running:
    """Make an input: a number that the dtype holds, which may be off by one unit in the last place.

    Parameters
    ----------
    value : float or mpmath.mpf
        The number.
    dtype : str
        A key of `FORMATS`.

    Returns
    -------
    Running
        With one unit in the last place as bound; 0, 1 and -1 are taken as exact, with the bound
        0: they stand for clean data, pure noise and the ends of a range, set and not measured.
    """
    exact = mpmath.mpf(value)
    form = FORMATS[dtype]
    bound = mpmath.mpf(0) if exact in (0, 1, -1) else form.last_place(exact)
    return Running(exact, bound, form)


def _exact(other: Any) -> Any:
    if isinstance(other, Running):
        return other.value
    return float(other) if isinstance(other, (np.floating, np.integer)) else other


def _add(x: Running, y: Running) -> Running:
    value = x.value + y.value
    if not x.value or not y.value:  # adding zero rounds nothing
        return Running(value, x.bound + y.bound, x.form)
    return x._result(value, x.bound + y.bound)


def _multiply(x: Running, y: Running) -> Running:
    inherited = abs(y.value) * x.bound + abs(x.value) * y.bound + x.bound * y.error
    return x._result(x.value * y.value, inherited)


def _divide(x: Running, y: Running) -> Running:
    if not y.value:
        value = mpmath.sign(x.value) * _INF if x.value else mpmath.nan
        return Running(value, mpmath.mpf(0) if not y.bound else _INF, x.form)
    value = x.value / y.value
    nearest = abs(y.value) - y.error  # the smallest divisor that the error allows
    if nearest <= 0:
        return Running(value, _INF, x.form)
    return x._result(value, (x.bound + abs(value) * y.bound) / nearest)


def _power(x: Running, y: Running) -> Running:
    """Return x**y for x >= 0; monotone in both, so the corners of the error box bound it."""
    value = x.value**y.value
    bases = (max(x.value - x.error, mpmath.mpf(0)), x.value + x.error)
    exponents = (y.value - y.error, y.value + y.error)
    if not bases[0] and exponents[0] < 0 and x.bound:
        return Running(value, _INF, x.form)
    corners = [base**exponent for base in bases for exponent in exponents]
    return x._result(value, max(abs(corner - value) for corner in corners) / x.form.eps)


def _log_ndtr(x: _Exact) -> _Exact:
    # On the right Phi is so near 1 that its distance from 1 must be formed first.
    return mpmath.log1p(-mpmath.ncdf(-x)) if x > 0 else mpmath.log(mpmath.ncdf(x))
