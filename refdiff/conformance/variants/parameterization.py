"""Mistakes and choices in the conversions between x_0, eps, v and the score."""

from __future__ import annotations

import math

from refdiff._namespace import Array, sqrt
from refdiff.conformance.variants import deviation, form, together

__all__: list[str] = []

_V_SIGN = ("https://github.com/huggingface/diffusers/pull/1421",)
_SOLVE = "solve x_t = sqrt(alpha_bar_t) x_0 + sqrt(1 - alpha_bar_t) eps for it"

together(
    "convention",
    "velocity-negated",
    "The velocity has the opposite sign: it points from the noise to the data.",
    {
        "v_from_eps": lambda x_t, eps, *, alpha_bar_t: (
            (sqrt(1 - alpha_bar_t) * x_t - eps) / sqrt(alpha_bar_t)
        ),
        "v_from_x_0": lambda x_t, x_0, *, alpha_bar_t: (
            (x_0 - sqrt(alpha_bar_t) * x_t) / sqrt(1 - alpha_bar_t)
        ),
        "x_0_from_v": lambda x_t, v, *, alpha_bar_t: (
            sqrt(alpha_bar_t) * x_t + sqrt(1 - alpha_bar_t) * v
        ),
        "eps_from_v": lambda x_t, v, *, alpha_bar_t: (
            sqrt(1 - alpha_bar_t) * x_t - sqrt(alpha_bar_t) * v
        ),
    },
    symptom="with a model of the other sign: noise that grows",
    cure="none, if the model was trained with that sign",
    links=(*_V_SIGN, "https://github.com/huggingface/diffusers/pull/13056"),
    choice="sign of the velocity",
)


# ---------------------------------------------------------------- x_0 and eps


@deviation(
    part="x_0_from_eps",
    symptom="too little noise is taken away at late times",
    cure="divide both terms by sqrt(alpha_bar_t)",
    links=("https://github.com/labmlai/annotated_deep_learning_paper_implementations/issues/152",),
)
def x_0_from_eps_noise_not_divided(x_t: Array, eps: Array, *, alpha_bar_t: Array) -> Array:
    """Only x_t is divided by sqrt(alpha_bar_t); eps keeps the forward process's factor."""
    return x_t / sqrt(alpha_bar_t) - sqrt(1 - alpha_bar_t) * eps


@deviation(part="x_0_from_eps", symptom="too little noise is taken away", cure="take the root")
def x_0_from_eps_noise_by_variance(x_t: Array, eps: Array, *, alpha_bar_t: Array) -> Array:
    """The noise is multiplied by 1 - alpha_bar_t, not by its square root."""
    return (x_t - (1 - alpha_bar_t) * eps) / sqrt(alpha_bar_t)


@deviation(part="x_0_from_eps", symptom="far too strong images", cure="take the root")
def x_0_from_eps_divided_without_root(x_t: Array, eps: Array, *, alpha_bar_t: Array) -> Array:
    """The data are divided by alpha_bar_t, not by its square root."""
    return (x_t - sqrt(1 - alpha_bar_t) * eps) / alpha_bar_t


@deviation(part="x_0_from_eps", symptom="faint images", cure="divide by sqrt(alpha_bar_t)")
def x_0_from_eps_not_divided(x_t: Array, eps: Array, *, alpha_bar_t: Array) -> Array:
    """The noise is subtracted, but the rest is not scaled up to the data."""
    return x_t - sqrt(1 - alpha_bar_t) * eps


@deviation(part="x_0_from_eps", symptom="noise doubles", cure="subtract it")
def x_0_from_eps_adds_noise(x_t: Array, eps: Array, *, alpha_bar_t: Array) -> Array:
    """The noise is added in place of being subtracted."""
    return (x_t + sqrt(1 - alpha_bar_t) * eps) / sqrt(alpha_bar_t)


