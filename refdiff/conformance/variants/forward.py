"""Mistakes and choices in the forward process and in the signal-to-noise ratio."""

from __future__ import annotations

import math
from typing import Any

from refdiff._namespace import Array, exp, log, sqrt
from refdiff.conformance.variants import approximation, convention, deviation, form, together

__all__: list[str] = []

_ROOT = "take the square root"
_A2 = ("https://github.com/labmlai/annotated_deep_learning_paper_implementations/issues/152",)
_ADD_NOISE = (
    "https://github.com/huggingface/diffusers/pull/253",
    "https://github.com/huggingface/diffusers/pull/5158",
)


def ve_sigma(alpha_bar: Array) -> Array:
    """Return the noise level of a state that contains the data with factor 1."""
    return sqrt((1 - alpha_bar) / alpha_bar)


together(
    "convention",
    "ve-coordinates",
    "States are scaled to contain the data with factor 1 (variance exploding).",
    {
        "forward_mean": lambda x_0, *, alpha_bar_t: x_0 + 0 * alpha_bar_t,
        "forward_variance": lambda *, alpha_bar_t: (1 - alpha_bar_t) / alpha_bar_t,
        "x_0_from_eps": lambda x_t, eps, *, alpha_bar_t: x_t - ve_sigma(alpha_bar_t) * eps,
        "eps_from_x_0": lambda x_t, x_0, *, alpha_bar_t: (x_t - x_0) / ve_sigma(alpha_bar_t),
        "transition_mean": lambda x_s, *, alpha_bar_t, alpha_bar_s: (
            x_s + 0 * (alpha_bar_t + alpha_bar_s)
        ),
        "transition_variance": lambda *, alpha_bar_t, alpha_bar_s: (
            (1 - alpha_bar_t) / alpha_bar_t - (1 - alpha_bar_s) / alpha_bar_s
        ),
    },
    symptom="mixed with a sampler in the other coordinates: images far too noisy or too smooth",
    cure="none, if everything around uses the same coordinates",
    links=_ADD_NOISE,
    choice="coordinates",
)


# ---------------------------------------------------------------- x_t given x_0


@deviation(part="forward_mean", symptom="too little signal at all noisy times", cure=_ROOT)
def forward_mean_without_root(x_0: Array, *, alpha_bar_t: Array) -> Array:
    """The data are multiplied by alpha_bar_t, not by its square root."""
    return alpha_bar_t * x_0


@deviation(
    part="forward_mean",
    symptom="the signal fades in the wrong way",
    cure="multiply by sqrt(alpha_bar_t)",
)
def forward_mean_with_noise_scale(x_0: Array, *, alpha_bar_t: Array) -> Array:
    """The data are multiplied by the noise's factor sqrt(1 - alpha_bar_t)."""
    return sqrt(1 - alpha_bar_t) * x_0


@deviation(part="forward_variance", symptom="too much noise", cure="square it")
def forward_variance_is_std(*, alpha_bar_t: Array) -> Array:
    """What is called the variance of x_t is its standard deviation."""
    return sqrt(1 - alpha_bar_t)


@deviation(
    part="forward_variance",
    symptom="terms of the bound are wrong",
    cure="return the variance, or name it a log-variance",
    links=("https://github.com/tqch/ddpm-torch/issues/9",),
)
def forward_variance_is_logarithm(*, alpha_bar_t: Array) -> Array:
    """What is called the variance of x_t is its logarithm."""
    return log(1 - alpha_bar_t)


@deviation(
    part="forward_variance",
    symptom="too much noise at early times and too little at late ones",
    cure="use 1 - alpha_bar_t",
    links=_A2,
)
def forward_variance_is_signal(*, alpha_bar_t: Array) -> Array:
    """The variance of the noise is alpha_bar_t, that of the signal."""
    return alpha_bar_t


@deviation(part="forward_variance", symptom="too little noise", cure="use 1 - alpha_bar_t")
def forward_variance_of_root(*, alpha_bar_t: Array) -> Array:
    """The variance of x_t is 1 - sqrt(alpha_bar_t)."""
    return 1 - sqrt(alpha_bar_t)


