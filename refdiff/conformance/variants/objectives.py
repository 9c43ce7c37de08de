"""Mistakes and choices in losses, divergences and loss weights."""

from __future__ import annotations

from typing import Any

from refdiff._namespace import Array, exp, log, maximum, minimum, sqrt, to_bits
from refdiff.conformance.parts import Parts
from refdiff.conformance.variants import convention, deviation, form, together
from refdiff.equations import discretized_gaussian_log_likelihood, normal_kl, prior_kl

__all__: list[str] = []

together(
    "convention",
    "terms-in-bits",
    "Terms of the bound are in bits, not in nats.",
    {
        "normal_kl": lambda *four: to_bits(normal_kl(*four)),
        "prior_kl": lambda x_0, *, alpha_bar_t: to_bits(prior_kl(x_0, alpha_bar_t=alpha_bar_t)),
        "discretized_gaussian_log_likelihood": lambda x_0, *, mean, std: to_bits(
            discretized_gaussian_log_likelihood(x_0, mean=mean, std=std)
        ),
        "bits_per_dim": lambda nats, *, num_dims: nats / num_dims,
    },
    choice="unit of information",
)

# ---------------------------------------------------------------- the simple loss


def _flat(x: Array) -> Array:
    return x.reshape((x.shape[0], -1))


@convention(
    part="simple_loss",
    choice="reduction of the loss",
    links=("https://github.com/ermongroup/ddim",),
)
def loss_summed(eps: Array, eps_pred: Array) -> Array:
    """The squared error is summed over each sample, not averaged."""
    return _flat((eps - eps_pred) ** 2).sum(1)


@convention(part="simple_loss", choice="reduction of the loss")
def loss_averaged_over_batch(eps: Array, eps_pred: Array) -> Array:
    """The squared error is averaged over the batch as well: one number is returned."""
    return _flat((eps - eps_pred) ** 2).mean(1).mean(0)


@convention(part="simple_loss", choice="reduction of the loss")
def loss_summed_then_averaged_over_batch(eps: Array, eps_pred: Array) -> Array:
    """The squared error is summed over each sample and averaged over the batch."""
    return _flat((eps - eps_pred) ** 2).sum(1).mean(0)


@convention(part="simple_loss", choice="reduction of the loss")
def loss_not_reduced(eps: Array, eps_pred: Array) -> Array:
    """The squared error of each component is returned."""
    return (eps - eps_pred) ** 2


@convention(part="simple_loss", choice="factor of the loss")
def loss_halved(eps: Array, eps_pred: Array) -> Array:
    """The loss is half of the squared error."""
    return _flat((eps - eps_pred) ** 2).mean(1) / 2


@deviation(part="simple_loss", symptom="outliers count less", cure="square the error")
def loss_of_absolute_error(eps: Array, eps_pred: Array) -> Array:
    """The absolute error is averaged, not the squared one."""
    return _flat(abs(eps - eps_pred)).mean(1)


@deviation(part="simple_loss", symptom="the gradient does not shrink", cure="drop the root")
def loss_root(eps: Array, eps_pred: Array) -> Array:
    """The root of the mean squared error is returned."""
    return sqrt(_flat((eps - eps_pred) ** 2).mean(1))


@deviation(part="simple_loss", symptom="the loss can be negative", cure="square the error")
def loss_of_signed_error(eps: Array, eps_pred: Array) -> Array:
    """The error is averaged with its sign."""
    return _flat(eps - eps_pred).mean(1)


@deviation(part="simple_loss", symptom="fluctuations are learned away", cure="square first")
def loss_of_mean_error(eps: Array, eps_pred: Array) -> Array:
    """The mean error is squared, not the error of each component."""
    return _flat(eps - eps_pred).mean(1) ** 2


# ---------------------------------------------------------------- divergences


@form(part="normal_kl")
def normal_kl_term_by_term(
    mean_1: Array, log_variance_1: Array, mean_2: Array, log_variance_2: Array
) -> Array:
    """The terms of the divergence are added one by one."""
    d = log_variance_1 - log_variance_2
    square = (mean_1 - mean_2) ** 2
    return (exp(d) - 1.0 - d + square * exp(-log_variance_2)) / 2


