"""What plain first-order sampling would make of the same noise levels: the size of a fair error.

A correct sampler is not exact on data with spread: it converges as its steps become smaller. How
far off a run may be is measured against the simplest correct methods on the levels that the run
itself visited: DDIM for the flow, DDPM with either variance for the law. All three follow from the
conditional laws of Gaussians and not from `refdiff.equations`.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from refdiff.conformance.probe.data import World

__all__ = ["deterministic_walk", "distinct_levels", "fair_spread_error", "stochastic_walk"]

Array = NDArray[np.float64]
Level = tuple[float, float]


def distinct_levels(levels: Sequence[Level], end: Level = (1.0, 0.0)) -> list[Level]:
    """Return the levels in variance-preserving form, each less noisy than the one before."""
    kept: list[Level] = []
    for alpha, sigma in [*levels, end]:
        total = np.hypot(alpha, sigma)
        level = (1.0, 0.0) if sigma == 0 else (alpha / total, sigma / total)
        if np.isinf(sigma):
            level = (0.0, 1.0)
        if not kept or level[1] < kept[-1][1]:
            kept.append(level)
    return kept


def fair_spread_error(variance: Array, levels: Sequence[Level]) -> Array:
    """Return the largest error of the standard deviation that the three methods make.

    Parameters
    ----------
    variance : numpy.ndarray
        Of the data, elementwise.
    levels : sequence of (alpha, sigma)
        From `distinct_levels`.

    Returns
    -------
    numpy.ndarray
        Shape of `variance`.
    """
    begin = np.sqrt(levels[0][0] ** 2 * variance + levels[0][1] ** 2)
    flow, small, large = begin, begin**2, begin**2
    for (a_t, b_t), (a_s, b_s) in itertools.pairwise(levels):
        total_t = a_t**2 * variance + b_t**2
        total_s = a_s**2 * variance + b_s**2
        flow = flow * (a_s * a_t * variance + b_s * b_t) / total_t
        gain = (a_t / a_s) * total_s / total_t
        added = b_t**2 - (a_t / a_s) ** 2 * b_s**2
        small = gain**2 * small + added * b_s**2 / b_t**2
        large = gain**2 * large + (added if b_s else 0.0)
    wanted = np.sqrt(levels[-1][0] ** 2 * variance + levels[-1][1] ** 2)
    errors = [np.abs(spread - wanted) for spread in (flow, np.sqrt(small), np.sqrt(large))]
    return np.asarray(np.max(errors, axis=0))


def deterministic_walk(world: World, x: Array, levels: Sequence[Level]) -> Array:
    """Return where DDIM takes states in variance-preserving form."""
    for (a_t, b_t), (a_s, b_s) in itertools.pairwise(levels):
        x = a_s * world.x_0(x, a_t, b_t) + b_s * world.eps(x, a_t, b_t)
    return x


def stochastic_walk(
    world: World, x: Array, levels: Sequence[Level], rng: np.random.Generator
) -> Array:
    """Return where DDPM with the posterior variance takes states in variance-preserving form."""
    for (a_t, b_t), (a_s, b_s) in itertools.pairwise(levels):
        added = b_t**2 - (a_t / a_s) ** 2 * b_s**2
        mean = (a_s * added * world.x_0(x, a_t, b_t) + (a_t / a_s) * b_s**2 * x) / b_t**2
        x = mean + np.sqrt(added) * b_s / b_t * rng.standard_normal(x.shape)
    return x
