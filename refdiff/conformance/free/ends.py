"""How a run ends, seen on data without spread: whatever differs from the point was put there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from refdiff.conformance.explain import LIMIT
from refdiff.conformance.free.naming import named
from refdiff.conformance.free.rounding import room_for_rounding
from refdiff.conformance.free.session import EVENT, Level, Response, Session, eps_of
from refdiff.conformance.probe.data import point_world
from refdiff.conformance.verdicts import Outcome, conforms, deviates, inconclusive

__all__ = ["End", "end_of", "end_on_point"]

Array = NDArray[np.float64]

ZERO, POINT = point_world(0.0, "zero"), point_world(0.5, "half")
CLAMPED = 1e-10 * (1 + 2.0**-20)
"""Standard deviations that count as none: sqrt(1e-20), a common lower limit of variances."""


@dataclass(frozen=True)
class End:
    """What is left at the end of a run on data without spread.

    Parameters
    ----------
    alpha : float
        Factor of the data.
    offset : float
        What is added to it.
    spread : float
        Standard deviation, draws and first state together.
    last_draw : float
        The part of it that is drawn after the model's last call.
    room : float
        What rounding explains of these.
    scale_room : float
        What it explains of the factor of the data, which is a ratio of table entries: where a
        table of alpha_bar is rounded, the first 1 - alpha_bar has lost most of its digits.
    """

    alpha: float
    offset: float
    spread: float
    last_draw: float
    room: float
    scale_room: float

    @property
    def kept(self) -> bool:
        """Whether the data has its size."""
        return abs(self.alpha - 1.0) * 0.5 <= self.scale_room

    @property
    def exact(self) -> bool:
        """Whether nothing but the data is left."""
        quiet = self.spread <= max(self.room, CLAMPED)
        return self.kept and quiet and abs(self.offset) <= self.room

    @property
    def level(self) -> Level:
        """Scales of data and noise at the end."""
        return (1.0, 0.0) if self.exact else (self.alpha, self.spread)


def end_of(session: Session, steps: int) -> End | None:
    """Return what is left at the end of a run, or None where that cannot be told."""
    return session.once(("end", steps), lambda: _end_of(session, steps))


def _end_of(session: Session, steps: int) -> End | None:
    zero, half = session.response(ZERO, steps), session.response(POINT, steps)
    if zero is None or half is None or not np.isfinite([zero.mean, half.mean]).all():
        return None
    answer = POINT.prediction(session.prediction())
    z = np.concatenate([np.zeros((1, *EVENT)), np.ones((1, *EVENT))])
    room = room_for_rounding(session, answer, session.start(POINT, steps, z), steps).result
    return End(
        alpha=(half.mean - zero.mean) / 0.5,
        offset=zero.mean,
        spread=half.spread,
        last_draw=_last_draw(half),
        room=room,
        scale_room=max(room, LIMIT * eps_of(session.loop) / (1 - session.loop.alpha_bars[1])),
    )


def _last_draw(found: Response) -> float:
    """Return the largest coefficient of a draw that belongs to the last step."""
    late = [k for k, before in enumerate(found.before_call) if before == found.calls]
    # Targets that draw before they ask the model have drawn for the last step before its last call.
    if not late and len(found.before_call):
        late = [k for k, b in enumerate(found.before_call) if b == max(found.before_call)]
    return float(np.max(np.abs(found.draws[late]), initial=0.0)) if late else 0.0


def end_on_point(session: Session) -> Outcome:
    """Judge the end of a run on data without spread."""
    steps = session.main
    end = end_of(session, steps)
    if end is None:
        return _statistical(session, steps)
    at = {"steps": steps, "data": 0.5}
    if end.exact:
        return conforms(
            "on data without spread the result is the data",
            error_units=_units(end),
            at=at,
            expected=0.5,
            observed=0.5 * end.alpha + end.offset,
        )
    known = {
        "error_units": _units(end),
        "at": at,
        "expected": 0.5,
        "observed": f"{0.5 * end.alpha + end.offset:.9g} with standard deviation {end.spread:.6g}",
    }
    if end.kept and abs(end.offset) <= end.room and _alone(end.last_draw, end.spread, end.room):
        seen = f"a standard deviation of {end.spread:.6g} is left of data without spread"
        return named("noise-at-the-last-step", seen, **known)
    if end.kept and end.spread <= max(end.room, CLAMPED):
        seen = f"{end.offset:.6g} is added to every element, whatever the data"
        return named(_constant(session, end), seen, **known)
    stopped = _stopped(session, steps, end, known)
    return stopped if stopped is not None else _converging(session, steps, end, known)


def _constant(session: Session, end: End) -> str:
    """Return the name of what is added, by its size."""
    beta = 1 - session.loop.alpha_bars[1]
    for name, size in (
        ("beta-added-at-the-last-step", beta),
        ("root-of-beta-added-at-the-last-step", np.sqrt(beta)),
    ):
        if abs(end.offset - size) <= end.room:
            return name
    return "constant-added-at-the-last-step"


def _units(end: End) -> float:
    moved = max(abs(end.offset), end.spread) / end.room
    return LIMIT * max(moved, abs(end.alpha - 1.0) * 0.5 / end.scale_room)


def _alone(part: float, whole: float, room: float) -> bool:
    return abs(part - whole) <= room + whole * 1e-6 if whole > room else False


def _stopped(session: Session, steps: int, end: End, known: dict) -> Outcome | None:
    """Recognise a run that ends at a level of its schedule."""
    if abs(end.offset) > end.room:
        return None
    index = _index_of_end(session, end)
    alpha, sigma = session.levels(steps)[-1]
    left = f"noise of standard deviation {end.spread:.6g} is left"
    # Compared as ratios of noise to signal, which both coordinates have.
    near = np.sqrt(eps_of(session.loop))
    here = abs(end.spread * alpha - sigma * end.alpha) <= near * max(sigma, alpha) and sigma > 0
    if index is not None:
        level = session.loop.alpha_bars[index]
        here |= abs(sigma**2 * level - alpha**2 * (1 - level)) <= near * alpha**2
    if here and not _last_answer_counts(session, steps):
        seen = f"{left}, as much as the model was shown last"
        exploding = session.loop.coordinates == "ve"
        name = "last-sigma-repeated" if exploding else "ends-at-the-level-shown-last"
        return named(name, seen, **known)
    if index is None:
        return None
    if index == 1:
        return named("ends-at-the-first-noise-level", left, **known)
    if end.spread < 0.5 * np.sqrt(1 - level) * np.hypot(*end.level):
        return None  # some number of the table is always near
    seen = f"{left}, that of time {index} of the schedule"
    return named("ends-before-the-data", seen, **known)


def _last_answer_counts(session: Session, steps: int) -> bool:
    """Say whether the model's last answer changes the result.

    It does not in a step that goes nowhere; it does where a step asks at the level that it goes to.
    """
    x_T = session.start(POINT, steps, np.zeros((1, *EVENT)))
    exact = POINT.prediction(session.prediction())
    count = len(session.run(exact, x_T, steps).calls)
    results = []
    for added in (0.0, 1.0):
        asked = 0

        def answer(*given: Any, added: float = added) -> Array:
            nonlocal asked
            asked += 1
            return np.asarray(exact(*given)) + (added if asked == count else 0.0)

        results.append(session.run(answer, x_T, steps).result)
    return not np.array_equal(results[0], results[1])


def _index_of_end(session: Session, end: End) -> int | None:
    """Return the time of the schedule whose level the end has, if it has one."""
    table = session.loop.alpha_bars
    if session.loop.coordinates == "ve":
        if abs(end.alpha - 1.0) * 0.5 > end.room:
            return None
        level, wide = 1 / (1 + end.spread**2), 2 * end.spread * end.room
    else:
        level, wide = end.alpha**2, 4 * end.room
        # Ancestral steps may leave less noise than the level has, and hardly more.
        if end.spread > 2.0 * np.sqrt(max(1 - level, 0.0)):
            return None
    index = int(np.argmin(np.abs(table - level)))
    gap = abs(table[index] - level)
    apart = float(np.min(np.abs(np.delete(table, index) - table[index])))
    return index if index > 0 and gap <= max(wide, 1e-2 * apart) and gap < 0.1 * apart else None


def _converging(session: Session, steps: int, end: End, known: dict) -> Outcome:
    """Give methods that are not exact on a point their chance: more steps."""
    more = session.counts([16 * steps, session.loop.full])[-1]
    later = None if more == steps else end_of(session, more)
    size = max(abs(end.offset), abs(end.alpha - 1.0) * 0.5, end.spread)
    if later is not None:
        left = max(abs(later.offset), abs(later.alpha - 1.0) * 0.5, later.spread)
        if later.exact or left * (more / steps) ** 0.7 <= size:
            return conforms(
                f"on data without spread the error falls from {size:.3g} at {steps} steps to "
                f"{left:.3g} at {more}",
                at=known["at"],
            )
        settled = _settling(session, end, (steps, 4 * steps, more), later, known)
        if settled is not None:
            return settled
    elif not session.loop.steps:
        return inconclusive(
            f"on data without spread the result is off by {size:.3g}; with another number of steps "
            "one could say whether that falls"
        )
    return deviates(
        f"on data without spread the result is {known['observed']}, and more steps do not help",
        **known,
    )


def _settling(
    session: Session, end: End, counts: tuple[int, int, int], later: End, known: dict
) -> Outcome | None:
    """Recognise a method that is not exact on a point and comes close to a level with more steps.

    What it comes close to is told from how much less each further doubling changes.
    """
    between = end_of(session, session.counts([counts[1]])[-1])
    if between is None:
        return None
    one, two, three = (np.array([e.alpha, e.offset, e.spread]) for e in (end, between, later))
    first, second = np.max(np.abs(two - one)), np.max(np.abs(three - two))
    if not second * 4**0.7 <= first:
        return None
    level = session.loop.alpha_bars[1]
    scale = 1.0 if session.loop.coordinates == "vp" else np.sqrt(level)
    there = np.array([np.sqrt(level), 0.0, np.sqrt(1 - level)]) / scale
    if session.loop.coordinates == "ve":
        there[0] = 1.0
    if np.max(np.abs(three - there)) <= second:
        seen = f"with more steps the result comes close to that level (within {second:.2g})"
        return named("ends-at-the-first-noise-level", seen, **known)
    return inconclusive(
        f"on data without spread the result settles with more steps, within {second:.2g} of the "
        f"data times {later.alpha:.6g} with standard deviation {later.spread:.3g}"
    )


def _statistical(session: Session, steps: int) -> Outcome:
    """Judge by the samples themselves, where draws cannot be scripted."""
    answer = POINT.prediction(session.prediction())
    z = np.random.Generator(np.random.Philox(key=11)).standard_normal((64, *EVENT))
    x_T = session.start(POINT, steps, z)
    result = session.run(answer, x_T, steps, script=None).result
    if not np.isfinite(result).all():
        return inconclusive("the result is not finite; the check of finite results says where")
    room = room_for_rounding(session, answer, x_T, steps, script=None).result
    error = float(np.max(np.abs(result - 0.5)))
    if error <= max(room, CLAMPED):
        return conforms("on data without spread the result is the data (64 samples, no scripts)")
    return inconclusive(
        f"on data without spread results are off by up to {error:.3g}; the target's draws cannot "
        "be scripted, so the cause cannot be read from its coefficients"
    )
