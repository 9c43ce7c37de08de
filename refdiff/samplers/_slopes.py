"""Steps of x / alpha along a slope in u = sigma / alpha, where the predicted noise is the slope."""

from __future__ import annotations

from refdiff._namespace import Array
from refdiff.equations.solvers import adams_bashforth_weights, euler_step
from refdiff.samplers._levels import Level

__all__ = ["along", "combined", "noise_ratio"]


def noise_ratio(level: Level) -> float:
    """Return u = sigma / alpha of a level that has a signal."""
    return level.sigma / level.alpha


def along(x_t: Array, slope: Array, start: Level, end: Level) -> Array:
    """Return the state at the end of a step with this slope; both levels have a signal."""
    step = noise_ratio(end) - noise_ratio(start)
    return end.alpha * euler_step(x_t / start.alpha, slope, step=step)


def combined(slopes: list[Array], nodes: list[float], end: float) -> Array:
    """Return the mean slope over the step from nodes[0] to end, by a linear multistep."""
    weights = adams_bashforth_weights(nodes, end)
    total = weights[0] * slopes[0]
    for weight, slope in zip(weights[1:], slopes[1:], strict=True):
        total = total + weight * slope
    return total