@deviation(part="forward_variance", symptom="too much noise", cure="use 1 - alpha_bar_t")
def forward_variance_of_square(*, alpha_bar_t: Array) -> Array:
    """The variance of x_t is 1 - alpha_bar_t**2: alpha_bar_t is taken for the signal's factor."""
    return 1 - alpha_bar_t * alpha_bar_t


@deviation(part="forward_sample", symptom="too little noise at all times", cure=_ROOT)
def noise_added_by_variance(x_0: Array, eps: Array, *, alpha_bar_t: Array) -> Array:
    """The noise is multiplied by its variance 1 - alpha_bar_t, not by the square root."""
    return sqrt(alpha_bar_t) * x_0 + (1 - alpha_bar_t) * eps


@deviation(
    part="forward_sample", symptom="states are neither data nor noise in between", cure=_ROOT
)
def forward_sample_without_roots(x_0: Array, eps: Array, *, alpha_bar_t: Array) -> Array:
    """Data and noise are mixed by alpha_bar_t and 1 - alpha_bar_t, without square roots."""
    return alpha_bar_t * x_0 + (1 - alpha_bar_t) * eps


@deviation(
    part="forward_sample",
    symptom="variance is not preserved",
    cure="use sqrt(1 - alpha_bar_t) for the noise",
)
def noise_added_by_rest_of_signal(x_0: Array, eps: Array, *, alpha_bar_t: Array) -> Array:
    """The noise is multiplied by 1 - sqrt(alpha_bar_t)."""
    return sqrt(alpha_bar_t) * x_0 + (1 - sqrt(alpha_bar_t)) * eps


@deviation(
    part="forward_sample", symptom="clean at the last time, noise at the first", cure="swap them"
)
def forward_sample_roles_swapped(x_0: Array, eps: Array, *, alpha_bar_t: Array) -> Array:
    """The data get the noise's factor and the noise the data's."""
    return sqrt(1 - alpha_bar_t) * x_0 + sqrt(alpha_bar_t) * eps


@deviation(part="forward_sample", symptom="eps points away from the noise", cure="add it")
def noise_subtracted(x_0: Array, eps: Array, *, alpha_bar_t: Array) -> Array:
    """The noise is subtracted, not added."""
    return sqrt(alpha_bar_t) * x_0 - sqrt(1 - alpha_bar_t) * eps


# ---------------------------------------------------------------- x_t given x_s


@form(part="transition_mean")
def transition_mean_from_beta(x_s: Array, *, alpha_bar_t: Array, alpha_bar_s: Array) -> Array:
    """The factor of the state is the root of one minus beta."""
    return sqrt(1 - (1 - alpha_bar_t / alpha_bar_s)) * x_s


@form(part="transition_variance")
def transition_variance_by_ratio(*, alpha_bar_t: Array, alpha_bar_s: Array) -> Array:
    """The variance is one minus the ratio of the levels."""
    return 1 - alpha_bar_t / alpha_bar_s


@deviation(part="transition_mean", symptom="the signal fades too fast", cure=_ROOT)
def transition_mean_without_root(x_s: Array, *, alpha_bar_t: Array, alpha_bar_s: Array) -> Array:
    """The state is multiplied by 1 - beta, not by its square root."""
    return alpha_bar_t / alpha_bar_s * x_s


@deviation(
    part="transition_mean",
    symptom="the signal fades as if each step began at the data",
    cure="use sqrt(alpha_bar_t / alpha_bar_s), which is sqrt(1 - beta_t)",
)
def transition_mean_from_data(x_s: Array, *, alpha_bar_t: Array, alpha_bar_s: Array) -> Array:
    """The step from s to t uses sqrt(alpha_bar_t), the factor from the data to t."""
    return sqrt(alpha_bar_t) * x_s + 0 * alpha_bar_s


