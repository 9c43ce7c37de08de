"""Guidance, objectives, likelihoods and preconditioning, term by term."""

from __future__ import annotations

import math
from typing import Any

from refdiff._namespace import exp, log, log_ndtr, maximum, minimum, sort_last, sqrt, where
from refdiff.conformance.textbook.functions.written import written as _written

__all__: list[str] = []


# ---------------------------------------------------------------- guidance


@_written
def classifier_free_guidance(eps_cond: Any, eps_uncond: Any, *, w: Any) -> Any:
    """Return the conditional prediction pushed away from the unconditional one."""
    return eps_cond + w * (eps_cond - eps_uncond)


@_written
def guidance_from_scale(cond: Any, uncond: Any, *, scale: Any) -> Any:
    """Return a mixture with factors that sum to 1."""
    return scale * cond + (1 - scale) * uncond


@_written
def rescale_guidance(guided: Any, cond: Any, *, phi: Any) -> Any:
    """Return the mixture of the rescaled and the guided prediction."""
    axes = tuple(range(1, len(guided.shape)))
    kept = {"keepdim": True} if hasattr(guided, "detach") else {"keepdims": True}
    rescaled = guided * (cond.std(axes, **kept) / guided.std(axes, **kept))
    return phi * rescaled + (1 - phi) * guided


@_written
def dynamic_threshold(x_0: Any, *, percentile: Any) -> Any:
    """Return x_0 clipped at a weighted mean of two order statistics, and divided by it."""
    ordered = sort_last(abs(x_0.reshape((x_0.shape[0], -1))))
    place = percentile / 100 * (ordered.shape[1] - 1)
    low, high = math.floor(place), math.ceil(place)
    s = (1 - (place - low)) * ordered[:, low] + (place - low) * ordered[:, high]
    s = maximum(s, 1.0).reshape((-1,) + (1,) * (len(x_0.shape) - 1))
    return maximum(minimum(x_0, s), -s) / s


# ---------------------------------------------------------------- objectives and likelihood


@_written
def simple_loss(eps: Any, eps_pred: Any) -> Any:
    """Return the mean squared error of each sample."""
    error = (eps_pred - eps).reshape((eps.shape[0], -1))
    return (error * error).sum(1) / error.shape[1]


@_written
def normal_kl(mean_1: Any, log_variance_1: Any, mean_2: Any, log_variance_2: Any) -> Any:
    """Return the divergence, term by term."""
    return 0.5 * (
        -1.0
        + log_variance_2
        - log_variance_1
        + exp(log_variance_1 - log_variance_2)
        + ((mean_1 - mean_2) ** 2) * exp(-log_variance_2)
    )


@_written
def prior_kl(x_0: Any, *, alpha_bar_t: Any) -> Any:
    """Return the divergence of two normal distributions."""
    return normal_kl(sqrt(alpha_bar_t) * x_0, log(1 - alpha_bar_t), 0.0, 0.0 * alpha_bar_t)


@_written
def vlb_weight_eps(*, alpha_bar_t: Any, alpha_bar_s: Any, variance: Any) -> Any:
    """Return the factor of DDPM, equation (12)."""
    beta = 1 - alpha_bar_t / alpha_bar_s
    return beta**2 / (2 * variance * (1 - beta) * (1 - alpha_bar_t))


@_written
def min_snr_weight_eps(*, snr_t: Any, gamma: Any) -> Any:
    """Return min(SNR, gamma) / SNR."""
    return minimum(snr_t, gamma) / snr_t


@_written
def p2_weight_eps(*, snr_t: Any, k: Any, gamma: Any) -> Any:
    """Return a negative power."""
    return (k + snr_t) ** -gamma


@_written
def discretized_gaussian_log_likelihood(x_0: Any, *, mean: Any, std: Any) -> Any:
    """Return logarithms of sums of tails, mirrored to where the distribution function is small."""
    distance = abs(x_0 - mean)
    near, far = (1 / 255 - distance) / std, (-1 / 255 - distance) / std
    inner = log_ndtr(near) + log(1 - exp(log_ndtr(far) - log_ndtr(near)))
    lowest = log_ndtr((x_0 + 1 / 255 - mean) / std)
    highest = log_ndtr(-(x_0 - 1 / 255 - mean) / std)
    return where(x_0 < -0.999, lowest, where(x_0 > 0.999, highest, inner))


# ---------------------------------------------------------------- EDM


@_written
def edm_c_out(*, sigma: Any, sigma_data: Any) -> Any:
    """Return the output's scale by a root of squares."""
    return sigma * sigma_data * (sigma**2 + sigma_data**2) ** -0.5


@_written
def edm_c_in(*, sigma: Any, sigma_data: Any) -> Any:
    """Return the input's scale."""
    return (sigma**2 + sigma_data**2) ** -0.5


@_written
def edm_loss_weight(*, sigma: Any, sigma_data: Any) -> Any:
    """Return the sum of two weights."""
    return 1 / sigma**2 + 1 / sigma_data**2
