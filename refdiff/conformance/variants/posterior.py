"""Mistakes and choices in the posterior and the reverse variances."""

from __future__ import annotations

from refdiff._namespace import Array, log, maximum, sqrt
from refdiff.conformance.variants import convention, deviation, form

__all__: list[str] = []

_BOTH = "use sqrt(alpha_bar_s) for x_0 and sqrt(alpha_bar_t / alpha_bar_s) for x_t"


def beta(alpha_bar_t: Array, alpha_bar_s: Array) -> Array:
    """Return the variance of the forward step, as most code forms it."""
    return 1 - alpha_bar_t / alpha_bar_s


def beta_tilde(alpha_bar_t: Array, alpha_bar_s: Array) -> Array:
    """Return the posterior variance."""
    return (1 - alpha_bar_s) / (1 - alpha_bar_t) * beta(alpha_bar_t, alpha_bar_s)


# ---------------------------------------------------------------- right forms


@form(part="posterior_mean")
def posterior_mean_through_eps(
    x_0: Array, x_t: Array, *, alpha_bar_t: Array, alpha_bar_s: Array
) -> Array:
    """The mean is formed from x_t and the noise that x_0 implies."""
    eps = (x_t - sqrt(alpha_bar_t) * x_0) / sqrt(1 - alpha_bar_t)
    step = beta(alpha_bar_t, alpha_bar_s)
    return (x_t - step / sqrt(1 - alpha_bar_t) * eps) / sqrt(alpha_bar_t / alpha_bar_s)


@form(part="posterior_mean_from_eps")
def reverse_mean_through_x_0(
    x_t: Array, eps: Array, *, alpha_bar_t: Array, alpha_bar_s: Array
) -> Array:
    """The mean is formed from x_t and the x_0 that eps implies."""
    x_0 = (x_t - sqrt(1 - alpha_bar_t) * eps) / sqrt(alpha_bar_t)
    step = beta(alpha_bar_t, alpha_bar_s)
    of_x_t = sqrt(alpha_bar_t / alpha_bar_s) * (1 - alpha_bar_s) / (1 - alpha_bar_t)
    return sqrt(alpha_bar_s) * step / (1 - alpha_bar_t) * x_0 + of_x_t * x_t


@form(part="posterior_mean_from_eps")
def reverse_mean_from_beta(
    x_t: Array, eps: Array, *, alpha_bar_t: Array, alpha_bar_s: Array
) -> Array:
    """The mean is formed from beta, and alpha_t as one minus it."""
    step = beta(alpha_bar_t, alpha_bar_s)
    return (x_t - step / sqrt(1 - alpha_bar_t) * eps) / sqrt(1 - step)


@form(part="posterior_mean")
def posterior_mean_from_beta(
    x_0: Array, x_t: Array, *, alpha_bar_t: Array, alpha_bar_s: Array
) -> Array:
    """The mean is formed from beta, and alpha_t as one minus it."""
    step, noise = beta(alpha_bar_t, alpha_bar_s), 1 - alpha_bar_t
    of_x_t = sqrt(1 - step) * (1 - alpha_bar_s) / noise
    return sqrt(alpha_bar_s) * step / noise * x_0 + of_x_t * x_t


@form(part="posterior_variance")
def posterior_variance_from_betas(*, alpha_bar_t: Array, alpha_bar_s: Array) -> Array:
    """The variance is formed from beta as one minus the ratio of levels."""
    return beta_tilde(alpha_bar_t, alpha_bar_s)


# ---------------------------------------------------------------- the mean


@deviation(part="posterior_mean", symptom="the mean shrinks in each step", cure=_BOTH)
def posterior_mean_without_roots(
    x_0: Array, x_t: Array, *, alpha_bar_t: Array, alpha_bar_s: Array
) -> Array:
    """Both factors of the posterior mean lack their square roots."""
    step = beta(alpha_bar_t, alpha_bar_s)
    noise = 1 - alpha_bar_t
    return alpha_bar_s * step / noise * x_0 + (1 - step) * (1 - alpha_bar_s) / noise * x_t