@deviation(part="transition_mean", symptom="the signal grows", cure="divide the other way")
def transition_mean_inverted(x_s: Array, *, alpha_bar_t: Array, alpha_bar_s: Array) -> Array:
    """The levels of s and t are exchanged in the factor of the state."""
    return sqrt(alpha_bar_s / alpha_bar_t) * x_s


@approximation(part="transition_mean", cure="use sqrt(1 - beta)")
def transition_mean_to_first_order(x_s: Array, *, alpha_bar_t: Array, alpha_bar_s: Array) -> Array:
    """The factor of the state is 1 - beta / 2, an Euler step of the forward SDE."""
    return (1 - (alpha_bar_s - alpha_bar_t) / (2 * alpha_bar_s)) * x_s


@deviation(
    part="transition_variance",
    symptom="too much noise in each step",
    cure="square it",
    links=("https://github.com/acids-ircam/diffusion_models/issues/1",),
)
def transition_variance_is_std(*, alpha_bar_t: Array, alpha_bar_s: Array) -> Array:
    """What is called the variance of a forward step is its standard deviation sqrt(beta)."""
    return sqrt(1 - alpha_bar_t / alpha_bar_s)


@deviation(
    part="transition_variance",
    symptom="too little noise at late times",
    cure="divide by alpha_bar_s",
)
def transition_variance_undivided(*, alpha_bar_t: Array, alpha_bar_s: Array) -> Array:
    """The variance of a forward step is the difference of the levels, not divided by the first."""
    return alpha_bar_s - alpha_bar_t


@deviation(
    part="transition_variance", symptom="half of the noise", cure="use 1 minus the ratio itself"
)
def transition_variance_of_root(*, alpha_bar_t: Array, alpha_bar_s: Array) -> Array:
    """The variance of a forward step is one minus the square root of the levels' ratio."""
    return 1 - sqrt(alpha_bar_t / alpha_bar_s)


@deviation(
    part="transition_variance",
    symptom="every step adds the noise of the whole chain",
    cure="use 1 - alpha_bar_t / alpha_bar_s",
)
def transition_variance_from_data(*, alpha_bar_t: Array, alpha_bar_s: Array) -> Array:
    """The variance of a forward step is that from the data to t."""
    return 1 - alpha_bar_t + 0 * alpha_bar_s


@deviation(
    part="transition_variance",
    symptom="the factor of the signal stands in for the noise",
    cure="subtract it from 1",
)
def transition_variance_is_alpha(*, alpha_bar_t: Array, alpha_bar_s: Array) -> Array:
    """The variance of a forward step is alpha, the part that is kept, not beta."""
    return alpha_bar_t / alpha_bar_s


# ---------------------------------------------------------------- signal to noise

together(
    "convention",
    "half-log-snr",
    "The log-SNR is the logarithm of the ratio of scales alpha / sigma, half of the usual one.",
    {
        "log_snr": lambda *, alpha_bar_t: log(alpha_bar_t / (1 - alpha_bar_t)) / 2,
        "alpha_bar_from_log_snr": lambda *, log_snr_t: 1 / (1 + exp(-2 * log_snr_t)),
        "shifted_log_snr": lambda *, log_snr_t, resolution, reference_resolution: (
            log_snr_t + log(reference_resolution / resolution)
        ),
    },
    choice="scale of the log-SNR",
)
together(
    "convention",
    "negative-log-snr",
    "The log-SNR is counted as gamma, with the opposite sign: it grows with the noise.",
    {
        "log_snr": lambda *, alpha_bar_t: -log(alpha_bar_t / (1 - alpha_bar_t)),
        "alpha_bar_from_log_snr": lambda *, log_snr_t: 1 / (1 + exp(log_snr_t)),
        "shifted_log_snr": lambda *, log_snr_t, resolution, reference_resolution: (
            log_snr_t - 2 * log(reference_resolution / resolution)
        ),
    },
    choice="scale of the log-SNR",
)


