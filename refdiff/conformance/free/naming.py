"""Outcomes that name a registered variant."""

from __future__ import annotations

from typing import Any

from refdiff.conformance.variants import variant
from refdiff.conformance.verdicts import Outcome

__all__ = ["named"]


def named(name: str, seen: str, **known: Any) -> Outcome:
    """Return the outcome that a variant was recognised.

    Parameters
    ----------
    name : str
        Of the variant.
    seen : str
        What was seen, without a full stop.
    **known
        Further fields of `Outcome`.
    """
    found = variant(name)
    return found.outcome(f"{found.summary.rstrip('.')}: {seen}", **known)
