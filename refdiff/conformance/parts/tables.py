"""The tables of a GaussianDiffusion class: its equations at unit inputs, for all times at once.

An equation that is linear in its tensors has coefficients, and those are what such a class stores.
So a table is the equation asked with 1 for one tensor and 0 for the other: a variant of the
equation is at the same time a variant of the table, and of every method that reads it. Index 0 of
a table is the first noisy time.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from refdiff._namespace import log
from refdiff.conformance.bounded import Bounded, bounded
from refdiff.conformance.parts import Parts, part

__all__ = [
    "alphas_cumprod",
    "alphas_cumprod_next",
    "alphas_cumprod_prev",
    "joined_table",
    "learned_log_variance",
    "log_one_minus_alphas_cumprod",
    "log_variance_fixed_large",
    "lvlb_weights",
    "posterior_log_variance_clipped",
    "posterior_mean_coef1",
    "posterior_mean_coef2",
    "sqrt_alphas_cumprod",
    "sqrt_one_minus_alphas_cumprod",
    "sqrt_recip_alphas_cumprod",
    "sqrt_recipm1_alphas_cumprod",
    "variance_fraction",
]


def joined_table(*pieces: Any) -> Any:
    """Return tables and single numbers joined to one table."""
    lifted = [piece for piece in pieces if isinstance(piece, Bounded)]
    if not lifted:
        return np.concatenate([np.atleast_1d(np.asarray(piece, np.float64)) for piece in pieces])
    dtype = lifted[0].dtype
    all_bounded = [p if isinstance(p, Bounded) else bounded(p, dtype) for p in pieces]
    return Bounded(
        np.concatenate([np.atleast_1d(p.value) for p in all_bounded]),
        np.concatenate([np.atleast_1d(p.error) for p in all_bounded]),
        dtype,
    )


@part
def alphas_cumprod(betas: Any) -> Any:
    """Return alpha_bar of the times 1..T."""
    return (1 - betas).cumprod()


@part
def alphas_cumprod_prev(table: Any) -> Any:
    """Return alpha_bar one time earlier: 1, then all but the last."""
    return joined_table(1.0, table[:-1])


@part
def alphas_cumprod_next(table: Any) -> Any:
    """Return alpha_bar one time later: all but the first, then 0, no signal."""
    return joined_table(table[1:], 0.0)


@part
def sqrt_alphas_cumprod(parts: Parts, table: Any) -> Any:
    """Return the factor of x_0 in x_t."""
    return parts.forward_sample(1.0, 0.0, alpha_bar_t=table)


@part
def sqrt_one_minus_alphas_cumprod(parts: Parts, table: Any) -> Any:
    """Return the factor of eps in x_t."""
    return parts.forward_sample(0.0, 1.0, alpha_bar_t=table)


@part
def log_one_minus_alphas_cumprod(parts: Parts, table: Any) -> Any:
    """Return the logarithm of the variance of x_t given x_0."""
    return log(parts.forward_variance(alpha_bar_t=table))


@part
def sqrt_recip_alphas_cumprod(parts: Parts, table: Any) -> Any:
    """Return the factor of x_t in x_0."""
    return parts.x_0_from_eps(1.0, 0.0, alpha_bar_t=table)


@part
def sqrt_recipm1_alphas_cumprod(parts: Parts, table: Any) -> Any:
    """Return the factor of eps in x_0, without its sign."""
    return -parts.x_0_from_eps(0.0, 1.0, alpha_bar_t=table)


@part
def posterior_mean_coef1(parts: Parts, *, alpha_bar_t: Any, alpha_bar_s: Any) -> Any:
    """Return the factor of x_0 in the posterior mean."""
    return parts.posterior_mean(1.0, 0.0, alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s)


@part
def posterior_mean_coef2(parts: Parts, *, alpha_bar_t: Any, alpha_bar_s: Any) -> Any:
    """Return the factor of x_t in the posterior mean."""
    return parts.posterior_mean(0.0, 1.0, alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s)


@part
def posterior_log_variance_clipped(variance: Any) -> Any:
    """Return the logarithm of the posterior variance, whose first entry, 0, is the second's."""
    return log(joined_table(variance[1:2], variance[1:]))


@part
def log_variance_fixed_large(betas: Any, log_posterior_variance: Any) -> Any:
    """Return ln beta, at the first time the logarithm of the clipped posterior variance."""
    return joined_table(log_posterior_variance[:1], log(betas[1:]))


@part
def variance_fraction(raw: Any) -> Any:
    """Return the v in [0, 1] of a network's output in [-1, 1]."""
    return (raw + 1) / 2


@part
def learned_log_variance(
    parts: Parts, raw: Any, *, log_betas: Any, log_posterior_variance: Any
) -> Any:
    """Return the log-variance that a network chose between both ends."""
    v = parts.variance_fraction(raw)
    return v * log_betas + (1 - v) * log_posterior_variance


@part
def lvlb_weights(parts: Parts, *, alpha_bar_t: Any, alpha_bar_s: Any, prediction: str) -> Any:
    """Return the bound's weights of squared errors; the first entry is the second's."""
    variance = parts.posterior_variance(alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s)
    weights = parts.vlb_weight_eps(
        alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s, variance=variance
    )
    if prediction == "x_0":
        weights = weights * (alpha_bar_t / (1 - alpha_bar_t))
    elif prediction == "v":
        weights = weights * alpha_bar_t
    return joined_table(weights[1:2], weights[1:])
