"""Schedulers that lead from data to noise: DDIM backwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from refdiff.conformance.checks import Check
from refdiff.conformance.explain import Case
from refdiff.conformance.parts import Parts
from refdiff.conformance.shapes.scheduler import claims
from refdiff.conformance.shapes.scheduler.driving import Drive, Driven, drive
from refdiff.conformance.shapes.scheduler.findings import explained, where_built
from refdiff.conformance.shapes.scheduler.target import Scheduler
from refdiff.conformance.verdicts import Outcome, not_provided

__all__ = ["inversion_checks"]

_DDIM = ("song2021ddim/step",)


def inversion_checks(target: Scheduler) -> list[Check]:
    """Return the checks of inversions; none of them applies to another scheduler."""
    return [
        Check(f"inverse-step/{name}", _DDIM, where_built(_steps(target, prediction)))
        for name, prediction in (("eps", "eps"), ("v", "v"))
    ]


def _steps(target: Scheduler, prediction: str) -> Callable[[], Outcome]:
    def judge() -> Outcome:
        why = claims.why_no_loop(target)
        if why is not None or not claims.is_inverse(target):
            return not_provided(why or f"{target.name} leads from noise to data")
        if "solver_order" in target.config:
            return not_provided(f"{target.name} is an inversion of several steps at once")
        driven = drive(claims.unclipped(target), prediction=prediction)
        cases = [Case(driven.at(s), s.prev_sample, _program(driven, s)) for s in driven.steps]
        return explained(cases, "a step of the inversion", "float32")

    return judge


def _program(driven: Drive, step: Driven) -> Callable[[Parts], Any]:
    """Return the program: up from the level of the time before to that of the time told."""
    prediction = driven.target.prediction
    begins_at_data = driven.target.option("set_alpha_to_one", True)

    def program(parts: Parts) -> Any:
        walk = driven.walk(parts)
        target = parts.level_at(walk, step.k)
        if step.k:
            source = parts.level_at(walk, step.k - 1)
        else:
            source = walk.alpha_bars[0 if begins_at_data else 1]
        x_0, eps = parts.x_0_and_eps(
            parts.lift(step.output),
            parts.lift(step.x),
            alpha_bar_t=source,
            prediction=prediction,
        )
        return parts.forward_sample(x_0, eps, alpha_bar_t=target)

    return program
