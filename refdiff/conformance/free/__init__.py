"""Checks that need no knowledge of the method: any sampler that calls a model can be judged.

The model is exact for known data, so what the sampler should make of it is known, whatever it
does in between: `free_checks` lists the questions.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace

from refdiff.conformance.checks import Check
from refdiff.conformance.free import ends, finite, grid, limits, orders, paths, shown
from refdiff.conformance.free.session import Session
from refdiff.conformance.loops import Loop
from refdiff.conformance.verdicts import Outcome

__all__ = ["free_checks"]

# What a list of wrong times looks like.
_OF_TOLD_TIMES = ("starts-more-than-a-stride-below-the-last-time", "time-beyond-the-table")

_FLOW = ("song2021ddim/marginals",)
_FORMS = ("song2021ddim/predicted-x-0", "salimans2022/x-0-from-v", "salimans2022/eps-from-v")


def free_checks(loop: Loop) -> list[Check]:
    """Return the checks of one loop.

    Parameters
    ----------
    loop : Loop
        Nothing of it is run before a check is judged.

    Returns
    -------
    list of Check
        Their ids begin with the loop's name.
    """
    session = Session(loop)
    questions: list[tuple[str, tuple[str, ...], Callable[[Session], Outcome]]] = [
        ("finite", (), finite.finite),
        ("steps-taken", (), grid.steps_taken),
        ("first-level", (), grid.first_level),
        ("order-of-times", (), grid.order_of_times),
        ("initial-scale", (), grid.initial_scale),
        ("time-shown", (), shown.time_shown),
        ("end-on-point", _FLOW, ends.end_on_point),
        *(
            (f"limit-on-{name}", _FLOW, functools.partial(limits.on_gaussian, name=name))
            for name in ("gaussian", "large-mean")
        ),
        ("limit-on-mixture", _FLOW, limits.on_mixture),
        ("order-of-convergence", (), orders.measured_order),
        ("same-path-for-every-prediction", _FORMS, paths.prediction_invariance),
        ("batch-independence", (), paths.batch_independence),
        ("randomness", (), paths.randomness),
        *(
            (f"in-{dtype}", (), functools.partial(finite.in_dtype, dtype=dtype))
            for dtype in ("float32", "bfloat16")
        ),
    ]
    return [
        Check(f"{loop.name}/{name}", equations, functools.partial(_judged, session, judge))
        for name, equations, judge in questions
    ]


def _judged(session: Session, judge: Callable[[Session], Outcome]) -> Outcome:
    """Judge; what nothing explains may follow from a model that is told wrong times.

    An exact model that is asked about another level than it is shown is exact no more, and nearly
    everything shows that.
    """
    outcome = judge(session)
    if outcome.verdict != "deviates" and outcome.variant not in _OF_TOLD_TIMES:
        return outcome
    told = shown.time_shown(session)
    if told.verdict != "known-deviation" or told is outcome:
        return outcome
    return replace(
        outcome,
        verdict=told.verdict,
        variant=told.variant,
        message=f"{told.message}; so {outcome.message}",
    )
