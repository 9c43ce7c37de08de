"""Times and levels of a walk from noise to data: which level each step leaves and reaches.

A `Walk` holds what a sampler was given: the table of its training schedule, or a list of sigmas,
and the times that it visits. Which entry of the table belongs to a call of the model, and which one
follows it, is where most public samplers differ, so each is a part of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from refdiff import equations
from refdiff._namespace import sqrt
from refdiff.conformance.parts import Parts, part

__all__ = [
    "Walk",
    "level_after",
    "level_at",
    "level_before",
    "level_of_time",
    "sigma_after",
    "sigma_at",
    "sigma_of_level",
    "time_grid",
    "told_time",
]


@dataclass(frozen=True)
class Walk:
    """The list of times that a sampler visits, and the table that gives them their levels.

    Parameters
    ----------
    alpha_bars : array_like, shape (T+1,)
        Levels by time, ``alpha_bars[0] == 1``; lifted by whoever compares. None if only sigmas
        are given.
    times : sequence of float
        Descending, in 1..T: the times of the model's calls. Fractions lie between two entries.
    sigmas : array_like, shape (S+1,), optional
        Noise levels in VE coordinates, in place of times; the last is where the walk ends.
    """

    alpha_bars: Any
    times: Sequence[float] = ()
    sigmas: Any = None

    @property
    def steps(self) -> int:
        """Number of steps."""
        return len(self.times) if self.sigmas is None else len(self.sigmas) - 1

    @property
    def trained(self) -> int:
        """Number T of the schedule's noisy times."""
        return len(self.alpha_bars) - 1

    @property
    def longest_stride(self) -> float:
        """The largest distance between times that follow each other; T where there is one step."""
        falls = [a - b for a, b in zip(self.times, self.times[1:], strict=False)]
        return max(falls, default=self.trained)


@part
def time_grid(num_train_steps: int, num_steps: int) -> Any:
    """Return the times that a sampler visits: S in 1..T that begin at T."""
    return equations.trailing_timesteps(num_train_steps, num_steps)


@part
def told_time(walk: Walk, k: int, *, time_base: int) -> float:
    """Return what the model is told in call k: the time of the state, counted from the base."""
    return walk.times[k] - 1 + time_base


@part
def level_of_time(walk: Walk, t: float) -> Any:
    """Return alpha_bar of a time; between two entries sigma is interpolated linearly."""
    if t < 0:
        raise IndexError("there is no level before the data")
    below = int(t)
    if t == below:
        return walk.alpha_bars[below]
    low, high = (_sigma(walk.alpha_bars[i]) for i in (below, below + 1))
    sigma = low + (t - below) * (high - low)
    return 1 / (1 + sigma * sigma)


@part
def level_at(parts: Parts, walk: Walk, k: int) -> Any:
    """Return alpha_bar of the state that call k of the model is shown."""
    return parts.level_of_time(walk, walk.times[k])


@part
def level_after(parts: Parts, walk: Walk, k: int) -> Any:
    """Return alpha_bar that step k goes to: that of the list's next time, data after the last."""
    if k + 1 < walk.steps:
        return parts.level_of_time(walk, walk.times[k + 1])
    return parts.level_at_end(walk)


@part
def level_before(walk: Walk, k: int) -> Any:
    """Return alpha_bar one training time below the state of call k, whatever comes next."""
    return walk.alpha_bars[max(int(walk.times[k]) - 1, 0)]


@part
def sigma_of_level(alpha_bar: Any) -> Any:
    """Return sigma of a state scaled to contain the data with factor 1."""
    return _sigma(alpha_bar)


@part
def sigma_at(parts: Parts, walk: Walk, k: int) -> Any:
    """Return sigma of the state that call k is shown."""
    if walk.sigmas is not None:
        return walk.sigmas[k]
    return parts.sigma_of_level(parts.level_at(walk, k))


@part
def sigma_after(parts: Parts, walk: Walk, k: int) -> Any:
    """Return sigma that step k goes to: the next entry of the list."""
    if walk.sigmas is not None:
        return walk.sigmas[k + 1]
    return parts.sigma_of_level(parts.level_after(walk, k))


def _sigma(alpha_bar: Any) -> Any:
    return sqrt((1 - alpha_bar) / alpha_bar)
