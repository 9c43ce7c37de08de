"""Where a loop goes: how many steps, from which level, in which order, with how much noise."""

from __future__ import annotations

import numpy as np

from refdiff.conformance.free.naming import named
from refdiff.conformance.free.session import Session, eps_of
from refdiff.conformance.variants import variant
from refdiff.conformance.verdicts import Outcome, conforms, deviates, inconclusive, not_provided

__all__ = ["first_level", "initial_scale", "order_of_times", "steps_taken"]

_DIVIDING = (4, 5, 8, 10, 20, 25, 40, 50)
_OTHERS = (3, 7, 9, 11, 27, 53)


def steps_taken(session: Session) -> Outcome:
    """Judge whether the number of calls of the model follows the number of steps asked for.

    A method may ask the model more than once a step, so nothing is presumed of the ratio: numbers
    of steps that divide T say what it is, and the others have to follow.
    """
    loop = session.loop
    total = len(loop.alpha_bars) - 1
    offered = set(loop.steps)
    plain = [s for s in _DIVIDING if s in offered and total % s == 0]
    others = [s for s in _OTHERS if s in offered and total % s]
    if len(plain) < 3 or not others:
        return not_provided("the number of steps cannot be chosen freely")
    counts = np.array([len(session.told(s)) for s in plain])
    rate, offset = np.polyfit(plain, counts, 1)
    rate, offset = round(float(rate)), round(float(offset))
    if rate < 1 or any(rate * s + offset != c for s, c in zip(plain, counts, strict=True)):
        return inconclusive(
            "the number of calls is no linear function of the number of steps, not even where "
            "that divides T"
        )
    for s in [*others, *(x for x in (1, loop.full) if x in offered)]:
        seen = len(session.told(s))
        # Methods of several calls a step may take their first or last step otherwise.
        if seen == rate * s + offset or (s == 1 and 1 <= seen <= rate):
            continue
        where = {"at": {"steps": s}, "expected": rate * s + offset, "observed": seen}
        if total % s:
            return named(
                "step-count-when-not-dividing",
                f"{seen} calls of the model for {s} steps where {rate * s + offset} would follow "
                f"from the numbers of steps that divide T = {total}",
                **where,
            )
        return deviates(f"{s} steps made {seen} calls of the model", **where)
    each = "one call" if rate == 1 else f"{rate} calls"
    return conforms(f"{each} of the model a step, for numbers of steps that divide T or not")


def first_level(session: Session) -> Outcome:
    """Judge at which time the loop begins."""
    loop = session.loop
    if loop.tells == "sigma":
        return not_provided("the model is told sigmas: where they begin is the caller's choice")
    steps = session.counts([10])[0]
    times = session.times(steps)
    total = len(loop.alpha_bars) - 1
    at = {"steps": steps}
    first = float(times[0])
    if first > total:
        return named(
            "time-beyond-the-table",
            f"the first time told is {session.told(steps)[0]:g}, in a schedule of {total} times",
            at=at,
            expected=total,
            observed=first,
        )
    falls = -np.diff(np.unique(times)[::-1])
    stride = float(np.max(falls, initial=total / max(steps, 1)))
    below = total - first
    if below == 0:
        return conforms("the first time is the noisiest of the schedule")
    alpha, sigma = session.levels(steps)[0]
    level = float(alpha / np.hypot(alpha, sigma))
    seen = (
        f"it begins {below:g} times below the last one, with strides of {stride:g}; a signal of "
        f"{level:.3g} is promised to the model and not there"
    )
    known = {"at": at, "expected": total, "observed": first}
    # T // S is rounded down: leading times may begin a little more than a stride below.
    leading = bool(np.ptp(falls) == 0) and float(np.min(times)) == 1.0
    if below <= stride or (leading and below < 2 * stride):
        return named("first-time-below-the-noisiest", seen, **known)
    quadratic = variant("quadratic-times-up-to-0.8-T")
    if np.array_equal(times, quadratic.replaces["time_grid"](total, steps)):
        return named(quadratic.name, seen, **known)
    return named("starts-more-than-a-stride-below-the-last-time", seen, **known)


def order_of_times(session: Session) -> Outcome:
    """Judge whether the noise falls from call to call."""
    steps = session.main
    levels = session.levels(steps)
    with np.errstate(divide="ignore"):
        noise = np.array([np.divide(sigma, alpha) for alpha, sigma in levels])
    if len(noise) < 2:
        return inconclusive("a single call has no order; more steps would show one")
    rises = np.flatnonzero(noise[1:] > noise[:-1])
    if not rises.size:
        return conforms("the model is never shown more noise than before")
    k = int(rises[0]) + 1
    if np.all(np.diff(noise) >= 0):
        return inconclusive("the noise rises throughout: this is an inversion and no sampler")
    if not session.loop.deterministic:
        return inconclusive(
            f"the noise rises before call {k}: a method may add noise on its way, and only its own "
            "reference can say whether it should"
        )
    told = session.told(steps)
    return deviates(
        f"call {k} is told {told[k]:g} after {told[k - 1]:g}: the noise rises in a method that "
        "adds none",
        at={"steps": steps, "call": k},
        expected=float(told[k - 1]),
        observed=float(told[k]),
    )


def initial_scale(session: Session) -> Outcome:
    """Judge the standard deviation of the first state against that of its level."""
    loop = session.loop
    steps = session.main
    scale = float(loop.initial_scale(steps))
    known = {"at": {"steps": steps}, "observed": scale}
    # Half of the digits: a list of sigmas may be kept in a coarser dtype than the states.
    rounding = float(np.sqrt(eps_of(loop)))
    if loop.coordinates == "vp":
        if abs(scale - 1.0) <= rounding:
            return conforms("the first state has variance one")
        return deviates(
            f"the first state has the standard deviation {scale:.6g}, and 1 in its coordinates",
            expected=1.0,
            **known,
        )
    sigma = session.levels(steps)[0][1]
    # With data of variance one, or of none; and the level of a rounded time may be a neighbour's.
    low, high = sigma, float(np.hypot(sigma, 1.0))
    if loop.tells == "time":
        index = session.times(steps)[0]
        table = loop.alpha_bars
        near = [int(np.clip(index + d, 1, len(table) - 1)) for d in (-1, 1)]
        if index != round(index) or scale != sigma:
            sigmas = [float(np.sqrt((1 - table[i]) / table[i])) for i in near if table[i] > 0]
            low, high = min([low, *sigmas]), max([high, *(np.hypot(s, 1.0) for s in sigmas)])
    known["expected"] = sigma
    if low * (1 - rounding) <= scale <= high * (1 + rounding):
        return conforms(f"the first state has the standard deviation of its level, {sigma:.6g}")
    if abs(scale - 1.0) <= rounding:
        return named("initial-noise-of-unit-variance", f"1 in place of {sigma:.6g}", **known)
    return deviates(
        f"the first state has the standard deviation {scale:.6g}; its level has {sigma:.6g}",
        **known,
    )
