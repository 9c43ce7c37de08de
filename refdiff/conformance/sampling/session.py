"""Recordings of a loop with the scripted model, made when they are first needed, and kept."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from refdiff import equations
from refdiff.conformance.loops import Call, Loop, Recording
from refdiff.conformance.parts import Parts
from refdiff.conformance.parts.grids import Walk
from refdiff.conformance.sampling.script import SMALL, scripted_model

__all__ = ["Run", "Session"]

Array = NDArray[np.float64]
_LONGEST = 4000  # times that are all visited to learn how they are counted
_GRIDS: tuple[Callable[[int, int], Any], ...] = (
    equations.trailing_timesteps,
    equations.linspace_timesteps,
    equations.leading_timesteps,
)
SHAPE = (2, 3, 2, 2)
"""Shape of the states: two samples, three channels, four pixels."""


@dataclass(frozen=True)
class Run:
    """One recording, and what it was asked for.

    Parameters
    ----------
    loop : Loop
        The target's loop.
    recording : Recording
        What it did.
    steps : int
        How many steps it was asked for.
    prediction : str
        What the model predicted.
    time_base : int
        The told time that means the first noisy level.
    unit : float
        One training time in the unit of what the model is told: 1, or 1/T for fractions.
    learned : bool
        Whether the model chose variances.
    answer : callable, optional
        ``answer(parts, index)``: what a step takes for the answer of call `index`, where that is
        computed from several.
    hidden : tuple of float
        The times that the calls belong to, where the model is told others.
    """

    loop: Loop
    recording: Recording
    steps: int
    prediction: str
    time_base: int
    unit: float = 1.0
    learned: bool = False
    answer: Callable[[Parts, int], Any] | None = None
    hidden: tuple[float, ...] = ()

    @property
    def calls(self) -> Sequence[Call]:
        """The model's calls."""
        return self.recording.calls

    @functools.cached_property
    def told(self) -> list[float]:
        """What the model was told in each call, for the first sample."""
        return [float(np.ravel(call.t)[0]) for call in self.calls]

    @functools.cached_property
    def times(self) -> list[float]:
        """The times 1..T that the calls belong to: those that the model was told."""
        if self.hidden:
            return list(self.hidden)
        if self.unit != 1.0:
            times = [t / self.unit for t in self.told]
            return [float(round(t)) if abs(t - round(t)) < self.unit else t for t in times]
        return [t - self.time_base + 1 for t in self.told]

    def walk(self, parts: Parts, kept: Sequence[int] | None = None) -> Walk:
        """Return the walk that the told times (or sigmas) mean, as inputs with budgets.

        Parameters
        ----------
        parts : Parts
            Lifts the tables.
        kept : sequence of int, optional
            The calls that begin a step; all by default.
        """
        indices = range(len(self.calls)) if kept is None else kept
        if self.loop.tells == "sigma":
            given = getattr(self.loop, "sigmas", None)
            if given is not None:
                return Walk(None, sigmas=parts.lift(given(self.steps)))
            told = [self.told[i] for i in indices]
            return Walk(None, sigmas=parts.lift(np.array([*told, 0.0])))
        times = self.times
        return Walk(parts.lift(self.loop.alpha_bars), tuple(times[i] for i in indices))

    def after(self, index: int) -> Array:
        """Return the state that followed call `index`: that of the next call, or the result."""
        if index + 1 < len(self.calls):
            return self.calls[index + 1].state
        return self.recording.result

    def noises(self, kept: Sequence[int] | None = None) -> dict[int, Array]:
        """Return the normal draws by step: those made after its call or, if all are, before it."""
        shape = self.recording.x_T.shape
        indices = list(range(len(self.calls))) if kept is None else list(kept)
        draws = [
            draw
            for draw in self.recording.draws
            if draw.kind in ("normal", "uniform")
            and draw.values.ndim == len(shape)
            and draw.values.shape[1:] == shape[1:]
            and not np.array_equal(draw.values, self.recording.x_T)
        ]
        early = any(draw.before_call == 0 for draw in draws)
        found: dict[int, Array] = {}
        for draw in draws:
            call = draw.before_call if early else draw.before_call - 1
            step = max((j for j, i in enumerate(indices) if i <= call), default=0)
            if step in found and self._fits_better(indices, step, found[step], draw.values):
                continue
            if call < len(self.calls):
                found[step] = draw.values
        return found

    def _fits_better(self, indices: list[int], step: int, first: Array, second: Array) -> bool:
        """Say which of two draws went into the step: the one that its state contains more of."""
        call = self.calls[indices[step]]
        output = call.output[:, : call.state.shape[1]] if self.learned else call.output
        columns = [call.state, output, np.broadcast_to(first, call.state.shape), second]
        matrix = np.stack([np.ravel(np.broadcast_to(c, call.state.shape)) for c in columns], axis=1)
        after = np.ravel(self.after(indices[step]))
        if not (np.isfinite(matrix).all() and np.isfinite(after).all()):
            return True
        found = np.linalg.lstsq(matrix, after, rcond=None)[0]
        return bool(abs(found[2]) >= abs(found[3]))