@deviation(part="x_0_from_eps", symptom="wrong at both ends of the chain", cure=_SOLVE)
def x_0_from_eps_roles_swapped(x_t: Array, eps: Array, *, alpha_bar_t: Array) -> Array:
    """The scales of signal and noise are exchanged."""
    return (x_t - sqrt(alpha_bar_t) * eps) / sqrt(1 - alpha_bar_t)


@deviation(part="eps_from_x_0", symptom="the noise is too strong early", cure="take the root")
def eps_from_x_0_divided_by_variance(x_t: Array, x_0: Array, *, alpha_bar_t: Array) -> Array:
    """The noise is divided by its variance, not by the square root."""
    return (x_t - sqrt(alpha_bar_t) * x_0) / (1 - alpha_bar_t)


@deviation(part="eps_from_x_0", symptom="data are left in the noise", cure="take the root")
def eps_from_x_0_signal_without_root(x_t: Array, x_0: Array, *, alpha_bar_t: Array) -> Array:
    """The data are multiplied by alpha_bar_t, not by its square root."""
    return (x_t - alpha_bar_t * x_0) / sqrt(1 - alpha_bar_t)


@deviation(part="eps_from_x_0", symptom="data are left in the noise", cure=_SOLVE)
def eps_from_x_0_signal_not_scaled(x_t: Array, x_0: Array, *, alpha_bar_t: Array) -> Array:
    """The data are subtracted without their factor."""
    return (x_t - x_0) / sqrt(1 - alpha_bar_t)


@deviation(part="eps_from_x_0", symptom="weak noise at early times", cure=_SOLVE)
def eps_from_x_0_not_divided(x_t: Array, x_0: Array, *, alpha_bar_t: Array) -> Array:
    """The rest is not divided by the noise's scale."""
    return x_t - sqrt(alpha_bar_t) * x_0


@deviation(part="eps_from_x_0", symptom="the noise has the wrong sign", cure="negate it")
def eps_from_x_0_negated(x_t: Array, x_0: Array, *, alpha_bar_t: Array) -> Array:
    """The noise has the opposite sign."""
    return (sqrt(alpha_bar_t) * x_0 - x_t) / sqrt(1 - alpha_bar_t)


@deviation(
    part="eps_from_x_0",
    symptom="the direction of a step points to the data",
    cure="convert the prediction of x_0 to eps",
    links=(
        "https://github.com/huggingface/diffusers/issues/1486",
        "https://github.com/huggingface/diffusers/pull/2094",
        "https://github.com/Project-MONAI/GenerativeModels/issues/299",
    ),
)
def x_0_used_as_eps(x_t: Array, x_0: Array, *, alpha_bar_t: Array) -> Array:
    """The prediction of x_0 is used as if it were eps."""
    return x_0 + 0 * (x_t + alpha_bar_t)


# ---------------------------------------------------------------- v


def _by_angle(alpha_bar: Array) -> tuple[Array, Array]:
    """Return both scales as accurately as the cosine and the sine of an angle are.

    Going through a number of the size of a right angle costs them one rounding of it.
    """
    right_angle = math.pi / 2
    c, s = sqrt(alpha_bar), sqrt(1 - alpha_bar)
    return (c + right_angle) - right_angle, (s + right_angle) - right_angle


@form(part="v_from_eps")
def v_from_eps_by_angle(x_t: Array, eps: Array, *, alpha_bar_t: Array) -> Array:
    """The scales are the cosine and the sine of an angle, and x_0 is formed first."""
    c, s = _by_angle(alpha_bar_t)
    return c * eps - s * ((x_t - s * eps) / c)


@form(part="v_from_x_0")
def v_from_x_0_by_angle(x_t: Array, x_0: Array, *, alpha_bar_t: Array) -> Array:
    """The scales are the cosine and the sine of an angle, and eps is formed first."""
    c, s = _by_angle(alpha_bar_t)
    return c * ((x_t - c * x_0) / s) - s * x_0


