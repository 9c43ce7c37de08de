"""The forward process, its posterior, conversions and steps, in beta_t and alpha_t."""

from __future__ import annotations

from typing import Any

from refdiff._namespace import exp, log, sqrt
from refdiff.conformance.textbook.functions.written import written as _written

__all__: list[str] = []


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
