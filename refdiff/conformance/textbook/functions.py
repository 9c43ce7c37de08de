"""The functions of `refdiff.equations` as textbooks and public code write them.

In beta_t and alpha_t = 1 - beta_t, by logarithms, by angles, with NumPy and torch alike: other
orders of operations than the reference's, which the checks must leave alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from refdiff import equations
from refdiff._namespace import cos, exp, log, log_ndtr, maximum, minimum, sort_last, sqrt, where
from refdiff.conformance.parts import Parts
from refdiff.conformance.shapes.functions.programs import program_of

__all__ = ["Textbook", "build"]

_WRITTEN: dict[str, Callable[..., Any]] = {}


def _written(function: Callable[..., Any]) -> Callable[..., Any]:
    _WRITTEN[function.__name__] = function
    return function


class Textbook:
    """An object with all functions of `refdiff.equations`.

    Parameters
    ----------
    parts : Parts
        Where a variant replaces a function, or what it is made of, that is what is called.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name not in equations.__all__:
            raise AttributeError(f"no function {name!r}")

        def call(*args: Any, **kwargs: Any) -> Any:
            through_parts = program_of(name, self._parts)(*args, **kwargs)
            if self._parts.variants or name not in _WRITTEN:
                return through_parts
            return _WRITTEN[name](*args, **kwargs)

        return call


def build(parts: Parts) -> Textbook:
    """Return the target.

    Parameters
    ----------
    parts : Parts
        With the variants that are planted.

    Returns
    -------
    Textbook
        Of the shape ``functions``.
    """
    return Textbook(parts)


# ---------------------------------------------------------------- forward process and posterior


def _beta(alpha_bar_t: Any, alpha_bar_s: Any) -> Any:
    return 1 - alpha_bar_t / alpha_bar_s


def _angle_parts(alpha_bar: Any) -> tuple[Any, Any]:
    """Return the cosine and the sine of the angle whose cosine is the signal's scale."""
    return sqrt(alpha_bar), sqrt(1 - alpha_bar)


@_written
def forward_sample(x_0: Any, eps: Any, *, alpha_bar_t: Any) -> Any:
    """Return x_t."""
    return alpha_bar_t**0.5 * x_0 + (1 - alpha_bar_t) ** 0.5 * eps


@_written
def transition_mean(x_s: Any, *, alpha_bar_t: Any, alpha_bar_s: Any) -> Any:
    """Return sqrt(1 - beta) x_s."""
    return sqrt(1 - _beta(alpha_bar_t, alpha_bar_s)) * x_s


@_written
def transition_variance(*, alpha_bar_t: Any, alpha_bar_s: Any) -> Any:
    """Return beta."""
    return _beta(alpha_bar_t, alpha_bar_s)


@_written
def posterior_mean(x_0: Any, x_t: Any, *, alpha_bar_t: Any, alpha_bar_s: Any) -> Any:
    """Return DDPM, equation (7)."""
    beta = _beta(alpha_bar_t, alpha_bar_s)
    of_x_0 = beta * sqrt(alpha_bar_s) / (1.0 - alpha_bar_t)
    of_x_t = (1.0 - alpha_bar_s) * sqrt(1.0 - beta) / (1.0 - alpha_bar_t)
    return of_x_0 * x_0 + of_x_t * x_t


@_written
def posterior_variance(*, alpha_bar_t: Any, alpha_bar_s: Any) -> Any:
    """Return beta-tilde."""
    return _beta(alpha_bar_t, alpha_bar_s) * (1.0 - alpha_bar_s) / (1.0 - alpha_bar_t)


@_written
def posterior_mean_from_eps(x_t: Any, eps: Any, *, alpha_bar_t: Any, alpha_bar_s: Any) -> Any:
    """Return DDPM, equation (11)."""
    beta = _beta(alpha_bar_t, alpha_bar_s)
    return 1 / sqrt(1 - beta) * (x_t - beta / sqrt(1 - alpha_bar_t) * eps)


@_written
def learned_range_variance(v: Any, *, alpha_bar_t: Any, alpha_bar_s: Any) -> Any:
    """Return IDDPM's interpolation as a product of powers."""
    beta = _beta(alpha_bar_t, alpha_bar_s)
    small = posterior_variance(alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s)
    return beta**v * small ** (1 - v)