class Session:
    """All recordings of one loop.

    Parameters
    ----------
    loop : Loop
        The target's loop.
    """

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self._runs: dict[Any, Run] = {}
        self._kept: dict[str, Any] = {}

    def once(self, name: str, make: Any) -> Any:
        """Return ``make()``, made at the first call with this name."""
        if name not in self._kept:
            self._kept[name] = make()
        return self._kept[name]

    @property
    def fixed(self) -> bool:
        """Whether the number of steps cannot be chosen."""
        return not self.loop.steps

    @property
    def main_steps(self) -> int:
        """The number of steps that most checks use."""
        return self.nearest(10)

    def nearest(self, wanted: int) -> int:
        """Return the number of steps nearest to the wanted one that can be asked for."""
        if self.fixed:
            return self.loop.full
        return min(self.loop.steps, key=lambda steps: (abs(steps - wanted), steps))

    @property
    def learned(self) -> bool:
        """Whether the loop's model chooses variances."""
        return bool(getattr(self.loop, "learned", False))

    def initial(self, steps: int, seed: int = 0) -> Array:
        """Return the state that a run begins with."""
        generator = np.random.default_rng(1000 + seed)
        return generator.standard_normal(SHAPE) * self.loop.initial_scale(steps)

    def run(
        self,
        steps: int | None = None,
        *,
        prediction: str | None = None,
        seed: int = 0,
        size: float = SMALL,
    ) -> Run:
        """Return the recording of a run with the scripted model."""
        steps = self.main_steps if steps is None else steps
        prediction = prediction or self.loop.predictions[0]
        key = (steps, prediction, seed, size)
        if key not in self._runs:
            model = scripted_model(
                self.loop, prediction, seed=seed, size=size, learned=self.learned
            )
            recording = self.loop.run(
                model, self.initial(steps, seed), steps=steps, prediction=prediction
            )
            self._runs[key] = self.understood(recording, steps, prediction)
        return self._runs[key]

    @property
    def repeatable(self) -> bool:
        """Whether a run gives the same result again when its visible draws are the same."""
        return bool(self.once("repeatable", self._repeats))

    def _repeats(self) -> bool:
        first = self.run()
        model = scripted_model(self.loop, first.prediction, learned=self.learned)
        again = self.loop.run(
            model, self.initial(first.steps), steps=first.steps, prediction=first.prediction
        )
        return np.array_equal(first.recording.result, again.result, equal_nan=True)

    def _base_of_all_times(self, told: Sequence[float]) -> int | None:
        """Return the base that a run over all T times shows, which no other run has to."""
        total = len(self.loop.alpha_bars) - 1
        times = [t - self.loop.time_base + 1 for t in told]
        if any(times == list(grid(total, min(len(told), total))) for grid in _GRIDS):
            return self.loop.time_base  # a usual list by the base that is expected
        if self.loop.tells == "sigma" or self.loop.full != total or total > _LONGEST:
            return None
        prediction = self.loop.predictions[0]
        model = scripted_model(self.loop, prediction, learned=self.learned)
        try:
            recording = self.loop.run(
                model, self.initial(total), steps=total, prediction=prediction
            )
        except Exception:
            return None  # whoever asks for all steps will tell why
        told = [float(np.ravel(call.t)[0]) for call in recording.calls]
        return next((b for b in (0, 1) if (max(told), min(told)) == (b + total - 1, b)), None)

    def understood(self, recording: Recording, steps: int, prediction: str) -> Run:
        """Return a recording with the meaning of the times that it tells."""
        told = [float(np.ravel(call.t)[0]) for call in recording.calls]
        base, unit = _time_base(
            self.loop, told, self.once("base", lambda: self._base_of_all_times(told))
        )
        return Run(self.loop, recording, steps, prediction, base, unit, self.learned)


def _time_base(loop: Loop, told: Sequence[float], hint: int | None) -> tuple[int, float]:
    """Return the base and the unit that the told times follow."""
    if loop.tells == "sigma" or not told:
        return 0, 1.0
    total = len(loop.alpha_bars) - 1
    if total > 2 and max(told) <= 1.0 and any(t != round(t) for t in told):
        return 1, 1.0 / total
    for base in (loop.time_base if hint is None else hint, loop.time_base, 0, 1):
        if base <= min(told) and max(told) <= base + total - 1:
            return base, 1.0
    return loop.time_base, 1.0