@form(part="prior_kl")
def prior_kl_by_normal_kl(parts: Parts, x_0: Array, *, alpha_bar_t: Array) -> Array:
    """The divergence is that of two normal distributions, by their log-variances."""
    variance = parts.forward_variance(alpha_bar_t=alpha_bar_t)
    mean = parts.forward_mean(x_0, alpha_bar_t=alpha_bar_t)
    return (variance - 1.0 - log(variance) + mean * mean) / 2


@deviation(
    part="normal_kl",
    symptom="the divergence is that of the other direction",
    cure="pass the true distribution first",
)
def normal_kl_reversed(
    mean_1: Array, log_variance_1: Array, mean_2: Array, log_variance_2: Array
) -> Array:
    """The divergence is that of the second distribution from the first."""
    return normal_kl(mean_2, log_variance_2, mean_1, log_variance_1)


@deviation(part="normal_kl", symptom="twice the divergence", cure="halve it")
def normal_kl_not_halved(
    mean_1: Array, log_variance_1: Array, mean_2: Array, log_variance_2: Array
) -> Array:
    """The factor 1/2 is missing."""
    return 2 * normal_kl(mean_1, log_variance_1, mean_2, log_variance_2)


@deviation(part="normal_kl", symptom="1/2 for equal distributions", cure="subtract 1 inside")
def normal_kl_without_minus_one(
    mean_1: Array, log_variance_1: Array, mean_2: Array, log_variance_2: Array
) -> Array:
    """The -1 is missing: equal distributions do not give 0."""
    return normal_kl(mean_1, log_variance_1, mean_2, log_variance_2) + 0.5


@deviation(
    part="normal_kl", symptom="the divergence is wrong by the scale", cure="pass log-variances"
)
def normal_kl_of_log_std(
    mean_1: Array, log_variance_1: Array, mean_2: Array, log_variance_2: Array
) -> Array:
    """The arguments are taken for logarithms of standard deviations, not of variances."""
    return normal_kl(mean_1, 2 * log_variance_1, mean_2, 2 * log_variance_2)


@deviation(part="normal_kl", symptom="means hardly matter", cure="divide by the second variance")
def normal_kl_divided_by_first_variance(
    mean_1: Array, log_variance_1: Array, mean_2: Array, log_variance_2: Array
) -> Array:
    """The squared distance of the means is divided by the first variance, not the second."""
    d = log_variance_1 - log_variance_2
    return (exp(d) - 1.0 - d + (mean_1 - mean_2) ** 2 * exp(-log_variance_1)) / 2


@deviation(part="normal_kl", symptom="sure means count least", cure="use exp(-log_variance_2)")
def normal_kl_multiplied_by_variance(
    mean_1: Array, log_variance_1: Array, mean_2: Array, log_variance_2: Array
) -> Array:
    """The squared distance of the means is multiplied by the second variance."""
    d = log_variance_1 - log_variance_2
    return (exp(d) - 1.0 - d + (mean_1 - mean_2) ** 2 * exp(log_variance_2)) / 2


@deviation(
    part="prior_kl",
    symptom="the first term of the bound is wrong; training is not touched",
    cure="pass log(1 - alpha_bar_t)",
    links=("https://github.com/tqch/ddpm-torch/issues/9",),
)
def prior_kl_variance_as_logarithm(x_0: Array, *, alpha_bar_t: Array) -> Array:
    """The variance of x_T is used where its logarithm is meant."""
    log_variance = 1 - alpha_bar_t
    mean = sqrt(alpha_bar_t) * x_0
    return (exp(log_variance) - 1.0 - log_variance + mean * mean) / 2


@deviation(part="prior_kl", symptom="too large a divergence", cure="square sqrt(alpha_bar_t)")
def prior_kl_mean_without_root(x_0: Array, *, alpha_bar_t: Array) -> Array:
    """The mean of x_T is alpha_bar_t x_0, without the square root."""
    return prior_kl(sqrt(alpha_bar_t) * x_0, alpha_bar_t=alpha_bar_t)


