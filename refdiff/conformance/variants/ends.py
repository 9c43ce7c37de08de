"""Mistakes and choices at the end of sampling."""

from __future__ import annotations

from typing import Any

from refdiff._namespace import maximum, minimum, sqrt
from refdiff.conformance.parts.grids import Walk
from refdiff.conformance.variants import convention, deviation

__all__: list[str] = []

_NO_NOISE = "return the mean of the last step"


@convention(
    "ends-at-the-first-noise-level",
    part="level_at_end",
    choice="end rule",
    symptom="noise of standard deviation sqrt(1 - alpha_bar_1) stays in the samples",
    links=(
        "https://github.com/CompVis/latent-diffusion/issues/136",
        "https://github.com/Stability-AI/stablediffusion/pull/345",
        "https://github.com/lllyasviel/ControlNet/pull/587",
        "https://github.com/huggingface/diffusers/issues/6068",
    ),
)
def ends_at_first_noise_level(walk: Walk) -> Any:
    """The last step goes to the first noisy level, a normal stride from the time shown."""
    stride = walk.times[-1] - 1
    if not 0 < stride <= walk.longest_stride:
        raise ValueError("the last step is no stride")
    return walk.alpha_bars[1]


@deviation(
    "ends-at-the-level-shown-last",
    part="level_at_end",
    symptom="the last call of the model changes nothing, and noise stays in the samples",
    cure="let the last step go to alpha_bar = 1, or start the list one time later",
    links=(
        "https://github.com/lucidrains/denoising-diffusion-pytorch/issues/81",
        "https://github.com/huggingface/diffusers/pull/7128",
    ),
)
def last_step_goes_nowhere(walk: Walk) -> Any:
    """The last step goes to the level that it comes from."""
    return walk.alpha_bars[int(walk.times[-1])]


@deviation(
    "beta-added-at-the-last-step",
    part="added_at_end",
    symptom="the samples are too bright by beta_1",
    cure=_NO_NOISE,
)
def beta_added_at_last_step(walk: Walk) -> Any:
    """The last step adds beta_1 itself, without noise."""
    return 1 - walk.alpha_bars[1]


@deviation(
    "root-of-beta-added-at-the-last-step",
    part="added_at_end",
    symptom="the samples are too bright by sqrt(beta_1)",
    cure=_NO_NOISE,
)
def root_of_beta_added_at_last_step(walk: Walk) -> Any:
    """The last step adds sqrt(beta_1) itself, without noise."""
    return sqrt(1 - walk.alpha_bars[1])


@convention("result-clipped", part="returned")
def result_clipped(x: Any) -> Any:
    """The last state is clipped to [-1, 1] before it is returned."""
    return minimum(maximum(x, -1.0), 1.0)


@convention("result-mapped-to-unit-interval", part="returned")
def result_mapped_to_unit_interval(x: Any) -> Any:
    """The last state is mapped from [-1, 1] to [0, 1] before it is returned."""
    return (x + 1) / 2


@convention("result-clipped-and-mapped", part="returned")
def result_clipped_and_mapped(x: Any) -> Any:
    """The last state is clipped to [-1, 1] and mapped to [0, 1] before it is returned."""
    return (minimum(maximum(x, -1.0), 1.0) + 1) / 2