@deviation(part="posterior_mean", symptom="the mean drifts", cure=_BOTH)
def posterior_mean_x_0_root_missing(
    x_0: Array, x_t: Array, *, alpha_bar_t: Array, alpha_bar_s: Array
) -> Array:
    """The factor of x_0 has alpha_bar_s in place of its square root."""
    step, noise = beta(alpha_bar_t, alpha_bar_s), 1 - alpha_bar_t
    of_x_t = sqrt(alpha_bar_t / alpha_bar_s) * (1 - alpha_bar_s) / noise
    return alpha_bar_s * step / noise * x_0 + of_x_t * x_t


@deviation(part="posterior_mean", symptom="the mean drifts", cure=_BOTH)
def posterior_mean_x_t_root_missing(
    x_0: Array, x_t: Array, *, alpha_bar_t: Array, alpha_bar_s: Array
) -> Array:
    """The factor of x_t has alpha_t in place of its square root."""
    step, noise = beta(alpha_bar_t, alpha_bar_s), 1 - alpha_bar_t
    of_x_t = alpha_bar_t / alpha_bar_s * (1 - alpha_bar_s) / noise
    return sqrt(alpha_bar_s) * step / noise * x_0 + of_x_t * x_t


@deviation(part="posterior_mean", symptom="the mean shrinks towards 0 at late times", cure=_BOTH)
def posterior_mean_x_t_with_alpha_bar(
    x_0: Array, x_t: Array, *, alpha_bar_t: Array, alpha_bar_s: Array
) -> Array:
    """The factor of x_t has sqrt(alpha_bar_t) in place of sqrt(alpha_t)."""
    step, noise = beta(alpha_bar_t, alpha_bar_s), 1 - alpha_bar_t
    of_x_t = sqrt(alpha_bar_t) * (1 - alpha_bar_s) / noise
    return sqrt(alpha_bar_s) * step / noise * x_0 + of_x_t * x_t


@deviation(part="posterior_mean", symptom="x_0 enters with the weight of t", cure=_BOTH)
def posterior_mean_x_0_at_t(
    x_0: Array, x_t: Array, *, alpha_bar_t: Array, alpha_bar_s: Array
) -> Array:
    """The factor of x_0 has sqrt(alpha_bar_t) in place of sqrt(alpha_bar_s)."""
    step, noise = beta(alpha_bar_t, alpha_bar_s), 1 - alpha_bar_t
    of_x_t = sqrt(alpha_bar_t / alpha_bar_s) * (1 - alpha_bar_s) / noise
    return sqrt(alpha_bar_t) * step / noise * x_0 + of_x_t * x_t


@deviation(
    part="posterior_mean", symptom="x_t is kept where it should go", cure="exchange the factors"
)
def posterior_mean_factors_swapped(
    x_0: Array, x_t: Array, *, alpha_bar_t: Array, alpha_bar_s: Array
) -> Array:
    """x_0 has the factor of x_t and x_t that of x_0."""
    step, noise = beta(alpha_bar_t, alpha_bar_s), 1 - alpha_bar_t
    of_x_t = sqrt(alpha_bar_t / alpha_bar_s) * (1 - alpha_bar_s) / noise
    return of_x_t * x_0 + sqrt(alpha_bar_s) * step / noise * x_t


@deviation(
    part="posterior_mean",
    symptom="the mean shrinks at early times",
    cure="divide both terms by 1 - alpha_bar_t",
)
def posterior_mean_without_denominators(
    x_0: Array, x_t: Array, *, alpha_bar_t: Array, alpha_bar_s: Array
) -> Array:
    """The factors of the posterior mean are not divided by 1 - alpha_bar_t."""
    step = beta(alpha_bar_t, alpha_bar_s)
    of_x_t = sqrt(alpha_bar_t / alpha_bar_s) * (1 - alpha_bar_s)
    return sqrt(alpha_bar_s) * step * x_0 + of_x_t * x_t


