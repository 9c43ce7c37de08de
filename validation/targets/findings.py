"""Findings: what each failing verdict was traced to, by hand, with the lines that show it.

One file a peer in ``accepted/``. It is strict both ways: a failing verdict that no finding covers
fails the run, and so does a finding that covers nothing.
"""

from __future__ import annotations

import fnmatch
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from refdiff.conformance.verdicts import FAILURES
from validation.targets.listed import FOLDER

__all__ = ["KINDS", "Finding", "findings", "unsettled"]

KINDS = ("defect", "difference", "approximation", "limit")
"""A mistake; a choice that its users should know of; knowingly rough; a limit of the check."""


@dataclass(frozen=True)
class Finding:
    """One thing that was found.

    Parameters
    ----------
    peer : str
        Where.
    id, title : str
        A name, and what it is in one sentence.
    kind : str
        One of `KINDS`.
    reason : str
        Whose fault it is and how that is known.
    covers : tuple of str
        ``"TARGET CHECK VARIANT"`` patterns; the variant is the verdict where it has no name.
    reproduction : str
        A file of ``reproductions/``; empty where there is none.
    links : tuple of str
        Public places where it is discussed.
    """

    peer: str
    id: str
    title: str
    kind: str
    reason: str
    covers: tuple[str, ...]
    reproduction: str = ""
    links: tuple[str, ...] = ()

    def fits(self, pattern: str, target: str, check: str, name: str) -> bool:
        """Say whether one pattern fits a verdict."""
        wanted = pattern.split()
        return all(map(fnmatch.fnmatchcase, (target, check, name), wanted))


def findings(peer: str) -> tuple[Finding, ...]:
    """Return the findings of a peer; none if it has no file."""
    path = FOLDER / "accepted" / f"{peer}.toml"
    if not path.exists():
        return ()
    known = tomllib.loads(path.read_text("utf-8")).get("finding", [])
    return tuple(
        Finding(
            peer,
            **{
                key: tuple(v) if isinstance(v, list) else " ".join(v.split())
                for key, v in one.items()
            },
        )
        for one in known
    )


def unsettled(report: Mapping[str, Any], known: Sequence[Finding]) -> list[str]:
    """Return a sentence for each failing verdict without a finding, and each idle pattern."""
    idle = {(finding.id, pattern) for finding in known for pattern in finding.covers}
    problems = []
    for target, judged in report["targets"].items():
        for verdict, entries in judged["results"].items():
            for entry in entries if verdict in FAILURES else ():
                check, _, name = entry.partition(" = ")
                covering = {
                    (finding.id, pattern)
                    for finding in known
                    for pattern in finding.covers
                    if finding.fits(pattern, target, check, name or verdict)
                }
                idle -= covering
                if not covering:
                    problems.append(f"{target}: {check} is {verdict} {name}".rstrip())
    return problems + [f"{name}: nothing fits {pattern!r}" for name, pattern in sorted(idle)]
