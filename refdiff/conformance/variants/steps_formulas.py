"""Forms and choices of whole steps as formulas; mistakes in them stand with the samplers."""

from __future__ import annotations

from refdiff._namespace import Array, maximum, sqrt
from refdiff.conformance.parts import Parts
from refdiff.conformance.variants import convention, deviation, form
from refdiff.equations import ddim_mean

__all__: list[str] = []


@form(part="ddim_mean")
def ddim_mean_without_cancellation(
    x_0: Array, eps: Array, *, alpha_bar_t: Array, alpha_bar_s: Array, eta: Array
) -> Array:
    """The factor of eps is formed from products, without a difference."""
    return ddim_mean(x_0, eps, alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s, eta=eta)


@form(part="ddim_sigma")
def ddim_sigma_of_posterior_variance(
    parts: Parts, *, alpha_bar_t: Array, alpha_bar_s: Array, eta: Array
) -> Array:
    """The standard deviation is eta times the root of the posterior variance."""
    variance = parts.posterior_variance(alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s)
    return eta * sqrt(variance)


@form(part="posterior_mean_from_eps")
def reverse_mean_by_posterior_mean(
    parts: Parts, x_t: Array, eps: Array, *, alpha_bar_t: Array, alpha_bar_s: Array
) -> Array:
    """The mean is the posterior mean at the x_0 that eps implies."""
    x_0 = parts.x_0_from_eps(x_t, eps, alpha_bar_t=alpha_bar_t)
    return parts.posterior_mean(x_0, x_t, alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s)


@form(part="ddpm_step")
def ddpm_step_by_update(
    parts: Parts, x_t: Array, eps: Array, noise: Array, *, alpha_bar_t: Array, alpha_bar_s: Array
) -> Array:
    """The step is that of a sampler: its mean, and the factor of its fresh noise."""
    levels = {"alpha_bar_t": alpha_bar_t, "alpha_bar_s": alpha_bar_s}
    mean = parts.posterior_mean_from_eps(x_t, eps, **levels)
    variance = parts.posterior_variance(**levels)
    return parts.ddpm_update(mean, noise, variance=variance, weight=1)


@form(part="ddpm_step")
def ddpm_step_of_clamped_variance(
    parts: Parts, x_t: Array, eps: Array, noise: Array, *, alpha_bar_t: Array, alpha_bar_s: Array
) -> Array:
    """The variance is at least 1e-20, so that its logarithm exists: no noise that anyone sees."""
    levels = {"alpha_bar_t": alpha_bar_t, "alpha_bar_s": alpha_bar_s}
    variance = maximum(parts.posterior_variance(**levels), 1e-20)
    return parts.posterior_mean_from_eps(x_t, eps, **levels) + sqrt(variance) * noise


@convention(part="ddpm_step")
def ddpm_step_with_fixed_large_variance(
    parts: Parts, x_t: Array, eps: Array, noise: Array, *, alpha_bar_t: Array, alpha_bar_s: Array
) -> Array:
    """The variance of the ancestral step is beta, the larger of the two fixed ones."""
    return parts.ddpm_step_fixed_large(
        x_t, eps, noise, alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s
    )


@deviation(
    part="ddpm_step_fixed_large",
    symptom="slightly too little noise, and none at the last step",
    cure="use beta = 1 - alpha_bar_t / alpha_bar_s",
)
def fixed_large_is_fixed_small(
    parts: Parts, x_t: Array, eps: Array, noise: Array, *, alpha_bar_t: Array, alpha_bar_s: Array
) -> Array:
    """What is called the large variance is beta-tilde, the smaller one."""
    return parts.ddpm_step(x_t, eps, noise, alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s)
