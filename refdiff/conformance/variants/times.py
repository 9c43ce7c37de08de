"""Mistakes and choices in lists of times."""

from __future__ import annotations

from typing import Any

import numpy as np

from refdiff import equations
from refdiff.conformance.variants import approximation, convention, deviation

__all__: list[str] = []


@convention(part="listed_times", choice="first time")
def times_counted_from_0(times: Any) -> Any:
    """Times are counted from 0: the first noisy time is 0 and the last T - 1."""
    return times - 1


@convention(part="listed_times", choice="order of the times")
def times_ascending(times: Any) -> Any:
    """Times are listed in ascending order."""
    return times[::-1]


@convention(part="listed_times", choice="first time")
def times_counted_from_0_ascending(times: Any) -> Any:
    """Times are counted from 0 and listed in ascending order."""
    return times[::-1] - 1


@convention(part="listed_times", choice="end of the list of times")
def times_with_final_zero(times: Any) -> Any:
    """The list of times goes on to time 0, the data."""
    return np.append(times, 0)


def _stepwise(num_train_steps: int, num_steps: int) -> Any:
    stride = num_train_steps // num_steps
    return np.arange(0, num_train_steps, stride)[::-1] + 1


@deviation(
    part="leading_timesteps",
    symptom="more steps than asked for",
    cure="keep exactly S times",
    links=(
        "https://github.com/huggingface/diffusers/pull/1835",
        "https://github.com/Project-MONAI/GenerativeModels/issues/162",
        "https://github.com/huggingface/diffusers/issues/444",
    ),
)
def leading_too_many_times(num_train_steps: int, num_steps: int) -> Any:
    """All multiples of T // S are kept: more than S where S does not divide T."""
    return _stepwise(num_train_steps, num_steps)


@convention(part="leading_timesteps", choice="stride of the leading spacing")
def leading_stride_not_rounded(num_train_steps: int, num_steps: int) -> Any:
    """The blocks have the exact length T/S, and their starts are rounded down."""
    return (np.arange(num_steps) * num_train_steps // num_steps)[::-1] + 1


@convention(part="leading_timesteps", choice="stride of the leading spacing")
def leading_stride_of_one_block_more(num_train_steps: int, num_steps: int) -> Any:
    """The stride is T // (S + 1), and the first of the S + 1 blocks is left out."""
    return np.arange(num_steps, 0, -1) * (num_train_steps // (num_steps + 1)) + 1


@approximation(part="leading_timesteps", links=("https://github.com/ermongroup/ddim",))
def times_quadratic_up_to_0_8(num_train_steps: int, num_steps: int) -> Any:
    """The square roots of the times are spaced evenly, up to four fifths of the last time."""
    roots = np.linspace(0, np.sqrt(0.8 * num_train_steps), num_steps)
    return np.floor(roots**2)[::-1] + 1


@deviation(
    part="leading_timesteps",
    symptom="the first time lies past the table where S = T",
    cure="offset from 0 to 1 only",
    links=("https://github.com/huggingface/diffusers/issues/10003",),
)
def leading_offset_twice(num_train_steps: int, num_steps: int) -> Any:
    """The offset of one is added twice."""
    return equations.leading_timesteps(num_train_steps, num_steps) + 1


@deviation(
    part="trailing_timesteps",
    symptom="the noisiest time is left out",
    cure="end each block at its last time",
    links=("https://github.com/huggingface/diffusers/issues/2585",),
)
def trailing_is_leading(num_train_steps: int, num_steps: int) -> Any:
    """What is called trailing starts the blocks, as leading does: T is never visited."""
    return equations.leading_timesteps(num_train_steps, num_steps)


@deviation(part="leading_timesteps", symptom="another list of times", cure="start the blocks")
def leading_is_trailing(num_train_steps: int, num_steps: int) -> Any:
    """What is called leading ends the blocks, as trailing does."""
    return equations.trailing_timesteps(num_train_steps, num_steps)


@deviation(part="trailing_timesteps", symptom="time 1 is the last", cure="end each block")
def trailing_is_linspace(num_train_steps: int, num_steps: int) -> Any:
    """What is called trailing is spaced evenly from T to 1, both included."""
    return equations.linspace_timesteps(num_train_steps, num_steps)


@convention(part="linspace_timesteps")
def linspace_rounded_from_0(num_train_steps: int, num_steps: int) -> Any:
    """Times are rounded while they are counted from 0, so that halves go the other way."""
    if num_steps == 1:
        return equations.linspace_timesteps(num_train_steps, num_steps)
    return np.rint(np.linspace(num_train_steps - 1, 0, num_steps)).astype(np.int64) + 1


@deviation(part="linspace_timesteps", symptom="time 1 is not visited", cure="include both ends")
def linspace_is_trailing(num_train_steps: int, num_steps: int) -> Any:
    """What is called linspace ends the blocks, as trailing does."""
    return equations.trailing_timesteps(num_train_steps, num_steps)


def _even(total: int, count: int) -> Any:
    return np.linspace(total, 1, count)


@deviation(
    part="linspace_timesteps",
    symptom="times up to one too small",
    cure="round to the nearest",
    links=("https://github.com/huggingface/diffusers/pull/13768",),
)
def linspace_truncated(num_train_steps: int, num_steps: int) -> Any:
    """Fractions of a time are cut off, not rounded."""
    return np.floor(_even(num_train_steps, num_steps) + 2.0**-40)


@convention(part="linspace_timesteps", choice="rounding of halves")
def linspace_halves_up(num_train_steps: int, num_steps: int) -> Any:
    """Times that lie half-way are rounded up."""
    return np.floor(_even(num_train_steps, num_steps) + 0.5)


def _blocks(total: int, count: int) -> Any:
    return np.arange(count, 0, -1) * (total / count)


@deviation(
    part="trailing_timesteps", symptom="times up to one too small", cure="round to the nearest"
)
def trailing_truncated(num_train_steps: int, num_steps: int) -> Any:
    """Fractions of a time are cut off, not rounded."""
    return np.floor(_blocks(num_train_steps, num_steps) + 2.0**-40)


@convention(part="trailing_timesteps", choice="rounding of halves")
def trailing_halves_up(num_train_steps: int, num_steps: int) -> Any:
    """Times that lie half-way are rounded up."""
    return np.floor(_blocks(num_train_steps, num_steps) + 0.5)


@deviation(
    part="trailing_timesteps", symptom="times drift where S does not divide T", cure="use T / S"
)
def trailing_stride_rounded(num_train_steps: int, num_steps: int) -> Any:
    """The blocks have the rounded length T // S."""
    return num_train_steps - np.arange(num_steps) * (num_train_steps // num_steps)
