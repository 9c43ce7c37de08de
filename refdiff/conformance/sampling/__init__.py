"""Sampling loops judged step by step, from recordings of a run with a scripted model.

`step_checks` lists the checks of a `Loop`, whatever shape of target it belongs to. Nothing is run
while they are listed; recordings are made when the first check asks for them, and are shared.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from refdiff.conformance.checks import Check
from refdiff.conformance.loops import Loop
from refdiff.conformance.sampling.diagnosis import diagnosed, judged, unknown_rule
from refdiff.conformance.sampling.grid_checks import judge_grid, judge_time_base
from refdiff.conformance.sampling.guidance_checks import judge_guidance
from refdiff.conformance.sampling.limit_checks import judge_clipping
from refdiff.conformance.sampling.methods import Transition
from refdiff.conformance.sampling.noise_checks import judge_noise
from refdiff.conformance.sampling.own_schedule import foreign_schedule
from refdiff.conformance.sampling.recording import final_state, name_of, recorded
from refdiff.conformance.sampling.session import Run, Session
from refdiff.conformance.verdicts import Outcome, inconclusive, not_provided

__all__ = ["final_state", "name_of", "recorded", "step_checks", "whole_run_check"]

_DDIM = ("song2021ddim/step", "song2021ddim/sigma")
_DDPM = ("ho2020/ancestral-step", "ho2020/posterior-mean", "ho2020/posterior-variance")
_STEP = {"vp": (*_DDIM, *_DDPM), "ve": ()}
_GRID = ("lin2024/leading-timesteps", "lin2024/trailing-timesteps", "lin2024/linspace-timesteps")
_GUIDANCE = ("ho2022cfg/guided-eps", "lin2024/guidance")
_OTHER_STEPS = (1, 2, 3, 7)


def step_checks(loop: Loop) -> list[Check]:
    """Return the checks of a sampling loop that read its steps.

    Parameters
    ----------
    loop : Loop
        Of any shape. It may have, beyond the protocol: ``eta`` (what it was given), ``learned``
        (its model chooses variances), ``sigmas(steps)`` (the list that it was given),
        ``schedule_given`` (False if the target may have a schedule of its own), and
        ``run_guided(model, x_T, *, steps, labels, weight)`` with ``guided`` to say whether it can.

    Returns
    -------
    list of Check
        Ids begin with the loop's name.
    """
    session = Session(loop)
    equations = _STEP[loop.coordinates]

    def check(topic: str, judge: Callable[[], Outcome], ids: tuple[str, ...] = equations) -> Check:
        return Check(f"{loop.name}/{topic}", ids, judge)

    def steps_of(which: Callable[[Transition], bool], what: str) -> Callable[[], Outcome]:
        return lambda: _judge_steps(session, session.run(), which, what)

    made = [
        check("first-step", steps_of(lambda t: t.k == 0, "the first step")),
        check("middle-steps", steps_of(lambda t: t.k > 0 and not t.last, "a middle step")),
        check("last-step", steps_of(lambda t: t.last, "the last step")),
        check("grid", lambda: judge_grid(session, session.main_steps), _GRID),
        check("time-base", lambda: judge_time_base(session), ()),
        check("noise", lambda: judge_noise(session)),
        check("clipping", lambda: judge_clipping(session), ()),
        check("guidance", lambda: judge_guidance(session), _GUIDANCE),
    ]
    if not session.fixed:
        made += _checks_of_other_steps(session, check)
    made += [
        check(f"predicts-{p.replace('_', '-')}", functools.partial(_judge_prediction, session, p))
        for p in loop.predictions[1:]
    ]
    return made


def whole_run_check(loop: Loop, topic: str) -> Check:
    """Return one check of all steps of a loop, such as the same loop in another dtype."""
    session = Session(loop)
    return Check(
        f"{loop.name}/{topic}",
        _STEP[loop.coordinates],
        lambda: _judge_steps(session, session.run(), lambda t: True, f"a {topic} step"),
    )


def _checks_of_other_steps(session: Session, check: Any) -> list[Check]:
    loop = session.loop
    made = []
    for steps in dict.fromkeys((*_OTHER_STEPS, loop.full)):
        word = "full" if steps == loop.full else str(steps)
        made.append(check(f"steps-{word}", functools.partial(_judge_number, session, steps)))
        if steps in (3, 7, loop.full):
            judge = functools.partial(_judge_number, session, steps, judge_grid)
            made.append(check(f"grid-{word}", judge, _GRID))
    return made


def _judge_number(session: Session, steps: int, judge: Any = None) -> Outcome:
    """Judge a run of another number of steps: all of its steps, or its list of times."""
    if session.nearest(steps) != steps:
        return not_provided(f"the loop cannot be asked for {steps} steps")
    if judge is not None:
        return judge(session, steps)
    return _judge_steps(session, session.run(steps), lambda t: True, f"one of {steps} steps")


def _judge_steps(
    session: Session, run: Run, which: Callable[[Transition], bool], what: str
) -> Outcome:
    known = diagnosed(session)
    if known.method is None:
        return foreign_schedule(session) or unknown_rule(session)
    transitions = known.transitions(run)
    if not transitions:
        return inconclusive(
            f"with {run.steps} steps the model is called {len(run.calls)} times, which is not the "
            f"structure of {known.method.title}"
        )
    return judged(session, run, [t for t in transitions if which(t)], what)


def _judge_prediction(session: Session, prediction: str) -> Outcome:
    run = session.run(prediction=prediction)
    return _judge_steps(session, run, lambda t: True, f"a step with a model of {prediction}")
