"""Affine values: how a sampler treats Gaussian data, without any draw.

A `Basis` is a growing list of independent standard-normal vectors z_1, z_2, ..., each with a name
("x_T", "noise 1000->999", ...). An `AffineMap` is a random vector

    x = offset + sum_k C_k z_k

over one basis. It has the arithmetic that an array has, as far as it is affine: sums, differences,
multiplication and division by known numbers, and `apply` for matrices. A sampler that runs on it in
place of x_T never knows the difference, and what comes out holds the exact law of the sampler's
output. Products of two such values, absolute values, comparisons and clips are refused.

The coefficients C of all vectors lie side by side in one (d, n) array that covers a contiguous
range of the basis: a fresh noise holds its own d columns only, and a running state grows by d
columns when a noise is added to it.
"""

from __future__ import annotations

from typing import ClassVar, NoReturn

import numpy as np
from numpy.typing import ArrayLike

from refdiff.closed_form import _arguments
from refdiff.closed_form._arguments import Array
from refdiff.closed_form.gaussian import Gaussian
from refdiff.closed_form.moments import Moments

__all__ = ["AffineMap", "Basis"]


class Basis:
    """A growing list of named, independent, standard-normal vectors."""

    def __init__(self) -> None:
        self._columns: dict[str, slice] = {}
        self._size = 0

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the vectors, in the order in which they were made."""
        return tuple(self._columns)

    def columns(self, name: str) -> slice:
        """Return the columns of a vector by name; a `ValueError` where there is none."""
        if name not in self._columns:
            raise ValueError(f"name={name!r} must be one of the vectors {list(self._columns)!r}")
        return self._columns[name]

    def vector(
        self, name: str, dimension: int, *, mean: ArrayLike = 0.0, covariance: ArrayLike = 1.0
    ) -> AffineMap:
        """Return a new random vector N(mean, covariance), independent of all others so far.

        Parameters
        ----------
        name : str
            Where taken already, " (2)", " (3)" ... is appended.
        dimension : int
            Its number d of elements, at least 1.
        mean : array_like
            A number or (d,).
        covariance : array_like
            A number, (d,) or (d, d).

        Returns
        -------
        AffineMap
            mean + covariance^(1/2) z for the new standard-normal z.
        """
        if dimension < 1:
            raise ValueError(f"dimension={dimension!r} must be at least 1")
        center = np.broadcast_to(_arguments.real_array("mean", mean), (dimension,))
        law = Gaussian(center, covariance)
        unique, repeat = name, 1
        while unique in self._columns:
            repeat += 1
            unique = f"{name} ({repeat})"
        start = self._size
        self._size += dimension
        self._columns[unique] = slice(start, self._size)
        return AffineMap(self, center.copy(), law.dense(np.sqrt(law.eigenvalues)), start)


def _refuse(operation: str) -> NoReturn:
    raise TypeError(
        f"{operation} of an AffineMap: clipping, thresholding and rescaling are not affine, so no "
        "exact moments follow; run the sampler without them, or on arrays"
    )


class AffineMap:
    """A random vector that is affine in the vectors of a `Basis`; made by `Basis.vector`.

    Parameters
    ----------
    basis : Basis
        The independent vectors.
    offset : ndarray, shape (d,)
        The mean.
    coefficients : ndarray, shape (d, n)
        Columns start, ..., start + n - 1 of the linear part; all others are zero.
    start : int
        The first column.
    """

    # NumPy scalars and arrays on the left then leave the operation to this class.
    __array_ufunc__: ClassVar[None] = None
    ndim: ClassVar[int] = 1

    def __init__(self, basis: Basis, offset: Array, coefficients: Array, start: int) -> None:
        self._basis, self._offset = basis, offset
        self._coefficients, self._start = coefficients, start

    def __repr__(self) -> str:
        return f"AffineMap(dimension={self.dimension}, vectors={len(self._basis.names)})"

    # What it is.

    @property
    def basis(self) -> Basis:
        """The independent vectors it is made of."""
        return self._basis

    @property
    def offset(self) -> Array:
        """The mean, shape (d,)."""
        return self._offset.copy()

    @property
    def dimension(self) -> int:
        """The number d of elements."""
        return self._offset.size

    @property
    def shape(self) -> tuple[int, ...]:
        """(d,), as an array of one value would have."""
        return self._offset.shape

    @property
    def _stop(self) -> int:
        return self._start + int(self._coefficients.shape[1])

    def coefficient(self, name: str) -> Array:
        """Return the (d, k) matrix in front of the named vector; zeros where it does not occur."""
        columns = self._basis.columns(name)
        return self._widened(columns.start, columns.stop)[:, max(columns.start - self._start, 0) :][
            :, : columns.stop - columns.start
        ]

    def _widened(self, start: int, stop: int) -> Array:
        """The coefficients on a range that covers the present one and [start, stop)."""
        low, high = min(start, self._start), max(stop, self._stop)
        wide = np.zeros((self.dimension, high - low))
        wide[:, self._start - low : self._stop - low] = self._coefficients
        return wide

    def covariance(self, other: AffineMap | None = None) -> Array:
        """Return Cov(self, other), shape (d, d'); the covariance of self without an argument."""
        if other is None:
            return np.asarray(self._coefficients @ self._coefficients.T)
        self._require_same_basis(other)
        low, high = max(self._start, other._start), min(self._stop, other._stop)
        if low >= high:
            return np.zeros((self.dimension, other.dimension))
        mine = self._coefficients[:, low - self._start : high - self._start]
        theirs = other._coefficients[:, low - other._start : high - other._start]
        return np.asarray(mine @ theirs.T)

    def moments(self) -> Moments:
        """Return the exact mean (d,) and covariance (d, d)."""
        return Moments(self.offset, self.covariance())

    # Arithmetic.

    def apply(self, matrix: ArrayLike, offset: ArrayLike = 0.0) -> AffineMap:
        """Return matrix x + offset.

        Parameters
        ----------
        matrix : array_like
            A number, one factor for each element (d,), or a matrix (d', d).
        offset : array_like
            A number or (d',).

        Returns
        -------
        AffineMap
            The transformed vector.

        Raises
        ------
        ValueError
            If the matrix does not fit.
        """
        linear = np.asarray(matrix, dtype=np.float64)
        if linear.ndim < 2:
            return self * linear + offset
        if linear.ndim > 2 or linear.shape[1] != self.dimension:
            raise ValueError(
                f"matrix of shape {linear.shape} must be a number, ({self.dimension},) or "
                f"(d', {self.dimension})"
            )
        moved = AffineMap(
            self._basis, linear @ self._offset, linear @ self._coefficients, self._start
        )
        return moved + offset

    def _known(self, value: object, operation: str) -> Array:
        """Return a known number or vector of factors as an array of shape () or (d,)."""
        if isinstance(value, AffineMap):
            _refuse(operation)
        try:
            array = np.asarray(value, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise TypeError(
                f"{operation} of an AffineMap takes numbers, not {type(value).__name__}"
            ) from error
        if array.size == 1:
            return array.reshape(())
        if array.shape != self.shape:
            raise TypeError(
                f"{operation} of an AffineMap with an array of shape {array.shape}: it must be a "
                f"number or have the shape {self.shape}"
            )
        return array

    def _require_same_basis(self, other: AffineMap) -> None:
        if other._basis is not self._basis:
            raise TypeError(
                "the two AffineMaps must share one Basis; else their dependence is unknown"
            )

    def _scaled(self, factor: Array) -> AffineMap:
        linear = self._coefficients * (factor[:, None] if factor.ndim else factor)
        return AffineMap(self._basis, self._offset * factor, linear, self._start)

    def _combined(self, other: object, sign: float) -> AffineMap:
        """Self + sign * other."""
        if not isinstance(other, AffineMap):
            moved = self._offset + sign * self._known(other, "a sum")
            return AffineMap(self._basis, moved, self._coefficients, self._start)
        self._require_same_basis(other)
        if other.dimension != self.dimension:
            raise TypeError(
                f"a sum of AffineMaps of dimensions {self.dimension} and {other.dimension}: they "
                "must be equal"
            )
        linear = self._widened(other._start, other._stop)
        begin = other._start - min(self._start, other._start)
        linear[:, begin : begin + other._coefficients.shape[1]] += sign * other._coefficients
        start = min(self._start, other._start)
        return AffineMap(self._basis, self._offset + sign * other._offset, linear, start)

    def __add__(self, other: object) -> AffineMap:
        return self._combined(other, 1.0)

    __radd__ = __add__

    def __sub__(self, other: object) -> AffineMap:
        return self._combined(other, -1.0)

    def __rsub__(self, other: object) -> AffineMap:
        return -self + other

    def __mul__(self, other: object) -> AffineMap:
        return self._scaled(self._known(other, "a product"))

    __rmul__ = __mul__

    def __truediv__(self, other: object) -> AffineMap:
        return self._scaled(1.0 / self._known(other, "a quotient"))

    def __neg__(self) -> AffineMap:
        return self._scaled(np.float64(-1.0) * np.ones(()))

    def __pos__(self) -> AffineMap:
        return self

    # What is not affine.

    def __rtruediv__(self, other: object) -> NoReturn:
        _refuse("a quotient by")

    def __pow__(self, other: object) -> NoReturn:
        _refuse("a power")

    def __abs__(self) -> NoReturn:
        _refuse("the absolute value")

    def __lt__(self, other: object) -> NoReturn:
        _refuse("a comparison")

    __le__ = __gt__ = __ge__ = __lt__

    def __bool__(self) -> NoReturn:
        _refuse("the truth value")

    def __float__(self) -> NoReturn:
        _refuse("the numerical value")

    def __array__(self, dtype: object = None, copy: object = None) -> NoReturn:
        _refuse("the array form")
