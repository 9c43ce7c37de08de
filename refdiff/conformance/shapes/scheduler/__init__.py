"""The scheduler shape of diffusers: ``set_timesteps``, then ``step`` for each of ``timesteps``."""

from __future__ import annotations

from typing import Any

from refdiff.conformance.checks import Check, Settings
from refdiff.conformance.shapes.scheduler.calls import call_checks
from refdiff.conformance.shapes.scheduler.consistency import consistency_checks
from refdiff.conformance.shapes.scheduler.flow import flow_checks
from refdiff.conformance.shapes.scheduler.grids import grid_checks
from refdiff.conformance.shapes.scheduler.inversion import inversion_checks
from refdiff.conformance.shapes.scheduler.noising import noising_checks
from refdiff.conformance.shapes.scheduler.options import option_checks
from refdiff.conformance.shapes.scheduler.runs import run_checks
from refdiff.conformance.shapes.scheduler.tables import table_checks
from refdiff.conformance.shapes.scheduler.target import Scheduler

__all__ = ["NAME", "checks", "recognises"]

NAME = "scheduler"


def recognises(target: Any) -> bool:
    """Say whether an object is driven by ``set_timesteps`` and ``step``."""
    if isinstance(target, type):
        return False
    return all(callable(getattr(target, name, None)) for name in ("set_timesteps", "step"))


def checks(target: Any, settings: Settings) -> list[Check]:
    """Return the checks of a scheduler; it is copied, never changed, and nothing is run yet."""
    scheduler = Scheduler(target)
    return [
        *table_checks(scheduler),
        *noising_checks(scheduler),
        *grid_checks(scheduler),
        *option_checks(scheduler),
        *call_checks(scheduler),
        *consistency_checks(scheduler),
        *inversion_checks(scheduler),
        *flow_checks(scheduler),
        *run_checks(scheduler),
    ]
