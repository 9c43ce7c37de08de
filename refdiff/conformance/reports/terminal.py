"""The report for a terminal: what deviates first, the worst of it at the top."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from refdiff.conformance.report import Report
from refdiff.conformance.reports.wording import (
    Group,
    budgets,
    groups,
    inputs,
    numbers,
    opening,
    variants_of,
)
from refdiff.conformance.results import Result

__all__ = ["Line", "finding", "lines", "show", "text"]

_MOST_IN_FULL = 12
_MOST_REASONS = 8
_LAST_LINES = 6


@dataclass(frozen=True)
class Line:
    """One paragraph of the report.

    Parameters
    ----------
    words : str
        What it says.
    style : str
        ``"bad"``, ``"good"``, ``"soft"``, ``"head"`` or nothing.
    indent : int
        Columns before its first line.
    label : str
        What stands before the words, in a column of its own.
    fixed : bool
        Whether it is never broken, as a command to copy must not be.
    """

    words: str = ""
    style: str = ""
    indent: int = 0
    label: str = ""
    fixed: bool = False

    def wrapped(self, width: int) -> list[str]:
        """Return its lines, at most `width` columns wide where words allow it."""
        start = " " * self.indent + (f"{self.label:<10} " if self.label else "")
        if self.fixed or not self.words:
            return [(start + self.words).rstrip()]
        return textwrap.wrap(
            self.words,
            max(width, len(start) + 20),
            initial_indent=start,
            subsequent_indent=" " * len(start),
            break_long_words=False,
            break_on_hyphens=False,
        )


def text(report: Report, *, width: int = 100) -> str:
    """Return the report as plain text.

    Parameters
    ----------
    report : Report
        What to show.
    width : int
        Columns.

    Returns
    -------
    str
        Lines without a line break at the end.
    """
    return "\n".join(part for line in lines(report) for part in line.wrapped(width))


def finding(result: Result) -> str:
    """Return one finding in full, as a test's failure shows it."""
    return "\n".join(part for line in _in_full(Group([result]), None) for part in line.wrapped(100))


def show(report: Report, console: Any) -> None:
    """Print the report.

    Parameters
    ----------
    report : Report
        What to show.
    console : rich.console.Console
        Where to; it decides on colours and width.
    """
    from rich.text import Text

    colours = {"bad": "bold red", "good": "green", "soft": "dim", "head": "bold"}
    for line in lines(report):
        for part in line.wrapped(console.width):
            shown = Text(part, style=colours.get(line.style, ""))
            console.print(shown, soft_wrap=True, highlight=False)


def lines(report: Report) -> Iterator[Line]:
    """Yield the report's paragraphs."""
    yield Line(f"{opening(report)}.", "head")
    yield Line(f"{report.target}, judged as {report.shape}.")
    if not report.complete:
        yield Line("INCOMPLETE: the run was broken off; what follows is a part of it.", "bad")
    yield from _failures(report)
    for sentence in report.stale:
        yield Line()
        yield Line(f"{sentence}.", "bad")
    yield from _summarised(report, "convention", "Conventions, each another consistent choice:")
    yield from _summarised(report, "approximation", "Approximations, with their largest error:")
    yield from _excused(report)
    yield from _reasons(report)
    for note in report.notes:
        yield Line()
        yield Line(f"Note: {note}.", "soft")
    yield Line()
    yield _last(report)


def _failures(report: Report) -> Iterator[Line]:
    found = groups(report.failures)
    for number, group in enumerate(found):
        if number < _MOST_IN_FULL:
            yield Line()
            yield from _in_full(group, report)
            continue
        if number == _MOST_IN_FULL:
            yield Line()
            yield Line(f"{len(found) - number} more, which --json and --html show in full:", "bad")
        worst = group.worst
        yield Line(f"{worst.check}: {worst.message}", indent=2)


