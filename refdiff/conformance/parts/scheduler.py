"""Procedures of schedulers that no paper numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from refdiff._namespace import exp, sqrt
from refdiff.conformance.parts import Parts, part

__all__ = [
    "consistency_out",
    "consistency_skip",
    "large_variance",
    "learned_output_variance",
    "level_of_told_time",
    "sigmoid_betas",
    "velocity",
]


@part
def sigmoid_betas(num_steps: int, *, beta_start: float = 1e-4, beta_end: float = 0.02) -> Any:
    """Return betas along a sigmoid from -6 to 6; not the schedule whose alpha_bar is a sigmoid."""
    ramp = np.linspace(-6.0, 6.0, num_steps)
    return beta_start + (beta_end - beta_start) / (1.0 + np.exp(-ramp))


@part
def velocity(x_0: Any, eps: Any, *, alpha_bar_t: Any) -> Any:
    """Return v of data and the noise that is added to them."""
    return sqrt(alpha_bar_t) * eps - sqrt(1 - alpha_bar_t) * x_0


@part
def level_of_told_time(table: Any, times: Sequence[float], t: float) -> Any:
    """Return alpha_bar of a whole time, out of the table whose first entry is that of time 0.

    `times` is the scheduler's list, in which t stands somewhere: it has no part in this.
    """
    return table[round(t)]


@part
def large_variance(parts: Parts, *, alpha_bar_t: Any, alpha_bar_s: Any) -> Any:
    """Return the larger fixed variance of an ancestral step, where an option asks for it: beta."""
    return parts.transition_variance(alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s)


@part
def learned_output_variance(raw: Any) -> Any:
    """Return the variance that a network gives without bounds: its output is the logarithm."""
    return exp(raw)


@part
def consistency_skip(t: Any, *, sigma_data: float) -> Any:
    """Return the factor of the state in a consistency function."""
    return sigma_data**2 / (t * t + sigma_data**2)


@part
def consistency_out(t: Any, *, sigma_data: float) -> Any:
    """Return the factor of the model's answer in a consistency function."""
    return sigma_data * t / sqrt(t * t + sigma_data**2)
