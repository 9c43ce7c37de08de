"""The tables' formulas for any kind of number.

`refdiff.equations` builds tables as NumPy float64 arrays. Here the same formulas, in the same
order of operations, run on numbers that carry 60 digits and a rounding bound: what a table should
hold, and how far float64 may be off.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import mpmath

from refdiff._namespace import cos, exp, expm1, minimum, sin, sqrt

__all__ = ["PRINTED", "TABLES"]

_Number: TypeAlias = Any
_Table: TypeAlias = list[_Number]


def linear_betas(num_steps: int, *, beta_start: _Number, beta_end: _Number) -> _Table:
    """Return evenly spaced betas, both ends exact."""
    if num_steps == 1:
        return [beta_start]
    stride = (beta_end - beta_start) / (num_steps - 1)
    return [*(i * stride + beta_start for i in range(num_steps - 1)), beta_end]


def scaled_linear_betas(num_steps: int, *, beta_start: _Number, beta_end: _Number) -> _Table:
    """Return betas with evenly spaced square roots."""
    roots = linear_betas(num_steps, beta_start=sqrt(beta_start), beta_end=sqrt(beta_end))
    return [root**2 for root in roots]


def cosine_betas(num_steps: int, *, offset: _Number, max_beta: _Number) -> _Table:
    """Return the clipped betas of the squared cosine, by the sine of the time that is left."""
    quarter = +mpmath.pi / (2 * num_steps * (1 + offset))
    betas = []
    for left in range(num_steps, 0, -1):
        before, after = left * quarter, (left - 1) * quarter
        betas.append(sin(quarter) * sin(before + after) / sin(before) ** 2)
    return [minimum(beta, max_beta) for beta in betas]


def _sinh(x: _Number) -> _Number:
    return (expm1(x) - expm1(-x)) / 2


def _cosh(x: _Number) -> _Number:
    return (exp(x) + exp(-x)) / 2


def sigmoid_alpha_bars(num_steps: int, *, start: _Number, end: _Number, tau: _Number) -> _Table:
    """Return the falling sigmoid between its ends, as a product of hyperbolic functions."""
    half = 1 / (2 * tau)
    table = []
    for t in range(num_steps + 1):
        left, elapsed = (num_steps - t) / _exact(num_steps), t / _exact(num_steps)
        u = start * left + end * elapsed
        fall = _sinh((end - start) * left * half) / _sinh((end - start) * half)
        table.append(fall * _cosh(start * half) / _cosh(u * half))
    return table


def _exact(whole: int) -> _Number:
    return mpmath.mpf(whole)


def alpha_bars_from_betas(betas: Sequence[_Number]) -> _Table:
    """Return the cumulative products, 1 first."""
    table: _Table = [1]
    for beta in betas:
        table.append(table[-1] * (1 - beta))
    return table


def betas_from_alpha_bars(alpha_bars: Sequence[_Number]) -> _Table:
    """Return one minus the ratios of neighbours."""
    return [(before - after) / before for before, after in itertools.pairwise(alpha_bars)]


def zero_terminal_snr(alpha_bars: Sequence[_Number]) -> _Table:
    """Return the table whose roots are shifted to 0 at the end and scaled back at time 1."""
    roots = [sqrt(value) for value in alpha_bars]
    gain = roots[1] / (roots[1] - roots[-1])
    rescaled = [((root - roots[-1]) * gain) ** 2 for root in roots[2:-1]]
    return [*alpha_bars[:2], *rescaled, 0]


def karras_sigmas(
    num_steps: int, *, sigma_min: _Number, sigma_max: _Number, rho: _Number
) -> _Table:
    """Return noise levels evenly spaced in the rho-th root, and 0."""
    if num_steps == 1:
        return [sigma_max, 0]
    high, low = sigma_max ** (1 / rho), sigma_min ** (1 / rho)
    ramp = [high + i / _exact(num_steps - 1) * (low - high) for i in range(num_steps)]
    # The lower end too is rounded here, as it is in code that does not set it.
    return [*(root**rho for root in ramp), 0]


TABLES: dict[str, Callable[..., _Table]] = {
    function.__name__: function
    for function in (
        alpha_bars_from_betas,
        betas_from_alpha_bars,
        cosine_betas,
        karras_sigmas,
        linear_betas,
        scaled_linear_betas,
        sigmoid_alpha_bars,
        zero_terminal_snr,
    )
}
"""By the names of `refdiff.equations`."""


# ------------------------------------------------------------------ as the papers print them


def cosine_betas_by_ratio(num_steps: int, *, offset: _Number, max_beta: _Number) -> _Table:
    """Return one minus the ratio of neighbouring squared cosines, clipped."""

    def f(t: int) -> _Number:
        return cos((t / _exact(num_steps) + offset) / (1 + offset) * +mpmath.pi / 2) ** 2

    ratios = (f(t + 1) / f(t) for t in range(num_steps))
    return [minimum(1 - ratio, max_beta) for ratio in ratios]


def sigmoid_by_difference(num_steps: int, *, start: _Number, end: _Number, tau: _Number) -> _Table:
    """Return differences of the logistic function."""

    def g(u: _Number) -> _Number:
        return 1 / (1 + exp(-u / tau))

    inner = (start + t / _exact(num_steps) * (end - start) for t in range(1, num_steps))
    return [1, *((g(end) - g(u)) / (g(end) - g(start)) for u in inner), 0]


PRINTED: dict[str, tuple[str, Callable[..., _Table]]] = {
    "cosine_betas": ("cosine-betas-by-ratio", cosine_betas_by_ratio),
    "sigmoid_alpha_bars": ("term-by-term", sigmoid_by_difference),
}
"""Other right forms, which lose digits: names of the variants and functions."""
