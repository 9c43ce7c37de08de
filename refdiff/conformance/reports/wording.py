"""How numbers, inputs and groups of results are put into words, alike in every form of report."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from refdiff.conformance.report import Report, worst_first
from refdiff.conformance.results import Result
from refdiff.conformance.variants import Variant, all_variants

__all__ = ["Group", "budgets", "groups", "inputs", "named", "numbers", "opening", "variants_of"]

_FEW = 6
_VERDICTS = {
    "conforms": "conform",
    "convention": "follow another convention",
    "approximation": "are approximations",
    "known-deviation": "are known deviations",
    "deviates": "deviate",
    "inconclusive": "are inconclusive",
    "not-provided": "are not provided",
    "error": "ended in an error",
}


@dataclass(frozen=True)
class Group:
    """Results that have the same cause, the worst first.

    Parameters
    ----------
    results : sequence of Result
        At least one.
    """

    results: Sequence[Result]

    @property
    def worst(self) -> Result:
        """The one with the largest error."""
        return self.results[0]


def groups(results: Iterable[Result]) -> list[Group]:
    """Put results of the same cause together: the same name, or the same error raised.

    Parameters
    ----------
    results : iterable of Result
        Findings.

    Returns
    -------
    list of Group
        The worst first; what has no name stands alone.
    """
    found: dict[tuple[str, ...], list[Result]] = {}
    for result in worst_first(results):
        key: tuple[str, ...] = (result.verdict, result.variant or "")
        if result.verdict == "error":
            key = (result.verdict, result.message)
        elif result.variant is None:
            key = (result.verdict, "", result.check)
        found.setdefault(key, []).append(result)
    for key in [key for key in found if "+" in key[1]]:
        # Where each of two causes has been seen alone, both together are nothing new.
        alone = [(key[0], name) for name in key[1].split("+")]
        if all(single in found for single in alone):
            found[alone[0]] += found.pop(key)
    return [Group(members) for members in found.values()]


def variants_of(name: str | None) -> list[Variant]:
    """Return the registered variants that a name, maybe joined by ``+``, stands for."""
    known = all_variants()
    return [known[part] for part in (name or "").split("+") if part in known]


def opening(report: Report) -> str:
    """Return the first sentence: how many checks ran, and how many could not."""
    total, summary = len(report.results), report.summary
    ran = total - summary["not-provided"]
    parts = [f"{ran} {'check' if ran == 1 else 'checks'} ran"]
    missing = [r.check for r in report.results if r.verdict == "not-provided"]
    parts.append(f"{len(missing)} not provided{few(missing)}")
    unsure = [r.check for r in report.results if r.verdict == "inconclusive"]
    if unsure:
        parts.append(f"{len(unsure)} inconclusive")
    return ", ".join(parts)


def few(names: Sequence[str]) -> str:
    """Return names in parentheses if they are few, else nothing."""
    return f" ({', '.join(names)})" if 0 < len(names) <= _FEW else ""


def named(count: int, verdict: str) -> str:
    """Say how many results have a verdict."""
    return f"{count} {_VERDICTS[verdict]}"


def budgets(units: float | None) -> str:
    """Write an error in budgets of rounding; empty where there is none."""
    if units is None:
        return ""
    if math.isnan(units) or math.isinf(units):
        return "beyond any budget of rounding"
    shown = f"{units:.1f}" if units < 1000 else f"{units:.1e}"
    return f"{shown} budgets of rounding"


def inputs(at: Mapping[str, Any]) -> str:
    """Write inputs as ``t=500, eta=0.5``."""
    return ", ".join(f"{name}={_short(value)}" for name, value in at.items())


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.17g}" if len(f"{value:.17g}") <= 8 else f"{value:.8g}"
    if isinstance(value, list):
        return "[" + ", ".join(_short(item) for item in value) + "]"
    return str(value)


def numbers(expected: Any, observed: Any) -> tuple[str, str]:
    """Write two numbers with as many digits as it takes to see that they differ, and two more.

    Examples
    --------
    >>> numbers(0.1, 0.1000001)
    ('0.1', '0.1000001')
    >>> numbers(1 / 3, 0.5)
    ('0.33333333', '0.5')
    """
    if isinstance(expected, float) and isinstance(observed, float):
        for digits in range(8, 18):
            first, second = f"{expected:.{digits}g}", f"{observed:.{digits}g}"
            if f"{expected:.{digits - 2}g}" != f"{observed:.{digits - 2}g}":
                break
        return first, second
    return _short(expected), _short(observed)
