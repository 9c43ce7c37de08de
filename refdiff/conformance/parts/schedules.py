"""Schedules and tables with their rounding bounds.

The constructors of `refdiff.equations` fill float64 arrays. Here the same tables are written over
again for `Bounded` numbers, in extended precision, so that each entry has the budget that its own
formula costs: a thousand factors of a cumulative product round a thousand times. Given plain
numbers they are the equations themselves.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from refdiff import equations
from refdiff._namespace import exp, minimum, sin, sqrt
from refdiff.conformance.bounded import Bounded
from refdiff.conformance.parts import spelled_out

__all__ = [
    "alpha_bars_from_betas",
    "betas_from_alpha_bars",
    "constant",
    "cosine_betas",
    "counted",
    "joined_tables",
    "karras_sigmas",
    "linear_betas",
    "running_product",
    "scaled_linear_betas",
    "sigmoid_alpha_bars",
    "zero_terminal_snr",
]


def _for_bounded(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give plain numbers to the equation of the same name, and keep the spelling for bounds."""
    equation = getattr(equations, function.__name__)

    @functools.wraps(function)
    def choose(*args: Any, **kwargs: Any) -> Any:
        given = [*args, *kwargs.values()]
        return (function if any(isinstance(v, Bounded) for v in given) else equation)(
            *args, **kwargs
        )

    return spelled_out(choose)


def counted(first: int, last: int, like: Any) -> Any:
    """Return the whole numbers from first to last, both included, as exact as `like` asks for."""
    numbers = np.arange(first, last + 1, dtype=np.float64)
    if isinstance(like, Bounded):
        return Bounded(numbers.astype(np.longdouble), np.zeros(len(numbers)), like.dtype)
    if hasattr(like, "new_tensor"):
        return like.new_tensor(numbers)
    return numbers


def constant(value: float, like: Any) -> Any:
    """Return a set number of the kind of `like`."""
    return (
        Bounded(np.asarray(value, np.longdouble), np.zeros(()), like.dtype)
        if isinstance(like, Bounded)
        else value
    )


def joined_tables(*pieces: Any) -> Any:
    """Return tables one after the other; numbers among them count as tables of one entry."""
    bounds = next((piece for piece in pieces if isinstance(piece, Bounded)), None)
    if bounds is not None:
        lifted = [p if isinstance(p, Bounded) else constant(float(p), bounds) for p in pieces]
        return Bounded(
            np.concatenate([np.atleast_1d(p.value) for p in lifted]),
            np.concatenate([np.atleast_1d(p.error) for p in lifted]),
            bounds.dtype,
        )
    return np.concatenate([np.atleast_1d(np.asarray(p, dtype=np.float64)) for p in pieces])


def running_product(factors: Any) -> Any:
    """Return the cumulative products of a table."""
    return factors.cumprod() if isinstance(factors, Bounded) else np.cumprod(np.asarray(factors))


def spaced(count: int, start: Any, end: Any) -> Any:
    """Return `count` evenly spaced numbers from start to end, both included."""
    if count == 1:
        return joined_tables(start)
    numbers = counted(0, count - 1, start)
    # Weights of both ends: where one is 0 the other comes out exactly.
    return numbers[::-1] / (count - 1) * start + numbers / (count - 1) * end


@_for_bounded
def linear_betas(num_steps: int, *, beta_start: Any = 1e-4, beta_end: Any = 0.02) -> Any:
    """Return betas spaced evenly."""
    return spaced(num_steps, beta_start, beta_end)


@_for_bounded
def scaled_linear_betas(num_steps: int, *, beta_start: Any = 0.00085, beta_end: Any = 0.012) -> Any:
    """Return betas whose square roots are spaced evenly."""
    return spaced(num_steps, sqrt(beta_start), sqrt(beta_end)) ** 2


@_for_bounded
def cosine_betas(num_steps: int, *, offset: Any = 0.008, max_beta: Any = 0.999) -> Any:
    """Return the betas of the squared-cosine alpha_bar, by the formula without cancellation."""
    quarter = np.longdouble(np.pi) / (2 * num_steps * (1 + offset))
    # What a target may have lost by turning the angle the other way is one rounding of it.
    left = counted(0, num_steps, offset)[::-1]
    u_before, u = left[:-1] * quarter, left[1:] * quarter
    betas = sin(quarter) * sin(u_before + u) / sin(u_before) ** 2
    return minimum(betas, max_beta)


@_for_bounded
def sigmoid_alpha_bars(num_steps: int, *, start: Any = -3.0, end: Any = 3.0, tau: Any = 1.0) -> Any:
    """Return alpha_bar that falls along a sigmoid from 1 to 0."""
    elapsed = counted(0, num_steps, tau) / num_steps

    def logistic(u: Any) -> Any:
        return 1 / (1 + exp(-u / tau))

    top, bottom = logistic(end), logistic(start)
    inner = (top - logistic(start + elapsed[1:-1] * (end - start))) / (top - bottom)
    return joined_tables(1.0, inner, 0.0)


@_for_bounded
def alpha_bars_from_betas(betas: Any) -> Any:
    """Return the cumulative products of 1 - beta, after a 1."""
    return joined_tables(1.0, running_product(1 - betas))


@_for_bounded
def betas_from_alpha_bars(alpha_bars: Any) -> Any:
    """Return the betas whose cumulative products are the given table."""
    return (alpha_bars[:-1] - alpha_bars[1:]) / alpha_bars[:-1]


@_for_bounded
def zero_terminal_snr(alpha_bars: Any) -> Any:
    """Return the table shifted and scaled in its square roots so that the last entry is 0."""
    root = sqrt(alpha_bars)
    first, last = root[1:2], root[-1:]
    inner = ((root[2:-1] - last) * (first / (first - last))) ** 2
    return joined_tables(alpha_bars[:2], inner, 0.0)


@_for_bounded
def karras_sigmas(num_steps: int, *, sigma_min: Any, sigma_max: Any, rho: Any = 7.0) -> Any:
    """Return EDM's noise levels, evenly spaced in the rho-th root, and a final 0."""
    if num_steps == 1:
        return joined_tables(sigma_max, 0.0)
    high, low = sigma_max ** (1 / rho), sigma_min ** (1 / rho)
    return joined_tables(spaced(num_steps, high, low) ** rho, 0.0)