def _in_full(group: Group, report: Report | None) -> Iterator[Line]:
    worst = group.worst
    size = budgets(worst.error_units)
    yield Line(
        f"{worst.verdict}  {worst.check}{f'  {size}' if size else ''}",
        "bad",
    )
    yield Line(worst.message, indent=2)
    if worst.variant:
        yield Line(worst.variant, indent=2, label="name")
    if worst.at:
        yield Line(inputs(worst.at), indent=2, label="at")
    if worst.expected is not None or worst.observed is not None:
        expected, observed = numbers(worst.expected, worst.observed)
        yield Line(expected, indent=2, label="expected")
        yield Line(observed, indent=2, label="observed")
    known = variants_of(worst.variant)
    for variant in known:
        if variant.symptom:
            yield Line(variant.symptom, indent=2, label="symptom")
        if variant.cure:
            yield Line(variant.cure, indent=2, label="cure")
        for link in variant.links:
            yield Line(link, indent=2, label="seen in", fixed=True)
    if worst.equations:
        yield Line(", ".join(worst.equations), indent=2, label="equations")
    others = [result.check for result in group.results[1:]]
    if others:
        shown = ", ".join(others[:8]) + (f" and {len(others) - 8} more" if len(others) > 8 else "")
        yield Line(shown, indent=2, label="also in")
    if worst.traceback:
        for part in worst.traceback.strip().splitlines()[-_LAST_LINES:]:
            yield Line(part, "soft", indent=4, fixed=True)
    if worst.reproduce:
        yield Line(worst.reproduce, indent=2, label="reproduce", fixed=True)


def _summarised(report: Report, verdict: str, heading: str) -> Iterator[Line]:
    found = [
        r
        for r in report.results
        if r.verdict == verdict and not (report.counts(r) and report.excuse(r) is None)
    ]
    if not found:
        return
    yield Line()
    yield Line(heading, "head")
    for group in groups(found):
        known = variants_of(group.worst.variant)
        summary = " ".join(variant.summary for variant in known) or group.worst.message
        size = budgets(group.worst.error_units) if verdict == "approximation" else ""
        size = f", {size}" if size else ""
        where = _where(group.results)
        yield Line(f"{group.worst.variant or group.worst.check}{size}: {summary} {where}", indent=2)


def _where(results: Sequence[Result]) -> str:
    first = results[0].check
    return f"({first})" if len(results) == 1 else f"({first} and {len(results) - 1} more)"


def _excused(report: Report) -> Iterator[Line]:
    found = [(r, report.excuse(r)) for r in report.results if report.counts(r)]
    excused = [(result, why) for result, why in found if why is not None]
    gone = [] if report.baseline is None else report.baseline.gone(report.results)
    if excused or gone:
        yield Line()
        yield Line("Not counted:" if excused else "Better than the baseline:", "head")
    for result, why in excused:
        yield Line(f"{result.check}={result.variant or result.verdict}: {why}", indent=2)
    for check in gone:
        yield Line(f"{check} fails no longer", "good", indent=2)


def _reasons(report: Report) -> Iterator[Line]:
    unsure = [r for r in report.results if r.verdict == "inconclusive"]
    if unsure:
        yield Line()
        yield Line("Inconclusive:", "head")
    for result in unsure[:_MOST_REASONS]:
        yield Line(f"{result.check}: {result.message}", indent=2)
    if len(unsure) > _MOST_REASONS:
        yield Line(f"and {len(unsure) - _MOST_REASONS} more, which --json shows", indent=2)


def _last(report: Report) -> Line:
    failures, status = report.failures, report.exit_status
    if status == 2:
        return Line("Nothing was compared: no check had anything to ask this target.", "bad")
    if status == 0:
        verdicts = [f"{n} {v}" for v, n in report.summary.items() if n and v != "not-provided"]
        return Line(f"Nothing deviates ({', '.join(verdicts)}).", "good")
    parts = []
    for verdict in ("deviates", "known-deviation", "error", "approximation"):
        count = sum(result.verdict == verdict for result in failures)
        if count:
            parts.append(f"{count} {verdict}")
    if report.stale:
        parts.append(f"{len(report.stale)} accepted that no longer fit")
    if not report.complete:
        parts.append("incomplete")
    return Line(f"Fails: {', '.join(parts)}.", "bad")