@_written
def optimal_reverse_variance(*, alpha_bar_t: Any, alpha_bar_s: Any, mean_squared_eps: Any) -> Any:
    """Return Analytic-DPM's variance."""
    beta = _beta(alpha_bar_t, alpha_bar_s)
    small = posterior_variance(alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s)
    gain = (sqrt((1 - alpha_bar_t) / (1 - beta)) - sqrt(1 - alpha_bar_s - small)) ** 2
    return small + gain * (1 - mean_squared_eps)


# ---------------------------------------------------------------- conversions


@_written
def x_0_from_eps(x_t: Any, eps: Any, *, alpha_bar_t: Any) -> Any:
    """Return the data by the two reciprocal tables of public code."""
    return sqrt(1 / alpha_bar_t) * x_t - sqrt(1 / alpha_bar_t - 1) * eps


@_written
def eps_from_x_0(x_t: Any, x_0: Any, *, alpha_bar_t: Any) -> Any:
    """Return the noise by the same tables."""
    return (sqrt(1 / alpha_bar_t) * x_t - x_0) / sqrt(1 / alpha_bar_t - 1)


@_written
def v_from_eps(x_t: Any, eps: Any, *, alpha_bar_t: Any) -> Any:
    """Return cos eps - sin x_0."""
    c, s = _angle_parts(alpha_bar_t)
    return c * eps - s * ((x_t - s * eps) / c)


@_written
def v_from_x_0(x_t: Any, x_0: Any, *, alpha_bar_t: Any) -> Any:
    """Return cos eps - sin x_0."""
    c, s = _angle_parts(alpha_bar_t)
    return c * ((x_t - c * x_0) / s) - s * x_0


@_written
def score_from_x_0(x_t: Any, x_0: Any, *, alpha_bar_t: Any) -> Any:
    """Return minus the implied noise over its scale."""
    c, s = _angle_parts(alpha_bar_t)
    return -((x_t - c * x_0) / s) / s


@_written
def x_0_from_score(x_t: Any, score: Any, *, alpha_bar_t: Any) -> Any:
    """Return Tweedie's formula through the implied noise."""
    c, s = _angle_parts(alpha_bar_t)
    return (x_t - s * (-s * score)) / c


@_written
def snr(*, alpha_bar_t: Any) -> Any:
    """Return (alpha / sigma)^2."""
    c, s = _angle_parts(alpha_bar_t)
    return (c / s) ** 2


@_written
def log_snr(*, alpha_bar_t: Any) -> Any:
    """Return a difference of logarithms."""
    return log(alpha_bar_t) - log(1 - alpha_bar_t)


@_written
def alpha_bar_from_log_snr(*, log_snr_t: Any) -> Any:
    """Return the logistic function by the exponential itself."""
    return exp(log_snr_t) / (1 + exp(log_snr_t))


# ---------------------------------------------------------------- steps


@_written
def ddpm_step(x_t: Any, eps: Any, noise: Any, *, alpha_bar_t: Any, alpha_bar_s: Any) -> Any:
    """Return DDPM, algorithm 2."""
    levels = {"alpha_bar_t": alpha_bar_t, "alpha_bar_s": alpha_bar_s}
    return posterior_mean_from_eps(x_t, eps, **levels) + sqrt(posterior_variance(**levels)) * noise


@_written
def ddim_sigma(*, alpha_bar_t: Any, alpha_bar_s: Any, eta: Any) -> Any:
    """Return DDIM, equation (16)."""
    ratio = (1 - alpha_bar_s) / (1 - alpha_bar_t)
    return eta * ratio**0.5 * (1 - alpha_bar_t / alpha_bar_s) ** 0.5


@_written
def ddim_mean(x_0: Any, eps: Any, *, alpha_bar_t: Any, alpha_bar_s: Any, eta: Any) -> Any:
    """Return the first two terms of DDIM, equation (12)."""
    sigma = ddim_sigma(alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s, eta=eta)
    return sqrt(alpha_bar_s) * x_0 + sqrt(1 - alpha_bar_s - sigma**2) * eps


@_written
def ddim_step(
    x_t: Any, eps: Any, noise: Any, *, alpha_bar_t: Any, alpha_bar_s: Any, eta: Any
) -> Any:
    """Return DDIM, equation (12)."""
    known = {"alpha_bar_t": alpha_bar_t, "alpha_bar_s": alpha_bar_s, "eta": eta}
    x_0 = (x_t - sqrt(1 - alpha_bar_t) * eps) / sqrt(alpha_bar_t)
    return ddim_mean(x_0, eps, **known) + ddim_sigma(**known) * noise


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
    beta = _beta(alpha_bar_t, alpha_bar_s)
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
