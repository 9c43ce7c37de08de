"""Mistakes and choices in the list of times, and in the level that belongs to a step."""

from __future__ import annotations

from typing import Any

import numpy as np

from refdiff.conformance.parts import Parts
from refdiff.conformance.parts.grids import Walk
from refdiff.conformance.variants import approximation, deviation, observed

__all__ = ["BASE_0", "BASE_1", "FRACTION", "NOT_FALLING"]


@deviation(
    "previous-time-by-uniform-stride",
    part="level_after",
    symptom="on trailing or linspace times the steps go to levels that no call is shown",
    cure="step to the next entry of the actual list of times",
    links=(
        "https://github.com/huggingface/diffusers/pull/9384",
        "https://github.com/huggingface/diffusers/issues/11347",
        "https://github.com/huggingface/diffusers/issues/12633",
    ),
)
def previous_time_by_uniform_stride(parts: Parts, walk: Walk, k: int) -> Any:
    """A step goes down by T // S times whatever the next time of the list is."""
    before = walk.times[k] - walk.trained // walk.steps
    return parts.level_of_time(walk, before) if before >= 1 else parts.level_at_end(walk)


@deviation(
    "next-level-one-training-step-below",
    part="level_after",
    symptom="right if all T times are visited; with fewer steps the state stays far too noisy",
    cure="use alpha_bar of the next entry of the list of times",
)
def next_level_one_training_step_below(parts: Parts, walk: Walk, k: int) -> Any:
    """A step goes down by one training time where the list of times skips many."""
    before = walk.times[k] - 1
    return parts.level_of_time(walk, before) if before >= 1 else parts.level_at_end(walk)


@deviation(
    "alpha-bar-of-the-previous-time",
    part="level_at",
    symptom="the step believes its state to be cleaner than the model was told",
    cure="use alpha_bar of the time that the model is told",
    links=(
        "https://github.com/lucidrains/denoising-diffusion-pytorch/issues/81",
        "https://github.com/lucidrains/denoising-diffusion-pytorch/pull/83",
    ),
)
def alpha_bar_of_the_previous_time(parts: Parts, walk: Walk, k: int) -> Any:
    """alpha_bar_t is read one time too early, where alpha_bar_{t-1} stands."""
    return parts.level_of_time(walk, walk.times[k] - 1)


@deviation(
    "alpha-bar-of-the-following-time",
    part="level_at",
    symptom="the step believes its state to be noisier than the model was told",
    cure="use alpha_bar of the time that the model is told",
)
def alpha_bar_of_the_following_time(parts: Parts, walk: Walk, k: int) -> Any:
    """alpha_bar_t is read one time too late, where alpha_bar_{t+1} stands."""
    return parts.level_of_time(walk, min(walk.times[k] + 1, walk.trained))


@deviation(
    "levels-shifted-by-one-time",
    part="level_of_time",
    symptom="the model is shown states that are noisier than the time it is told",
    cure="count times and entries of the table from the same number",
)
def levels_shifted_by_one_time(walk: Walk, t: float) -> Any:
    """All levels are read from the entry before the one that the told time means."""
    if t < 1:
        raise ValueError("there is no entry before the first")
    return walk.alpha_bars[int(t) - 1]


@deviation(
    "levels-shifted-by-one-time-up",
    part="level_of_time",
    symptom="the model is shown states that are cleaner than the time it is told",
    cure="count times and entries of the table from the same number",
)
def levels_shifted_by_one_time_up(walk: Walk, t: float) -> Any:
    """All levels are read from the entry after the one that the told time means."""
    return walk.alpha_bars[min(int(t) + 1, walk.trained)]


@deviation(
    "time-shown-is-the-loop-index",
    part="told_time",
    symptom="the model believes the state to be nearly clean all the time",
    cure="tell the model the training time, not the number of the step",
    links=("https://github.com/Stability-AI/stablediffusion/pull/226",),
)
def model_is_told_the_loop_index(walk: Walk, k: int, *, time_base: int) -> float:
    """The model is told the number of the remaining steps in place of the training time."""
    return walk.steps - 1 - k + time_base


@deviation(
    "time-shown-is-that-of-the-step-end",
    part="told_time",
    symptom="the model believes the state to be one stride cleaner than it is",
    cure="tell the model the time of the state that it is shown",
)
def model_is_told_the_next_time(walk: Walk, k: int, *, time_base: int) -> float:
    """The model is told the time that the step goes to and not that of the state it is shown."""
    following = walk.times[k + 1] if k + 1 < walk.steps else 1
    return following - 1 + time_base


@approximation(
    "quadratic-times-up-to-0.8-T",
    part="time_grid",
    symptom="the first step is shown pure noise under a time that promises some signal",
    cure="let the list begin at T",
)
def quadratic_times(num_train_steps: int, num_steps: int) -> Any:
    """Times are spaced quadratically, and the list begins at 0.8 T."""
    times = np.linspace(0, np.sqrt(num_train_steps * 0.8), num_steps) ** 2
    return times.astype(np.int64)[::-1] + 1


@deviation(
    "times-without-the-remainder",
    part="time_grid",
    symptom="where S does not divide T the noisiest times are never visited",
    cure="space the times over all of 1..T, for example with trailing_timesteps",
)
def times_without_the_remainder(num_train_steps: int, num_steps: int) -> Any:
    """Times are multiples of T // S, so that the list begins at S (T // S), far below T."""
    stride = num_train_steps // num_steps
    return np.arange(num_steps, 0, -1, dtype=np.int64) * stride


@deviation(
    "one-time-too-many",
    part="time_grid",
    symptom="one step more than asked for where S does not divide T",
    cure="make exactly S times",
    links=(
        "https://github.com/huggingface/diffusers/pull/1835",
        "https://github.com/Project-MONAI/GenerativeModels/issues/162",
    ),
)
def one_time_too_many(num_train_steps: int, num_steps: int) -> Any:
    """Times are all multiples of T // S plus one, more than S of them where S does not divide T."""
    return np.arange(0, num_train_steps, num_train_steps // num_steps, dtype=np.int64)[::-1] + 1


BASE_0 = observed(
    "convention",
    "time-base-0",
    "The model is told 0 at the first noisy time.",
    choice="time base",
)
BASE_1 = observed(
    "convention",
    "time-base-1",
    "The model is told 1 at the first noisy time.",
    choice="time base",
)
FRACTION = observed(
    "convention",
    "time-as-a-fraction",
    "The model is told t / T.",
    choice="time base",
)
NOT_FALLING = observed(
    "deviation",
    "times-do-not-fall",
    "The model is told a time that is not below the one before.",
    symptom="a step that changes nothing, or adds noise back",
    cure="make the list of times strictly decreasing",
)