@deviation(part="prior_kl", symptom="the data do not matter", cure="add the square of the mean")
def prior_kl_without_mean(x_0: Array, *, alpha_bar_t: Array) -> Array:
    """The mean of x_T is taken to be 0."""
    return prior_kl(0.0 * x_0, alpha_bar_t=alpha_bar_t)


@deviation(part="prior_kl", symptom="the other direction", cure="exchange the arguments")
def prior_kl_reversed(x_0: Array, *, alpha_bar_t: Array) -> Array:
    """The divergence is that of the prior from x_T."""
    log_variance = log(1 - alpha_bar_t)
    return normal_kl(0.0, 0.0 * log_variance, sqrt(alpha_bar_t) * x_0, log_variance)


# ---------------------------------------------------------------- the bound's weight


def _vlb(alpha_bar_t: Array, alpha_bar_s: Array) -> tuple[Array, Array]:
    ratio = alpha_bar_t / alpha_bar_s
    return 1 - ratio, ratio


@form(part="vlb_weight_eps")
def vlb_weight_from_beta(*, alpha_bar_t: Array, alpha_bar_s: Array, variance: Array) -> Array:
    """The weight is formed from beta, and alpha_t as one minus it."""
    beta, _ = _vlb(alpha_bar_t, alpha_bar_s)
    return beta * beta / (2 * variance * (1 - beta) * (1 - alpha_bar_t))


@deviation(part="vlb_weight_eps", symptom="twice the weight", cure="divide by 2 sigma^2")
def vlb_weight_not_halved(*, alpha_bar_t: Array, alpha_bar_s: Array, variance: Array) -> Array:
    """The factor 1/2 is missing."""
    beta, alpha = _vlb(alpha_bar_t, alpha_bar_s)
    return beta * beta / (variance * alpha * (1 - alpha_bar_t))


@deviation(part="vlb_weight_eps", symptom="late times count too little", cure="divide by alpha_t")
def vlb_weight_without_alpha(*, alpha_bar_t: Array, alpha_bar_s: Array, variance: Array) -> Array:
    """alpha_t is missing in the denominator."""
    beta, _ = _vlb(alpha_bar_t, alpha_bar_s)
    return beta * beta / (2 * variance * (1 - alpha_bar_t))


@deviation(part="vlb_weight_eps", symptom="weights are far too large", cure="square beta")
def vlb_weight_beta_not_squared(
    *, alpha_bar_t: Array, alpha_bar_s: Array, variance: Array
) -> Array:
    """Beta stands in the numerator in place of its square."""
    beta, alpha = _vlb(alpha_bar_t, alpha_bar_s)
    return beta / (2 * variance * alpha * (1 - alpha_bar_t))


@deviation(
    part="vlb_weight_eps", symptom="early times count too little", cure="use 1 - alpha_bar_t"
)
def vlb_weight_noise_root(*, alpha_bar_t: Array, alpha_bar_s: Array, variance: Array) -> Array:
    """The noise's standard deviation stands in the denominator, not its variance."""
    beta, alpha = _vlb(alpha_bar_t, alpha_bar_s)
    return beta * beta / (2 * variance * alpha * sqrt(1 - alpha_bar_t))


@deviation(
    part="vlb_weight_eps",
    symptom="late times count far too much",
    cure="use alpha_t = alpha_bar_t / alpha_bar_s",
)
def vlb_weight_of_alpha_bar(*, alpha_bar_t: Array, alpha_bar_s: Array, variance: Array) -> Array:
    """The denominator has alpha_bar_t where alpha_t belongs."""
    beta, _ = _vlb(alpha_bar_t, alpha_bar_s)
    return beta * beta / (2 * variance * alpha_bar_t * (1 - alpha_bar_t))


# ---------------------------------------------------------------- weights by SNR

_MIN = "divide min(snr, gamma) by snr for eps, by 1 for x_0, by snr + 1 for v"


def _weight(part: str, name: str, words: str, value: Any, kind: Any = deviation) -> None:
    def weight(*, snr_t: Array, gamma: Array) -> Array:
        return value(snr_t, gamma)

    weight.__doc__ = words
    known = {"symptom": "some times count too much", "cure": _MIN} if kind is deviation else {}
    kind(name, part=part, **known)(weight)


