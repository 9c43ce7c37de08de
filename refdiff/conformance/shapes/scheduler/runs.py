"""Whole runs of a scheduler: as configured, and with its other spacings, levels and options."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

from refdiff.conformance.checks import Check
from refdiff.conformance.explain import Case, fit
from refdiff.conformance.free import free_checks
from refdiff.conformance.parts import Parts
from refdiff.conformance.sampling import step_checks
from refdiff.conformance.shapes.scheduler import claims
from refdiff.conformance.shapes.scheduler.driving import Driven, drive, drive_one, fixed_numbers
from refdiff.conformance.shapes.scheduler.findings import named
from refdiff.conformance.shapes.scheduler.loops import SchedulerLoop
from refdiff.conformance.shapes.scheduler.target import CannotBuild, Scheduler, numbers
from refdiff.conformance.variants import variant
from refdiff.conformance.variants.scheduler import RAW_OUTPUTS_COMBINED
from refdiff.conformance.verdicts import Outcome, conforms, not_provided

__all__ = ["run_checks"]

_ESSENTIAL = {
    "finite",
    "time-shown",
    "end-on-point",
    "limit-on-gaussian",
    "same-path-for-every-prediction",
}
"""What is asked of a configuration beside the target's own."""

_LONG = {"finite", "limit-on-gaussian"}
"""What takes many runs: left out where each step is slow."""

_OF_NOISE = {
    "batch-independence",
    "randomness",
    "first-step",
    "middle-steps",
    "last-step",
    "noise",
    "predicts-x-0",
    "predicts-v",
}
"""What is asked as well of a configuration whose steps add noise."""

_WITHOUT_METHOD = {"grid", "grid-7", "grid-full", "time-base", "noise"}
"""What the steps of a method that is not known step by step can still be asked."""

_FEW = 40
"""Most steps of a run in another configuration than the target's own."""

_SPACINGS = ("leading", "trailing", "linspace")
_LEVELS = ("use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas", "use_lu_lambdas")


def run_checks(target: Scheduler) -> list[Check]:
    """Return the checks of whole runs."""
    word = _word(target)
    made = _checks(lambda: SchedulerLoop(target, f"{word}-loop"), f"{word}-loop")
    if "eta" in target.parameters("step") and word == "ddim":
        made.append(Check(f"{word}-loop/eta", ("song2021ddim/sigma",), lambda: _eta(target)))
        for name, eta in (("half", 0.5), ("one", 1.0)) if _adds_noise(target) else ():
            loop = f"{word}-eta-{name}-loop"
            made += _checks(
                functools.partial(
                    SchedulerLoop,
                    target,
                    loop,
                    step_options={"eta": eta},
                    deterministic=False,
                    most_steps=_FEW,
                ),
                loop,
                topics=_ESSENTIAL | _OF_NOISE,
            )
    own = target.option("timestep_spacing")
    for spacing in _SPACINGS:
        if own is not None and spacing != own:
            made += _variation(target, word, spacing, timestep_spacing=spacing)
    for option in _LEVELS:
        if option in target.config and not target.option(option):
            others = {name: False for name in _LEVELS if name in target.config}
            name = option.removeprefix("use_").replace("_", "-")
            made += _variation(target, word, name, **(others | {option: True}))
    if "skip_prk_steps" in target.config and not target.option("skip_prk_steps"):
        made += _variation(target, "plms", "start", skip_prk_steps=True)
    return made


def _adds_noise(target: Scheduler) -> bool:
    """Say whether eta makes a step draw: if not, nothing is to be judged with it."""
    try:
        step = drive_one(target, 0, output=fixed_numbers(0), options={"eta": 1.0}).steps[0]
    except Exception:  # the checks of runs with eta report it
        return True
    return step.noise is not None


def _eta(target: Scheduler) -> Outcome:
    if _adds_noise(target):
        return conforms("with eta above 0 a step adds noise")
    return named(
        variant("eta-has-no-effect"),
        "step takes eta, and does the same whatever it is",
        at={"eta": 1.0},
    )


def _word(target: Scheduler) -> str:
    """Return what the ids of its runs begin with: the method that it is, or none."""
    try:
        return claims.method(target) or "sampling"
    except Exception:  # what fails here fails in the checks too, which report it
        return "sampling"


