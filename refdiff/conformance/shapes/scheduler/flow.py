"""Schedulers of models that predict the velocity of straight paths x = (1 - s) x_0 + s eps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from refdiff.conformance.checks import Check
from refdiff.conformance.explain import Case
from refdiff.conformance.parts import Parts
from refdiff.conformance.shapes.scheduler import claims
from refdiff.conformance.shapes.scheduler.driving import drive, fixed_numbers
from refdiff.conformance.shapes.scheduler.findings import explained, where_built
from refdiff.conformance.shapes.scheduler.target import Scheduler, numbers, quiet, tensor
from refdiff.conformance.verdicts import Outcome, not_provided

__all__ = ["flow_checks"]


def flow_checks(target: Scheduler) -> list[Check]:
    """Return the checks of flow matching; none of them applies to another scheduler."""
    return [
        Check("flow-step/values", (), _asked(target, _steps)),
        Check("flow-scale-noise/values", (), _asked(target, _mixed)),
        Check("flow-sigmas/shift", (), _asked(target, _shift)),
    ]


def _asked(target: Scheduler, judge: Callable[[Scheduler], Outcome]) -> Callable[[], Outcome]:
    def judged() -> Outcome:
        if not claims.is_flow(target) or target.alpha_bars is not None:
            return not_provided(f"{target.name} drives no flow models")
        if "FlowMatchEuler" not in target.name:
            return not_provided(f"the rule of {target.name} is not known")
        for method, known in (
            ("set_timesteps", ("num_inference_steps",)),
            ("step", ("model_output", "timestep", "sample")),
        ):
            why = target.lacks(method, known)
            if why is not None:
                return not_provided(why)
        if target.option("use_dynamic_shifting") or target.option("stochastic_sampling"):
            return not_provided("the times depend on the size of the image, or steps are random")
        return judge(target)

    return where_built(judged)


def _steps(target: Scheduler) -> Outcome:
    driven = drive(target)
    sigmas = numbers(target.prepared(len(driven.times)).sigmas)

    cases = []
    for step in driven.steps:

        def program(parts: Parts, step: Any = step) -> Any:
            here, there = (parts.lift(sigmas[step.k + i]) for i in (0, 1))
            return parts.euler_update(
                parts.lift(step.x), parts.lift(step.output), sigma_from=here, sigma_to=there
            )

        cases.append(Case(driven.at(step), step.prev_sample, program))
    return explained(cases, "a step along the velocity", "float32")


def _mixed(target: Scheduler) -> Outcome:
    if not callable(getattr(target.target, "scale_noise", None)):
        return not_provided(f"{target.name} has no scale_noise")
    scheduler = target.prepared(target.usual_steps)
    data, eps = fixed_numbers(1), fixed_numbers(2)
    sigmas, cases = numbers(scheduler.sigmas), []
    for k in (0, 1, 5, -1):
        t = scheduler.timesteps[k]
        with quiet():
            noisy = scheduler.scale_noise(tensor(data), t.reshape(1), tensor(eps))
        level = sigmas[: len(scheduler.timesteps)][k]

        def program(parts: Parts, level: float = level) -> Any:
            s = parts.lift(level)
            return (1 - s) * parts.lift(data) + s * parts.lift(eps)

        cases.append(Case({"timestep": float(t)}, numbers(noisy), program))
    return explained(cases, "scale_noise", "float32")


def _shift(target: Scheduler) -> Outcome:
    """Judge that the option ``shift`` moves the levels by s -> shift s / (1 + (shift - 1) s)."""
    if any(target.option(f"use_{kind}_sigmas") for kind in ("karras", "exponential", "beta")):
        return not_provided("the levels are not spaced evenly in this configuration")
    shift = 3.0
    plain = target.with_options(shift=1.0).table("sigmas")
    moved = target.with_options(shift=shift).table("sigmas")
    if plain is None or moved is None or plain.shape != moved.shape:
        return not_provided(f"{target.name} has no list sigmas")
    positive = plain[plain > 0]

    def program(parts: Parts) -> Any:
        s = parts.lift(positive)
        return shift * s / (1 + (shift - 1) * s)

    case = Case({"shift": shift}, np.asarray(moved[plain > 0]), program)
    return explained([case], "sigmas", "float32")