@form(part="x_0_from_v")
def x_0_from_v_by_angle(x_t: Array, v: Array, *, alpha_bar_t: Array) -> Array:
    """The scales are the cosine and the sine of an angle."""
    c, s = _by_angle(alpha_bar_t)
    return c * x_t - s * v


@form(part="eps_from_v")
def eps_from_v_by_angle(x_t: Array, v: Array, *, alpha_bar_t: Array) -> Array:
    """The scales are the cosine and the sine of an angle."""
    c, s = _by_angle(alpha_bar_t)
    return s * x_t + c * v


@deviation(part="v_from_eps", symptom="the target mixes the two scales", cure="exchange the scales")
def v_from_eps_roles_swapped(x_t: Array, eps: Array, *, alpha_bar_t: Array) -> Array:
    """The scales of signal and noise are exchanged."""
    return (eps - sqrt(alpha_bar_t) * x_t) / sqrt(1 - alpha_bar_t)


@deviation(part="v_from_eps", symptom="the target is wrong at middle times", cure="take the roots")
def v_from_eps_without_roots(x_t: Array, eps: Array, *, alpha_bar_t: Array) -> Array:
    """alpha_bar_t and 1 - alpha_bar_t stand in place of their square roots."""
    return (eps - (1 - alpha_bar_t) * x_t) / alpha_bar_t


@deviation(
    part="v_from_eps",
    symptom="the target contains the data twice",
    cure="give the function x_0, or use the formula for x_t",
)
def v_from_eps_with_x_t_as_x_0(x_t: Array, eps: Array, *, alpha_bar_t: Array) -> Array:
    """x_t is used where v = sqrt(alpha_bar_t) eps - sqrt(1 - alpha_bar_t) x_0 means x_0."""
    return sqrt(alpha_bar_t) * eps - sqrt(1 - alpha_bar_t) * x_t


@deviation(part="v_from_x_0", symptom="the target mixes the two scales", cure="exchange the scales")
def v_from_x_0_roles_swapped(x_t: Array, x_0: Array, *, alpha_bar_t: Array) -> Array:
    """The scales of signal and noise are exchanged."""
    return (sqrt(1 - alpha_bar_t) * x_t - x_0) / sqrt(alpha_bar_t)


@deviation(part="v_from_x_0", symptom="the target is wrong at middle times", cure="take the roots")
def v_from_x_0_without_roots(x_t: Array, x_0: Array, *, alpha_bar_t: Array) -> Array:
    """alpha_bar_t and 1 - alpha_bar_t stand in place of their square roots."""
    return (alpha_bar_t * x_t - x_0) / (1 - alpha_bar_t)


@deviation(
    part="v_from_x_0",
    symptom="the target contains the noise twice",
    cure="give the function eps, or use the formula for x_t",
)
def v_from_x_0_with_x_t_as_eps(x_t: Array, x_0: Array, *, alpha_bar_t: Array) -> Array:
    """x_t is used where v = sqrt(alpha_bar_t) eps - sqrt(1 - alpha_bar_t) x_0 means eps."""
    return sqrt(alpha_bar_t) * x_t - sqrt(1 - alpha_bar_t) * x_0


@deviation(part="x_0_from_v", symptom="noise that grows", cure="subtract it", links=_V_SIGN)
def x_0_from_v_adds_v(x_t: Array, v: Array, *, alpha_bar_t: Array) -> Array:
    """The velocity is added in place of being subtracted."""
    return sqrt(alpha_bar_t) * x_t + sqrt(1 - alpha_bar_t) * v


@deviation(part="eps_from_v", symptom="noise of the wrong size", cure="add it", links=_V_SIGN)
def eps_from_v_subtracts_v(x_t: Array, v: Array, *, alpha_bar_t: Array) -> Array:
    """The velocity is subtracted in place of being added."""
    return sqrt(1 - alpha_bar_t) * x_t - sqrt(alpha_bar_t) * v