_x_0, _eps, _v = (f"min_snr_weight_{of}" for of in ("x_0", "eps", "v"))
_OF_X_0 = "The weight is that of the error of x_0."
_OF_EPS = "The weight is that of the error of eps."
_OF_V = "The weight is that of the error of v."


def _clipped(snr_t: Array, gamma: Array) -> Array:
    return minimum(snr_t, gamma)


_weight(_x_0, "min-snr-x-0-as-eps", _OF_EPS, lambda s, g: _clipped(s, g) / s)
_weight(_x_0, "min-snr-x-0-as-v", _OF_V, lambda s, g: _clipped(s, g) / (s + 1))
_weight(_eps, "min-snr-eps-as-x-0", _OF_X_0, _clipped)
_weight(_eps, "min-snr-eps-as-v", _OF_V, lambda s, g: _clipped(s, g) / (s + 1))
_weight(_v, "min-snr-v-as-x-0", _OF_X_0, _clipped)
_weight(_v, "min-snr-v-as-eps", _OF_EPS, lambda s, g: _clipped(s, g) / s)
_LARGER = "The larger of SNR and gamma is taken, not the smaller."
_weight(_x_0, "max-snr-x-0", _LARGER, maximum)
_weight(_eps, "max-snr-eps", _LARGER, lambda s, g: maximum(s, g) / s)
_weight(_v, "max-snr-v", _LARGER, lambda s, g: maximum(s, g) / (s + 1))
_UNCLIPPED = "The SNR is not clipped at gamma."
_weight(_x_0, "snr-not-clipped-x-0", _UNCLIPPED, lambda s, g: s + 0 * g)
_weight(_eps, "snr-not-clipped-eps", _UNCLIPPED, lambda s, g: 1 + 0 * s * g)
_weight(_v, "snr-not-clipped-v", _UNCLIPPED, lambda s, g: s / (s + 1) + 0 * g)
_SOFT = "The SNR is bent smoothly towards gamma (soft min-SNR), not clipped."
_weight(_x_0, "soft-min-snr-x-0", _SOFT, lambda s, g: s * g / (s + g), convention)
_weight(_eps, "soft-min-snr-eps", _SOFT, lambda s, g: g / (s + g), convention)
_weight(_v, "soft-min-snr-v", _SOFT, lambda s, g: s * g / ((s + g) * (s + 1)), convention)
_GAMMA_SQUARED = "The SNR is clipped at the square of gamma."
_weight(_x_0, "clipped-at-gamma-squared-x-0", _GAMMA_SQUARED, lambda s, g: minimum(s, g * g))
_weight(_eps, "clipped-at-gamma-squared-eps", _GAMMA_SQUARED, lambda s, g: minimum(s, g * g) / s)


@deviation(part="p2_weight_eps", symptom="clean times count most", cure="divide")
def p2_weight_multiplied(*, snr_t: Array, k: Array, gamma: Array) -> Array:
    """The weight is multiplied by the power of k + SNR, not divided by it."""
    return (k + snr_t) ** gamma


@deviation(part="p2_weight_eps", symptom="infinite at pure noise", cure="add k")
def p2_weight_without_k(*, snr_t: Array, k: Array, gamma: Array) -> Array:
    """K is missing."""
    return 1 / snr_t**gamma + 0 * k


@deviation(part="p2_weight_eps", symptom="clean times count too much", cure="raise the whole sum")
def p2_weight_power_of_snr_alone(*, snr_t: Array, k: Array, gamma: Array) -> Array:
    """Only the SNR is raised to the power gamma, not k + SNR."""
    return 1 / (k + snr_t**gamma)


@deviation(part="p2_weight_eps", symptom="the weight of x_0", cure="do not multiply by the SNR")
def p2_weight_of_x_0(*, snr_t: Array, k: Array, gamma: Array) -> Array:
    """The weight is that of the error of x_0: multiplied by the SNR."""
    return snr_t / (k + snr_t) ** gamma
