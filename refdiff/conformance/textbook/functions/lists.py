"""Schedules, tables and lists of times, entry by entry."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from refdiff._namespace import cos, exp
from refdiff.conformance.textbook.functions.written import written as _written

__all__: list[str] = []


# ---------------------------------------------------------------- schedules, tables, times


@_written
def linear_betas(num_steps: int, *, beta_start: float = 1e-4, beta_end: float = 0.02) -> Any:
    """Return betas by a stride."""
    return beta_start + np.arange(num_steps) * ((beta_end - beta_start) / (num_steps - 1))


@_written
def cosine_betas(num_steps: int, *, offset: float = 0.008, max_beta: float = 0.999) -> Any:
    """Return one minus the ratios of a normalized table."""
    time = np.linspace(0, num_steps, num_steps + 1, dtype=np.float64) / num_steps
    level = cos((time + offset) / (1 + offset) * math.pi * 0.5) ** 2
    level = level / level[0]
    return np.clip(1 - level[1:] / level[:-1], 0, max_beta)


@_written
def sigmoid_alpha_bars(
    num_steps: int, *, start: float = -3.0, end: float = 3.0, tau: float = 1.0
) -> Any:
    """Return differences of sigmoids."""
    time = np.linspace(0, 1, num_steps + 1)
    low, high = (1 / (1 + math.exp(-u / tau)) for u in (start, end))
    level = 1 / (1 + exp(-((time * (end - start) + start) / tau)))
    return (high - level) / (high - low)


@_written
def karras_sigmas(num_steps: int, *, sigma_min: float, sigma_max: float, rho: float = 7.0) -> Any:
    """Return EDM, equation (5)."""
    ramp = np.linspace(0, 1, num_steps)
    high, low = sigma_max ** (1 / rho), sigma_min ** (1 / rho)
    return np.append((high + ramp * (low - high)) ** rho, 0.0)


@_written
def alpha_bars_from_betas(betas: Any) -> Any:
    """Return products, one after the other."""
    found = [1.0]
    for beta in np.asarray(betas):
        found.append(found[-1] * (1 - float(beta)))
    return found


@_written
def betas_from_alpha_bars(alpha_bars: Any) -> Any:
    """Return one minus the ratios."""
    table = np.asarray(alpha_bars)
    return 1 - table[1:] / table[:-1]


@_written
def zero_terminal_snr(alpha_bars: Any) -> Any:
    """Return Lin et al., algorithm 1."""
    root = np.sqrt(np.asarray(alpha_bars))
    first, last = root[1], root[-1]
    found = (root - last) * first / (first - last)
    return np.append(1.0, found[1:] ** 2)


@_written
def leading_timesteps(num_train_steps: int, num_steps: int) -> Any:
    """Return the first time of each block."""
    return [i * (num_train_steps // num_steps) + 1 for i in range(num_steps)][::-1]


@_written
def trailing_timesteps(num_train_steps: int, num_steps: int) -> Any:
    """Return the last time of each block."""
    return np.round(np.arange(num_steps, 0, -1) * num_train_steps / num_steps).astype(int)


@_written
def linspace_timesteps(num_train_steps: int, num_steps: int) -> Any:
    """Return evenly spaced times."""
    return np.linspace(1, num_train_steps, num_steps).round()[::-1].copy()