@deviation(part="x_0_from_v", symptom="the image fades into its noise", cure="exchange the scales")
def x_0_from_v_roles_swapped(x_t: Array, v: Array, *, alpha_bar_t: Array) -> Array:
    """The scales of signal and noise are exchanged."""
    return sqrt(1 - alpha_bar_t) * x_t - sqrt(alpha_bar_t) * v


@deviation(part="x_0_from_v", symptom="images are too weak", cure="take the roots")
def x_0_from_v_without_roots(x_t: Array, v: Array, *, alpha_bar_t: Array) -> Array:
    """alpha_bar_t and 1 - alpha_bar_t stand in place of their square roots."""
    return alpha_bar_t * x_t - (1 - alpha_bar_t) * v


@deviation(
    part="x_0_from_v",
    symptom="right only for a model that predicts eps",
    cure="use sqrt(alpha_bar_t) x_t - sqrt(1 - alpha_bar_t) v",
)
def v_used_as_eps_for_x_0(x_t: Array, v: Array, *, alpha_bar_t: Array) -> Array:
    """The velocity is used as if it were eps."""
    return (x_t - sqrt(1 - alpha_bar_t) * v) / sqrt(alpha_bar_t)


@deviation(part="eps_from_v", symptom="the noise fades into the image", cure="exchange the scales")
def eps_from_v_roles_swapped(x_t: Array, v: Array, *, alpha_bar_t: Array) -> Array:
    """The scales of signal and noise are exchanged."""
    return sqrt(alpha_bar_t) * x_t + sqrt(1 - alpha_bar_t) * v


@deviation(part="eps_from_v", symptom="noise is too weak", cure="take the roots")
def eps_from_v_without_roots(x_t: Array, v: Array, *, alpha_bar_t: Array) -> Array:
    """alpha_bar_t and 1 - alpha_bar_t stand in place of their square roots."""
    return (1 - alpha_bar_t) * x_t + alpha_bar_t * v


@deviation(
    part="eps_from_v",
    symptom="right only for a model that predicts eps",
    cure="use sqrt(1 - alpha_bar_t) x_t + sqrt(alpha_bar_t) v",
)
def v_used_as_eps(x_t: Array, v: Array, *, alpha_bar_t: Array) -> Array:
    """The velocity is returned as if it were eps."""
    return v + 0 * (x_t + alpha_bar_t)


# ---------------------------------------------------------------- the score

together(
    "convention",
    "score-negated",
    "The score has the opposite sign: it points away from the data.",
    {
        "score_from_eps": lambda eps, *, alpha_bar_t: eps / sqrt(1 - alpha_bar_t),
        "eps_from_score": lambda score, *, alpha_bar_t: sqrt(1 - alpha_bar_t) * score,
        "score_from_x_0": lambda x_t, x_0, *, alpha_bar_t: (
            (x_t - sqrt(alpha_bar_t) * x_0) / (1 - alpha_bar_t)
        ),
        "x_0_from_score": lambda x_t, score, *, alpha_bar_t: (
            (x_t - (1 - alpha_bar_t) * score) / sqrt(alpha_bar_t)
        ),
    },
    symptom="with code of the other sign: steps lead away from the data",
    cure="none, if everything around uses that sign",
    choice="sign of the score",
)


@deviation(part="score_from_eps", symptom="steps lead away from the data", cure="negate it")
def score_from_eps_without_sign(eps: Array, *, alpha_bar_t: Array) -> Array:
    """The minus sign is missing."""
    return eps / sqrt(1 - alpha_bar_t)


@deviation(part="eps_from_score", symptom="noise is added, not removed", cure="negate it")
def eps_from_score_without_sign(score: Array, *, alpha_bar_t: Array) -> Array:
    """The minus sign is missing."""
    return sqrt(1 - alpha_bar_t) * score


