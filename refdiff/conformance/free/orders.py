"""The measured order of convergence, where the target claims one.

Errors are taken between positive noise levels, at the model's calls, for every method of higher
order ends with a step of lower order. The warm-up of a multistep method limits its order to two.
"""

from __future__ import annotations

import numpy as np

from refdiff.conformance.free.finite import NOT_FINITE, finite_runs
from refdiff.conformance.free.rounding import room_for_rounding
from refdiff.conformance.free.session import EVENT, Session, fixed_numbers
from refdiff.conformance.probe.data import WORLDS
from refdiff.conformance.verdicts import Outcome, conforms, deviates, inconclusive, not_provided

__all__ = ["measured_order"]

_COUNTS = (10, 20, 40, 80, 160)
_WINDOW = (0.5, 8.0)
"""Ratios of noise to signal at which errors are taken."""
_SLACK = 0.5


def measured_order(session: Session) -> Outcome:
    """Judge the order by runs with twice as many steps each."""
    loop = session.loop
    if loop.order is None or loop.deterministic is not True:
        return not_provided("no order of convergence is claimed")
    if not finite_runs(session):
        return NOT_FINITE
    counts = _doubling(session.counts(_COUNTS))
    if len(counts) < 3 or counts[-1] < 4 * counts[0]:
        return not_provided("the number of steps cannot be chosen freely")
    errors = [_error(session, steps) for steps in counts]
    if any(e is None for e in errors) or not np.isfinite(np.array(errors, float)).all():
        return inconclusive("no call lies between the noise levels at which errors are taken")
    sizes = np.array(errors, float)
    history = ", ".join(f"{e:.3g} at {s} steps" for e, s in zip(sizes, counts, strict=True))
    rounding = _rounding(session, counts[-1])
    useful = sizes > rounding
    if np.count_nonzero(useful) < 3:
        return conforms(f"errors are at the level of rounding: {history}")
    logs, grid = np.log(sizes[useful]), np.log(np.array(counts)[useful])
    slopes = -np.diff(logs) / np.diff(grid)
    order = float(slopes[-1])
    wanted = min(loop.order, 2)
    known = {"expected": loop.order, "observed": order, "at": {"steps": counts[-1]}}
    if order >= wanted - _SLACK:
        return conforms(
            f"measured order {order:.2f}, claimed {loop.order}: errors {history}", **known
        )
    if np.any(slopes >= wanted - _SLACK):
        return inconclusive(f"measured orders vary between numbers of steps: errors {history}")
    if sizes[-1] <= 1e-3 * float(np.max(sizes)):
        return inconclusive(f"errors are small but fall slowly: {history}")
    return deviates(
        f"measured order {order:.2f} where {loop.order} is claimed: errors {history}", **known
    )


def _doubling(counts: list[int]) -> list[int]:
    """Leave out numbers of steps that are hardly more than the one before."""
    kept = counts[:1]
    for steps in counts[1:]:
        if steps >= 2 * kept[-1]:
            kept.append(steps)
    return kept


def _error(session: Session, steps: int) -> float | None:
    """Return the largest error of a state within the window of levels."""
    world = WORLDS["gaussian"]
    z = fixed_numbers(21, (2, *EVENT))
    x_T = session.start(world, steps, z)
    levels = session.levels(steps)
    recording = session.run(world.prediction(session.prediction()), x_T, steps)
    errors = []
    for call, level in zip(recording.calls, levels, strict=True):
        if _WINDOW[0] * level[0] <= level[1] <= _WINDOW[1] * level[0]:
            exact = world.flow(x_T, *levels[0], *level)
            errors.append(float(np.max(np.abs(call.state - exact)) / np.hypot(*level)))
    # The second stage of a step shows the model a guess of lower order: the better of two calls
    # at the same level is the state.
    return _best_of_same(errors, levels) if errors else None


def _best_of_same(errors: list[float], levels: list) -> float:
    inside = [
        level for level in levels if _WINDOW[0] * level[0] <= level[1] <= _WINDOW[1] * level[0]
    ]
    best: dict = {}
    for error, level in zip(errors, inside, strict=True):
        best[level] = min(error, best.get(level, np.inf))
    return max(best.values())


def _rounding(session: Session, steps: int) -> float:
    world = WORLDS["gaussian"]
    x_T = session.start(world, steps, fixed_numbers(21, (1, *EVENT)))
    answer = world.prediction(session.prediction())
    return float(np.max(room_for_rounding(session, answer, x_T, steps).calls))