def _other_base(name: str, base: float, words: str) -> None:
    scale = math.log(base)

    def shifted(*, log_snr_t: Any, resolution: Any, reference_resolution: Any) -> Any:
        return log_snr_t + 2 * log(reference_resolution / resolution) / scale

    together(
        "convention",
        name,
        f"The log-SNR is a logarithm to base {words}.",
        {
            "log_snr": lambda *, alpha_bar_t: log(alpha_bar_t / (1 - alpha_bar_t)) / scale,
            "alpha_bar_from_log_snr": lambda *, log_snr_t: 1 / (1 + exp(-scale * log_snr_t)),
            "shifted_log_snr": shifted,
        },
        choice="scale of the log-SNR",
    )


_other_base("log-snr-to-base-2", 2.0, "2")
_other_base("log-snr-to-base-10", 10.0, "10")


@convention(part="snr", choice="what is called SNR")
def snr_of_scales(*, alpha_bar_t: Array) -> Array:
    """The SNR is the ratio of scales alpha / sigma, the root of the ratio of variances."""
    return sqrt(alpha_bar_t / (1 - alpha_bar_t))


@deviation(part="snr", symptom="weights favour the wrong times", cure="invert the ratio")
def snr_inverted(*, alpha_bar_t: Array) -> Array:
    """The SNR is the ratio of noise to signal."""
    return (1 - alpha_bar_t) / alpha_bar_t


@deviation(
    part="snr",
    symptom="weights fall off in the wrong way",
    cure="square numerator and denominator alike",
)
def snr_with_one_root(*, alpha_bar_t: Array) -> Array:
    """The SNR divides the signal's variance by the noise's standard deviation."""
    return alpha_bar_t / sqrt(1 - alpha_bar_t)


@deviation(part="snr", symptom="weights are signed", cure="exponentiate")
def snr_is_logarithm(*, alpha_bar_t: Array) -> Array:
    """What is called the SNR is its logarithm."""
    return log(alpha_bar_t / (1 - alpha_bar_t))


@deviation(part="log_snr", symptom="the axis is not logarithmic", cure="take the logarithm")
def log_snr_without_logarithm(*, alpha_bar_t: Array) -> Array:
    """What is called the log-SNR is the SNR itself."""
    return alpha_bar_t / (1 - alpha_bar_t)


@deviation(part="log_snr", symptom="never positive", cure="subtract log(1 - alpha_bar_t)")
def log_snr_of_signal_alone(*, alpha_bar_t: Array) -> Array:
    """The log-SNR is log(alpha_bar_t), without the noise."""
    return log(alpha_bar_t)


@deviation(part="alpha_bar_from_log_snr", symptom="too much signal", cure="return the square of it")
def alpha_bar_from_log_snr_is_root(*, log_snr_t: Array) -> Array:
    """What is called alpha_bar is its square root, the signal's factor."""
    return sqrt(1 / (1 + exp(-log_snr_t)))


@deviation(
    part="alpha_bar_from_log_snr",
    symptom="above 1, and no noise is left",
    cure="use the logistic function",
)
def alpha_bar_from_log_snr_by_exponential(*, log_snr_t: Array) -> Array:
    """alpha_bar is the exponential of the log-SNR: the SNR itself."""
    return exp(log_snr_t)


@deviation(
    part="shifted_log_snr",
    symptom="larger images get less noise",
    cure="divide the reference resolution by the resolution",
)
def shift_upside_down(*, log_snr_t: Array, resolution: Array, reference_resolution: Array) -> Array:
    """The log-SNR is raised, not lowered, for larger images."""
    return log_snr_t + 2 * log(resolution / reference_resolution)


@deviation(
    part="shifted_log_snr", symptom="no shift where it is meant to be", cure="take the logarithm"
)
def shift_without_logarithm(
    *, log_snr_t: Array, resolution: Array, reference_resolution: Array
) -> Array:
    """The log-SNR is multiplied by the ratio of areas in place of adding its logarithm."""
    return log_snr_t * (reference_resolution / resolution) ** 2


@form(part="alpha_bar_from_log_snr")
def alpha_bar_as_rest_of_noise(*, log_snr_t: Array) -> Array:
    """alpha_bar is one minus the logistic function of the negative log-SNR."""
    return 1 - 1 / (1 + exp(log_snr_t))
