"""Mistakes and choices in the formulas of guidance, thresholding and rescaling."""

from __future__ import annotations

from typing import Any

from refdiff._namespace import Array, maximum, minimum, sort_last, sqrt, where
from refdiff.conformance.variants import convention, deviation, form
from refdiff.equations import dynamic_threshold, per_sample

__all__: list[str] = []

_SUM = "let the factors of both predictions sum to 1: uncond + scale (cond - uncond)"
_SIGN = ("https://github.com/labmlai/annotated_deep_learning_paper_implementations/issues/177",)
_WEIGHTS = (
    "https://github.com/huggingface/diffusers/issues/5882",
    "https://github.com/ashawkey/stable-dreamfusion/issues/32",
    "https://github.com/lucidrains/denoising-diffusion-pytorch/issues/207",
)

# ---------------------------------------------------------------- guidance by a scale


@form(part="classifier_free_guidance")
def guidance_by_difference(eps_cond: Array, eps_uncond: Array, *, w: Array) -> Array:
    """W times the difference of the predictions is added to the conditional one."""
    return eps_cond + w * (eps_cond - eps_uncond)


@form(part="classifier_free_guidance")
def guidance_from_unconditional(eps_cond: Array, eps_uncond: Array, *, w: Array) -> Array:
    """1 + w times the difference of the predictions is added to the unconditional one."""
    return eps_uncond + (1 + w) * (eps_cond - eps_uncond)


@form(part="guidance_from_scale")
def from_scale_by_two_factors(cond: Array, uncond: Array, *, scale: Array) -> Array:
    """Both predictions are multiplied, by factors that sum to 1."""
    return scale * cond + (1 - scale) * uncond


@convention(part="guidance_from_scale", links=_WEIGHTS)
def scale_counted_from_conditional(cond: Array, uncond: Array, *, scale: Array) -> Array:
    """The scale is the weight w = scale - 1: 0 gives the conditional prediction."""
    return (1 + scale) * cond - scale * uncond


@deviation(part="guidance_from_scale", symptom="images avoid the condition", cure=_SUM)
def from_scale_roles_swapped(cond: Array, uncond: Array, *, scale: Array) -> Array:
    """The conditional and the unconditional prediction are exchanged."""
    return cond + scale * (uncond - cond)


@deviation(part="guidance_from_scale", symptom="images are too strong", cure=_SUM, links=_SIGN)
def from_scale_adds_the_unconditional(cond: Array, uncond: Array, *, scale: Array) -> Array:
    """The unconditional prediction is added, not subtracted: scale cond + (scale - 1) uncond."""
    return scale * cond + (scale - 1) * uncond


@deviation(part="guidance_from_scale", symptom="images avoid the condition", cure=_SUM)
def from_scale_subtracts_difference(cond: Array, uncond: Array, *, scale: Array) -> Array:
    """The difference of the predictions is subtracted, not added."""
    return uncond - scale * (cond - uncond)


@deviation(part="guidance_from_scale", symptom="the scale changes nothing", cure=_SUM)
def from_scale_has_no_effect(cond: Array, uncond: Array, *, scale: Array) -> Array:
    """The conditional prediction is returned whatever the scale is."""
    return cond + 0 * (uncond + scale)


@deviation(part="guidance_from_scale", symptom="no image", cure="add the unconditional prediction")
def from_scale_difference_alone(cond: Array, uncond: Array, *, scale: Array) -> Array:
    """The scaled difference is returned without the unconditional prediction."""
    return scale * (cond - uncond)


# ---------------------------------------------------------------- rescaling


def _flat(x: Array) -> Array:
    return x.reshape((x.shape[0], -1))


def _variance(x: Array) -> Array:
    """Return the variance of each sample, (B,)."""
    mean = per_sample(_flat(x).mean(1), x)
    return _flat((x - mean) ** 2).mean(1)


def _rescaled(guided: Array, cond: Array) -> Array:
    return per_sample(sqrt(_variance(cond) / _variance(guided)), guided) * guided


