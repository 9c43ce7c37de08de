"""The report of a run: all results, what is accepted of them, and what that means in the end."""

from __future__ import annotations

import collections
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import refdiff
from refdiff._files import atomic_write_text
from refdiff.conformance.accepted import Acceptance
from refdiff.conformance.baseline import SCHEMA, Baseline
from refdiff.conformance.results import Result
from refdiff.conformance.verdicts import VERDICTS

__all__ = ["Report"]


@dataclass(frozen=True)
class Report:
    """What a run found out about one target.

    Parameters
    ----------
    target : str
        What was judged, in words.
    shape : str
        Its shape.
    results : tuple of Result
        In the order of judging.
    complete : bool
        Whether every selected check has a verdict.
    command : str
        What repeats the whole run.
    accepted : tuple of Acceptance
        What the user accepts.
    baseline : Baseline or None
        Earlier findings.
    strict : bool
        Whether approximations fail too.
    notes : tuple of str
        What else a reader has to know, such as a limit that the platform lacks.
    """

    target: str
    shape: str
    results: tuple[Result, ...]
    complete: bool = True
    command: str = ""
    accepted: tuple[Acceptance, ...] = ()
    baseline: Baseline | None = None
    strict: bool = False
    notes: tuple[str, ...] = field(default=())

    # ------------------------------------------------------------------ what it comes to

    @property
    def summary(self) -> dict[str, int]:
        """Number of results by verdict, those without any included."""
        count = collections.Counter(result.verdict for result in self.results)
        return {verdict: count[verdict] for verdict in VERDICTS}

    def excuse(self, result: Result) -> str | None:
        """Say why a finding does not fail the report; None if nothing excuses it."""
        for entry in self.accepted:
            if entry.covers(result):
                return f"accepted: {entry.reason}" if entry.reason else "accepted"
        if self.baseline is not None and self.baseline.has(result):
            return f"known from {self.baseline.name}"
        return None

    def counts(self, result: Result) -> bool:
        """Say whether a result is of a kind that fails the report unless it is excused."""
        return result.fails or (self.strict and result.verdict == "approximation")

    @property
    def failures(self) -> list[Result]:
        """What fails the report, the largest error first and raised errors last."""
        found = [r for r in self.results if self.counts(r) and self.excuse(r) is None]
        return worst_first(found)

    @property
    def stale(self) -> list[str]:
        """A sentence for each accepted entry that no longer fits."""
        said = (entry.stale(self.results) for entry in self.accepted)
        return [sentence for sentence in said if sentence is not None]

    @property
    def exit_status(self) -> int:
        """0 if nothing fails, 1 if something does, 2 if nothing was compared.

        Accepted entries that no longer fit are failures, and so is a run that was broken off.
        """
        if self.failures or self.stale or not self.complete:
            return 1
        return 0 if any(result.compared for result in self.results) else 2

    @property
    def passed(self) -> bool:
        """Whether the exit status is 0."""
        return self.exit_status == 0

    def result(self, check: str) -> Result:
        """Return the result of one check.

        Raises
        ------
        KeyError
            If it was not judged.
        """
        for result in self.results:
            if result.check == check:
                return result
        raise KeyError(check)

    # ------------------------------------------------------------------ forms

    def record(self) -> dict[str, Any]:
        """Return what the JSON report holds (schema 1)."""
        return {
            "schema": SCHEMA,
            "refdiff": refdiff.__version__,
            "target": self.target,
            "shape": self.shape,
            "complete": self.complete,
            "summary": self.summary,
            "results": [result.record() for result in self.results],
        }

    def to_json(self) -> str:
        """Return the report as JSON, for programs and for `--baseline`."""
        return json.dumps(self.record(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"

    def to_html(self) -> str:
        """Return the report as one HTML page that loads nothing, for people."""
        from refdiff.conformance.reports.page import render

        return render(self)

    def to_junit(self) -> str:
        """Return the report as JUnit's XML, for continuous integration."""
        from refdiff.conformance.reports.junit import render

        return render(self)

    def to_text(self, *, width: int = 100) -> str:
        """Return the report as plain text, as the terminal shows it without colours."""
        from refdiff.conformance.reports.terminal import text

        return text(self, width=width)

    def __str__(self) -> str:
        return self.to_text()

    def write_json(self, path: str | Path) -> None:
        """Write `to_json` to a file, which appears complete or not at all."""
        atomic_write_text(path, self.to_json())

    def write_html(self, path: str | Path) -> None:
        """Write `to_html` to a file, which appears complete or not at all."""
        atomic_write_text(path, self.to_html())

    def write_junit(self, path: str | Path) -> None:
        """Write `to_junit` to a file, which appears complete or not at all."""
        atomic_write_text(path, self.to_junit())


def worst_first(results: Iterable[Result]) -> list[Result]:
    """Sort by error, the largest first; what raised and has none comes last."""

    def key(result: Result) -> tuple[bool, float]:
        return result.verdict == "error", -(result.error_units or 0.0)

    found: Sequence[Result] = sorted(results, key=key)
    return list(found)