@deviation(
    part="posterior_mean",
    symptom="no noise is removed from x_t",
    cure="use 1 - alpha_bar_s, of the earlier time, in the factor of x_t",
)
def posterior_mean_x_t_noise_at_t(
    x_0: Array, x_t: Array, *, alpha_bar_t: Array, alpha_bar_s: Array
) -> Array:
    """The factor of x_t has the noise of t, not of s, in its numerator."""
    step = beta(alpha_bar_t, alpha_bar_s)
    of_x_0 = sqrt(alpha_bar_s) * step / (1 - alpha_bar_t)
    return of_x_0 * x_0 + sqrt(alpha_bar_t / alpha_bar_s) * x_t


# ---------------------------------------------------------------- the mean from eps


@deviation(
    part="posterior_mean_from_eps",
    symptom="too much noise is removed",
    cure="take the root",
)
def reverse_mean_divided_by_variance(
    x_t: Array, eps: Array, *, alpha_bar_t: Array, alpha_bar_s: Array
) -> Array:
    """The factor of eps is divided by 1 - alpha_bar_t, not by its square root."""
    step = beta(alpha_bar_t, alpha_bar_s)
    return (x_t - step / (1 - alpha_bar_t) * eps) / sqrt(alpha_bar_t / alpha_bar_s)


@deviation(
    part="posterior_mean_from_eps",
    symptom="images are dark: every step shrinks them",
    cure="divide by sqrt(alpha_t)",
)
def reverse_mean_not_scaled_up(
    x_t: Array, eps: Array, *, alpha_bar_t: Array, alpha_bar_s: Array
) -> Array:
    """The mean is not divided by the square root of alpha_t."""
    return x_t - beta(alpha_bar_t, alpha_bar_s) / sqrt(1 - alpha_bar_t) * eps


@deviation(
    part="posterior_mean_from_eps",
    symptom="the state grows without bounds",
    cure="divide by sqrt(alpha_t), not by sqrt(alpha_bar_t)",
)
def reverse_mean_scaled_by_alpha_bar(
    x_t: Array, eps: Array, *, alpha_bar_t: Array, alpha_bar_s: Array
) -> Array:
    """The mean is divided by sqrt(alpha_bar_t) in place of sqrt(alpha_t)."""
    step = beta(alpha_bar_t, alpha_bar_s)
    return (x_t - step / sqrt(1 - alpha_bar_t) * eps) / sqrt(alpha_bar_t)


@deviation(
    part="posterior_mean_from_eps",
    symptom="the state grows too fast",
    cure="take the root",
)
def reverse_mean_scaled_without_root(
    x_t: Array, eps: Array, *, alpha_bar_t: Array, alpha_bar_s: Array
) -> Array:
    """The mean is divided by alpha_t in place of its square root."""
    step = beta(alpha_bar_t, alpha_bar_s)
    return (x_t - step / sqrt(1 - alpha_bar_t) * eps) / (alpha_bar_t / alpha_bar_s)


@deviation(part="posterior_mean_from_eps", symptom="noise grows in every step", cure="subtract it")
def reverse_mean_adds_noise(
    x_t: Array, eps: Array, *, alpha_bar_t: Array, alpha_bar_s: Array
) -> Array:
    """The predicted noise is added in place of being subtracted."""
    step = beta(alpha_bar_t, alpha_bar_s)
    return (x_t + step / sqrt(1 - alpha_bar_t) * eps) / sqrt(alpha_bar_t / alpha_bar_s)


@deviation(
    part="posterior_mean_from_eps",
    symptom="each step takes away far too much noise",
    cure="use beta_t / sqrt(1 - alpha_bar_t)",
)
def reverse_mean_with_root_of_beta(
    x_t: Array, eps: Array, *, alpha_bar_t: Array, alpha_bar_s: Array
) -> Array:
    """The factor of eps has the square root of beta in its numerator."""
    step = sqrt(beta(alpha_bar_t, alpha_bar_s))
    return (x_t - step / sqrt(1 - alpha_bar_t) * eps) / sqrt(alpha_bar_t / alpha_bar_s)


