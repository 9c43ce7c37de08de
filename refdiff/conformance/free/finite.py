"""Runs at the edges: finite for every number of steps, and as exact as their dtype allows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from refdiff.conformance.explain import LIMIT
from refdiff.conformance.free.naming import named
from refdiff.conformance.free.rounding import room_for_rounding
from refdiff.conformance.free.session import EVENT, Session, eps_of, fixed_numbers
from refdiff.conformance.probe.data import WORLDS
from refdiff.conformance.verdicts import Outcome, conforms, deviates, inconclusive, not_provided

__all__ = ["COUNTS", "NOT_FINITE", "finite", "finite_runs", "in_dtype"]

COUNTS = (1, 2, 3, 4, 5, 7, 9, 20, 53)


NOT_FINITE = inconclusive("the results are not finite; the check of that says where")


def finite(session: Session) -> Outcome:
    """Judge whether results are finite and of the right shape for every number of steps."""
    world = WORLDS["gaussian"]
    prediction = session.loop.predictions[0]
    tried = [s for s in COUNTS if s in session.loop.steps]
    tried = sorted({*tried, session.main, session.loop.full})
    # Where exactly a run begins does not matter to this question.
    x_T = session.start(world, session.main, fixed_numbers(61, (2, *EVENT)))
    for steps in tried:
        run = session.run(world.prediction(prediction), x_T, steps, prediction=prediction)
        session.told_in(run, steps)
        if not run.calls:
            return deviates(f"asked for {steps} steps it never asks the model", at={"steps": steps})
        at = {"steps": steps, "prediction": prediction}
        if run.result.shape != x_T.shape:
            return deviates(
                f"the result has the shape {run.result.shape}, the first state {x_T.shape}",
                at=at,
                expected=str(x_T.shape),
                observed=str(run.result.shape),
            )
        if np.isfinite(run.result).all():
            continue
        states = [call.state for call in run.calls]
        bad = [k for k, state in enumerate(states) if not np.isfinite(state).all()]
        known = {"at": at, "observed": float(run.result[~np.isfinite(run.result)][0])}
        if bad and bad[0] == 1 and session.levels(steps)[0][0] == 0 and prediction == "eps":
            return named("eps-at-zero-signal", "the second state is not finite", **known)
        told = session.told(steps)
        if bad and np.any(np.diff(told)[max(bad[0] - 2, 0) : bad[0] + 1] == 0):
            k = int(np.flatnonzero(np.diff(told) == 0)[0])
            seen = f"with {steps} steps calls {k} and {k + 1} are told {told[k]:g}, and then"
            return named("level-listed-twice", f"{seen} the state is not finite", **known)
        if not bad and steps > 1 and (session.loop.order or 0) > 1:
            return named("last-step-not-finite", f"with {steps} steps", **known)
        where = f"after call {bad[0] - 1}" if bad else "after the last step"
        return deviates(f"with {steps} steps the state is not finite {where}", **known)
    return conforms(f"finite for {', '.join(map(str, tried))} steps")


def finite_runs(session: Session) -> bool:
    """Say whether the runs that most checks look at are finite; `finite` says where not."""

    def look() -> bool:
        world, steps = WORLDS["gaussian"], session.main
        x_T = session.start(world, steps, fixed_numbers(61, (2, *EVENT)))
        result = session.run(world.prediction(session.prediction()), x_T, steps).result
        return bool(np.isfinite(result).all())

    return session.once("finite", look)


def in_dtype(session: Session, dtype: str) -> Outcome:
    """Judge a run in a coarser dtype by the same run in the loop's own.

    A loop offers other dtypes by a method ``in_dtype(name)`` that returns another loop.
    """
    offered: Callable[[str], Any] | None = getattr(session.loop, "in_dtype", None)
    other = None if offered is None else offered(dtype)
    if other is None:
        return not_provided(f"it is not offered in {dtype}")
    if not finite_runs(session):
        return NOT_FINITE
    world, steps = WORLDS["gaussian"], session.main
    # eps is the harshest one at the noisiest time: its rounding is divided by sqrt(alpha_bar_T).
    offered_predictions = session.loop.predictions
    prediction = next((p for p in ("v", "x_0") if p in offered_predictions), session.prediction())
    answer = world.prediction(prediction)
    # Numbers that every dtype holds exactly, so that both runs begin at the same place.
    z = np.round(fixed_numbers(71, (2, *EVENT)) * 4) / 4
    x_T = np.round(session.start(world, steps, z) * 16) / 16
    coarse = Session(other)
    seen = coarse.run(answer, x_T, steps, prediction=prediction)
    at = {"steps": steps, "dtype": dtype}
    if not np.isfinite(seen.result).all():
        return deviates(f"in {dtype} the result is not finite", at=at, observed="nan")
    told, fine = coarse.told(steps), session.told(steps)
    if told.shape == fine.shape and session.loop.tells == "time" and np.any(told != fine):
        k = int(np.argmax(told != fine))
        return named(
            "time-shown-in-half-precision",
            f"told {told[k]:g} in {dtype} and {fine[k]:g} in {session.loop.dtype}",
            at=at | {"call": k},
            expected=float(fine[k]),
            observed=float(told[k]),
        )
    exact = session.run(answer, x_T, steps, prediction=prediction).result
    # Tables in the coarse dtype lose digits before any step is taken: half of them must be left.
    half = float(np.sqrt(eps_of(other)) * np.max(np.abs(exact)))
    room = max(room_for_rounding(coarse, answer, x_T, steps, prediction=prediction).result, half)
    gap = float(np.max(np.abs(seen.result - exact)))
    size = float(np.max(np.abs(exact)))
    if room >= size:
        return inconclusive(f"rounding to {dtype} alone may change everything here")
    if gap <= room:
        return conforms(f"in {dtype} the result is off by {gap:.3g}, of {room:.3g} for rounding")
    return deviates(
        f"in {dtype} the result is off by {gap:.3g}, where rounding explains {room:.3g}",
        error_units=LIMIT * gap / room,
        at=at,
        expected=float(exact.flat[0]),
        observed=float(seen.result.flat[0]),
    )