@deviation(
    part="rescale_guidance",
    symptom="phi works backwards",
    cure="mix phi rescaled + (1 - phi) guided",
    links=("https://github.com/lucidrains/classifier-free-guidance-pytorch/issues/2",),
)
def rescale_phi_backwards(guided: Array, cond: Array, *, phi: Array) -> Array:
    """Phi is the part that is left alone, not the part that is rescaled."""
    return (1 - phi) * _rescaled(guided, cond) + phi * guided


@deviation(
    part="rescale_guidance",
    symptom="phi changes nothing",
    cure="return the rescaled prediction",
    links=("https://github.com/p1atdev/LECO/issues/17",),
)
def rescale_not_applied(guided: Array, cond: Array, *, phi: Array) -> Array:
    """The guided prediction is returned as it was."""
    return guided + 0 * phi * cond


@deviation(part="rescale_guidance", symptom="phi changes nothing", cure="mix by phi")
def rescale_phi_ignored(guided: Array, cond: Array, *, phi: Array) -> Array:
    """The prediction is rescaled fully, whatever phi is."""
    return _rescaled(guided, cond) + 0 * phi


@deviation(
    part="rescale_guidance",
    symptom="images of low contrast",
    cure="mix the rescaled with the guided prediction",
)
def rescale_mixed_with_conditional(guided: Array, cond: Array, *, phi: Array) -> Array:
    """The rescaled prediction is mixed with the conditional one, not with the guided one."""
    return phi * _rescaled(guided, cond) + (1 - phi) * cond


@deviation(part="rescale_guidance", symptom="the spread grows", cure="divide the other way")
def rescale_ratio_inverted(guided: Array, cond: Array, *, phi: Array) -> Array:
    """The ratio of spreads is upside down."""
    ratio = per_sample(sqrt(_variance(guided) / _variance(cond)), guided)
    return (phi * ratio + (1 - phi)) * guided


@deviation(part="rescale_guidance", symptom="images too flat", cure="take standard deviations")
def rescale_by_variances(guided: Array, cond: Array, *, phi: Array) -> Array:
    """The ratio is one of variances, not of standard deviations."""
    ratio = per_sample(_variance(cond) / _variance(guided), guided)
    return (phi * ratio + (1 - phi)) * guided


@deviation(part="rescale_guidance", symptom="the batch changes the image", cure="keep axis 0")
def rescale_over_batch(guided: Array, cond: Array, *, phi: Array) -> Array:
    """The spreads are taken over the whole batch, not over each sample."""
    one = (1, -1)
    ratio = sqrt(_variance(cond.reshape(one)) / _variance(guided.reshape(one)))
    return (phi * ratio + (1 - phi)) * guided


def _by_channel(x: Array) -> Array:
    return x.reshape((x.shape[0] * x.shape[1], -1)) if len(x.shape) > 2 else x


@convention(part="rescale_guidance", choice="axes of the rescaling")
def rescale_by_channel(guided: Array, cond: Array, *, phi: Array) -> Array:
    """The spreads are taken over each channel, not over each sample."""
    of_guided, of_cond = _by_channel(guided), _by_channel(cond)
    ratio = per_sample(sqrt(_variance(of_cond) / _variance(of_guided)), of_guided)
    return ((phi * ratio + (1 - phi)) * of_guided).reshape(guided.shape)


# ---------------------------------------------------------------- dynamic thresholding


def _quantile(x: Array, percentile: Any, *, fraction: Any = None) -> Array:
    """Return the quantile of each row; `fraction` says how far between two entries."""
    ordered = sort_last(x)
    position = (ordered.shape[1] - 1) * percentile / 100
    below = int(position)
    above = min(below + 1, ordered.shape[1] - 1)
    part = position - below if fraction is None else fraction
    return ordered[:, below] + part * (ordered[:, above] - ordered[:, below])


def _clipped(x: Array, s: Array) -> Array:
    return minimum(maximum(x, -s), s)


def _threshold(x_0: Array, percentile: Any) -> Array:
    return per_sample(maximum(_quantile(abs(_flat(x_0)), percentile), 1.0), x_0)


