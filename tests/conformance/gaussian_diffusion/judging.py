"""Judging a target of the shape in tests: outcomes by id."""

from __future__ import annotations

from typing import Any

from refdiff.conformance.checks import Settings
from refdiff.conformance.shapes import gaussian_diffusion
from refdiff.conformance.verdicts import FAILURES, Outcome

SETTINGS = Settings(array="numpy", schedule=None, time_base=0)


def outcomes(target: Any, *beginnings: str, without: str = "\n") -> dict[str, Outcome]:
    """Judge the checks whose ids begin so; all without beginnings."""
    return {
        check.id: check.judge()
        for check in gaussian_diffusion.checks(target, SETTINGS)
        if (not beginnings or check.id.startswith(beginnings)) and without not in check.id
    }


def failures(found: dict[str, Outcome]) -> dict[str, str]:
    """Return what fails a report."""
    return {id: o.message for id, o in found.items() if o.verdict in FAILURES}


def named(found: dict[str, Outcome], *verdicts: str) -> dict[str, str | None]:
    """Return the variants by check, of these verdicts."""
    return {id: o.variant for id, o in found.items() if o.verdict in verdicts}
