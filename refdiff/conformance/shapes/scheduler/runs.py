"""Whole runs of a scheduler: as configured, and with its other spacings, levels and options."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from refdiff.conformance.checks import Check
from refdiff.conformance.free import free_checks
from refdiff.conformance.sampling import step_checks
from refdiff.conformance.shapes.scheduler import claims
from refdiff.conformance.shapes.scheduler.loops import SchedulerLoop
from refdiff.conformance.shapes.scheduler.target import CannotBuild, Scheduler
from refdiff.conformance.verdicts import not_provided

__all__ = ["run_checks"]

_ESSENTIAL = (
    "finite",
    "time-shown",
    "end-on-point",
    "limit-on-gaussian",
    "same-path-for-every-prediction",
)
"""What is asked of a configuration beside the target's own."""

_WITHOUT_METHOD = ("grid", "grid-7", "grid-full", "time-base", "noise")
"""What the steps of a method that is not known step by step can still be asked."""

_FEW = 40
"""Most steps of a run in another configuration than the target's own."""

_SPACINGS = ("leading", "trailing", "linspace")
_LEVELS = ("use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas", "use_lu_lambdas")


def run_checks(target: Scheduler) -> list[Check]:
    """Return the checks of whole runs."""
    word = _word(target)
    made = _checks(lambda: SchedulerLoop(target, f"{word}-loop"), f"{word}-loop", all_of=True)
    if "eta" in target.parameters("step") and word == "ddim":
        for name, eta in (("half", 0.5), ("one", 1.0)):
            loop = f"{word}-eta-{name}-loop"
            made += _checks(
                lambda eta=eta, loop=loop: SchedulerLoop(
                    target, loop, step_options={"eta": eta}, deterministic=False
                ),
                loop,
                all_of=True,
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


def _word(target: Scheduler) -> str:
    """Return what the ids of its runs begin with: the method that it is, or none."""
    try:
        return claims.method(target) or "sampling"
    except Exception:  # what fails here fails in the checks too, which report it
        return "sampling"


def _variation(target: Scheduler, word: str, name: str, **options: Any) -> list[Check]:
    loop = f"{word}-{name}-loop"
    return _checks(
        lambda: SchedulerLoop(target.with_options(**options), loop, most_steps=_FEW),
        loop,
        all_of=False,
    )


def _checks(make: Callable[[], SchedulerLoop], name: str, *, all_of: bool) -> list[Check]:
    """Return the checks of a loop; one that says why, where it cannot be driven."""
    try:
        loop = make()
        why = claims.why_no_loop(loop.target) or _not_a_sampler(loop.target)
        if why is not None:
            return [Check(f"{name}/runs", (), lambda: not_provided(str(why)))]
        loop.target.prepared(loop.target.usual_steps)
        listed = free_checks(loop)
        if all_of and not (loop.tells == "sigma" and loop.coordinates == "vp"):
            known = claims.method(loop.target) is not None
            listed += [
                check
                for check in step_checks(loop)
                if known or check.id.removeprefix(f"{name}/") in _WITHOUT_METHOD
            ]
    except (CannotBuild, ValueError, NotImplementedError) as refusal:
        message = str(refusal)
        return [Check(f"{name}/runs", (), lambda: not_provided(message))]
    if all_of:
        return listed
    return [check for check in listed if check.id.removeprefix(f"{name}/") in _ESSENTIAL]


def _not_a_sampler(target: Scheduler) -> str | None:
    if claims.is_consistency(target):
        return f"{target.name} drives consistency models, which are no denoisers"
    if claims.is_inverse(target):
        return f"{target.name} leads from data to noise"
    return None