@deviation(
    part="posterior_mean_from_eps",
    symptom="all noise is taken away in the first step",
    cure="use beta_t / sqrt(1 - alpha_bar_t)",
)
def reverse_mean_removes_all_noise(
    x_t: Array, eps: Array, *, alpha_bar_t: Array, alpha_bar_s: Array
) -> Array:
    """The factor of eps is sqrt(1 - alpha_bar_t), the whole noise of x_t."""
    return (x_t - sqrt(1 - alpha_bar_t) * eps) / sqrt(alpha_bar_t / alpha_bar_s)


# ---------------------------------------------------------------- the variance


@deviation(
    part="posterior_variance",
    symptom="noise of variance near 1 at every noisy step",
    cure="divide by 1 - alpha_bar_t, not by beta_t",
    links=("https://github.com/varun-ml/diffusion-models-tutorial/pull/1",),
)
def posterior_variance_divided_by_beta(*, alpha_bar_t: Array, alpha_bar_s: Array) -> Array:
    """The posterior variance is divided by beta_t, which leaves 1 - alpha_bar_s."""
    return 1 - alpha_bar_s + 0 * alpha_bar_t


@deviation(
    part="posterior_variance",
    symptom="hardly any noise at early times",
    cure="divide by 1 - alpha_bar_t",
)
def posterior_variance_without_denominator(*, alpha_bar_t: Array, alpha_bar_s: Array) -> Array:
    """The posterior variance is not divided by 1 - alpha_bar_t."""
    return (1 - alpha_bar_s) * beta(alpha_bar_t, alpha_bar_s)


@deviation(
    part="posterior_variance",
    symptom="slightly too much noise, and some at the last step",
    cure="multiply by (1 - alpha_bar_s) / (1 - alpha_bar_t)",
    links=("https://github.com/lucidrains/denoising-diffusion-pytorch/issues/18",),
)
def posterior_variance_is_beta(*, alpha_bar_t: Array, alpha_bar_s: Array) -> Array:
    """What is called the posterior variance is beta, the variance of the forward step."""
    return beta(alpha_bar_t, alpha_bar_s)


@deviation(part="posterior_variance", symptom="far too much noise", cure="invert the ratio")
def posterior_variance_ratio_inverted(*, alpha_bar_t: Array, alpha_bar_s: Array) -> Array:
    """The ratio of the noises of s and t is upside down."""
    return (1 - alpha_bar_t) / (1 - alpha_bar_s) * beta(alpha_bar_t, alpha_bar_s)


@deviation(part="posterior_variance", symptom="too much noise", cure="square it")
def posterior_variance_is_std(*, alpha_bar_t: Array, alpha_bar_s: Array) -> Array:
    """What is called the posterior variance is the standard deviation."""
    return sqrt(beta_tilde(alpha_bar_t, alpha_bar_s))


@deviation(
    part="posterior_variance",
    symptom="negative variances",
    cure="return the variance, or name it a log-variance",
)
def posterior_variance_is_logarithm(*, alpha_bar_t: Array, alpha_bar_s: Array) -> Array:
    """What is called the posterior variance is its logarithm."""
    return log(maximum(beta_tilde(alpha_bar_t, alpha_bar_s), 1e-20))


@deviation(
    part="posterior_variance", symptom="too much noise", cure="use the ratio without square roots"
)
def posterior_variance_ratio_of_roots(*, alpha_bar_t: Array, alpha_bar_s: Array) -> Array:
    """The ratio of the noises of s and t is one of standard deviations."""
    return sqrt((1 - alpha_bar_s) / (1 - alpha_bar_t)) * beta(alpha_bar_t, alpha_bar_s)


@convention(part="posterior_variance")
def posterior_variance_at_least_1e_20(*, alpha_bar_t: Array, alpha_bar_s: Array) -> Array:
    """The posterior variance is kept from vanishing by a bound of 1e-20."""
    return maximum(beta_tilde(alpha_bar_t, alpha_bar_s), 1e-20)
