"""Right forms of the equations, as papers print them or as public code often writes them.

They order their operations otherwise than the reference, so some lose digits, or the whole result,
at the ends of the chain. Code that follows one of them conforms.
"""

from __future__ import annotations

from refdiff._namespace import Array, exp, log, minimum, sqrt
from refdiff.conformance.variants import form

__all__: list[str] = []


@form(part="x_0_from_eps")
def x_0_from_eps_by_reciprocals(x_t: Array, eps: Array, *, alpha_bar_t: Array) -> Array:
    """The factors are the roots of 1 / alpha_bar and of 1 / alpha_bar - 1."""
    return sqrt(1 / alpha_bar_t) * x_t - sqrt(1 / alpha_bar_t - 1) * eps


@form(part="eps_from_x_0")
def eps_from_x_0_by_reciprocals(x_t: Array, x_0: Array, *, alpha_bar_t: Array) -> Array:
    """The factors are the roots of 1 / alpha_bar and of 1 / alpha_bar - 1."""
    return (sqrt(1 / alpha_bar_t) * x_t - x_0) / sqrt(1 / alpha_bar_t - 1)


@form(part="ddim_sigma")
def ddim_sigma_of_two_roots(*, alpha_bar_t: Array, alpha_bar_s: Array, eta: Array) -> Array:
    """The two factors of sigma are rooted one by one, with one minus the ratio of levels."""
    fraction = sqrt((1 - alpha_bar_s) / (1 - alpha_bar_t))
    return eta * fraction * sqrt(1 - alpha_bar_t / alpha_bar_s)


@form(part="log_snr")
def log_snr_by_difference(*, alpha_bar_t: Array) -> Array:
    """The logarithms of both variances are subtracted."""
    return log(alpha_bar_t) - log(1 - alpha_bar_t)


@form(part="snr")
def snr_of_squared_scales(*, alpha_bar_t: Array) -> Array:
    """The ratio is squared after it was taken of the standard deviations."""
    ratio = sqrt(alpha_bar_t) / sqrt(1 - alpha_bar_t)
    return ratio * ratio


@form(part="alpha_bar_from_log_snr")
def alpha_bar_by_exponentials(*, log_snr_t: Array) -> Array:
    """The logistic function is exp(x) / (1 + exp(x))."""
    return exp(log_snr_t) / (1 + exp(log_snr_t))


@form(part="min_snr_weight_eps")
def min_snr_weight_eps_as_quotient(*, snr_t: Array, gamma: Array) -> Array:
    """The clipped signal-to-noise ratio is divided by the ratio itself, which may be 0."""
    return minimum(snr_t, gamma) / snr_t


@form(part="p2_weight_eps")
def p2_weight_by_exponential(*, snr_t: Array, k: Array, gamma: Array) -> Array:
    """The power is an exponential of a logarithm."""
    return exp(-gamma * log(k + snr_t))


@form(part="edm_c_skip")
def edm_c_skip_of_ratio(*, sigma: Array, sigma_data: Array) -> Array:
    """The ratio of the noise level to the data's is squared first."""
    ratio = sigma / sigma_data
    return 1 / (1 + ratio * ratio)


@form(part="edm_loss_weight")
def edm_loss_weight_of_reciprocals(*, sigma: Array, sigma_data: Array) -> Array:
    """The weight is the sum of two squared reciprocals."""
    return 1 / (sigma * sigma) + 1 / (sigma_data * sigma_data)


@form(part="prior_kl")
def prior_kl_of_moments(x_0: Array, *, alpha_bar_t: Array) -> Array:
    """The mean's square, the variance and its logarithm are added as they stand in the formula."""
    variance = 1 - alpha_bar_t
    return (alpha_bar_t * x_0 * x_0 + variance - 1 - log(variance)) / 2
