"""Equations that are made of others, spelled out in parts.

A variant of the posterior variance is thereby tried on a whole ancestral step too. The values are
those of `refdiff.equations`.
"""

from __future__ import annotations

from typing import Any

from refdiff._namespace import sqrt
from refdiff.conformance.parts import Parts, spelled_out

__all__ = ["ddim_step", "ddpm_step", "ddpm_step_fixed_large", "forward_sample"]


@spelled_out
def forward_sample(parts: Parts, x_0: Any, eps: Any, *, alpha_bar_t: Any) -> Any:
    """Return data mixed with noise: the mean, and the root of the variance times the noise."""
    variance = parts.forward_variance(alpha_bar_t=alpha_bar_t)
    return parts.forward_mean(x_0, alpha_bar_t=alpha_bar_t) + sqrt(variance) * eps


@spelled_out
def ddpm_step(
    parts: Parts, x_t: Any, eps: Any, noise: Any, *, alpha_bar_t: Any, alpha_bar_s: Any
) -> Any:
    """Return x_s by ancestral sampling with the variance beta-tilde."""
    levels = {"alpha_bar_t": alpha_bar_t, "alpha_bar_s": alpha_bar_s}
    variance = parts.posterior_variance(**levels)
    return parts.posterior_mean_from_eps(x_t, eps, **levels) + sqrt(variance) * noise


@spelled_out
def ddpm_step_fixed_large(
    parts: Parts, x_t: Any, eps: Any, noise: Any, *, alpha_bar_t: Any, alpha_bar_s: Any
) -> Any:
    """Return x_s by ancestral sampling with the variance beta."""
    levels = {"alpha_bar_t": alpha_bar_t, "alpha_bar_s": alpha_bar_s}
    variance = parts.transition_variance(**levels)
    return parts.posterior_mean_from_eps(x_t, eps, **levels) + sqrt(variance) * noise


@spelled_out
def ddim_step(
    parts: Parts,
    x_t: Any,
    eps: Any,
    noise: Any,
    *,
    alpha_bar_t: Any,
    alpha_bar_s: Any,
    eta: Any,
) -> Any:
    """Return x_s by a DDIM step."""
    known = {"alpha_bar_t": alpha_bar_t, "alpha_bar_s": alpha_bar_s, "eta": eta}
    x_0 = parts.x_0_from_eps(x_t, eps, alpha_bar_t=alpha_bar_t)
    return parts.ddim_update(x_0, eps, noise, **known)
