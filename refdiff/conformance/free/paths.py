"""Runs that have to agree: of one model in three forms, of a sample alone and in a batch, of today
and tomorrow.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from refdiff.conformance.explain import LIMIT
from refdiff.conformance.free.finite import NOT_FINITE, finite_runs
from refdiff.conformance.free.naming import named
from refdiff.conformance.free.rounding import room_for_rounding
from refdiff.conformance.free.session import EVENT, Session, eps_of, fixed_numbers, silence
from refdiff.conformance.probe.data import WORLDS
from refdiff.conformance.verdicts import Outcome, conforms, deviates, inconclusive, not_provided

__all__ = ["batch_independence", "prediction_invariance", "randomness"]

Array = NDArray[np.float64]


def _by_sample(index: int, kind: str, shape: tuple[int, ...]) -> Array | None:
    """Script in which a sample's noise depends on the draw and its place in the batch."""
    return fixed_numbers(400 + index, shape) if kind == "normal" and len(shape) > 1 else None


def prediction_invariance(session: Session) -> Outcome:
    """Judge whether models that predict eps, x_0 or v of the same data lead along the same path."""
    names = list(session.loop.predictions)
    if session.loop.alpha_bars[-1] == 0 and session.loop.tells == "time":
        # Nothing can be learnt from eps where no signal is left.
        names = [name for name in names if name != "eps"]
    if len(names) < 2:
        return not_provided("it takes models of one kind of prediction")
    if not finite_runs(session):
        return NOT_FINITE
    world, steps = WORLDS["gaussian"], session.main
    x_T = session.start(world, steps, fixed_numbers(31, (2, *EVENT)))
    paths, rooms = {}, {}
    for name in names:
        known: dict[str, Any] = {"prediction": name, "script": _by_sample}
        run = session.run(world.prediction(name), x_T, steps, **known)
        paths[name] = [*(call.state for call in run.calls), run.result]
        room = room_for_rounding(session, world.prediction(name), x_T, steps, **known)
        rooms[name] = np.append(room.calls, room.result)
    first = names[0]
    worst: tuple[float, str, int] = (0.0, "", 0)
    for name in names[1:]:
        if len(paths[name]) != len(paths[first]):
            return deviates(
                f"a model of {name} is called {len(paths[name]) - 1} times and one of {first} "
                f"{len(paths[first]) - 1} times",
                at={"steps": steps},
            )
        for k, (a, b) in enumerate(zip(paths[first], paths[name], strict=True)):
            gap = float(np.max(np.abs(a - b)))
            units = gap / (rooms[first][k] + rooms[name][k])
            worst = max(worst, (units if np.isfinite(gap) else np.inf, name, k))
    units, name, k = worst
    if units <= 1.0:
        return conforms(f"models of {', '.join(names)} lead along the same path")
    gaps = np.abs(paths[first][k] - paths[name][k])
    where = int(np.argmax(np.where(np.isfinite(gaps), gaps, np.inf)))
    one, other = float(paths[first][k].flat[where]), float(paths[name][k].flat[where])
    return deviates(
        f"the same exact denoiser as {name} and as {first} leads to {other:.6g} and {one:.6g} "
        f"after {k} calls",
        error_units=LIMIT * units,
        at={"steps": steps, "prediction": name, "after call": k},
        expected=one,
        observed=other,
    )


