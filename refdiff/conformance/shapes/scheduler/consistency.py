"""Schedulers of consistency models: the boundary, the step, and the noise between steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from refdiff._namespace import sqrt
from refdiff.conformance.checks import Check
from refdiff.conformance.explain import Case
from refdiff.conformance.parts import Parts
from refdiff.conformance.shapes.scheduler import claims
from refdiff.conformance.shapes.scheduler.driving import Drive, Driven, drive
from refdiff.conformance.shapes.scheduler.findings import explained, named, where_built
from refdiff.conformance.shapes.scheduler.target import Scheduler, quiet
from refdiff.conformance.variants import variant
from refdiff.conformance.verdicts import Outcome, conforms, deviates, not_provided

__all__ = ["consistency_checks"]

_SIGMA_DATA = 0.5


def consistency_checks(target: Scheduler) -> list[Check]:
    """Return the checks of consistency models; none of them applies to another scheduler."""
    return [
        Check("consistency-boundary/values", (), _asked(target, _boundary)),
        Check("consistency-step/values", (), _asked(target, _steps)),
        Check("consistency-step/last-step", (), _asked(target, _last)),
    ]


def _asked(target: Scheduler, judge: Callable[[Scheduler], Outcome]) -> Callable[[], Outcome]:
    def judged() -> Outcome:
        if not claims.is_consistency(target):
            return not_provided(f"{target.name} drives no consistency models")
        return judge(target)

    return where_built(judged)


def _boundary(target: Scheduler) -> Outcome:
    """Judge that at the least noise the model's answer does not matter."""
    own = target.copy()
    for name, least in (
        ("get_scalings_for_boundary_condition_discrete", 0),
        ("get_scalings_for_boundary_condition", target.option("sigma_min")),
    ):
        function = getattr(own, name, None)
        if not callable(function) or least is None:
            continue
        with quiet():
            skip, out = (float(v) for v in function(least))
        if (skip, out) == (1.0, 0.0):
            return conforms("at the least noise a consistency model returns what it is shown")
        return deviates(
            f"at the least noise the state has the factor {skip:g} and the answer {out:g}",
            at={"least": least},
            expected=1.0,
            observed=skip,
        )
    return not_provided(f"{target.name} shows no factors of the boundary condition")


def _table_steps(target: Scheduler) -> Drive | Outcome:
    """Drive a scheduler of whole times and clipped nothing, or say why it cannot be judged so."""
    if target.alpha_bars is None or "timestep_scaling" not in target.config:
        return not_provided(f"{target.name} has no table alphas_cumprod, or other factors")
    if "eta" in target.parameters("step"):
        return not_provided(f"{target.name} steps along trajectories, by a rule of its own")
    return drive(claims.unclipped(target), count=4)


def _steps(target: Scheduler) -> Outcome:
    driven = _table_steps(target)
    if isinstance(driven, Outcome):
        return driven
    cases = [Case(driven.at(s), s.prev_sample, _program(driven, s)) for s in driven.steps]
    return explained(cases, "a step of a consistency model", "float32")


def _program(driven: Drive, step: Driven) -> Callable[[Parts], Any]:
    scaling = float(driven.target.option("timestep_scaling"))
    prediction = driven.target.prediction

    def program(parts: Parts) -> Any:
        walk = driven.walk(parts)
        level = parts.level_at(walk, step.k)
        x, output = parts.lift(step.x), parts.lift(step.output)
        x_0 = parts.predicted_x_0(output, x, alpha_bar_t=level, prediction=prediction)
        time = parts.lift(step.t * scaling)
        skip = parts.consistency_skip(time, sigma_data=_SIGMA_DATA)
        clean = skip * x + parts.consistency_out(time, sigma_data=_SIGMA_DATA) * x_0
        if step.k + 1 == len(driven.times) and step.noise is None:
            return clean
        after = parts.level_after(walk, step.k)
        noise = 0.0 if step.noise is None else parts.lift(step.noise)
        return sqrt(after) * clean + sqrt(1 - after) * noise

    return program


def _last(target: Scheduler) -> Outcome:
    """Judge that the last step adds no noise: its result is the same whatever is drawn."""
    why = target.lacks("step", ("model_output", "timestep", "sample"))
    if why is not None:
        return not_provided(why)
    from refdiff.conformance.probe.draws import scripted_draws

    def end(value: float) -> np.ndarray:
        with scripted_draws(lambda _index, _kind, shape: np.full(shape, value)):
            return drive(claims.unclipped(target), count=1).steps[-1].prev_sample

    gap = float(np.abs(end(0.0) - end(1.0)).max())
    if gap == 0:
        return conforms("the last step adds no noise")
    return named(
        variant("noise-at-the-last-step"),
        f"the last step adds noise of standard deviation {gap:.3g}",
        at={"num_inference_steps": 1},
        expected=0.0,
        observed=gap,
    )
