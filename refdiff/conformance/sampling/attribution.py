"""Outcomes of observations whose explanation is known already, or known not to exist."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from refdiff.conformance.explain import Case, fit
from refdiff.conformance.variants import Variant, variant
from refdiff.conformance.verdicts import Outcome, conforms, deviates

__all__ = ["attributed", "unexplained"]


def unexplained(cases: Sequence[Case], dtype: str, title: str) -> Outcome:
    """Return the outcome of observations that nothing known explains."""
    worst = fit(cases, dtype=dtype)
    observed, expected = (
        f"{number:.6g}" if isinstance(number, float) else number
        for number in (worst.observed, worst.expected)
    )
    return deviates(
        f"{title} returned {observed} in place of {expected}; no known variant explains it",
        error_units=worst.units,
        at=worst.at,
        expected=worst.expected,
        observed=worst.observed,
        series=worst.series,
    )


def attributed(
    cases: Sequence[Case],
    names: Sequence[str],
    title: str,
    dtype: str,
    follows: Sequence[str] = (),
) -> Outcome:
    """Return the outcome of observations that these variants are known to explain.

    `follows` are the conventions of the method, which other checks tell where no more is to tell.
    """
    worst = fit(cases, dtype=dtype)
    if not names:
        ends = any(case.at.get("step", -2) + 1 == case.at.get("of") for case in cases)
        return replace(
            conforms(f"{title} agrees with the reference"),
            choices={"end rule": "reference"} if ends else {},
            error_units=worst.units,
            at=worst.at,
            expected=worst.expected,
            observed=worst.observed,
            series=worst.series,
        )
    variants: list[Variant] = [variant(name) for name in names]
    serious = max(variants, key=lambda v: v.severity)
    # Beside a mistake, the conventions that its numbers need too are told in words.
    shown = [v.name for v in variants if v.severity == serious.severity and v.severity > 0]
    shown = [name for name in shown if name not in follows] or shown
    message = f"{title}: " + "; and ".join(v.summary.rstrip(".") for v in variants)
    return Outcome(
        serious.verdict,
        message,
        variant="+".join(shown) or None,
        choices={v.choice: v.name for v in variants if v.kind == "convention" and v.choice},
        error_units=worst.units,
        at=worst.at,
        expected=worst.expected,
        observed=worst.observed,
        series=worst.series,
    )
