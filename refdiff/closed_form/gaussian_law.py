"""The algebra of one Gaussian law N(m, S), without any diffusion.

The mean m has any shape (the *event shape*); the covariance S is one of

* a number: variance of every element, all independent (0 makes a point mass);
* a vector of shape (d,): variances of d independent elements;
* a matrix of shape (d, d): symmetric and positive semi-definite.

The covariance is decomposed once. Every operator that diffusion needs is a function of S, so it is
held as one factor for each eigenvalue, and `scaled`, `operator`, `dense` and `total` turn such
factors into a product with points, a matrix in the form of S, a dense matrix, or a sum over
dimensions. Logarithms are natural (nats).
"""

from __future__ import annotations

import math
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from refdiff.closed_form import _arguments
from refdiff.closed_form._arguments import Array

__all__ = ["GaussianLaw"]


def _decomposed(covariance: Array) -> tuple[Array, Array]:
    """Eigenvalues (negative rounding set to 0) and eigenvectors of a covariance matrix."""
    if covariance.shape[0] != covariance.shape[1]:
        raise ValueError(f"covariance of shape {covariance.shape} must be a number, (d,) or (d, d)")
    rounding = covariance.shape[0] * np.finfo(np.float64).eps * np.max(np.abs(covariance))
    if np.max(np.abs(covariance - covariance.T)) > rounding:
        raise ValueError("covariance must be symmetric; pass (S + S.T) / 2 if it nearly is")
    eigenvalues, eigenvectors = np.linalg.eigh((covariance + covariance.T) / 2)
    if eigenvalues[0] < -4 * rounding:
        raise ValueError(
            f"covariance has the eigenvalue {float(eigenvalues[0])!r}, must be positive "
            "semi-definite; build it as B @ B.T"
        )
    return np.maximum(eigenvalues, 0.0), eigenvectors


