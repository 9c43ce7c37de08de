"""Mistakes and choices in DDIM steps: the noise, the direction, the pair (x_0, eps)."""

from __future__ import annotations

from typing import Any

from refdiff._namespace import maximum, minimum, sqrt
from refdiff.conformance.parts import Parts
from refdiff.conformance.variants import convention, deviation

__all__: list[str] = []

_EQ_16 = "use DDIM's equation (16): eta sqrt((1-A_s)/(1-A_t)) sqrt(1-A_t/A_s)"


def _variance(alpha_bar_t: Any, alpha_bar_s: Any) -> Any:
    return (1 - alpha_bar_s) / (1 - alpha_bar_t) * ((alpha_bar_s - alpha_bar_t) / alpha_bar_s)


@deviation(
    "eta-times-variance",
    part="ddim_sigma",
    symptom="far too little noise for eta between 0 and 1, and at eta = 1 too",
    cure="take the square root: eta multiplies a standard deviation",
)
def eta_times_variance(*, alpha_bar_t: Any, alpha_bar_s: Any, eta: Any) -> Any:
    """The noise of a DDIM step has the standard deviation eta times the variance beta-tilde."""
    return eta * _variance(alpha_bar_t, alpha_bar_s)


@deviation(
    "eta-not-squared",
    part="ddim_sigma",
    symptom="right at eta = 0 and 1, too much noise between",
    cure="multiply the variance by eta squared, or the standard deviation by eta",
)
def eta_not_squared(*, alpha_bar_t: Any, alpha_bar_s: Any, eta: Any) -> Any:
    """The variance of a DDIM step is eta and not eta squared times beta-tilde."""
    return sqrt(eta * _variance(alpha_bar_t, alpha_bar_s))


@deviation(
    "eta-squared-twice",
    part="ddim_sigma",
    symptom="right at eta = 0 and 1, too little noise between",
    cure="multiply the standard deviation by eta, not by its square",
)
def eta_squared_twice(*, alpha_bar_t: Any, alpha_bar_s: Any, eta: Any) -> Any:
    """The standard deviation of a DDIM step is multiplied by eta squared."""
    return eta * eta * sqrt(_variance(alpha_bar_t, alpha_bar_s))


@deviation(
    "eta-has-no-effect",
    part="ddim_sigma",
    symptom="eta = 1 gives what eta = 0 gives",
    cure="pass eta on to the step",
)
def eta_has_no_effect(*, alpha_bar_t: Any, alpha_bar_s: Any, eta: Any) -> Any:
    """The step is the deterministic one whatever eta is."""
    return 0.0 * _variance(alpha_bar_t, alpha_bar_s)


@deviation(
    "eta-always-one",
    part="ddim_sigma",
    symptom="noise in what was asked to be deterministic",
    cure="multiply the standard deviation by eta",
)
def eta_always_one(*, alpha_bar_t: Any, alpha_bar_s: Any, eta: Any) -> Any:
    """The step adds the noise of eta = 1 whatever eta is."""
    return sqrt(_variance(alpha_bar_t, alpha_bar_s))


@deviation(
    "ddim-sigma-without-transition",
    part="ddim_sigma",
    symptom="noise nearly as large as the state in every step",
    cure=_EQ_16,
)
def ddim_sigma_without_transition(*, alpha_bar_t: Any, alpha_bar_s: Any, eta: Any) -> Any:
    """The noise of a DDIM step lacks its factor sqrt(1 - alpha_bar_t / alpha_bar_s)."""
    return eta * sqrt((1 - alpha_bar_s) / (1 - alpha_bar_t))


@deviation(
    "ddim-sigma-without-posterior-factor",
    part="ddim_sigma",
    symptom="noise of variance beta in the last step too",
    cure=_EQ_16,
)
def ddim_sigma_without_posterior_factor(*, alpha_bar_t: Any, alpha_bar_s: Any, eta: Any) -> Any:
    """The noise of a DDIM step lacks its factor sqrt((1 - alpha_bar_s) / (1 - alpha_bar_t))."""
    return eta * sqrt((alpha_bar_s - alpha_bar_t) / alpha_bar_s)


@deviation(
    "ddim-sigma-sqrt-one-minus-alpha-bar",
    part="ddim_sigma",
    symptom="at eta = 1 all of eps is replaced by fresh noise in every step",
    cure=_EQ_16,
)
def ddim_sigma_of_the_next_level(*, alpha_bar_t: Any, alpha_bar_s: Any, eta: Any) -> Any:
    """The noise of a DDIM step is eta sqrt(1 - alpha_bar_s), that of the level it goes to."""
    return eta * sqrt(1 - alpha_bar_s)


@deviation(
    "ddim-sigma-sqrt-one-minus-current-alpha-bar",
    part="ddim_sigma",
    symptom="more noise after a step than before it",
    cure=_EQ_16,
)
def ddim_sigma_of_the_current_level(*, alpha_bar_t: Any, alpha_bar_s: Any, eta: Any) -> Any:
    """The noise of a DDIM step is eta sqrt(1 - alpha_bar_t), that of the level it comes from."""
    return eta * sqrt(1 - alpha_bar_t)


@convention("ddim-noise-of-variance-beta", part="ddim_added_std")
def ddim_noise_of_variance_beta(
    parts: Parts, *, alpha_bar_t: Any, alpha_bar_s: Any, eta: Any
) -> Any:
    """The added noise has variance beta, while eps keeps the factor for beta-tilde."""
    return eta * sqrt(parts.transition_variance(alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s))


