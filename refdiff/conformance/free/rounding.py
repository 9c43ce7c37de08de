"""How far rounding alone may move a run: measured, by perturbing it a little.

A loop rounds a few times in each step, and later steps amplify that, by 1/sqrt(alpha_bar_T) where
x_0 is formed from eps at the noisiest time. No formula of the method is needed to know the size:
the model's answers, the table that the model reads and the first state are perturbed by a few units
in the last place of the loop's dtype, and the result moves by as much as rounding moves it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from refdiff.conformance.explain import LIMIT
from refdiff.conformance.free.session import Session, eps_of, fixed_numbers, silence
from refdiff.conformance.probe.draws import Script
from refdiff.conformance.probe.model import Answer

__all__ = ["Room", "room_for_rounding"]

Array = NDArray[np.float64]

_OPERATIONS = 16
"""Roundings of a step that act on the state: what a step of a multistep method takes."""
_TRIES = 3


@dataclass(frozen=True)
class Room:
    """Largest differences that rounding explains.

    Parameters
    ----------
    result : float
        Of the result.
    calls : numpy.ndarray
        Of the state at each call.
    """

    result: float
    calls: Array


def room_for_rounding(
    session: Session,
    answer: Answer,
    x_T: Array,
    steps: int,
    *,
    prediction: str | None = None,
    script: Script | None = silence,
) -> Room:
    """Return how far rounding may move a run, `LIMIT` times what was measured.

    Parameters
    ----------
    session : Session
        Of the loop.
    answer, x_T, steps, prediction, script
        As for `Session.run`.

    Returns
    -------
    Room
        At least one rounding of the size of the numbers themselves.
    """
    unit = eps_of(session.loop)
    known: dict[str, Any] = {"prediction": prediction, "script": script}
    plain = session.run(answer, x_T, steps, **known)
    least = unit * _OPERATIONS
    result = least * float(np.max(np.abs(plain.result), initial=1.0))
    calls = np.array([least * np.max(np.abs(call.state), initial=1.0) for call in plain.calls])
    for seed in range(_TRIES):
        shaken = session.run(
            _shaken(answer, seed, unit * _OPERATIONS),
            x_T * (1 + unit * fixed_numbers(900 + seed, x_T.shape)),
            steps,
            alpha_bars=_shaken_table(session.loop.alpha_bars, seed, unit),
            **known,
        )
        result = max(result, _gap(shaken.result, plain.result))
        for k, (a, b) in enumerate(zip(shaken.calls, plain.calls, strict=False)):
            calls[k] = max(calls[k], _gap(a.state, b.state))
    return Room(LIMIT * result, LIMIT * calls)


def _shaken(answer: Answer, seed: int, relative: float) -> Answer:
    count = 0

    def perturbed(x: Array, alpha: Array, sigma: Array, condition: Any) -> Array:
        nonlocal count
        count += 1
        out = np.asarray(answer(x, alpha, sigma, condition))
        size = np.maximum(np.abs(out), np.abs(x))
        return out + relative * size * fixed_numbers(1000 * (seed + 1) + count, x.shape)

    return perturbed


def _shaken_table(alpha_bars: Array, seed: int, unit: float) -> Array:
    """Move entries by a few units in the last place, but not past 0 and 1."""
    moved = alpha_bars * (1 + 2 * unit * fixed_numbers(500 + seed, (1, len(alpha_bars)))[0])
    inside = (alpha_bars > 0) & (alpha_bars < 1)
    return np.where(inside, np.clip(moved, 0.0, 1.0), alpha_bars)


def _gap(a: Array, b: Array) -> float:
    gap = np.abs(a - b)
    return float(np.max(gap[np.isfinite(gap)], initial=0.0))
