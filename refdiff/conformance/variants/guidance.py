"""Mistakes and choices in classifier-free guidance."""

from __future__ import annotations

from typing import Any

import numpy as np

from refdiff.conformance.parts import Parts
from refdiff.conformance.variants import convention, deviation, observed

__all__ = ["NO_UNCONDITIONAL_CALL"]

_MIX = "mix both as (1 + w) cond - w uncond"


@convention(
    "guidance-scale",
    part="guided_output",
    choice="guidance weight",
    links=(
        "https://github.com/huggingface/diffusers/issues/5882",
        "https://github.com/ashawkey/stable-dreamfusion/issues/32",
        "https://github.com/lucidrains/denoising-diffusion-pytorch/issues/207",
    ),
)
def guidance_scale(parts: Parts, cond: Any, uncond: Any, *, weight: Any) -> Any:
    """The weight is a scale, 1 + w: 1 is the conditional prediction, 0 the unconditional one."""
    return parts.guidance_from_scale(cond, uncond, scale=weight)


@deviation(
    "guidance-roles-swapped",
    part="guided_output",
    symptom="samples avoid the class that was asked for",
    cure=_MIX,
)
def guidance_roles_swapped(cond: Any, uncond: Any, *, weight: Any) -> Any:
    """The conditional and the unconditional prediction are exchanged, in the weight w."""
    return (1 + weight) * uncond - weight * cond


@deviation(
    "guidance-scale-roles-swapped",
    part="guided_output",
    symptom="samples avoid the class that was asked for",
    cure="mix both as uncond + scale (cond - uncond)",
)
def guidance_scale_roles_swapped(cond: Any, uncond: Any, *, weight: Any) -> Any:
    """The conditional and the unconditional prediction are exchanged, in the scale."""
    return cond + weight * (uncond - cond)


@deviation(
    "guidance-adds-the-unconditional",
    part="guided_output",
    symptom="the factors sum to 1 + 2 w: the prediction is far too large",
    cure=_MIX,
    links=("https://github.com/labmlai/annotated_deep_learning_paper_implementations/issues/177",),
)
def guidance_adds_the_unconditional(cond: Any, uncond: Any, *, weight: Any) -> Any:
    """The unconditional prediction is added and not subtracted, in the weight w."""
    return (1 + weight) * cond + weight * uncond


@deviation(
    "guidance-scale-adds-the-unconditional",
    part="guided_output",
    symptom="the factors sum to 2 s - 1: the prediction is far too large",
    cure="mix both as uncond + scale (cond - uncond)",
    links=("https://github.com/labmlai/annotated_deep_learning_paper_implementations/issues/177",),
)
def guidance_scale_adds_the_unconditional(cond: Any, uncond: Any, *, weight: Any) -> Any:
    """The unconditional prediction is added and not subtracted, in the scale."""
    return weight * cond + (weight - 1) * uncond


@deviation(
    "guidance-difference-alone",
    part="guided_output",
    symptom="the factors sum to 0: the prediction vanishes where both agree",
    cure=_MIX,
)
def guidance_difference_alone(cond: Any, uncond: Any, *, weight: Any) -> Any:
    """The guided prediction is the weighted difference, without a prediction added to it."""
    return weight * (cond - uncond)


@deviation(
    "guidance-factors-do-not-sum-to-one",
    part="guided_output",
    symptom="the prediction is too large: over-exposed samples",
    cure=_MIX,
)
def guidance_factors_do_not_sum_to_one(cond: Any, uncond: Any, *, weight: Any) -> Any:
    """The guided prediction is (1 + w) cond - uncond, so that the factors sum to w."""
    return (1 + weight) * cond - uncond


@deviation(
    "guidance-has-no-effect",
    part="guided_output",
    symptom="the samples are the same for every weight",
    cure=_MIX,
)
def guidance_has_no_effect(cond: Any, uncond: Any, *, weight: Any) -> Any:
    """The conditional prediction is used alone whatever the weight is."""
    return cond


@deviation(
    "guidance-of-three-channels",
    part="guided_prediction",
    symptom="the fourth latent channel is not guided",
    cure="guide all channels of the prediction",
    links=("https://github.com/facebookresearch/DiT/issues/41",),
)
def guidance_of_three_channels(parts: Parts, cond: Any, uncond: Any, *, weight: Any) -> Any:
    """Only the first three channels are guided; the others are the conditional prediction's."""
    guided = parts.guided_output(cond, uncond, weight=weight)
    return _where(_first_three(guided), guided, cond)


@deviation(
    "unconditional-call-gets-the-label",
    part="unconditional_labels",
    symptom="the samples are the same for every weight",
    cure="give the unconditional call the null class",
    links=("https://github.com/QiaoyuHu89/DiffGui/issues/5",),
)
def unconditional_call_gets_the_label(labels: Any, null: Any) -> Any:
    """The call that should be unconditional is given the label too."""
    return labels


NO_UNCONDITIONAL_CALL = observed(
    "deviation",
    "no-unconditional-call",
    "Guidance asks the model with the label alone, never without it.",
    symptom="the weight has no effect, or not the one of classifier-free guidance",
    cure="ask the model with the null class too",
    links=(
        "https://github.com/mlfoundations/open-diffusion/issues/6",
        "https://github.com/NVlabs/Sana/issues/188",
    ),
)


def _first_three(x: Any) -> Any:
    inner = (np.arange(x.shape[1]) < 3).reshape((1, -1) + (1,) * (x.ndim - 2))
    return np.broadcast_to(inner, tuple(x.shape))


def _where(mask: Any, x: Any, other: Any) -> Any:
    if hasattr(x, "new_tensor"):  # torch chooses by masks of its own
        return x.where(x.new_tensor(mask.copy()).bool(), other)
    return np.where(mask, x, other) if isinstance(x, np.ndarray) else x.where(mask, other)
