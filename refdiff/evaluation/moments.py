"""Checks of samples by their first two moments, in standard errors.

The mean and the variance of every coordinate are compared with exact values, or with those of other
samples. Each difference is divided by its standard error, so the numbers are z-scores: about
standard normal if nothing is wrong and the samples are many. The largest of m z-scores is judged
against m chances to be large (Bonferroni).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

__all__ = ["MomentComparison", "check_moments", "compare_moments"]

_Array = NDArray[np.float64]
_FEWEST = 8


@dataclass(frozen=True, eq=False)
class MomentComparison:
    """Differences of means and variances, coordinate by coordinate.

    Attributes
    ----------
    mean_difference, variance_difference : ndarray of float64
        Observed less expected, in the shape of one sample.
    mean_error, variance_error : ndarray of float64
        Standard errors of these.
    """

    mean_difference: _Array
    mean_error: _Array
    variance_difference: _Array
    variance_error: _Array

    @property
    def mean_z(self) -> _Array:
        """Differences of the means in standard errors; infinite where a difference has no error."""
        return _ratio(self.mean_difference, self.mean_error)

    @property
    def variance_z(self) -> _Array:
        """Differences of the variances in standard errors, likewise."""
        return _ratio(self.variance_difference, self.variance_error)

    @property
    def largest(self) -> float:
        """The largest absolute z-score of all."""
        return float(max(np.abs(self.mean_z).max(), np.abs(self.variance_z).max()))

    @property
    def p_value(self) -> float:
        """Chance, at most, of a `largest` like this if every moment agrees."""
        return float(min(1.0, 2 * (2 * self.mean_z.size) * ndtr(-self.largest)))


def check_moments(samples: ArrayLike, *, mean: ArrayLike, variance: ArrayLike) -> MomentComparison:
    """Compare samples with exact moments.

    Parameters
    ----------
    samples : array, (N, ...)
        At least 8 independent samples. Computed in float64.
    mean, variance : array
        Exact mean and variance of each coordinate, broadcastable to the shape of one sample.

    Returns
    -------
    MomentComparison
        Samples less exact.

    Raises
    ------
    ValueError
        If there are too few samples, a shape does not fit, or a value is not finite.
    """
    mean_s, variance_s, mean_error, variance_error = _moments("samples", samples)
    expected = []
    for name, value in (("mean", mean), ("variance", variance)):
        array = np.asarray(value, dtype=np.float64)
        try:
            expected.append(np.broadcast_to(array, mean_s.shape))
        except ValueError as error:
            raise ValueError(
                f"{name} has shape {array.shape}, one sample has {mean_s.shape}"
            ) from error
    return MomentComparison(
        mean_s - expected[0], mean_error, variance_s - expected[1], variance_error
    )


def compare_moments(samples: ArrayLike, others: ArrayLike) -> MomentComparison:
    """Compare the moments of two independent sets of samples.

    Parameters
    ----------
    samples, others : array, (N, ...) and (M, ...)
        At least 8 independent samples each. Computed in float64.

    Returns
    -------
    MomentComparison
        Samples less others.

    Raises
    ------
    ValueError
        If there are too few samples, the shapes differ, or a value is not finite.
    """
    first, second = _moments("samples", samples), _moments("others", others)
    if first[0].shape != second[0].shape:
        raise ValueError(
            f"a sample has shape {first[0].shape}, one of the others {second[0].shape}"
        )
    return MomentComparison(
        first[0] - second[0],
        np.hypot(first[2], second[2]),
        first[1] - second[1],
        np.hypot(first[3], second[3]),
    )


def _moments(name: str, samples: Any) -> tuple[_Array, _Array, _Array, _Array]:
    """Mean, unbiased variance, and the standard errors of both."""
    values = np.asarray(samples, dtype=np.float64)
    if values.ndim < 1 or len(values) < _FEWEST:
        raise ValueError(f"{name} has shape {values.shape}; expected at least {_FEWEST} samples")
    if not np.isfinite(values).all():
        raise ValueError(f"{name} holds a value that is not finite")
    count = len(values)
    mean = values.mean(axis=0)
    squares = (values - mean) ** 2
    variance = squares.sum(axis=0) / (count - 1)
    # Var(s^2) = (m4 - sigma^4 (n-3)/(n-1)) / n, with m4 the fourth central moment.
    fourth = np.mean(squares**2, axis=0)
    spread = np.clip(fourth - variance**2 * (count - 3) / (count - 1), 0.0, None)
    return mean, variance, np.sqrt(variance / count), np.sqrt(spread / count)


def _ratio(difference: _Array, error: _Array) -> _Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(difference == 0, 0.0, difference / error)
