"""What a check may find: the verdicts, and the outcome that carries one with its numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, get_args

__all__ = [
    "FAILURES",
    "VERDICTS",
    "Outcome",
    "Verdict",
    "conforms",
    "deviates",
    "inconclusive",
    "not_provided",
]

Verdict: TypeAlias = Literal[
    "conforms",
    "convention",
    "approximation",
    "known-deviation",
    "deviates",
    "inconclusive",
    "not-provided",
    "error",
]
VERDICTS: tuple[str, ...] = get_args(Verdict)
"""All verdicts, from the best to the worst that a reader has to do with."""

FAILURES = frozenset({"known-deviation", "deviates", "error"})
"""Those that make a report fail."""


@dataclass(frozen=True)
class Outcome:
    """What one check found.

    Parameters
    ----------
    verdict : str
        One of `VERDICTS`.
    message : str
        One sentence that stands by itself.
    variant : str or None
        The named convention, approximation or deviation; two that act together are joined by
        ``+``.
    error_units : float or None
        Largest error against the reference, in budgets of rounding.
    at : mapping
        The inputs at which that error was seen.
    expected, observed : object
        The reference's number and the target's there.
    also_fits : sequence of str
        Other variants that explain the same observations.
    choices : mapping of str to str
        Which convention was seen to be followed, by what it is a choice of; ``"reference"`` where
        the numbers rule every other known one out. A target has to choose alike everywhere; a
        check that sets options of the target by itself leaves this empty.
    series : sequence of (mapping, float)
        Inputs and error in budgets of each observation, for a picture.
    """

    verdict: Verdict
    message: str
    variant: str | None = None
    error_units: float | None = None
    at: Mapping[str, Any] = field(default_factory=dict)
    expected: Any = None
    observed: Any = None
    also_fits: Sequence[str] = ()
    choices: Mapping[str, str] = field(default_factory=dict)
    series: Sequence[tuple[Mapping[str, Any], float]] = ()


def conforms(message: str = "agrees with the reference", **known: Any) -> Outcome:
    """Return the outcome of a check that was passed."""
    return Outcome("conforms", message, **known)


def deviates(message: str, **known: Any) -> Outcome:
    """Return the outcome of a check whose numbers nothing known explains."""
    return Outcome("deviates", message, **known)


def inconclusive(message: str, **known: Any) -> Outcome:
    """Return the outcome where this configuration cannot show it; the message says which would."""
    return Outcome("inconclusive", message, **known)


def not_provided(message: str) -> Outcome:
    """Return the outcome of a check that needs what the target does not have."""
    return Outcome("not-provided", message)