def batch_independence(session: Session) -> Outcome:
    """Judge whether a sample is the same alone and among others."""
    if not finite_runs(session):
        return NOT_FINITE
    world, steps = WORLDS["gaussian"], session.main
    answer = world.prediction(session.prediction())
    z = fixed_numbers(41, (3, *EVENT))
    x_T = session.start(world, steps, z)
    together = session.run(answer, x_T, steps, script=_by_sample)
    normal = [draw.values.shape for draw in together.draws if draw.kind == "normal"]
    if any(shape != (3, *EVENT) for shape in normal):
        # One draw for all samples, or one for each of them: alike samples tell.
        alike = np.repeat(x_T[:1], 3, axis=0)
        same = session.run(answer, alike, steps, script=None).result
        if np.array_equal(same[0], same[1]) and np.array_equal(same[0], same[2]):
            return named(
                "noise-shared-by-the-batch", f"a draw has the shape {normal[0]} for 3 samples"
            )
    if not together.tagged or any(shape != (3, *EVENT) for shape in normal):
        return inconclusive("the target's draws cannot be given to samples one by one")
    room = room_for_rounding(session, answer, x_T, steps, script=_by_sample).result
    for kept in ([0], [2], [2, 0, 1]):

        def script(
            index: int, kind: str, shape: tuple[int, ...], kept: list = kept
        ) -> Array | None:
            values = _by_sample(index, kind, (3, *shape[1:]))
            return None if values is None else values[kept]

        apart = session.run(answer, x_T[kept], steps, script=script).result
        gap = np.abs(apart - together.result[kept])
        if apart.shape != (len(kept), *EVENT) or not np.max(gap) <= room:
            where = np.unravel_index(int(np.argmax(gap)), gap.shape)
            return named(
                "samples-depend-on-their-batch",
                f"sample {kept[where[0]]} of 3 changes by {float(np.max(gap)):.3g} when the batch "
                f"holds samples {kept}",
                error_units=LIMIT * float(np.max(gap)) / room,
                at={"steps": steps, "batch": kept},
                expected=float(together.result[kept][where]),
                observed=float(apart[where]),
            )
    return conforms("a sample is the same alone, among others and in another order")


def randomness(session: Session) -> Outcome:
    """Judge whether what is drawn, and that alone, makes two runs differ."""
    if not finite_runs(session):
        return NOT_FINITE
    world, steps = WORLDS["gaussian"], session.main
    answer = world.prediction(session.prediction())
    x_T = session.start(world, steps, fixed_numbers(51, (2, *EVENT)))
    runs = [session.run(answer, x_T, steps, script=_by_sample) for _ in range(2)]
    at = {"steps": steps}
    differs = float(np.max(np.abs(runs[0].result - runs[1].result)))
    # The same operations on the same numbers: no step amplifies anything here.
    if not differs <= LIMIT * eps_of(session.loop) * float(np.max(np.abs(runs[0].result))):
        seen = f"two runs with the same draws differ by {differs:.3g}"
        if runs[0].tagged and session.loop.deterministic:
            return named("remembers-earlier-runs", seen, at=at)
        if session.loop.deterministic:
            return named("noise-in-a-deterministic-method", seen, at=at)
        return inconclusive(f"{seen}: it draws from a generator of its own, which cannot be seen")
    room = room_for_rounding(session, answer, x_T, steps, script=_by_sample).result
    silent = session.run(answer, x_T, steps, script=silence).result
    moved = float(np.max(np.abs(silent - runs[0].result)))
    kinds = sorted({draw.kind for draw in runs[0].draws})
    drawn = f"{len(runs[0].draws)} draws ({', '.join(kinds)})" if kinds else "no draws"
    if session.loop.deterministic:
        if moved > room:
            return named(
                "noise-in-a-deterministic-method",
                f"its draws move the result by {moved:.3g} ({drawn})",
                at=at,
                expected=0.0,
                observed=moved,
            )
        return conforms(f"the result depends on the first state alone ({drawn})")
    if session.loop.deterministic is None:
        how = "its draws" if moved > room else "the first state"
        return conforms(f"the result depends on {how} ({drawn}); nothing is claimed")
    if moved <= room and len(runs[0].calls) > 1:
        if not runs[0].tagged or any(kind != "normal" for kind in kinds):
            return inconclusive(f"draws that cannot be scripted ({drawn})")
        return named("noise-missing", f"{drawn}, and the result depends on none", at=at)
    return conforms(f"the same draws give the same result ({drawn})")