class GaussianLaw:
    """N(mean, covariance) on a given event shape; used as its subclass `Gaussian`.

    Parameters
    ----------
    mean : array_like
        The mean; its shape is the event shape. A number is repeated to fit a vector or matrix
        `covariance`.
    covariance : array_like
        A variance >= 0, a (d,) vector of them, or a (d, d) positive semi-definite matrix.

    Raises
    ------
    ValueError
        If the shapes do not fit or the covariance is not one.
    """

    def __init__(self, mean: ArrayLike, covariance: ArrayLike) -> None:
        center, spread = (
            _arguments.real_array("mean", mean),
            _arguments.real_array("covariance", covariance),
        )
        if spread.ndim > 2 or (spread.ndim > 0 and spread.size == 0):
            raise ValueError(f"covariance of shape {spread.shape} must be a number, (d,) or (d, d)")
        if spread.ndim > 0:
            if center.shape not in ((), spread.shape[:1]):
                raise ValueError(
                    f"mean of shape {center.shape} must be a number or {spread.shape[:1]} to fit "
                    f"a covariance of shape {spread.shape}"
                )
            center = np.broadcast_to(center, spread.shape[:1]).copy()
        if spread.ndim == 2:
            eigenvalues, eigenvectors = _decomposed(spread)
            self._set(center, spread, eigenvalues, eigenvectors)
            return
        if np.any(spread < 0.0):
            raise ValueError(f"covariance={covariance!r} must be >= 0; was a log-variance passed?")
        self._set(center, spread, spread, None)

    def _set(
        self, mean: Array, covariance: Array, eigenvalues: Array, eigenvectors: Array | None
    ) -> None:
        self._mean, self._covariance = np.asarray(mean), np.asarray(covariance)
        self._eigenvalues, self._eigenvectors = np.asarray(eigenvalues), eigenvectors
        for array in (self._mean, self._covariance, self._eigenvalues):
            array.flags.writeable = False

    def __repr__(self) -> str:
        mean, covariance = self._mean.tolist(), self._covariance.tolist()
        return f"{type(self).__name__}(mean={mean!r}, covariance={covariance!r})"

    # What it is.

    @property
    def mean(self) -> Array:
        """The mean, of shape `event_shape` (read-only)."""
        return self._mean

    @property
    def covariance(self) -> Array:
        """The covariance as given: a number, (d,) or (d, d) (read-only)."""
        return self._covariance

    @property
    def eigenvalues(self) -> Array:
        """Eigenvalues of the covariance, in a shape that broadcasts to the event."""
        return self._eigenvalues

    @property
    def eigenvectors(self) -> Array | None:
        """Orthonormal eigenvectors (columns), or None where they are the axes."""
        return self._eigenvectors

    @property
    def event_shape(self) -> tuple[int, ...]:
        """Shape of one value."""
        return self._mean.shape

    @property
    def dimension(self) -> int:
        """Number of elements of one value."""
        return int(self._mean.size)

    def covariance_matrix(self) -> Array:
        """Return the covariance as a dense (d, d) matrix over the flattened event."""
        return self.dense(self._eigenvalues)

    def with_spectrum(self, mean: Array, eigenvalues: Array) -> Self:
        """Return the law with this one's eigenvectors, another mean and other eigenvalues."""
        other = object.__new__(type(self))
        other._set(np.array(mean), self.operator(eigenvalues), eigenvalues, self._eigenvectors)
        return other

    def scaled(self, factors: Array, x: Array) -> Array:
        """Return x with its component along each eigenvector multiplied by that one's factor."""
        if self._eigenvectors is None:
            return np.asarray(factors * x)
        return np.asarray(((x @ self._eigenvectors) * factors) @ self._eigenvectors.T)

    def operator(self, factors: Array) -> Array:
        """Return that same linear map as a number, vector or matrix, in the covariance's form."""
        if self._eigenvectors is None:
            return np.array(factors)
        return np.asarray((self._eigenvectors * factors) @ self._eigenvectors.T)

    def dense(self, factors: Array) -> Array:
        """Return that same linear map as a (d, d) matrix over the flattened event."""
        if self._eigenvectors is None:
            return np.diag(np.broadcast_to(factors, self.event_shape).ravel())
        return self.operator(factors)

    def total(self, values: Array) -> float:
        """Return the sum over all dimensions of one value for each eigenvector."""
        return float(np.sum(np.broadcast_to(values, self.event_shape)))

    # Densities, in nats.

    def _nonsingular(self, quantity: str) -> Array:
        if np.any(self._eigenvalues == 0.0):
            raise ValueError(
                f"covariance is singular, so the {quantity} does not exist; give every direction a "
                "positive variance, or ask at alpha_bar_t < 1"
            )
        return self._eigenvalues

    def log_density(self, x: ArrayLike) -> Array:
        """Return the log density at points, in nats, summed over the event's dimensions.

        Parameters
        ----------
        x : array_like, shape (..., *event_shape)
            The points.

        Returns
        -------
        ndarray, shape (...)
            log N(x; mean, covariance).

        Raises
        ------
        ValueError
            If the covariance is singular.
        """
        variances = self._nonsingular("log density")
        points = _arguments.points("x", x, self.event_shape) - self._mean
        axes = tuple(range(points.ndim - len(self.event_shape), points.ndim))
        if self._eigenvectors is not None:
            points = points @ self._eigenvectors
        squares = points**2 / variances
        norm = self.total(np.log(2.0 * np.pi * variances))
        return np.asarray(-0.5 * (np.sum(squares, axis=axes) + norm))

    def negative_log_likelihood(self, x: ArrayLike) -> Array:
        """Return minus `log_density`: nats, summed over dimensions, shape (...)."""
        return -self.log_density(x)

    def entropy(self) -> float:
        """Return the differential entropy in nats: the expected negative log likelihood.

        Raises
        ------
        ValueError
            If the covariance is singular.
        """
        return 0.5 * self.total(np.log(2.0 * np.pi * math.e * self._nonsingular("entropy")))

    def kl_divergence(self, other: GaussianLaw) -> float:
        """Return KL(self || other) in nats, summed over dimensions.

        Parameters
        ----------
        other : GaussianLaw
            Same dimension; must not be singular.

        Returns
        -------
        float
            At least 0, and 0 only if both are the same.
        """
        variances, theirs = self._nonsingular("divergence"), other._nonsingular("divergence")
        shift = (self._mean - other._mean).ravel()
        if self._eigenvectors is None and other._eigenvectors is None:
            ratio = variances / theirs
            distance = np.sum(shift.reshape(self.event_shape) ** 2 / theirs)
            return 0.5 * (self.total(ratio - 1.0 - np.log(ratio)) + float(distance))
        precision = np.linalg.inv(other.covariance_matrix())
        product = float(np.sum(precision * self.covariance_matrix()))
        logarithms = other.total(np.log(theirs)) - self.total(np.log(variances))
        return 0.5 * (product - self.dimension + float(shift @ precision @ shift) + logarithms)

    def sample(self, count: int, rng: np.random.Generator) -> Array:
        """Return `count` independent draws, shape (count, *event_shape)."""
        normal = rng.standard_normal((count, *self.event_shape))
        return self._mean + self.scaled(np.sqrt(self._eigenvalues), normal)
