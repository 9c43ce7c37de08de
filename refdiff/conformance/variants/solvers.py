"""Mistakes and choices in steps of ODE solvers in sigma."""

from __future__ import annotations

from typing import Any

from refdiff._namespace import minimum, sqrt
from refdiff.conformance.parts import Parts
from refdiff.conformance.parts.grids import Walk
from refdiff.conformance.variants import deviation, form

__all__: list[str] = []


@deviation(
    "heun-second-slope-at-the-first-sigma",
    part="heun_second_sigma",
    symptom="convergence of first order only",
    cure="evaluate the second stage at the sigma that the step goes to",
    links=("https://github.com/huggingface/diffusers/pull/1512",),
)
def heun_second_slope_at_the_first_sigma(*, sigma_from: Any, sigma_to: Any) -> Any:
    """Heun's second slope is divided by the sigma of the first stage."""
    return sigma_from


@deviation(
    "heun-uses-the-first-slope",
    part="heun_slope",
    symptom="twice the calls of Euler's method for the same result",
    cure="step along the mean of both slopes",
)
def heun_uses_the_first_slope(first: Any, second: Any) -> Any:
    """Heun's method steps along its first slope, so that the second is computed in vain."""
    return first


@deviation(
    "heun-uses-the-second-slope",
    part="heun_slope",
    symptom="convergence of first order only",
    cure="step along the mean of both slopes",
)
def heun_uses_the_second_slope(first: Any, second: Any) -> Any:
    """Heun's method steps along its second slope alone."""
    return second


@deviation(
    "heun-slopes-summed",
    part="heun_slope",
    symptom="steps of twice their length: the samples explode",
    cure="divide the sum of the slopes by two",
)
def heun_slopes_summed(first: Any, second: Any) -> Any:
    """Heun's method steps along the sum of both slopes and not along their mean."""
    return first + second


@deviation(
    "last-sigma-repeated",
    part="sigma_after",
    symptom="noise of the smallest sigma stays in the samples",
    cure="end the list of sigmas with 0",
    links=(
        "https://github.com/huggingface/diffusers/issues/5689",
        "https://github.com/huggingface/diffusers/pull/6477",
    ),
)
def last_sigma_repeated(parts: Parts, walk: Walk, k: int) -> Any:
    """The last step goes to the sigma that it comes from, so that it does nothing."""
    following = walk.sigmas[k + 1] if walk.sigmas is not None else None
    if k + 1 == walk.steps:
        return parts.sigma_at(walk, k)
    if following is not None:
        return following
    return parts.sigma_of_level(parts.level_after(walk, k))


@deviation(
    "slope-without-sigma",
    part="slope",
    symptom="steps are too long above sigma 1 and too short below",
    cure="take (x - x_0) / sigma",
)
def slope_without_sigma(x: Any, x_0: Any, *, sigma: Any) -> Any:
    """The slope is x - x_0, not divided by sigma."""
    return x - x_0


@deviation(
    "slope-sign",
    part="slope",
    symptom="the samples run away from the data",
    cure="take (x - x_0) / sigma",
)
def slope_sign(x: Any, x_0: Any, *, sigma: Any) -> Any:
    """The slope of the probability flow has the wrong sign."""
    return (x_0 - x) / sigma


@deviation(
    "ancestral-noise-not-rooted",
    part="ancestral_up",
    symptom="too little noise: samples are too smooth",
    cure="take the square root of the variance",
)
def ancestral_noise_not_rooted(*, sigma_from: Any, sigma_to: Any, eta: Any) -> Any:
    """The noise of an ancestral step is multiplied by the variance and not by its root."""
    ratio = sigma_to * sigma_to / (sigma_from * sigma_from)
    return minimum(sigma_to, eta * ratio * (sigma_from * sigma_from - sigma_to * sigma_to))


@deviation(
    "ancestral-noise-of-the-whole-stride",
    part="ancestral_up",
    symptom="more noise than the level that the step goes to",
    cure="multiply by sigma_to / sigma_from",
)
def ancestral_noise_of_the_whole_stride(*, sigma_from: Any, sigma_to: Any, eta: Any) -> Any:
    """The noise of an ancestral step lacks its factor sigma_to / sigma_from."""
    return minimum(sigma_to, eta * sqrt(sigma_from * sigma_from - sigma_to * sigma_to))


@deviation(
    "ancestral-level-not-lowered",
    part="ancestral_down",
    symptom="every state is noisier than its level says",
    cure="step to sqrt(sigma_to^2 - sigma_up^2) before adding noise",
)
def ancestral_level_not_lowered(*, sigma_to: Any, sigma_up: Any) -> Any:
    """The deterministic part of an ancestral step goes to sigma_to itself."""
    return sigma_to


@deviation(
    "ancestral-level-not-squared",
    part="ancestral_down",
    symptom="every state is cleaner than its level says",
    cure="subtract variances, not standard deviations",
)
def ancestral_level_not_squared(*, sigma_to: Any, sigma_up: Any) -> Any:
    """The level below an ancestral step is sigma_to - sigma_up."""
    return sigma_to - sigma_up


@deviation(
    "multistep-without-history",
    part="dpm_2m_denoised",
    symptom="convergence of first order only",
    cure="extrapolate with the prediction of the step before",
)
def multistep_without_history(x_0: Any, last: Any, *, step: Any, last_step: Any) -> Any:
    """A method of second order uses the latest prediction alone."""
    return x_0


@deviation(
    "multistep-ratio-inverted",
    part="dpm_2m_denoised",
    symptom="convergence of first order on uneven steps",
    cure="divide the present step by the last one",
)
def multistep_ratio_inverted(x_0: Any, last: Any, *, step: Any, last_step: Any) -> Any:
    """The extrapolation divides the last step by the present one."""
    share = last_step / (2 * step)
    return (1 + share) * x_0 - share * last


@form("ancestral-noise-by-the-difference", part="ancestral_up")
def ancestral_noise_by_the_difference(*, sigma_from: Any, sigma_to: Any, eta: Any) -> Any:
    """The noise of an ancestral step is computed by sqrt(1 - ratio^2)."""
    ratio = sigma_to / sigma_from
    return eta * sigma_to * sqrt(1 - ratio * ratio)
