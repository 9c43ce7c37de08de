"""Mistakes and choices in ancestral (DDPM) steps: mean, variance and noise."""

from __future__ import annotations

from typing import Any

from refdiff._namespace import maximum, sqrt
from refdiff.conformance.parts import Parts
from refdiff.conformance.variants import convention, deviation, form, observed

__all__ = ["UNIFORM"]

_PAIR = "use the beta of the pair of times, 1 - A_t / A_s, and not that of a training step"


@convention("fixed-large-variance", part="ddpm_variance")
def fixed_large_variance(
    parts: Parts, *, alpha_bar_t: Any, alpha_bar_s: Any, alpha_bar_before: Any = None
) -> Any:
    """The fixed variance of the reverse step is beta, the larger of the two."""
    return parts.transition_variance(alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s)


@form("ddpm-mean-from-eps", part="ddpm_mean")
def ddpm_mean_from_eps(
    parts: Parts,
    x_0: Any,
    eps: Any,
    x_t: Any,
    *,
    alpha_bar_t: Any,
    alpha_bar_s: Any,
    alpha_bar_before: Any = None,
) -> Any:
    """The mean is computed from x_t and eps."""
    return parts.posterior_mean_from_eps(x_t, eps, alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s)


@deviation(
    "mean-of-the-training-step",
    part="ddpm_mean",
    symptom="right if all T times are visited; with fewer steps noise is left over",
    cure=_PAIR,
)
def mean_of_the_training_step(
    parts: Parts,
    x_0: Any,
    eps: Any,
    x_t: Any,
    *,
    alpha_bar_t: Any,
    alpha_bar_s: Any,
    alpha_bar_before: Any = None,
) -> Any:
    """Where times are skipped, the mean is still that of a step down by one training time."""
    return parts.posterior_mean(
        x_0, x_t, alpha_bar_t=alpha_bar_t, alpha_bar_s=_known(alpha_bar_before)
    )


@deviation(
    "variance-of-the-training-step",
    part="ddpm_variance",
    symptom="right if all T times are visited; with fewer steps the samples are too smooth",
    cure=_PAIR,
    links=("https://github.com/huggingface/diffusers/pull/3006",),
)
def variance_of_the_training_step(
    parts: Parts, *, alpha_bar_t: Any, alpha_bar_s: Any, alpha_bar_before: Any = None
) -> Any:
    """Where times are skipped, the variance is still beta-tilde of one training step."""
    return parts.posterior_variance(alpha_bar_t=alpha_bar_t, alpha_bar_s=_known(alpha_bar_before))


@deviation(
    "beta-of-the-training-step",
    part="ddpm_variance",
    symptom="right if all T times are visited; with fewer steps the samples are too smooth",
    cure=_PAIR,
    links=("https://github.com/huggingface/diffusers/pull/3006",),
)
def beta_of_the_training_step(
    parts: Parts, *, alpha_bar_t: Any, alpha_bar_s: Any, alpha_bar_before: Any = None
) -> Any:
    """Where times are skipped, the variance is still beta of one training step."""
    return parts.transition_variance(alpha_bar_t=alpha_bar_t, alpha_bar_s=_known(alpha_bar_before))


@deviation(
    "posterior-factor-with-the-training-beta",
    part="ddpm_variance",
    symptom="right if all T times are visited; with fewer steps the samples are too smooth",
    cure=_PAIR,
)
def posterior_factor_with_the_training_beta(
    *, alpha_bar_t: Any, alpha_bar_s: Any, alpha_bar_before: Any = None
) -> Any:
    """Where times are skipped, beta-tilde combines the pair's levels with one training beta."""
    beta = 1 - alpha_bar_t / _known(alpha_bar_before)
    return (1 - alpha_bar_s) / (1 - alpha_bar_t) * beta


@deviation(
    "learned-range-with-the-training-beta",
    part="learned_variance",
    symptom="the network's larger variance is that of one training step, however long the stride",
    cure=_PAIR,
    links=("https://github.com/huggingface/diffusers/pull/3006",),
)
def learned_range_with_the_training_beta(
    parts: Parts, raw: Any, *, alpha_bar_t: Any, alpha_bar_s: Any, alpha_bar_before: Any = None
) -> Any:
    """Where times are skipped, the upper end of the learned range is beta of a training step."""
    v = (raw + 1) / 2
    beta = parts.transition_variance(alpha_bar_t=alpha_bar_t, alpha_bar_s=_known(alpha_bar_before))
    small = parts.posterior_variance(alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s)
    return beta**v * small ** (1 - v)


@deviation(
    "noise-times-variance",
    part="noise_std",
    symptom="far too little noise: samples are blurred",
    cure="multiply the noise by the square root of the variance",
)
def noise_times_variance(variance: Any) -> Any:
    """The fresh noise is multiplied by the variance and not by its square root."""
    return variance


@form("clamped-variance", part="noise_std")
def clamped_variance(variance: Any) -> Any:
    """The variance is clamped from below at 1e-20 before its logarithm is taken."""
    return sqrt(maximum(variance, 1e-20))


@deviation(
    "noise-at-the-last-step",
    part="last_noise_weight",
    symptom="grain of standard deviation sqrt(beta_1) in the samples",
    cure="return the mean of the last step",
)
def noise_at_last_step() -> Any:
    """The last ancestral step adds noise like any other."""
    return 1.0


@form("noise-of-the-clamped-variance", part="ddpm_update")
def noise_of_the_clamped_variance(
    parts: Parts, mean: Any, noise: Any, *, variance: Any, weight: Any
) -> Any:
    """The last step adds noise of the variance 1e-20 that its logarithm is clamped at."""
    # Of that variance and no other: where the weight is 0 the standard deviation is 1e-10.
    return mean + (weight * parts.noise_std(variance) + (1 - weight) * 1e-10) * noise


@deviation(
    "noise-drawn-once",
    part="fresh_noise",
    symptom="all steps push in the same direction: too much spread, visible patterns",
    cure="draw new noise in every step",
)
def noise_drawn_once(noises: Any, k: int, *, last: bool) -> Any:
    """All steps add the same noise, drawn once."""
    return noises[0]


@deviation(
    "noise-missing",
    part="fresh_noise",
    symptom="samples are too smooth and too alike",
    cure="add noise in every step but the last",
)
def noise_missing(noises: Any, k: int, *, last: bool) -> Any:
    """The steps of a stochastic method add no noise."""
    return 0.0


def _known(level: Any) -> Any:
    if level is None:
        raise ValueError("the training step's own level is not known here")
    return level


UNIFORM = observed(
    "deviation",
    "noise-is-uniform",
    "The noise is uniform on [0, 1] and not normal.",
    symptom="the samples drift and become too bright",
    cure="draw standard normal noise",
    links=("https://github.com/acids-ircam/diffusion_models/issues/1",),
)
