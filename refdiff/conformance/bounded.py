"""Arrays that carry a bound on their rounding error: the tolerance of every comparison.

A `Bounded` array holds the value of the reference, in extended precision, and for each element a
bound on the error that the same computation makes in the target's dtype: its own roundings, all
that they are amplified by later, and the effect of changing each input by one unit in the last
place. It is the running error analysis of `refdiff.testing.running` for arrays, fast enough for
whole sampling loops.

Functions of `refdiff.equations` and the variants take these arrays unchanged: they are written
with operators and with `refdiff._namespace`, which calls ``x.sqrt()``, ``x.minimum(y)`` ...
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from refdiff._namespace_phi import array_phi
from refdiff.testing import EPS

__all__ = ["Bounded", "Truth", "bounded"]

_Wide = np.longdouble
# Where long double is no wider than double, the reference rounds as much as the target does.
_OWN_EPS = float(np.finfo(_Wide).eps)
_SMALLEST = {
    "float64": 2.0**-1022,
    "float32": 2.0**-126,
    "bfloat16": 2.0**-126,
    "float16": 2.0**-14,
}


@dataclass(frozen=True, eq=False)
class Truth:
    """The elementwise result of comparing values, for `refdiff._namespace.where`.

    Parameters
    ----------
    holds : numpy.ndarray
        bool.
    """

    holds: np.ndarray

    def __bool__(self) -> bool:
        return bool(self.holds)

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return np.array(self.holds, dtype=dtype)

    def __and__(self, other: Any) -> Truth:
        return Truth(self.holds & np.asarray(other))

    def __or__(self, other: Any) -> Truth:
        return Truth(self.holds | np.asarray(other))

    def __invert__(self) -> Truth:
        return Truth(~self.holds)

    __rand__ = __and__
    __ror__ = __or__

    def where(self, a: Any, b: Any) -> Any:
        """Return `a` where it holds and `b` elsewhere."""
        if isinstance(a, Bounded):
            return a.where(self, b)
        if isinstance(b, Bounded):
            return b.where(~self, a)
        return np.where(self.holds, a, b)


@dataclass(frozen=True, eq=False)
class Bounded:
    """Values with a bound on the absolute error that a dtype makes in each.

    Parameters
    ----------
    value : numpy.ndarray
        Values, long double.
    error : numpy.ndarray
        Bound on the absolute error, float64, same shape.
    dtype : str
        The target's dtype, a key of `refdiff.testing.EPS`.
    """

    value: np.ndarray
    error: np.ndarray
    dtype: str

    # ------------------------------------------------------------------ shape

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the values."""
        return self.value.shape

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self.value.ndim

    def __len__(self) -> int:
        return len(self.value)

    def __getitem__(self, index: Any) -> Bounded:
        return Bounded(np.asarray(self.value[index]), np.asarray(self.error[index]), self.dtype)

    def reshape(self, *shape: Any) -> Bounded:
        """Return the same numbers in another shape."""
        return Bounded(self.value.reshape(*shape), self.error.reshape(*shape), self.dtype)

    def _new(self, value: Any, inherited: Any) -> Bounded:
        value = np.asarray(value, dtype=_Wide)
        with np.errstate(all="ignore"):
            size = np.abs(value).astype(np.float64)
            rounding = np.where(size > 0, np.maximum(size, _SMALLEST[self.dtype]), 0.0)
            error = np.asarray(inherited + (EPS[self.dtype] + _OWN_EPS) * rounding, np.float64)
        if error.shape != value.shape:
            error = np.broadcast_to(error, value.shape)
        return Bounded(value, error, self.dtype)

    def _lift(self, other: Any) -> Bounded | None:
        if isinstance(other, Bounded):
            return other
        if isinstance(other, (int, float, np.ndarray, np.generic)):
            value = np.asarray(other, dtype=_Wide)
            return Bounded(value, _conversion(value, self.dtype), self.dtype)
        return None

    # ------------------------------------------------------------------ arithmetic

    # NumPy leaves the operators between one of its arrays and one of these to this class.
    __array_ufunc__ = None

    def __add__(self, other: Any) -> Any:
        y = self._lift(other)
        if y is None:
            return NotImplemented
        value = self.value + y.value
        inherited = self.error + y.error
        total = self._new(value, inherited)
        exact = (self.value == 0) | (y.value == 0)  # adding zero rounds nothing
        return Bounded(total.value, np.where(exact, inherited, total.error), self.dtype)

    def __sub__(self, other: Any) -> Any:
        y = self._lift(other)
        return NotImplemented if y is None else self + (-y)

    def __rsub__(self, other: Any) -> Any:
        y = self._lift(other)
        return NotImplemented if y is None else y + (-self)

    def __mul__(self, other: Any) -> Any:
        y = self._lift(other)
        if y is None:
            return NotImplemented
        with np.errstate(all="ignore"):
            inherited = _product(np.abs(y.value), self.error) + _product(
                np.abs(self.value), y.error
            )
            return self._new(self.value * y.value, inherited + self.error * y.error)

    def __truediv__(self, other: Any) -> Any:
        y = self._lift(other)
        return NotImplemented if y is None else _divide(self, y)

    def __rtruediv__(self, other: Any) -> Any:
        y = self._lift(other)
        return NotImplemented if y is None else _divide(y, self)

    __radd__ = __add__
    __rmul__ = __mul__

    def __neg__(self) -> Bounded:
        return Bounded(-self.value, self.error, self.dtype)

    def __abs__(self) -> Bounded:
        return Bounded(np.abs(self.value), self.error, self.dtype)

    def __pow__(self, exponent: Any) -> Any:
        if isinstance(exponent, Bounded):
            power = (self.log() * exponent).exp()
            # An exact 0 stays one under any positive power, whose rounding does not matter.
            zero = (self.value == 0) & (self.error == 0) & (exponent.value > 0)
            return Bounded(
                np.where(zero, 0, power.value), np.where(zero, 0.0, power.error), self.dtype
            )
        return self._through(lambda x: x**exponent)

    def __rpow__(self, base: Any) -> Any:
        y = self._lift(base)
        return NotImplemented if y is None else y**self

    def __int__(self) -> int:
        return int(self.value)

    # ------------------------------------------------------------------ order: of the values

    def __lt__(self, other: Any) -> Truth:
        return Truth(self.value < _value(other))

    def __le__(self, other: Any) -> Truth:
        return Truth(self.value <= _value(other))

    def __gt__(self, other: Any) -> Truth:
        return Truth(self.value > _value(other))

    def __ge__(self, other: Any) -> Truth:
        return Truth(self.value >= _value(other))

    def minimum(self, other: Any) -> Bounded:
        """Return the smaller ones; near a tie the error of either counts."""
        return self._pick(other, np.minimum)

    def maximum(self, other: Any) -> Bounded:
        """Return the larger ones; near a tie the error of either counts."""
        return self._pick(other, np.maximum)

    def _pick(self, other: Any, choose: Callable[..., Any]) -> Bounded:
        y = self._lift(other)
        assert y is not None
        value = choose(self.value, y.value)
        low = choose(self.value - self.error, y.value - y.error)
        high = choose(self.value + self.error, y.value + y.error)
        error = np.maximum(high - value, value - low).astype(np.float64)
        return Bounded(value, error, self.dtype)

    def where(self, condition: Any, other: Any) -> Bounded:
        """Return this where the condition holds, the other elsewhere."""
        y = self._lift(other)
        assert y is not None
        holds = np.asarray(condition)
        value = np.where(holds, self.value, y.value)
        return Bounded(value, np.where(holds, self.error, y.error), self.dtype)

    def sort_last(self) -> Bounded:
        """Return the same numbers in ascending order along the last axis."""
        order = np.argsort(self.value, axis=-1)
        value = np.take_along_axis(self.value, order, axis=-1)
        return Bounded(value, np.take_along_axis(self.error, order, axis=-1), self.dtype)

    # ------------------------------------------------------------------ functions

    def _through(self, function: Callable[[Any], Any], *, low: float = -np.inf) -> Bounded:
        """Apply a function that is monotone near the values and not defined below `low`."""
        with np.errstate(all="ignore"):
            value = np.asarray(function(self.value), dtype=_Wide)
            left = np.maximum(self.value - self.error, _Wide(low))
            ends = (function(left), function(self.value + self.error))
            spread = np.maximum(np.abs(ends[0] - value), np.abs(ends[1] - value))
            # The same infinity at both ends is no error; an end outside the domain is any error.
            spread = np.where((ends[0] == value) & (ends[1] == value), 0.0, spread)
            spread = np.where(np.isnan(spread), np.inf, spread).astype(np.float64)
        return self._new(value, spread)

    def sqrt(self) -> Bounded:
        """Return the square root."""
        return self._through(np.sqrt, low=0.0)

    def exp(self) -> Bounded:
        """Return e to this power."""
        return self._through(np.exp)

    def expm1(self) -> Bounded:
        """Return e to this power, minus one."""
        return self._through(np.expm1)

    def log(self) -> Bounded:
        """Return the natural logarithm; minus infinity at 0."""
        return self._through(np.log, low=0.0)

    def log1p(self) -> Bounded:
        """Return the natural logarithm of one plus this; minus infinity at -1."""
        return self._through(np.log1p, low=-1.0)

    def phi(self, order: int) -> Bounded:
        """Return phi_k of this, for the order k."""
        found = self._through(lambda x: array_phi(x, order, np.expm1, np.where))
        few_ulps = 4 * EPS[self.dtype] * np.abs(found.value).astype(np.float64)
        return Bounded(found.value, found.error + few_ulps, self.dtype)

    def sin(self) -> Bounded:
        """Return the sine."""
        return self._through(np.sin)

    def cos(self) -> Bounded:
        """Return the cosine."""
        return self._through(np.cos)

    def tanh(self) -> Bounded:
        """Return the hyperbolic tangent."""
        return self._through(np.tanh)

    def log_ndtr(self) -> Bounded:
        """Return the logarithm of the standard normal distribution function."""
        from scipy.special import log_ndtr

        found = self._through(lambda x: log_ndtr(np.asarray(x, np.float64)).astype(_Wide))
        few_ulps = 8 * EPS["float64"] * np.abs(found.value).astype(np.float64)
        return Bounded(found.value, found.error + few_ulps, self.dtype)

    def sum(self, axis: Any = None, *, keepdims: bool = False) -> Bounded:
        """Return the sum; the error holds for any order of summation."""
        value = self.value.sum(axis=axis, keepdims=keepdims)
        count = self.value.size // max(value.size, 1)
        sizes = np.abs(self.value).sum(axis=axis, keepdims=keepdims).astype(np.float64)
        inherited = self.error.sum(axis=axis, keepdims=keepdims)
        return self._new(value, inherited + max(count - 1, 0) * EPS[self.dtype] * sizes)

    def mean(self, axis: Any = None, *, keepdims: bool = False) -> Bounded:
        """Return the mean; the error holds for any order of summation."""
        total = self.sum(axis=axis, keepdims=keepdims)
        return total / (self.value.size // max(total.value.size, 1))

    def cumprod(self) -> Bounded:
        """Return the cumulative product along the only axis."""
        value = np.cumprod(self.value)
        with np.errstate(all="ignore"):
            relative = np.cumsum(np.where(self.value == 0, 0.0, self.error / np.abs(self.value)))
        return self._new(
            value,
            np.abs(value).astype(np.float64)
            * (relative.astype(np.float64) + EPS[self.dtype] * np.arange(len(value))),
        )


def bounded(value: Any, dtype: str = "float64", *, exact: bool = False) -> Bounded:
    """Make an input: numbers that the dtype holds, each maybe off by one unit in the last place.

    Parameters
    ----------
    value : array_like
        The numbers.
    dtype : str
        The target's dtype.
    exact : bool
        Take them as exact. 0, 1 and -1 always are: they are set and not measured.

    Returns
    -------
    Bounded
        The same numbers.

    Examples
    --------
    >>> x = bounded([0.5, 0.25]) + 1.0
    >>> [float(v) for v in x.value]
    [1.5, 1.25]
    """
    wide = np.asarray(value, dtype=_Wide)
    size = np.abs(wide).astype(np.float64)
    error = np.where((size == 0) | (size == 1), 0.0, EPS[dtype] * size)
    return Bounded(wide, np.zeros_like(error) if exact else error, dtype)


def _conversion(value: np.ndarray, dtype: str) -> np.ndarray:
    """Return the error of converting constants: none where the dtype holds them."""
    size = np.abs(value).astype(np.float64)
    digits = np.frexp(size)[0] * (2.0 / EPS[dtype])
    return np.where(digits == np.rint(digits), 0.0, EPS[dtype] * size)


def _value(other: Any) -> Any:
    return other.value if isinstance(other, Bounded) else other


def _product(size: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Return size times error, 0 where either is: an exact zero times infinity is no error."""
    size = size.astype(np.float64)
    return np.where((size == 0) | (error == 0), 0.0, size * error)


def _divide(x: Bounded, y: Bounded) -> Bounded:
    with np.errstate(all="ignore"):
        value = x.value / y.value
        # The smallest divisor that the error allows.
        nearest = (np.abs(y.value) - y.error).astype(np.float64)
        inherited = (x.error + _product(np.abs(value), y.error)) / nearest
        inherited = np.where((x.error == 0) & (y.error == 0), 0.0, inherited)
        inherited = np.where((nearest <= 0) & (y.error > 0), np.inf, inherited)
    return x._new(value, inherited)
