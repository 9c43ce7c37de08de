"""Classifier-free guidance: which calls are made, and how their answers are mixed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from refdiff.conformance.explain import Case, explain
from refdiff.conformance.loops import Call, Recording
from refdiff.conformance.parts import Parts
from refdiff.conformance.sampling.diagnosis import diagnosed, dtypes, spread, unknown_rule
from refdiff.conformance.sampling.grid_checks import named
from refdiff.conformance.sampling.methods import Transition
from refdiff.conformance.sampling.own_schedule import foreign_schedule
from refdiff.conformance.sampling.script import scripted_model
from refdiff.conformance.sampling.session import Run, Session
from refdiff.conformance.variants import variant
from refdiff.conformance.verdicts import Outcome, inconclusive, not_provided

__all__ = ["judge_guidance"]

_LABELS = np.array([3, 5])
_SHAPE = (2, 4, 2, 2)  # four channels: some code guides three
_WEIGHTS = (2.5, 0.75)


def judge_guidance(session: Session) -> Outcome:
    """Judge the mixture of the predictions with and without a label at two weights."""
    loop = session.loop
    if not hasattr(loop, "run_guided") or not getattr(loop, "guided", True):
        return not_provided("the sampler takes no labels with a guidance weight")
    known = diagnosed(session)
    if known.method is None:
        return foreign_schedule(session) or unknown_rule(session)
    cases: list[Case] = []
    for index, weight in enumerate(_WEIGHTS):
        recording = _guided(session, weight, seed=5 + index)
        found = _paired(recording)
        if isinstance(found, Outcome):
            return found
        for transition in spread(_transitions(session, recording, found, weight)):
            case = transition.case
            cases.append(replace(case, at={**case.at, "weight": weight}))
    if not cases:
        return inconclusive("the guided run has another structure than the one without guidance")
    dtype, coarser = dtypes(session)
    outcome = explain(
        cases, dtype=dtype, coarser=coarser, base=known.names, what="the guided prediction"
    )
    if outcome.verdict == "deviates" and not known.explained:
        return inconclusive(f"the steps are not understood without guidance: {outcome.message}")
    return outcome


def _guided(session: Session, weight: float, seed: int) -> Recording:
    loop: Any = session.loop
    steps = session.main_steps
    x_T = np.random.default_rng(seed).standard_normal(_SHAPE) * loop.initial_scale(steps)
    model = scripted_model(loop, loop.predictions[0], seed=seed, learned=session.learned)
    recording: Recording = loop.run_guided(model, x_T, steps=steps, labels=_LABELS, weight=weight)
    return recording


Pair = tuple[Call, np.ndarray, np.ndarray]


def _paired(recording: Recording) -> list[Pair] | Outcome:
    """Return each question with its answers with and without labels."""
    halves = [half for call in recording.calls for half in _halves(call)]
    labelled = [_is_labelled(half) for half in halves]
    if not any(labelled):
        return inconclusive("the model is never given the labels")
    if all(labelled):
        twice = len(halves) > 1 and np.array_equal(halves[0].x, halves[1].x)
        name = "unconditional-call-gets-the-label" if twice else "no-unconditional-call"
        return named(name, variant(name).summary, at={"calls": len(halves)})
    pairs: list[Pair] = []
    for first, second in zip(halves[::2], halves[1::2], strict=False):
        if _is_labelled(first) == _is_labelled(second) or not np.array_equal(first.x, second.x):
            return inconclusive("calls with and without labels do not alternate on the same states")
        cond, uncond = (first, second) if _is_labelled(first) else (second, first)
        pairs.append((cond, cond.output, uncond.output))
    return pairs


def _halves(call: Call) -> list[Call]:
    """Return a call on a batch that holds the states twice as the two calls that it stands for."""
    batch = _SHAPE[0]
    if len(call.x) != 2 * batch:
        return [call]
    made = []
    for rows in (slice(0, batch), slice(batch, None)):
        condition = None if call.condition is None else np.asarray(call.condition)[rows]
        x, t = call.x[rows], call.t[rows] if len(call.t) > 1 else call.t
        made.append(Call(x, t, condition, call.output[rows], call.state[rows]))
    return made


def _is_labelled(call: Call) -> bool:
    return call.condition is not None and np.array_equal(np.ravel(call.condition), _LABELS)


def _transitions(
    session: Session, recording: Recording, pairs: Sequence[Pair], weight: float
) -> list[Transition]:
    """Return the steps of the run as if one model had answered with the mixture."""
    known = diagnosed(session)
    calls = [replace(cond, condition=None) for cond, _, _ in pairs]
    doubled = len(recording.calls) == 2 * len(pairs)
    draws = [
        replace(d, before_call=d.before_call // 2 if doubled else d.before_call)
        for d in recording.draws
    ]
    single = replace(recording, calls=calls, draws=draws)
    run: Run = session.understood(single, session.main_steps, session.loop.predictions[0])

    def mixed(parts: Parts, index: int) -> Any:
        _, cond, uncond = pairs[index]
        return parts.guided_prediction(parts.lift(cond), parts.lift(uncond), weight=weight)

    assert known.method is not None
    return known.transitions(replace(run, answer=mixed))