@deviation(part="score_from_x_0", symptom="steps lead away from the data", cure="negate it")
def score_from_x_0_without_sign(x_t: Array, x_0: Array, *, alpha_bar_t: Array) -> Array:
    """The difference is taken the wrong way round."""
    return (x_t - sqrt(alpha_bar_t) * x_0) / (1 - alpha_bar_t)


@deviation(part="x_0_from_score", symptom="noise doubles", cure="add the score")
def x_0_from_score_subtracts(x_t: Array, score: Array, *, alpha_bar_t: Array) -> Array:
    """The score is subtracted, not added."""
    return (x_t - (1 - alpha_bar_t) * score) / sqrt(alpha_bar_t)


@deviation(part="score_from_eps", symptom="the score is too large early", cure="take the root")
def score_from_eps_divided_by_variance(eps: Array, *, alpha_bar_t: Array) -> Array:
    """The noise is divided by its variance, not by the square root."""
    return -eps / (1 - alpha_bar_t)


@deviation(part="score_from_eps", symptom="the score is too small early", cure="divide")
def score_from_eps_multiplied(eps: Array, *, alpha_bar_t: Array) -> Array:
    """The noise is multiplied by its scale in place of being divided by it."""
    return -eps * sqrt(1 - alpha_bar_t)


@deviation(part="score_from_eps", symptom="the score is too small", cure="divide by its scale")
def score_from_eps_not_divided(eps: Array, *, alpha_bar_t: Array) -> Array:
    """The score is minus the noise, without its scale."""
    return -eps + 0 * alpha_bar_t


@deviation(part="eps_from_score", symptom="the noise is too weak early", cure="take the root")
def eps_from_score_times_variance(score: Array, *, alpha_bar_t: Array) -> Array:
    """The score is multiplied by the noise's variance, not by the square root."""
    return -(1 - alpha_bar_t) * score


@deviation(part="eps_from_score", symptom="the noise is too strong early", cure="multiply")
def eps_from_score_divided(score: Array, *, alpha_bar_t: Array) -> Array:
    """The score is divided by the noise's scale in place of being multiplied by it."""
    return -score / sqrt(1 - alpha_bar_t)


@deviation(part="score_from_x_0", symptom="too small a score", cure="divide by the variance")
def score_from_x_0_divided_by_std(x_t: Array, x_0: Array, *, alpha_bar_t: Array) -> Array:
    """The difference is divided by the standard deviation, not by the variance."""
    return (sqrt(alpha_bar_t) * x_0 - x_t) / sqrt(1 - alpha_bar_t)


@deviation(part="score_from_x_0", symptom="the score points past the data", cure="scale x_0")
def score_from_x_0_signal_not_scaled(x_t: Array, x_0: Array, *, alpha_bar_t: Array) -> Array:
    """The data enter without their factor sqrt(alpha_bar_t)."""
    return (x_0 - x_t) / (1 - alpha_bar_t)


@deviation(part="x_0_from_score", symptom="too much is taken away early", cure="use the variance")
def x_0_from_score_times_std(x_t: Array, score: Array, *, alpha_bar_t: Array) -> Array:
    """The score is multiplied by the standard deviation, not by the variance."""
    return (x_t + sqrt(1 - alpha_bar_t) * score) / sqrt(alpha_bar_t)


@deviation(part="x_0_from_score", symptom="faint images", cure="divide by sqrt(alpha_bar_t)")
def x_0_from_score_not_divided(x_t: Array, score: Array, *, alpha_bar_t: Array) -> Array:
    """The noise is removed, but the rest is not scaled up to the data."""
    return x_t + (1 - alpha_bar_t) * score


@deviation(part="x_0_from_score", symptom="far too strong images", cure="take the root")
def x_0_from_score_divided_without_root(x_t: Array, score: Array, *, alpha_bar_t: Array) -> Array:
    """The data are divided by alpha_bar_t, not by its square root."""
    return (x_t + (1 - alpha_bar_t) * score) / alpha_bar_t