def _variation(target: Scheduler, word: str, name: str, **options: Any) -> list[Check]:
    loop = f"{word}-{name}-loop"

    def make() -> SchedulerLoop:
        return SchedulerLoop(target.with_options(**options), loop, most_steps=_FEW)

    slow = "order" in target.parameters("step")
    return _checks(make, loop, topics=_ESSENTIAL - _LONG if slow else _ESSENTIAL)


def _checks(
    make: Callable[[], SchedulerLoop], name: str, *, topics: set[str] | None = None
) -> list[Check]:
    """Return the checks of a loop, of some topics or all; or one that says why there are none."""
    try:
        loop = make()
        why = claims.why_no_loop(loop.target) or _not_a_sampler(loop.target)
        if why is not None:
            return [Check(f"{name}/runs", (), lambda: not_provided(str(why)))]
        loop.target.prepared(loop.target.usual_steps)
        listed = free_checks(loop)
        if not (loop.tells == "sigma" and loop.coordinates == "vp"):
            known = claims.method(loop.target) is not None
            # Undoing the preconditioning rounds more than the steps that would be judged.
            known = known and not claims.is_preconditioned(loop.target)
            known = known and _ends_at_data(loop)
            # A start by Runge-Kutta asks at times between the steps, and more often.
            between = loop.target.config.get("skip_prk_steps") is False
            others = set() if between else _WITHOUT_METHOD
            listed += [
                check
                for check in step_checks(loop)
                if known or check.id.removeprefix(f"{name}/") in others
            ]
    except (CannotBuild, ValueError, NotImplementedError) as refusal:
        message = str(refusal)
        return [Check(f"{name}/runs", (), lambda: not_provided(message))]
    listed = [_with_cause(loop.target, check) for check in listed]
    if topics is None:
        return listed
    return [check for check in listed if check.id.removeprefix(f"{name}/") in topics]


def _ends_at_data(loop: SchedulerLoop) -> bool:
    """Say whether a list of sigmas ends at 0 with the last step, as its reference does."""
    if loop.tells == "time":
        return True
    scheduler = loop.target.prepared(loop.target.usual_steps)
    sigmas = numbers(scheduler.sigmas)
    return bool(sigmas[min(len(scheduler.timesteps), sigmas.size - 1)] == 0)


def _with_cause(target: Scheduler, check: Check) -> Check:
    """Name the cause of paths that differ by prediction, where it is one that can be seen."""
    if not check.id.endswith("same-path-for-every-prediction"):
        return check

    def judge() -> Outcome:
        outcome = check.judge()
        if outcome.verdict != "deviates" or not _combines_raw_outputs(target):
            return outcome
        named_cause = named(RAW_OUTPUTS_COMBINED, outcome.message)
        return dataclasses.replace(
            outcome, verdict=named_cause.verdict, variant=named_cause.variant
        )

    return dataclasses.replace(check, judge=judge)


def _combines_raw_outputs(target: Scheduler) -> bool:
    """Say whether a multistep method of v models combines their answers as they are.

    Then equal answers are combined to that answer, and each step is DDIM's; the eps that they
    imply at different times differ, so that for a right method it is not.
    """
    if "skip_prk_steps" not in target.config:
        return False
    try:
        plain = target.with_options(skip_prk_steps=True, timestep_spacing="leading")
        driven = drive(plain, prediction="v", constant=True)
    except CannotBuild:
        return False
    later = driven.steps[3:-1]  # the first step takes two calls; the last one has its own end

    def case(step: Driven) -> Case:
        def program(parts: Parts) -> Any:
            walk = driven.walk(parts)
            levels = {
                "alpha_bar_t": parts.level_at(walk, step.k),
                "alpha_bar_s": parts.level_after(walk, step.k),
            }
            x_0, eps = parts.x_0_and_eps(
                parts.lift(step.output),
                parts.lift(step.x),
                alpha_bar_t=levels["alpha_bar_t"],
                prediction="v",
            )
            return parts.ddim_update(x_0, eps, 0.0, **levels, eta=0.0)

        return Case(driven.at(step), step.prev_sample, program)

    return fit([case(step) for step in later], dtype="float32").holds


def _not_a_sampler(target: Scheduler) -> str | None:
    if claims.is_consistency(target):
        return f"{target.name} drives consistency models, which are no denoisers"
    if claims.is_inverse(target):
        return f"{target.name} leads from data to noise"
    return None
