"""What a sampling loop did, as data: the common language of all shapes that sample.

A `Loop` is a target's sampling loop in one configuration. Whatever its shape, it can be run with a
model of ours and returns a `Recording`: every question that the model was asked, every random
number that was drawn, and the result. All that is judged about a sampler is read from recordings.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np

__all__ = ["Call", "Coordinates", "Draw", "Loop", "Model", "Recording"]

Coordinates: TypeAlias = Literal["vp", "ve"]
Model: TypeAlias = Callable[..., Any]


@dataclass(frozen=True)
class Call:
    """One question to the model.

    Parameters
    ----------
    x : numpy.ndarray
        What the model was shown, (B, ...), float64.
    t : numpy.ndarray
        What it was told: times, or sigmas for a denoiser, (B,), float64.
    condition : object
        The labels it was given, (B,), or None.
    output : numpy.ndarray
        What it answered.
    state : numpy.ndarray
        The sampler's own state then, where that is another array than `x` (a scheduler that
        scales the model's input); else `x`.
    """

    x: np.ndarray
    t: np.ndarray
    condition: Any
    output: np.ndarray
    state: np.ndarray


@dataclass(frozen=True)
class Draw:
    """One array of random numbers that the target drew.

    Parameters
    ----------
    values : numpy.ndarray
        The numbers, float64.
    kind : str
        ``"normal"``, ``"uniform"``, ``"integers"`` or ``"permutation"``.
    before_call : int
        Index of the model's call that came next; the number of calls if none did.
    """

    values: np.ndarray
    kind: str
    before_call: int


@dataclass(frozen=True)
class Recording:
    """A whole run.

    Parameters
    ----------
    x_T : numpy.ndarray
        The state that the run began with, float64.
    calls : sequence of Call
        In their order.
    draws : sequence of Draw
        In their order.
    result : numpy.ndarray
        What the loop returned, float64.
    tagged : bool
        Whether all randomness is in `draws`; False if the target owns a source that could not be
        observed.
    states : sequence of numpy.ndarray
        The state before each step and after the last, where the shape shows them; else empty.
    """

    x_T: np.ndarray
    calls: Sequence[Call]
    draws: Sequence[Draw]
    result: np.ndarray
    tagged: bool = True
    states: Sequence[np.ndarray] = field(default=())


class Loop(Protocol):
    """A target's sampling loop in one configuration, without guidance or clipping if it can.

    A loop may offer more than this protocol asks for: ``in_dtype(name)``, the same loop in another
    dtype or None; ``learned``, whether its model answers with twice the channels, the second half
    choosing variances; ``run_guided(model, x_T, *, steps, labels, weight)``.
    """

    @property
    def name(self) -> str:
        """Beginning of the ids of its checks, such as ``"ddim-sample-loop"``."""

    @property
    def alpha_bars(self) -> np.ndarray:
        """Training schedule, float64, ``alpha_bars[0] == 1``; index = time."""

    @property
    def time_base(self) -> int:
        """What the model is told at the first noisy time, that of ``alpha_bars[1]``."""

    @property
    def tells(self) -> Literal["time", "sigma"]:
        """Whether the model is told a time of the schedule or the noise level sigma."""

    @property
    def coordinates(self) -> Coordinates:
        """Whether the states are x_0 alpha + sigma eps (vp) or x_0 + sigma eps (ve)."""

    @property
    def predictions(self) -> Sequence[str]:
        """What models it takes: of ``"eps"``, ``"x_0"``, ``"v"``."""

    @property
    def deterministic(self) -> bool | None:
        """Whether it claims to be; None where nothing says so."""

    @property
    def order(self) -> int | None:
        """The order of convergence that it claims, if any."""

    @property
    def dtype(self) -> str:
        """The dtype in which it computes: the coarser one of its tables' and its states'."""

    @property
    def steps(self) -> Sequence[int]:
        """Numbers of steps that it can be asked for; empty if the number is fixed."""

    @property
    def full(self) -> int:
        """The largest number of steps."""

    def initial_scale(self, steps: int) -> float:
        """Return the factor by which standard normal noise is multiplied to begin."""

    def run(self, model: Model, x_T: np.ndarray, *, steps: int, prediction: str) -> Recording:
        """Run it with `model`, which is called as the shape calls models, and record all."""
