r"""Fréchet distance between two sets of features, each summed up by its mean and covariance.

For Gaussians N(m_a, C_a) and N(m_b, C_b) the Fréchet distance (the 2-Wasserstein distance) is, in
closed form (Dowson and Landau, 1982),

.. math::

    d^2 = |m_a - m_b|^2 + \operatorname{tr}\bigl(C_a + C_b - 2 (C_a^{1/2} C_b
    C_a^{1/2})^{1/2}\bigr).

The trace is a small difference of large terms when the two are alike, and the matrix square root of
a covariance without full rank is badly conditioned. Neither occurs here: for any factors with C =
F^T F the trace equals the smallest :math:`|F_a - U F_b|^2` (Frobenius) over orthogonal U, the
orthogonal Procrustes problem, whose U comes from one singular value decomposition. The result is a
sum of squares: never negative, and zero to rounding for equal arguments, whatever the rank.

The number means nothing without the features it was measured in, so a result names them. Measured
from few samples it is too large, and the more so the more dimensions; compare only distances from
equally many samples.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["FrechetResult", "frechet_distance", "frechet_distance_from_moments"]

_Array = NDArray[np.float64]


@dataclass(frozen=True)
class FrechetResult:
    """A Fréchet distance and what it was measured on.

    Attributes
    ----------
    squared : float
        The squared distance d^2, the number that image papers report.
    mean_part : float
        The part of `squared` that the means contribute, ``|m_a - m_b|^2``.
    covariance_part : float
        The part that the covariances contribute.
    features : str
        Name of the features.
    dim : int
        Number of features.
    count_a, count_b : int or None
        How many samples each side had; None for exact moments.
    """

    squared: float
    mean_part: float
    covariance_part: float
    features: str
    dim: int
    count_a: int | None = None
    count_b: int | None = None

    @property
    def distance(self) -> float:
        """The distance d itself, in the unit of the features."""
        return float(np.sqrt(self.squared))

    def __str__(self) -> str:
        counts = f", {self.count_a} against {self.count_b}" if self.count_a is not None else ""
        return f"{self.squared:.4g} (squared Fréchet distance, {self.features}{counts})"


def frechet_distance(
    features_a: ArrayLike, features_b: ArrayLike, *, features: str
) -> FrechetResult:
    """Compute the Fréchet distance between two sets of feature vectors.

    Parameters
    ----------
    features_a, features_b : array, (N_a, D) and (N_b, D)
        Feature vectors, at least two a side. Computed in float64.
    features : str
        Name of the features; the result carries it.

    Returns
    -------
    FrechetResult
        The distance between the Gaussians with the sets' means and (unbiased) covariances.

    Raises
    ------
    ValueError
        If the shapes do not fit, a side has fewer than two vectors, or a value is not finite.
    """
    first, second = _vectors("features_a", features_a), _vectors("features_b", features_b)
    if first.shape[1] != second.shape[1]:
        raise ValueError(
            f"features_a has {first.shape[1]} features and features_b {second.shape[1]}: "
            "both must come from the same extractor"
        )
    mean_a, mean_b = first.mean(axis=0), second.mean(axis=0)
    squared = _squared(mean_a, _factor_of_vectors(first), mean_b, _factor_of_vectors(second))
    return FrechetResult(sum(squared), *squared, features, len(mean_a), len(first), len(second))


def frechet_distance_from_moments(
    mean_a: ArrayLike,
    covariance_a: ArrayLike,
    mean_b: ArrayLike,
    covariance_b: ArrayLike,
    *,
    features: str,
) -> FrechetResult:
    """Compute the Fréchet distance between two Gaussians.

    Parameters
    ----------
    mean_a, mean_b : array, (D,)
        Means.
    covariance_a, covariance_b : array, (D, D)
        Covariances: symmetric, without negative eigenvalues; any rank. Eigenvalues below rounding
        are taken as zero.
    features : str
        Name of the features; the result carries it.

    Returns
    -------
    FrechetResult
        The distance.

    Examples
    --------
    In one dimension it is the difference of the means and that of the standard deviations, squared.

    >>> result = frechet_distance_from_moments([0], [[4]], [3], [[36]], features="a number")
    >>> print(result.mean_part, result.covariance_part)
    9.0 16.0

    Raises
    ------
    ValueError
        If the shapes do not fit, a value is not finite, or a covariance is not symmetric or has an
        eigenvalue below zero by more than rounding.
    """
    means = [_finite(name, value) for name, value in (("mean_a", mean_a), ("mean_b", mean_b))]
    factors = [
        _factor_of_covariance(name, _finite(name, value))
        for name, value in (("covariance_a", covariance_a), ("covariance_b", covariance_b))
    ]
    shapes = [part.shape for part in (*means, *factors)]
    dim = means[0].size
    if shapes != [(dim,), (dim,), (dim, dim), (dim, dim)]:
        raise ValueError(
            f"means and covariances have shapes {shapes}; expected (D,), (D,), (D, D), (D, D)"
        )
    squared = _squared(means[0], factors[0], means[1], factors[1])
    return FrechetResult(sum(squared), *squared, features, dim)


def _squared(
    mean_a: _Array, factor_a: _Array, mean_b: _Array, factor_b: _Array
) -> tuple[float, float]:
    rows = max(len(factor_a), len(factor_b))
    # Rows of zeros leave F^T F as it is and make the factors fit each other.
    first, second = (
        np.pad(factor, ((0, rows - len(factor)), (0, 0))) for factor in (factor_a, factor_b)
    )
    left, _, right = np.linalg.svd(first @ second.T)
    apart = first - (left @ right) @ second
    shift = mean_a - mean_b
    return float(shift @ shift), float(np.sum(apart * apart))


def _factor_of_vectors(vectors: _Array) -> _Array:
    # The triangular factor of the centred vectors has at most D rows and squares to the covariance
    # without the covariance ever being formed, which would halve the digits.
    centred = vectors - vectors.mean(axis=0)
    triangular = np.asarray(np.linalg.qr(centred, mode="r"), dtype=np.float64)
    return triangular / np.sqrt(len(vectors) - 1)


def _factor_of_covariance(name: str, covariance: _Array) -> _Array:
    if covariance.ndim != 2 or covariance.shape[0] != covariance.shape[1]:
        raise ValueError(f"{name} has shape {covariance.shape}; expected (D, D)")
    size = np.abs(covariance).max(initial=0.0)
    rounding = len(covariance) * np.finfo(np.float64).eps * size
    lopsided = float(np.abs(covariance - covariance.T).max(initial=0.0))
    if lopsided > rounding:
        raise ValueError(
            f"{name} is not symmetric: it differs from its transpose by {lopsided:.3g}"
        )
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
    # What forming the covariance and finding its eigenvalues may make of an exact zero.
    zero = 10 * len(covariance) * np.finfo(np.float64).eps * np.abs(values).max(initial=0.0)
    if values.min(initial=0.0) < -zero:
        raise ValueError(
            f"{name} has the eigenvalue {values.min():.3g}; a covariance has none below zero"
        )
    # Left as it is, it would enter under a square root: 1e-16 as 1e-8.
    values[values < zero] = 0.0
    factor: _Array = np.sqrt(values)[:, np.newaxis] * vectors.T
    return factor


def _finite(name: str, value: Any) -> _Array:
    array = np.asarray(value, dtype=np.float64)
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds a value that is not finite")
    return array


def _vectors(name: str, value: Any) -> _Array:
    array = _finite(name, value)
    if array.ndim != 2 or len(array) < 2 or array.shape[1] < 1:
        raise ValueError(f"{name} has shape {array.shape}; expected (N, D) with N at least 2")
    return array
