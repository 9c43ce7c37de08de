"""Outcomes that name a registered variant."""

from __future__ import annotations

from typing import Any

from refdiff.conformance.variants import variant
from refdiff.conformance.verdicts import Outcome, Verdict

__all__ = ["named"]

_VERDICTS: dict[str, Verdict] = {
    "form": "conforms",
    "convention": "convention",
    "approximation": "approximation",
    "deviation": "known-deviation",
}


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
    return Outcome(
        _VERDICTS[found.kind], f"{found.summary.rstrip('.')}: {seen}", variant=name, **known
    )