@deviation(part="dynamic_threshold", symptom="values beyond the data's range", cure="divide by s")
def threshold_not_divided(x_0: Array, *, percentile: Any) -> Array:
    """x_0 is clipped at the quantile but not scaled back into [-1, 1]."""
    return _clipped(x_0, _threshold(x_0, percentile))


@deviation(
    part="dynamic_threshold", symptom="faint images become strong", cure="let s be at least 1"
)
def threshold_below_one(x_0: Array, *, percentile: Any) -> Array:
    """The threshold may be below 1: images inside the range are stretched."""
    s = per_sample(_quantile(abs(_flat(x_0)), percentile), x_0)
    return _clipped(x_0, s) / s


@deviation(part="dynamic_threshold", symptom="dark values count too little", cure="use |x_0|")
def threshold_of_signed_values(x_0: Array, *, percentile: Any) -> Array:
    """The quantile is of x_0, not of its magnitude."""
    s = per_sample(maximum(_quantile(_flat(x_0), percentile), 1.0), x_0)
    return _clipped(x_0, s) / s


@deviation(part="dynamic_threshold", symptom="the batch changes the image", cure="keep axis 0")
def threshold_over_batch(x_0: Array, *, percentile: Any) -> Array:
    """The quantile is taken over the whole batch."""
    return dynamic_threshold(x_0.reshape((1, -1)), percentile=percentile).reshape(x_0.shape)


@deviation(part="dynamic_threshold", symptom="no image is ever clipped lower", cure="use s")
def threshold_is_one(x_0: Array, *, percentile: Any) -> Array:
    """x_0 is clipped to [-1, 1], whatever its quantile is."""
    return _clipped(x_0, 1.0) + 0 * percentile


@deviation(part="dynamic_threshold", symptom="values beyond the data's range", cure="clip first")
def threshold_not_clipped(x_0: Array, *, percentile: Any) -> Array:
    """x_0 is divided by the threshold, but not clipped at it."""
    return x_0 / _threshold(x_0, percentile)


@deviation(
    part="dynamic_threshold",
    symptom="the smallest magnitude is the threshold",
    cure="divide the percentile by 100, or pass a percentile where one is meant",
)
def threshold_percentile_as_fraction(x_0: Array, *, percentile: Any) -> Array:
    """The percentile is divided by 100 twice."""
    return dynamic_threshold(x_0, percentile=percentile / 100)


@convention(part="dynamic_threshold", choice="interpolation of the quantile")
def threshold_quantile_below(x_0: Array, *, percentile: Any) -> Array:
    """The quantile is the order statistic below, without interpolation."""
    s = per_sample(maximum(_quantile(abs(_flat(x_0)), percentile, fraction=0.0), 1.0), x_0)
    return _clipped(x_0, s) / s


@convention(part="dynamic_threshold", choice="interpolation of the quantile")
def threshold_quantile_above(x_0: Array, *, percentile: Any) -> Array:
    """The quantile is the order statistic above, without interpolation."""
    s = per_sample(maximum(_quantile(abs(_flat(x_0)), percentile, fraction=1.0), 1.0), x_0)
    return _clipped(x_0, s) / s


# ---------------------------------------------------------------- classifier guidance

_VARIANCE = "multiply the gradient by the variance of the step"
_TOWARDS = "the gradient of log p(y | x) points towards the class"


@deviation(part="classifier_guided_mean", symptom="far too strong guidance", cure=_VARIANCE)
def classifier_mean_by_std(mean: Array, gradient: Array, *, variance: Array, scale: Array) -> Array:
    """The gradient is multiplied by the standard deviation, not by the variance."""
    return mean + scale * sqrt(variance) * gradient


@deviation(part="classifier_guided_mean", symptom="images avoid the class", cure=_TOWARDS)
def classifier_mean_subtracts(
    mean: Array, gradient: Array, *, variance: Array, scale: Array
) -> Array:
    """The gradient is subtracted, not added."""
    return mean - scale * variance * gradient


@deviation(part="classifier_guided_mean", symptom="far too strong guidance", cure=_VARIANCE)
def classifier_mean_without_variance(
    mean: Array, gradient: Array, *, variance: Array, scale: Array
) -> Array:
    """The gradient is not multiplied by the variance."""
    return mean + scale * gradient + 0 * variance


