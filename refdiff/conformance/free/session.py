"""Runs of one loop with exact models: made when first needed, and kept.

Where predictions are affine in x, and they are for Gaussian data, whatever a loop does with them is
an affine map of its first state and its draws. A batch in which every sample has another single
number set to one shows all coefficients of that map in one run: the exact mean and variance of what
the loop makes, without any statistics.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from refdiff.conformance.explain import LIMIT
from refdiff.conformance.loops import Loop, Recording
from refdiff.conformance.probe.data import World
from refdiff.conformance.probe.draws import Script, scripted_draws
from refdiff.conformance.probe.model import Answer, ProbeModel
from refdiff.conformance.sampling.session import Session as StepSession

__all__ = ["EVENT", "Level", "Response", "Session", "fixed_numbers", "silence"]

Array = NDArray[np.float64]
Level = tuple[float, float]
"""Scales (alpha, sigma) of data and noise in a state."""

# Bound here, before anything replaces them for the time of a target's call.
_GENERATOR, _BITS = np.random.Generator, np.random.Philox

EVENT = (3, 2, 2)
"""Shape of one sample."""


def silence(index: int, kind: str, shape: tuple[int, ...]) -> Array | None:
    """Script that sets every normal draw to zero."""
    return np.zeros(shape) if kind == "normal" else None


def fixed_numbers(seed: int, shape: tuple[int, ...]) -> Array:
    """Return standard normal numbers; those of a sample do not depend on the size of the batch."""
    rows = [
        _GENERATOR(_BITS(key=(seed << 32) + row)).standard_normal(shape[1:])
        for row in range(shape[0])
    ]
    return np.stack(rows)


@dataclass(frozen=True)
class Response:
    """What a loop makes of the mean of its first state, and of one unit more of each number.

    Parameters
    ----------
    mean : float
        The result that begins at the mean of the marginal, without noise.
    start : float
        Change of the result for one standard deviation of the first state.
    draws : numpy.ndarray
        Shape (K,): change for one unit of each normal draw.
    before_call : sequence of int
        Which call of the model came after each draw.
    calls : int
        Number of calls.
    spread_at_calls : numpy.ndarray
        Shape (calls,): standard deviation of the state at each call.
    """

    mean: float
    start: float
    draws: Array
    before_call: Sequence[int]
    calls: int
    spread_at_calls: Array

    @property
    def spread(self) -> float:
        """Standard deviation of the result."""
        return float(np.sqrt(self.start**2 + np.sum(self.draws**2)))


class Session:
    """One loop and its runs.

    Parameters
    ----------
    loop : Loop
        The target's loop.
    """

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self._kept: dict[Any, Any] = {}

    def once(self, key: Any, make: Callable[[], Any]) -> Any:
        """Return ``make()``, made at the first call with this key."""
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]

    # ------------------------------------------------------------------ what can be asked

    def counts(self, wanted: Sequence[int]) -> list[int]:
        """Return the numbers of steps nearest to the wanted ones that can be asked for."""
        if not len(self.loop.steps):
            return [self.loop.full]
        near = {min(self.loop.steps, key=lambda s: (abs(s - w), s)) for w in wanted}
        return sorted(near)

    @property
    def main(self) -> int:
        """The number of steps of most checks."""
        return self.counts([10])[0]

    def prediction(self) -> str:
        """Return what the model predicts: the loop's own choice unless that is singular.

        Where no signal is left at the last time, noise tells nothing about the data.
        """
        own = self.loop.predictions[0]
        if own == "eps" and self.loop.alpha_bars[-1] == 0:
            return next((p for p in ("v", "x_0") if p in self.loop.predictions), own)
        return own

    # ------------------------------------------------------------------ runs

    def run(
        self,
        answer: Answer,
        x_T: Array,
        steps: int,
        *,
        prediction: str | None = None,
        script: Script | None = silence,
        alpha_bars: Array | None = None,
    ) -> Recording:
        """Run the loop.

        Parameters
        ----------
        answer : callable
            What the model answers.
        x_T : numpy.ndarray
            The first state.
        steps : int
            Number of steps.
        prediction : str, optional
            What the answer means.
        script : callable, optional
            Replaces the draws; by default none has any effect. None leaves them.
        alpha_bars : numpy.ndarray, optional
            The table by which the model understands times, if not the loop's.
        """
        base, unit = self.told_units()
        model = ProbeModel(
            self._channels(answer),
            alpha_bars=self.loop.alpha_bars if alpha_bars is None else alpha_bars,
            time_base=base,
            unit=unit,
            tells=self.loop.tells,
        )
        with scripted_draws(script), np.errstate(all="ignore"):
            return self.loop.run(
                model, x_T, steps=steps, prediction=prediction or self.prediction()
            )

    def _channels(self, answer: Answer) -> Answer:
        """Append the choice of a variance between both bounds, where the model makes it."""
        if not getattr(self.loop, "learned", False):
            return answer

        def both(x: Array, alpha: Array, sigma: Array, condition: Any) -> Array:
            own = np.asarray(answer(x, alpha, sigma, condition))
            return np.concatenate([own, np.zeros_like(own)], axis=1)

        return both

    def told_units(self) -> tuple[float, float]:
        """Return what the loop tells for the first noisy time, and the unit of its times."""

        def find() -> tuple[float, float]:
            self._kept["units"] = (self.loop.time_base, 1.0)
            recording = self._asking(self.main)
            found = StepSession(self.loop).understood(recording, self.main, self.prediction())
            return found.time_base, found.unit

        return self.once("units", find)

    def _asking(self, steps: int) -> Recording:
        return self.run(lambda x, a, s, c: np.zeros_like(x), np.zeros((1, *EVENT)), steps)

    def told(self, steps: int) -> Array:
        """Return what the model was told in each call."""
        return self.once(
            ("told", steps),
            lambda: np.array([float(call.t[0]) for call in self._asking(steps).calls]),
        )

    def told_in(self, recording: Recording, steps: int) -> None:
        """Keep what a run told the model: times do not depend on the data."""
        self._kept[("told", steps)] = np.array([float(call.t[0]) for call in recording.calls])

    def times(self, steps: int) -> Array:
        """Return the told times as indices of the schedule, 1..T."""
        base, unit = self.told_units()
        return np.asarray(self.told(steps) / unit - base + 1)

    def levels(self, steps: int) -> list[Level]:
        """Return the scales of the state at each call, by what the model was told."""
        base, unit = self.told_units()
        model = ProbeModel(
            lambda x, a, s, c: x,
            alpha_bars=self.loop.alpha_bars,
            time_base=base,
            unit=unit,
            tells=self.loop.tells,
        )
        alpha, sigma = model.scales(self.told(steps))
        return [self.in_state(a, s) for a, s in zip(alpha, sigma, strict=True)]

    def in_state(self, alpha: float, sigma: float) -> Level:
        """Return scales of the same ratio in the coordinates of the loop's states."""
        if self.loop.coordinates == "ve":
            return 1.0, float(sigma / alpha) if alpha else np.inf
        total = np.hypot(alpha, sigma)
        return float(alpha / total), float(sigma / total)

    def start(self, world: World, steps: int, z: Array) -> Array:
        """Return first states: the points of the marginal of the first level at z deviations."""
        level = self.levels(steps)[0]
        mean, variance = world.law(z.shape[1:], *level)
        return np.asarray(mean + np.sqrt(variance) * z)

    # ------------------------------------------------------------------ responses

    def response(self, world: World, steps: int) -> Response | None:
        """Return the affine map that the loop is on Gaussian data that is alike everywhere.

        Parameters
        ----------
        world : World
            Without a ripple.
        steps : int
            Number of steps.

        Returns
        -------
        Response or None
            None where it is no such map, or where its draws cannot be scripted.
        """
        return self.once(("response", world.name, steps), lambda: self._response(world, steps))

    def _response(self, world: World, steps: int) -> Response | None:
        answer = world.prediction(self.prediction())
        first = self.run(answer, self.start(world, steps, np.zeros((1, *EVENT))), steps)
        if not scriptable(first):
            return None
        # Every element of the batch has another number set to one, or none: all of them see the
        # same data, so each is a run of its own.
        count = len(first.draws)
        size = int(np.prod(EVENT))
        shape = (-(-(count + 2) // size), *EVENT)
        chosen = np.arange(shape[0] * size).reshape(shape)  # 0: none; k: draw k-1; count+1: x_T

        def impulses(index: int, kind: str, shape: tuple[int, ...]) -> Array | None:
            return (chosen == index + 1).astype(np.float64) if shape == chosen.shape else None

        x_T = self.start(world, steps, (chosen == count + 1).astype(np.float64))
        seen = self.run(answer, x_T, steps, script=impulses)
        if len(seen.draws) != count or not scriptable(seen, shape[0]):
            return None
        states = np.stack([call.state.ravel()[: count + 2] for call in seen.calls])
        result = seen.result.ravel()[: count + 2]
        found = Response(
            mean=float(result[0]),
            start=float(result[-1] - result[0]),
            draws=result[1:-1] - result[0],
            before_call=[draw.before_call for draw in seen.draws],
            calls=len(seen.calls),
            spread_at_calls=np.sqrt(np.sum((states[:, 1:] - states[:, :1]) ** 2, axis=1)),
        )
        return found if self._is_affine(world, steps, found) else None

    def _is_affine(self, world: World, steps: int, found: Response) -> bool:
        """Compare a run on arbitrary numbers with what the coefficients say."""
        z = fixed_numbers(7, (2, *EVENT))
        noises = [fixed_numbers(100 + k, (2, *EVENT)) for k in range(len(found.draws))]

        def script(index: int, kind: str, shape: tuple[int, ...]) -> Array | None:
            known = index < len(noises) and shape == noises[index].shape
            return noises[index] if known else None

        x_T = self.start(world, steps, z)
        run = self.run(world.prediction(self.prediction()), x_T, steps, script=script)
        seen = run.result
        said = found.mean + found.start * z
        for coefficient, noise in zip(found.draws, noises, strict=True):
            said = said + coefficient * noise
        size = np.max(np.abs(said)) + found.spread
        # Half of the digits: rounding grows over the steps, a limit acts at full size. States of
        # great noise leave their own rounding in a result that is small.
        rounding = LIMIT * len(run.calls) * eps_of(self.loop) * np.max(np.abs(x_T))
        return bool(np.max(np.abs(seen - said)) <= np.sqrt(eps_of(self.loop)) * size + rounding)


def scriptable(recording: Recording, count: int = 1) -> bool:
    """Say whether all draws are normal numbers, one for each number of the state."""
    return recording.tagged and all(
        draw.kind == "normal" and draw.values.shape == (count, *EVENT) for draw in recording.draws
    )


def eps_of(loop: Loop) -> float:
    """Return the unit roundoff of the dtype in which the loop computes."""
    from refdiff.testing import EPS

    return EPS[loop.dtype]
