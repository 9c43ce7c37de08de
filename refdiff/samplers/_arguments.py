"""Checks on a sampler's arguments, made when it is called and not when its first step is taken."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from refdiff.samplers.step import Pair

__all__ = ["check_choice", "check_noise", "checked_eta", "checked_pairs", "level_table", "split"]


def level_table(alpha_bars: Any) -> list[float]:
    """Return alpha_bars as Python floats: no check or product then needs an array."""
    table = np.asarray(alpha_bars, dtype=np.float64)
    if table.ndim != 1 or table.size < 2:
        raise ValueError(
            f"alpha_bars has shape {table.shape}; it must be (T+1,) with T >= 1, one entry for "
            f"each time 0..T."
        )
    if table[0] != 1.0:
        raise ValueError(
            f"alpha_bars[0]={float(table[0]):.6g} must be 1, since time 0 is the data; put a 1 in "
            f"front of a table that begins with the first noisy time."
        )
    levels: list[float] = table.tolist()
    return levels


def checked_pairs(alpha_bars: Any, timesteps: Sequence[int], prediction: str) -> list[Pair]:
    """Return the steps over the given times, the last to 0, or refuse the times or the levels."""
    levels = level_table(alpha_bars)
    times = _times(timesteps, len(levels) - 1)
    pairs = [Pair(t, s, levels[t], levels[s]) for t, s in zip(times, [*times[1:], 0], strict=True)]
    for t, s, alpha_bar_t, alpha_bar_s in pairs:
        if not 0.0 <= alpha_bar_t < alpha_bar_s:
            raise ValueError(
                f"alpha_bars[{t}]={alpha_bar_t:.6g} must be >= 0 and below "
                f"alpha_bars[{s}]={alpha_bar_s:.6g}: a later time holds less of the data; was a "
                f"table of betas passed, or one in the reverse order?"
            )
    if prediction == "eps" and pairs[0].alpha_bar_t == 0.0:
        raise ValueError(
            f"prediction='eps' cannot start at timesteps[0]={pairs[0].t}, where alpha_bars is 0 "
            f"(zero terminal SNR) and the noise says nothing about the data; use a model that "
            f"predicts 'v' or 'x_0', or start at an earlier time."
        )
    return pairs


def _times(timesteps: Sequence[int], last: int) -> list[int]:
    try:
        times = [operator.index(time) for time in timesteps]
    except TypeError as error:
        raise ValueError(
            f"timesteps must be a list of integers in 1..{last}, such as "
            f"trailing_timesteps({last}, 50) gives; {error}."
        ) from error
    if not times:
        raise ValueError(f"timesteps is empty; it must hold at least one time in 1..{last}.")
    for time in times:
        if not 1 <= time <= last:
            raise ValueError(
                f"timesteps holds {time}, which is outside 1..{last}; times count from 1, time 0 "
                f"is the data and is reached after the last entry."
            )
    for i, (time, following) in enumerate(itertools.pairwise(times)):
        if following >= time:
            raise ValueError(
                f"timesteps[{i + 1}]={following} must be below timesteps[{i}]={time}: the times "
                f"are strictly decreasing; was the list in ascending order, or a time doubled?"
            )
    return times


def checked_eta(eta: Any) -> float:
    """Return eta as a Python float in [0, 1]."""
    value = float(eta)
    if not 0.0 <= value <= 1.0:
        raise ValueError(
            f"eta={value:g} must be in [0, 1]: 0 is deterministic, 1 has the variance beta-tilde."
        )
    return value


def check_choice(name: str, value: str, allowed: Sequence[str]) -> None:
    """Refuse a name that is none of the allowed ones."""
    if value not in allowed:
        raise ValueError(f"{name}={value!r} must be one of {', '.join(map(repr, allowed))}.")


def check_noise(noise: Any, *, needed: bool, why: str) -> None:
    """Refuse a missing source of noise where a step will ask for it, or one that is no callable."""
    if noise is None and needed:
        raise ValueError(
            f"noise=None, but {why} adds noise: pass a callable noise(t, s, like), for example "
            f"SampleNoise(seed, range(batch_size), shape)."
        )
    if noise is not None and not callable(noise):
        raise ValueError(
            f"noise of type {type(noise).__name__} must be a callable noise(t, s, like) that "
            f"returns fresh noise for each step; wrap a fixed one in a function."
        )


def split(output: Any) -> tuple[Any, Any]:
    """Return a model's output as (prediction, v), where v is None unless the model learned it."""
    if isinstance(output, tuple):
        prediction, v = output
        return prediction, v
    return output, None
