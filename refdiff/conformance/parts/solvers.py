"""Steps of solvers in sigma (VE coordinates, x = x_0 + sigma eps), and of multistep methods."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from refdiff._namespace import minimum, sqrt
from refdiff.conformance.parts import part

__all__ = [
    "adams_eps",
    "ancestral_down",
    "ancestral_up",
    "denoised",
    "dpm_2m_denoised",
    "dpm_pp_update",
    "euler_update",
    "heun_second_sigma",
    "heun_slope",
    "lms_update",
    "slope",
]


@part
def denoised(output: Any, x: Any, *, sigma: Any, prediction: str) -> Any:
    """Return x_0 from the answer of a model that was shown a state of VE coordinates.

    `prediction` is "x_0", "eps" or "v"; v belongs to the state that is scaled to variance one.
    """
    if prediction == "eps":
        return x - sigma * output
    if prediction == "v":
        total = 1 + sigma * sigma
        return x / total - sigma / sqrt(total) * output
    return output


@part
def slope(x: Any, x_0: Any, *, sigma: Any) -> Any:
    """Return dx/dsigma of the probability flow."""
    return (x - x_0) / sigma


@part
def euler_update(x: Any, derivative: Any, *, sigma_from: Any, sigma_to: Any) -> Any:
    """Return the state after an Euler step."""
    return x + (sigma_to - sigma_from) * derivative


@part
def ancestral_up(*, sigma_from: Any, sigma_to: Any, eta: Any) -> Any:
    """Return the standard deviation of the noise that an ancestral step adds."""
    ratio = sigma_to * sigma_to / (sigma_from * sigma_from)
    full = sqrt(ratio * (sigma_from * sigma_from - sigma_to * sigma_to))
    return minimum(sigma_to, eta * full)


@part
def ancestral_down(*, sigma_to: Any, sigma_up: Any) -> Any:
    """Return the level that an ancestral step goes to before it adds noise."""
    return sqrt(sigma_to * sigma_to - sigma_up * sigma_up)


@part
def heun_second_sigma(*, sigma_from: Any, sigma_to: Any) -> Any:
    """Return the level of the state that Heun's second stage looks at."""
    return sigma_to


@part
def heun_slope(first: Any, second: Any) -> Any:
    """Return the derivative that Heun's method steps along: the mean of both."""
    return (first + second) / 2


@part
def dpm_pp_update(x: Any, x_0: Any, *, sigma_from: Any, sigma_to: Any) -> Any:
    """Return the state after an exponential step towards x_0, exact where x_0 is constant."""
    ratio = sigma_to / sigma_from
    return ratio * x + (1 - ratio) * x_0


@part
def dpm_2m_denoised(x_0: Any, last: Any, *, step: Any, last_step: Any) -> Any:
    """Return x_0 extrapolated to the middle of a DPM-Solver++(2M) step; steps of -log sigma."""
    share = step / (2 * last_step)
    return (1 + share) * x_0 - share * last


@part
def lms_update(x: Any, slopes: Sequence[Any], sigmas: Sequence[Any], *, sigma_to: Any) -> Any:
    """Return the state after a step along the polynomial through the latest slopes.

    `slopes` and the `sigmas` at which they were taken begin with the latest one.
    """
    for j, derivative in enumerate(slopes):
        x = x + _integral(sigmas, j, sigmas[0], sigma_to) * derivative
    return x


@part
def adams_eps(eps: Sequence[Any]) -> Any:
    """Return the combination of the latest predictions of eps, the latest first (at most 4)."""
    weights = _ADAMS[len(eps) - 1]
    total = weights[0] * eps[0]
    for weight, one in zip(weights[1:], eps[1:], strict=True):
        total = total + weight * one
    return total / _ADAMS_DIVISOR[len(eps) - 1]


_ADAMS = ((1.0,), (3.0, -1.0), (23.0, -16.0, 5.0), (55.0, -59.0, 37.0, -9.0))
_ADAMS_DIVISOR = (1.0, 2.0, 12.0, 24.0)


def _integral(nodes: Sequence[Any], j: int, start: Any, end: Any) -> Any:
    """Integrate the j-th Lagrange polynomial over the nodes from start to end."""
    # In the coordinate that begins at `start`, so that short steps do not cancel.
    coefficients: list[Any] = [1.0]
    for i, node in enumerate(nodes):
        if i != j:
            width = nodes[j] - node
            shifted = start - node
            higher = [0.0, *coefficients]
            lower = [*coefficients, 0.0]
            coefficients = [(a + shifted * b) / width for a, b in zip(higher, lower, strict=True)]
    step = end - start
    total, power = 0.0, step
    for n, coefficient in enumerate(coefficients):
        total = total + coefficient * power / (n + 1)
        power = power * step
    return total