@deviation(part="classifier_guided_mean", symptom="the scale changes nothing", cure=_VARIANCE)
def classifier_mean_without_scale(
    mean: Array, gradient: Array, *, variance: Array, scale: Array
) -> Array:
    """The scale is ignored."""
    return mean + variance * gradient + 0 * scale


_NOISE = "subtract scale sqrt(1 - alpha_bar_t) times the gradient"


@deviation(part="classifier_guided_eps", symptom="images avoid the class", cure=_NOISE)
def classifier_eps_adds(eps: Array, gradient: Array, *, alpha_bar_t: Array, scale: Array) -> Array:
    """The gradient is added to eps, not subtracted."""
    return eps + scale * sqrt(1 - alpha_bar_t) * gradient


@deviation(part="classifier_guided_eps", symptom="too weak guidance early", cure=_NOISE)
def classifier_eps_by_variance(
    eps: Array, gradient: Array, *, alpha_bar_t: Array, scale: Array
) -> Array:
    """The gradient is multiplied by 1 - alpha_bar_t, not by its square root."""
    return eps - scale * (1 - alpha_bar_t) * gradient


@deviation(part="classifier_guided_eps", symptom="too strong guidance early", cure=_NOISE)
def classifier_eps_by_signal(
    eps: Array, gradient: Array, *, alpha_bar_t: Array, scale: Array
) -> Array:
    """The gradient is multiplied by sqrt(alpha_bar_t), the scale of the signal."""
    return eps - scale * sqrt(alpha_bar_t) * gradient


@deviation(part="classifier_guided_eps", symptom="too strong guidance early", cure=_NOISE)
def classifier_eps_not_scaled(
    eps: Array, gradient: Array, *, alpha_bar_t: Array, scale: Array
) -> Array:
    """The gradient is not multiplied by the scale of the noise."""
    return eps - scale * gradient + 0 * alpha_bar_t


# ---------------------------------------------------------------- guidance in an interval


@deviation(
    part="interval_scale",
    symptom="unconditional images outside the interval",
    cure="use scale 1 there, the conditional prediction",
)
def interval_unconditional_outside(
    *, sigma: Array, scale: Array, sigma_lo: Array, sigma_hi: Array
) -> Array:
    """Outside the interval the scale is 0, the unconditional prediction."""
    return where((sigma_lo < sigma) & (sigma <= sigma_hi), scale, 0.0)


@deviation(part="interval_scale", symptom="guided at both ends", cure="exchange the branches")
def interval_inside_out(*, sigma: Array, scale: Array, sigma_lo: Array, sigma_hi: Array) -> Array:
    """The scale is used outside the interval and 1 inside."""
    return where((sigma_lo < sigma) & (sigma <= sigma_hi), 1.0, scale)


@deviation(part="interval_scale", symptom="guided everywhere", cure="use 1 outside the interval")
def interval_has_no_effect(
    *, sigma: Array, scale: Array, sigma_lo: Array, sigma_hi: Array
) -> Array:
    """The scale is used at every noise level."""
    return scale + 0 * sigma


@convention(part="interval_scale", choice="ends of the guidance interval")
def interval_closed(*, sigma: Array, scale: Array, sigma_lo: Array, sigma_hi: Array) -> Array:
    """Both ends belong to the interval."""
    return where((sigma_lo <= sigma) & (sigma <= sigma_hi), scale, 1.0)


@convention(part="interval_scale", choice="ends of the guidance interval")
def interval_open(*, sigma: Array, scale: Array, sigma_lo: Array, sigma_hi: Array) -> Array:
    """Neither end belongs to the interval."""
    return where((sigma_lo < sigma) & (sigma < sigma_hi), scale, 1.0)


@convention(part="interval_scale", choice="ends of the guidance interval")
def interval_open_above(*, sigma: Array, scale: Array, sigma_lo: Array, sigma_hi: Array) -> Array:
    """The lower end belongs to the interval and the upper one does not."""
    return where((sigma_lo <= sigma) & (sigma < sigma_hi), scale, 1.0)
