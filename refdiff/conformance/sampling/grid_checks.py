"""Which times a loop visits: how many, from where, in which order, and how they are counted."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from refdiff import equations
from refdiff.conformance.explain import Case, fit
from refdiff.conformance.sampling.diagnosis import diagnosed
from refdiff.conformance.sampling.hidden_times import counts_steps
from refdiff.conformance.sampling.own_schedule import foreign_schedule
from refdiff.conformance.sampling.session import Run, Session
from refdiff.conformance.variants import all_variants, variant
from refdiff.conformance.verdicts import Outcome, conforms, inconclusive

__all__ = ["judge_grid", "judge_time_base", "named", "visited"]

_KNOWN: tuple[tuple[str, Callable[[int, int], Any]], ...] = (
    ("trailing", equations.trailing_timesteps),
    ("linspace", equations.linspace_timesteps),
    ("leading", equations.leading_timesteps),
)


def named(name: str, message: str, **known: Any) -> Outcome:
    """Return the outcome of a variant that was recognised without a program."""
    return variant(name).outcome(message, **known)


def visited(session: Session, run: Run) -> list[float]:
    """Return the times (or sigmas) at which steps begin: each once where calls repeat it."""
    values = run.told if session.loop.tells == "sigma" else run.times
    begins = {t.index for t in diagnosed(session).transitions(run)}
    if begins:
        return [values[i] for i in sorted(begins)]
    times = [t for i, t in enumerate(values) if i == 0 or t != values[i - 1]]
    return times[:-1] if _asks_at_the_end(values, times) else times


def _asks_at_the_end(values: list[float], times: list[float]) -> bool:
    """Say whether each step asks where it ends too, as Heun's method does: so does the last."""
    pairs = [t for pair in itertools.pairwise(times) for t in pair]
    return len(times) > 1 and values == pairs


def judge_grid(session: Session, steps: int) -> Outcome:
    """Judge the list of times of a run with so many steps."""
    run = session.run(steps)
    if not run.calls:
        return inconclusive("the loop never calls the model")
    foreign = foreign_schedule(session)
    if foreign is not None:
        return foreign
    times = visited(session, run)
    if session.loop.tells == "sigma":
        return _judge_sigmas(session, run, times)
    total, wanted = len(session.loop.alpha_bars) - 1, run.steps
    at = {"steps": wanted, "of": total}
    shown = _shown(times)
    hidden = diagnosed(session).hidden
    if hidden is not None and hidden.seen(run).times != run.times:
        return named(hidden.name, f"{hidden.words}. Told: {_shown(run.told)}", at=at)
    if counts_steps(times, total):
        return named(
            "time-shown-is-the-loop-index",
            f"the model is told {_shown(run.told)}: numbers of steps and not times of 1..{total}",
            at=at,
        )
    if len(times) > 1 and times == sorted(set(times)):
        return inconclusive(f"the times rise: the loop goes from data to noise, {shown}", at=at)
    found = _variant_of(times, total, wanted)
    if found is not None:
        gap = total - times[0]
        return named(found, f"{variant(found).summary} Times: {shown}", at={**at, "below T": gap})
    if max(times) > total:
        return named(
            "time-beyond-the-table", f"time {max(times):g} lies beyond T = {total}: {shown}", at=at
        )
    if any(a <= b for a, b in itertools.pairwise(times)):
        return named("times-do-not-fall", f"the times are {shown}", at=at)
    if not session.fixed and len(times) != wanted + _usual_surplus(session):
        return named(
            "step-count-when-not-dividing",
            f"{len(times)} steps were made where {wanted} were asked for: {shown}",
            at=at,
            expected=wanted,
            observed=len(times),
        )
    return _judge_start(times, total, wanted, shown, at)


def _usual_surplus(session: Session) -> int:
    """Return how many steps more than asked for a run makes where the number divides T.

    What a number of steps counts is the target's choice, such as the levels and not the strides.
    """
    steps = session.main_steps
    if (len(session.loop.alpha_bars) - 1) % steps:
        return 0
    return len(visited(session, session.run(steps))) - steps


def _judge_start(
    times: list[float], total: int, wanted: int, shown: str, at: dict[str, Any]
) -> Outcome:
    for name, make in _KNOWN:
        if len(times) <= total and times == list(make(total, len(times))):
            if name == "linspace" and len(times) > 1:
                return named(
                    "linspace-times", f"{variant('linspace-times').summary} {shown}", at=at
                )
            if name != "leading" or times[0] == total:
                return conforms(f"the {name} times {shown}", at=at)
    gap = total - times[0]
    strides = [a - b for a, b in itertools.pairwise(times)]
    stride = max([*strides, total / wanted])
    if gap == 0:
        return conforms(f"{len(times)} falling times from T: {shown}", at=at)
    size = f"the list begins {gap:g} below T = {total}, where strides are {stride:g}: {shown}"
    # T // S is rounded down, and so the leading times may begin a little more than a stride below.
    leading = len(times) <= total and [t - times[-1] for t in times] == [
        t - 1 for t in equations.leading_timesteps(total, len(times))
    ]
    if gap <= stride or (leading and gap < 2 * stride):
        return named("first-time-below-the-noisiest", size, at={**at, "below T": gap})
    return named("starts-more-than-a-stride-below-the-last-time", size, at={**at, "below T": gap})


def _variant_of(times: list[float], total: int, wanted: int) -> str | None:
    """Return the deviation or approximation whose list this is, and no right one's."""
    if any(times == list(make(total, wanted)) for _, make in _KNOWN):
        return None
    case = [
        Case({}, np.array(times), lambda parts: np.asarray(parts.time_grid(total, wanted), float))
    ]
    for other in all_variants().values():
        if "time_grid" in other.replaces and fit(case, [other]).holds:
            return other.name
    return None


def _judge_sigmas(session: Session, run: Run, told: list[float]) -> Outcome:
    given = getattr(session.loop, "sigmas", None)
    if given is None:
        return inconclusive("the sigmas are the target's own")
    expected = np.asarray(given(run.steps), np.float64)
    at = {"steps": run.steps}
    with_zero = expected[:-1]
    if len(told) == len(with_zero):
        held = fit(
            [Case(at, np.array(told), lambda parts: parts.lift(with_zero))],
            dtype=session.loop.dtype,
        )
        if held.holds:
            return conforms("the model is told the given sigmas, each once", at=at)
    return inconclusive(
        f"the model is told {_shown(told)} where {_shown(list(with_zero))} was given: "
        f"a rule of its own",
        at=at,
    )


def judge_time_base(session: Session) -> Outcome:
    """Judge from which number the told times are counted."""
    loop, run = session.loop, session.run()
    if loop.tells == "sigma":
        return conforms("the model is told sigma")
    if run.unit != 1.0:
        name = "time-as-a-fraction"
        return named(name, f"{variant(name).summary} Told: {_shown(run.told)}")
    if run.time_base == loop.time_base:
        return conforms(
            f"the first noisy time is told as {loop.time_base}", choices={"time base": "reference"}
        )
    name = f"time-base-{run.time_base}"
    return named(
        name,
        f"{variant(name).summary} The run was told that it is {loop.time_base}; give --time-base "
        f"{run.time_base}. Told: {_shown(run.told)}",
        choices={"time base": name},
    )


def _shown(times: list[float]) -> str:
    texts = [f"{t:g}" for t in times]
    return ", ".join(texts if len(texts) <= 8 else [*texts[:4], "...", *texts[-3:]])
