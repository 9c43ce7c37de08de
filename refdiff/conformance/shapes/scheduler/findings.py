"""Outcomes of the scheduler's checks: named findings, and explanations in its precision."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from refdiff.conformance.explain import Case, explain
from refdiff.conformance.shapes.scheduler.target import CannotBuild
from refdiff.conformance.variants import Variant
from refdiff.conformance.verdicts import Outcome, not_provided

__all__ = ["explained", "named", "where_built"]


def named(variant: Variant, message: str, **known: Any) -> Outcome:
    """Return the outcome that names a variant which the check recognised by itself."""
    return variant.outcome(message, **known)


def explained(cases: Sequence[Case], what: str, dtype: str, **options: Any) -> Outcome:
    """Judge cases in the precision of the target's tables.

    What a target chooses is stated by its configuration, and other configurations are judged
    beside it: no choice of one check says anything about the next.
    """
    found = explain(cases, what=what, dtype=dtype, **options)
    return dataclasses.replace(found, choices={})


def where_built(judge: Callable[[], Outcome]) -> Callable[[], Outcome]:
    """Turn a configuration that the target does not have into ``not-provided``."""

    def judged() -> Outcome:
        try:
            return judge()
        except CannotBuild as refusal:
            return not_provided(str(refusal))

    return judged