@deviation(
    "direction-is-sigma",
    part="ddim_direction",
    symptom="at eta = 0 a step is sqrt(A_s) x_0 alone: everything collapses to the mean",
    cure="multiply eps by sqrt(1 - A_s - sigma^2)",
)
def direction_is_sigma(*, alpha_bar_t: Any, alpha_bar_s: Any, sigma: Any) -> Any:
    """The factor of eps is sigma in place of sqrt(1 - alpha_bar_s - sigma^2)."""
    return sigma


@deviation(
    "direction-missing",
    part="ddim_direction",
    symptom="every state is too clean for its time, so details are smoothed away",
    cure="add sqrt(1 - A_s - sigma^2) eps",
)
def direction_missing(*, alpha_bar_t: Any, alpha_bar_s: Any, sigma: Any) -> Any:
    """A DDIM step lacks the term with eps that points to x_t."""
    return 0.0 * alpha_bar_s


@deviation(
    "direction-without-sigma",
    part="ddim_direction",
    symptom="right at eta = 0; too much noise in every state for eta > 0",
    cure="subtract sigma^2 under the root",
)
def direction_without_sigma(*, alpha_bar_t: Any, alpha_bar_s: Any, sigma: Any) -> Any:
    """The factor of eps is sqrt(1 - alpha_bar_s): sigma^2 is not subtracted under the root."""
    return sqrt(1 - alpha_bar_s)


@deviation(
    "direction-subtracts-sigma",
    part="ddim_direction",
    symptom="right at eta = 0; the root of a negative number or too little noise for eta > 0",
    cure="subtract the square of sigma under the root",
)
def direction_subtracts_sigma(*, alpha_bar_t: Any, alpha_bar_s: Any, sigma: Any) -> Any:
    """The factor of eps is sqrt(1 - alpha_bar_s - sigma), with sigma not squared."""
    return sqrt(maximum(1 - alpha_bar_s - sigma, 0.0))


@deviation(
    "direction-not-rooted",
    part="ddim_direction",
    symptom="every state is too clean for its time",
    cure="take the square root",
)
def direction_not_rooted(*, alpha_bar_t: Any, alpha_bar_s: Any, sigma: Any) -> Any:
    """The factor of eps is 1 - alpha_bar_s - sigma^2 without the square root."""
    return 1 - alpha_bar_s - sigma * sigma


@deviation(
    "direction-of-the-current-level",
    part="ddim_direction",
    symptom="the noise never shrinks",
    cure="use alpha_bar of the time that the step goes to",
)
def direction_of_the_current_level(*, alpha_bar_t: Any, alpha_bar_s: Any, sigma: Any) -> Any:
    """The factor of eps belongs to the level that the step comes from."""
    return sqrt(maximum(1 - alpha_bar_t - sigma * sigma, 0.0))


@deviation(
    "data-scale-not-rooted",
    part="ddim_data_scale",
    symptom="images too dark at every noisy time",
    cure="multiply x_0 by sqrt(alpha_bar_s)",
)
def data_scale_not_rooted(*, alpha_bar_t: Any, alpha_bar_s: Any) -> Any:
    """The factor of x_0 is alpha_bar_s without the square root."""
    return alpha_bar_s


@deviation(
    "data-scale-of-the-current-level",
    part="ddim_data_scale",
    symptom="the data never grow to their full size",
    cure="multiply x_0 by sqrt(alpha_bar) of the time that the step goes to",
)
def data_scale_of_the_current_level(*, alpha_bar_t: Any, alpha_bar_s: Any) -> Any:
    """The factor of x_0 belongs to the level that the step comes from."""
    return sqrt(alpha_bar_t)


@deviation(
    "output-used-as-eps",
    part="predicted_eps",
    symptom="with an x_0 or v model the samples converge to something else than data",
    cure="derive eps from the prediction before the direction term uses it",
    links=(
        "https://github.com/huggingface/diffusers/issues/1486",
        "https://github.com/huggingface/diffusers/pull/2094",
        "https://github.com/Project-MONAI/GenerativeModels/issues/299",
    ),
)
def output_used_as_eps(output: Any, x_t: Any, *, alpha_bar_t: Any, prediction: str) -> Any:
    """The model's output, x_0 or v, is used where eps belongs."""
    return output


@convention("x-0-clipped", part="limit_x_0")
def x_0_clipped(x_0: Any) -> Any:
    """The predicted x_0 is clipped to [-1, 1]."""
    return minimum(maximum(x_0, -1.0), 1.0)


@convention("x-0-clipped-from-zero", part="limit_x_0")
def x_0_clipped_from_zero(x_0: Any) -> Any:
    """The predicted x_0 is clipped to [0, 1]."""
    return minimum(maximum(x_0, 0.0), 1.0)


@convention(
    "eps-not-recomputed",
    part="eps_after_limit",
    links=(
        "https://github.com/lucidrains/denoising-diffusion-pytorch/pull/84",
        "https://github.com/openai/improved-diffusion/issues/110",
    ),
)
def eps_not_recomputed(limited: Any, x_0: Any, eps: Any, x_t: Any, *, alpha_bar_t: Any) -> Any:
    """The step goes on with the model's eps after x_0 was limited."""
    return eps
