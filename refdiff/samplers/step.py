"""One step of a sampler, and the lazy walk over all of them.

A `Trajectory` holds the present state and nothing older: whoever wants earlier states keeps the
steps it is given (`refdiff.samplers.at_times` does so for chosen times).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeAlias

from refdiff._namespace import Array

__all__ = ["Model", "Noise", "Pair", "Step", "Times", "Trajectory", "Update"]

Model: TypeAlias = Callable[[Any, Any], Any]
"""``model(x, t)``: a prediction, or ``(prediction, v)``. The time t is an ``int`` in 1..T for a
sampler over a table, and a ``float`` of the schedule for a sampler over one."""

Noise: TypeAlias = Callable[[Any, Any, Any], Any]
"""``noise(t, s, like)``: standard normal noise for the step from t to s, shaped like ``like``."""


class Times(Protocol):
    """The two times of a step, t noisier than s."""

    @property
    def t(self) -> float:
        """The noisier time."""

    @property
    def s(self) -> float:
        """The less noisy time."""


class Pair(NamedTuple):
    """The two times of a step, t noisier than s, with their levels as Python floats."""

    t: int
    s: int
    alpha_bar_t: float
    alpha_bar_s: float


Update: TypeAlias = Callable[[Array, Any], tuple[Array, Array]]
"""From the state at t to the state at s and the prediction of x_0 that led there."""


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """What one step did.

    Parameters
    ----------
    index : int
        0 for the first step.
    t, s : int or float
        It went from time t to the less noisy time s. Over a table these are ints, and the last
        step goes to s = 0.
    x : array
        The state after the step, at time s.
    x_0 : array
        The prediction of the data that the step used, after any limit; shape of ``x``.
    """

    index: int
    t: float
    s: float
    x: Array
    x_0: Array


class Trajectory(Iterator[Step]):
    """The steps of a sampler, each computed when it is asked for.

    It can be walked once. Its length is the number of all its steps, walked or not, so a progress
    bar knows the total. A step in which the model or the noise raised can be asked for again.

    Parameters
    ----------
    update : callable
        ``update(x, pair)`` returns the next state and the prediction of x_0.
    x : array
        The first state.
    pairs : sequence of Times
        The steps to take.
    """

    def __init__(self, update: Update, x: Array, pairs: Sequence[Times]) -> None:
        self._update, self._x, self._pairs = update, x, pairs
        self._index = 0

    def __repr__(self) -> str:
        return f"Trajectory(step {self._index} of {len(self._pairs)})"

    @property
    def times(self) -> tuple[float, ...]:
        """The times s that the steps reach, in order; over a table ints, the last 0."""
        return tuple(pair.s for pair in self._pairs)

    def __len__(self) -> int:
        return len(self._pairs)

    def __next__(self) -> Step:
        if self._index == len(self._pairs):
            raise StopIteration
        index, pair = self._index, self._pairs[self._index]
        x, x_0 = self._update(self._x, pair)
        self._x, self._index = x, index + 1
        return Step(index, pair.t, pair.s, x, x_0)
