"""The probability flow of one-dimensional mixtures: it keeps every point's quantile.

Along the flow no mass crosses a moving point, so in one dimension the distribution function of the
marginal at that point is constant. The end point is found by bisection on the
logit of that function, whose relative accuracy holds in both tails.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr, logsumexp

if TYPE_CHECKING:
    from refdiff.conformance.probe.data import World

__all__ = ["moved_quantiles"]

Array = NDArray[np.float64]
_BISECTIONS = 70  # halvings of an interval some tens of units long, down to the last place


def moved_quantiles(
    world: World, x: Array, here: tuple[float, float], there: tuple[float, float]
) -> Array:
    """Return the points at level `there` with the quantiles that x has at level `here`.

    Parameters
    ----------
    world : World
        A mixture with independent elements and positive variances.
    x : numpy.ndarray
        Shape (B, ...), points.
    here, there : (float, float)
        Levels (alpha, sigma).

    Returns
    -------
    numpy.ndarray
        Shape of x.
    """
    wanted = _logit(world, x, here)
    shape = x.shape[1:]
    alpha, sigma = there
    means, variances = world.means(shape), world.variances(shape)
    widths = [np.sqrt(alpha**2 * variance + sigma**2) for variance in variances]
    # A mixture's quantile lies between the quantiles of its components, and no component is
    # asked for more than this many standard deviations.
    far = 40.0
    low = np.min([alpha * m - far * w for m, w in zip(means, widths, strict=True)], axis=0)
    high = np.max([alpha * m + far * w for m, w in zip(means, widths, strict=True)], axis=0)
    low, high = np.broadcast_to(low, x.shape).copy(), np.broadcast_to(high, x.shape).copy()
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        below = _logit(world, middle, there) < wanted
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.asarray(0.5 * (low + high))


def _logit(world: World, x: Array, level: tuple[float, float]) -> Array:
    """Return log F - log (1 - F) of the marginal at x, elementwise."""
    alpha, sigma = level
    shape = x.shape[1:]
    left, right = [], []
    for weight, mean, variance in zip(
        world.weights, world.means(shape), world.variances(shape), strict=True
    ):
        z = (x - alpha * mean) / np.sqrt(alpha**2 * variance + sigma**2)
        left.append(np.log(weight) + log_ndtr(z))
        right.append(np.log(weight) + log_ndtr(-z))
    return np.asarray(logsumexp(left, axis=0) - logsumexp(right, axis=0))
