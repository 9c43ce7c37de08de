"""An earlier report as the baseline: what it shows already is no new failure."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from refdiff._errors import UserError
from refdiff.conformance.results import Result
from refdiff.conformance.verdicts import FAILURES

__all__ = ["Baseline", "read_baseline"]

SCHEMA = 1
"""Version of the JSON report that is written and read."""


@dataclass(frozen=True)
class Baseline:
    """Findings of an earlier report.

    Parameters
    ----------
    known : frozenset of (str, str, str)
        Check, verdict and variant (or nothing) of each.
    name : str
        Where it was read from.
    """

    known: frozenset[tuple[str, str, str]]
    name: str

    def has(self, result: Result) -> bool:
        """Say whether the earlier report shows the same finding in the same check."""
        return (result.check, result.verdict, result.variant or "") in self.known

    def gone(self, results: Iterable[Result]) -> list[str]:
        """Return the checks that failed then, are judged now, and do not fail any more."""
        failed = {check for check, verdict, _ in self.known if verdict in FAILURES}
        return [r.check for r in results if r.check in failed and r.compared and not r.fails]


def read_baseline(path: Path) -> Baseline:
    """Read an earlier JSON report.

    Parameters
    ----------
    path : Path
        What ``--json`` wrote.

    Returns
    -------
    Baseline
        Its findings.

    Raises
    ------
    UserError
        If it cannot be read, or is no such report.
    """
    name = f"--baseline {path}"
    try:
        content = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UserError(f"{name} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise UserError(f"{name} is no JSON: {error}.") from error
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        raise UserError(
            f"{name} is no report of this version (schema {SCHEMA}): make one by "
            f"`refdiff check TARGET --json {path}`."
        )
    try:
        known = frozenset(
            (str(result["check"]), str(result["verdict"]), str(result["variant"] or ""))
            for result in content["results"]
        )
    except (KeyError, TypeError) as error:
        raise UserError(f"{name} is a damaged report: it lacks {error}; make it anew.") from error
    return Baseline(known, str(path))
