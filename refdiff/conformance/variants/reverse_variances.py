"""Mistakes and choices in learned and in optimal reverse variances."""

from __future__ import annotations

from refdiff._namespace import Array, exp, log, maximum, sqrt
from refdiff.conformance.variants import convention, deviation, form
from refdiff.conformance.variants.posterior import beta, beta_tilde

__all__: list[str] = []


@form(part="learned_range_variance")
def learned_range_by_logarithms(v: Array, *, alpha_bar_t: Array, alpha_bar_s: Array) -> Array:
    """The interpolation is between two logarithms."""
    large = log(beta(alpha_bar_t, alpha_bar_s))
    small = log(beta_tilde(alpha_bar_t, alpha_bar_s))
    return exp(v * large + (1 - v) * small)


@form(part="optimal_reverse_variance")
def optimal_variance_from_beta(
    *, alpha_bar_t: Array, alpha_bar_s: Array, mean_squared_eps: Array
) -> Array:
    """The variance is formed from beta, and alpha_t as one minus it, by a square of two roots."""
    step = beta(alpha_bar_t, alpha_bar_s)
    small = beta_tilde(alpha_bar_t, alpha_bar_s)
    gain = sqrt((1 - alpha_bar_t) / (1 - step)) - sqrt(maximum(1 - alpha_bar_s - small, 0.0))
    return small + gain * gain * (1 - mean_squared_eps)


@convention(part="learned_range_variance", choice="range of the variance's v")
def learned_range_from_minus_one(v: Array, *, alpha_bar_t: Array, alpha_bar_s: Array) -> Array:
    """The fraction v is taken from [-1, 1], as networks put it out."""
    ratio = (1 - alpha_bar_s) / (1 - alpha_bar_t)
    return beta(alpha_bar_t, alpha_bar_s) * ratio ** (1 - (v + 1) / 2)


@convention(part="learned_range_variance")
def learned_range_at_least_1e_20(v: Array, *, alpha_bar_t: Array, alpha_bar_s: Array) -> Array:
    """The smaller of the two variances is kept from vanishing by a bound of 1e-20."""
    small = maximum(beta_tilde(alpha_bar_t, alpha_bar_s), 1e-20)
    return exp(v * log(beta(alpha_bar_t, alpha_bar_s)) + (1 - v) * log(small))


@deviation(
    part="learned_range_variance",
    symptom="too much noise: the geometric mean is smaller",
    cure="interpolate the logarithms",
)
def learned_range_not_in_logarithm(v: Array, *, alpha_bar_t: Array, alpha_bar_s: Array) -> Array:
    """The variances are interpolated, not their logarithms."""
    small = beta_tilde(alpha_bar_t, alpha_bar_s)
    return v * beta(alpha_bar_t, alpha_bar_s) + (1 - v) * small


@deviation(part="learned_range_variance", symptom="v works backwards", cure="exchange the ends")
def learned_range_reversed(v: Array, *, alpha_bar_t: Array, alpha_bar_s: Array) -> Array:
    """V = 1 gives the smaller variance and v = 0 the larger one."""
    ratio = (1 - alpha_bar_s) / (1 - alpha_bar_t)
    return beta(alpha_bar_t, alpha_bar_s) * ratio**v


@deviation(
    part="learned_range_variance",
    symptom="negative variances",
    cure="exponentiate, or name it a log-variance",
)
def learned_range_is_logarithm(v: Array, *, alpha_bar_t: Array, alpha_bar_s: Array) -> Array:
    """What is called the learned variance is its logarithm."""
    ratio = (1 - alpha_bar_s) / (1 - alpha_bar_t)
    return log(beta(alpha_bar_t, alpha_bar_s)) + (1 - v) * log(maximum(ratio, 1e-20))


@deviation(part="learned_range_variance", symptom="too much noise", cure="square it")
def learned_range_is_std(v: Array, *, alpha_bar_t: Array, alpha_bar_s: Array) -> Array:
    """What is called the learned variance is the standard deviation."""
    ratio = (1 - alpha_bar_s) / (1 - alpha_bar_t)
    return sqrt(beta(alpha_bar_t, alpha_bar_s) * ratio ** (1 - v))


def _carried(alpha_bar_t: Array, alpha_bar_s: Array) -> Array:
    step = beta(alpha_bar_t, alpha_bar_s)
    return step * step / (alpha_bar_t / alpha_bar_s * (1 - alpha_bar_t))


@deviation(
    part="optimal_reverse_variance",
    symptom="less noise than the posterior itself has",
    cure="add the term",
)
def optimal_variance_subtracts(
    *, alpha_bar_t: Array, alpha_bar_s: Array, mean_squared_eps: Array
) -> Array:
    """The spread of x_0 is subtracted from the posterior variance, not added."""
    spread = _carried(alpha_bar_t, alpha_bar_s) * (1 - mean_squared_eps)
    return beta_tilde(alpha_bar_t, alpha_bar_s) - spread


@deviation(
    part="optimal_reverse_variance",
    symptom="noise grows with how well the noise is known",
    cure="use 1 minus the mean square of eps",
)
def optimal_variance_of_mean_square(
    *, alpha_bar_t: Array, alpha_bar_s: Array, mean_squared_eps: Array
) -> Array:
    """The mean square of eps stands where one minus it belongs."""
    spread = _carried(alpha_bar_t, alpha_bar_s) * mean_squared_eps
    return beta_tilde(alpha_bar_t, alpha_bar_s) + spread


@deviation(
    part="optimal_reverse_variance",
    symptom="less noise than the posterior itself has",
    cure="add the posterior variance",
)
def optimal_variance_without_posterior(
    *, alpha_bar_t: Array, alpha_bar_s: Array, mean_squared_eps: Array
) -> Array:
    """The posterior variance is missing from the optimal one."""
    return _carried(alpha_bar_t, alpha_bar_s) * (1 - mean_squared_eps)


@deviation(part="optimal_reverse_variance", symptom="too much noise", cure="square beta")
def optimal_variance_beta_not_squared(
    *, alpha_bar_t: Array, alpha_bar_s: Array, mean_squared_eps: Array
) -> Array:
    """The factor of the spread has beta in place of its square."""
    spread = beta(alpha_bar_t, alpha_bar_s) / (alpha_bar_t / alpha_bar_s * (1 - alpha_bar_t))
    return beta_tilde(alpha_bar_t, alpha_bar_s) + spread * (1 - mean_squared_eps)
