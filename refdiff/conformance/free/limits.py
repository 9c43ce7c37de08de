"""Whether samples become exact as the steps become small.

On Gaussian data the exact mean and standard deviation of the result are known for each number of
steps, without statistics; on a mixture the end points of the flow are. The error has to fall with
the number of steps, or to be no larger than that of plain first-order sampling on the same levels.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from refdiff.conformance.explain import LIMIT
from refdiff.conformance.free.ends import POINT, end_of
from refdiff.conformance.free.finite import NOT_FINITE, finite_runs
from refdiff.conformance.free.first_order import (
    deterministic_walk,
    distinct_levels,
    fair_spread_error,
)
from refdiff.conformance.free.rounding import room_for_rounding
from refdiff.conformance.free.samples import judged_by_samples
from refdiff.conformance.free.session import EVENT, Level, Session, eps_of, fixed_numbers
from refdiff.conformance.probe.data import WORLDS, World
from refdiff.conformance.verdicts import Outcome, conforms, deviates, inconclusive

__all__ = ["on_gaussian", "on_mixture"]

Array = NDArray[np.float64]
COUNTS = (8, 32, 128)
FAIR = 2.0
"""Multiples of the error of plain first-order sampling that any correct method may make."""
ORDER = 0.7
"""Least order at which an error falls that is said to go to zero."""


@dataclass(frozen=True)
class Point:
    """The error at one number of steps, and how large it may be."""

    steps: int
    error: float
    fair: float
    expected: float
    observed: float


def on_gaussian(session: Session, name: str) -> Outcome:
    """Judge the law of the result on Gaussian data."""
    world = WORLDS[name]
    alike = dataclasses.replace(world, ripple=0.0)
    points: list[Point] = []
    # The whole schedule costs a second a run: only where nothing is drawn, and once.
    most = [session.loop.full] if name == "gaussian" and session.loop.deterministic else []
    if not finite_runs(session):
        return NOT_FINITE
    for steps in session.counts([*COUNTS, *most]):
        point = _gaussian_point(session, alike, steps)
        if point is None:
            if renoises(session):
                return _consistency()
            return judged_by_samples(session, world)
        points.append(point)
    return _judged(session, alike, points, "mean and standard deviation of the samples")


def _gaussian_point(session: Session, world: World, steps: int) -> Point | None:
    found = session.response(world, steps)
    if found is None:
        return None
    end = _end_level(session, steps)
    (mean,), (variance,) = (np.ravel(v) for v in world.law((1,), *end))
    levels = distinct_levels(session.levels(steps), _unit(end))
    fair = fair_spread_error(world.variances((1,))[0], levels) * np.hypot(*end)
    # The flow keeps the order of points: without draws the sign counts as well.
    spread = found.spread if np.any(found.draws) else found.start
    expected, observed = np.array([mean, np.sqrt(variance)]), np.array([found.mean, spread])
    return _worst(steps, observed - expected, float(np.max(fair)), expected, observed)


def _worst(steps: int, gaps: Array, fair: float, expected: Array, observed: Array) -> Point:
    size = np.where(np.isfinite(gaps), np.abs(gaps), np.inf)
    k = int(np.argmax(size))
    return Point(steps, float(size.flat[k]), fair, float(expected.flat[k]), float(observed.flat[k]))


def _end_level(session: Session, steps: int) -> Level:
    """Return where runs of this many steps end, which another check judges."""
    end = end_of(session, steps)
    if end is None or end.exact or not 0.5 < end.alpha <= 1 + end.room:
        return 1.0, 0.0
    return end.level


def _unit(level: Level) -> Level:
    total = float(np.hypot(*level))
    return level[0] / total, level[1] / total


def on_mixture(session: Session) -> Outcome:
    """Judge the end points on a mixture, whose score is not linear."""
    world = WORLDS["mixture"]
    if session.loop.deterministic is not True:
        if renoises(session):
            return _consistency()
        return judged_by_samples(session, world)
    if not finite_runs(session):
        return NOT_FINITE
    points = []
    z = fixed_numbers(3, (6, *EVENT))
    for steps in session.counts(COUNTS):
        levels = session.levels(steps)
        first = levels[0]
        x_T = session.start(world, steps, z)
        end = _end_level(session, steps)
        result = session.run(world.prediction(session.prediction()), x_T, steps).result
        exact = world.flow(x_T, *first, *end)
        walk = distinct_levels(levels, _unit(end))
        simple = deterministic_walk(world, x_T / np.hypot(*first), walk) * np.hypot(*end)
        fair = float(np.max(np.abs(simple - exact)))
        points.append(_worst(steps, result - exact, fair, exact, result))
    return _judged(session, world, points, "end points of the probability flow")


def _judged(session: Session, world: World, points: Sequence[Point], what: str) -> Outcome:
    last = points[-1]
    history = ", ".join(f"{p.error:.3g} at {p.steps} steps" for p in points)
    known = {
        "error_units": last.error / last.fair if last.fair else None,
        "at": {"data": world.name, "steps": last.steps},
        "expected": last.expected,
        "observed": last.observed,
    }
    if last.error <= (FAIR if len(points) > 1 else LIMIT) * last.fair:
        return conforms(f"{what} are as exact as the steps allow: errors {history}", **known)
    if len(points) > 1 and _order(points[-2], last) >= ORDER:
        order = _order(points[-2], last)
        return conforms(f"{what} become exact at order {order:.2g}: errors {history}", **known)
    z = fixed_numbers(5, (2, *EVENT))
    room = room_for_rounding(
        session,
        world.prediction(session.prediction()),
        session.start(world, last.steps, z),
        last.steps,
    )
    if last.error <= room.result:
        return conforms(f"{what} are as exact as rounding allows: errors {history}", **known)
    if _limited(session, world, last.steps):
        return inconclusive(f"the target limits what it predicts; {world.name} data lies outside")
    if renoises(session):
        return _consistency()
    if last.error <= LIMIT * last.fair:
        return inconclusive(f"{what}: errors {history} are small but hardly fall", **known)
    if len(points) == 1:
        return _single(last, what, history, known)
    return deviates(f"{what} do not become exact with more steps: errors {history}", **known)


def _single(last: Point, what: str, history: str, known: dict) -> Outcome:
    """Judge a loop whose number of steps is fixed: with a full schedule errors are small."""
    if last.steps < COUNTS[-1]:
        return inconclusive(f"{what}: error {history}; more steps would show whether it falls")
    return deviates(
        f"{what} are off by {history}, where plain first-order sampling on the same levels is off "
        f"by {last.fair:.3g}",
        **known,
    )


def _order(a: Point, b: Point) -> float:
    if not np.isfinite([a.error, b.error]).all() or a.error == 0 or b.error == 0:
        return 0.0
    return float(np.log(a.error / b.error) / np.log(b.steps / a.steps))


def _limited(session: Session, world: World, steps: int) -> bool:
    """Say whether predictions are kept within [-1, 1].

    Results are, where the data is not, or near to it where the last step leaves some noise.
    """
    mean, variance = world.law(EVENT)
    outside = float(np.max(np.abs(mean) - LIMIT * np.sqrt(variance))) - 1.0
    if outside <= 0.0:
        return False
    z = np.zeros((1, *EVENT))
    answer = world.prediction(session.prediction())
    result = session.run(answer, session.start(world, steps, z), steps).result
    return bool(np.max(np.abs(result)) - 1.0 <= outside / 2)


def renoises(session: Session) -> bool:
    """Say whether each state is made of the prediction and new noise alone.

    That is how consistency models are sampled; with a denoiser, which averages over the data, it
    does not lead to their law.
    """
    return session.once("renoises", lambda: _renoises(session))


def _renoises(session: Session) -> bool:
    """Change one draw where the model predicts the same x_0 whatever it is shown.

    The state after it changes. The one after that does too, unless states are forgotten.
    """
    steps = session.counts([8])[0]
    answer = POINT.prediction(session.prediction())
    x_T = session.start(POINT, steps, np.zeros((1, *EVENT)))
    plain = session.run(answer, x_T, steps)
    chosen = len(plain.draws) // 2

    def one(index: int, kind: str, shape: tuple[int, ...]) -> Array | None:
        return np.full(shape, float(index == chosen)) if kind == "normal" else None

    moved = session.run(answer, x_T, steps, script=one)
    if not plain.draws or len(moved.calls) != len(plain.calls):
        return False
    gaps = [
        float(np.max(np.abs(a.state - b.state)))
        for a, b in zip(plain.calls, moved.calls, strict=True)
    ]
    first = next((k for k, gap in enumerate(gaps) if gap > 0), len(gaps))
    return first + 1 < len(gaps) and gaps[first + 1] <= np.sqrt(eps_of(session.loop)) * gaps[first]


def _consistency() -> Outcome:
    return inconclusive(
        "each state is made of the prediction and fresh noise: that samples consistency models, "
        "and its law with an exact denoiser is another than the data's"
    )
