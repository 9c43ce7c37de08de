"""Shaping values per sample, and sums within a sample: all axes but the first."""

from __future__ import annotations

from refdiff._namespace import Array, ndim, sqrt

__all__ = ["flat_per_sample", "mean_per_sample", "per_sample", "std_per_sample", "sum_per_sample"]


def per_sample(values: Array, x: Array) -> Array:
    """Shape one value per sample to broadcast against a batch.

    Parameters
    ----------
    values : array
        Shape (B,): one schedule value per sample, such as ``alpha_bars[t]``.
    x : array
        Shape (B, ...): the batch.

    Returns
    -------
    array
        ``values`` with shape (B, 1, ..., 1), as many axes as ``x``.

    Raises
    ------
    ValueError
        If ``values`` is not one-dimensional or its length is not that of ``x``.

    Examples
    --------
    >>> import numpy as np
    >>> per_sample(np.array([0.1, 0.9]), np.zeros((2, 3, 8, 8))).shape
    (2, 1, 1, 1)
    """
    if ndim(values) != 1 or ndim(x) < 1 or values.shape[0] != x.shape[0]:
        shapes = [tuple(getattr(array, "shape", ())) for array in (values, x)]
        raise ValueError(
            f"values has shape {shapes[0]} and x has shape {shapes[1]}; values must hold one "
            f"value for each sample along the first axis of x."
        )
    return values.reshape((-1,) + (1,) * (ndim(x) - 1))


def flat_per_sample(x: Array) -> Array:
    """Return the batch as (B, N), or refuse what has no batch axis."""
    if ndim(x) < 1:
        raise ValueError(
            "expected a batch with samples along the first axis, got a single number; "
            "add an axis, for example x[None]."
        )
    return x.reshape((x.shape[0], -1))


def mean_per_sample(x: Array) -> Array:
    """Return the mean of each sample, shape (B,)."""
    return flat_per_sample(x).mean(1)


def sum_per_sample(x: Array) -> Array:
    """Return the sum of each sample, shape (B,)."""
    return flat_per_sample(x).sum(1)


def std_per_sample(x: Array) -> Array:
    """Return the (population) standard deviation of each sample, shape (B,)."""
    return sqrt(mean_per_sample((x - per_sample(mean_per_sample(x), x)) ** 2))
