"""Kept reports: of each target the verdict of every check and the name of what was found.

They hold no times, no numbers that rounding could change and no order of events, so that a run
today and a run in a year are compared as text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from refdiff import __version__
from validation.targets.judge import Judged
from validation.targets.listed import FOLDER, Listed, Peer

__all__ = ["REPORTS", "differences", "read", "summary", "write"]

REPORTS = FOLDER / "reports"
_IN_ONE_LINE = ("conforms", "not-provided")


def summary(peer: Peer, judged: Iterable[tuple[Listed, Judged]]) -> dict[str, Any]:
    """Return what is kept of a peer's results."""
    targets = {listed.name: _of_target(listed, found) for listed, found in judged}
    return {"peer": peer.name, "version": peer.version, "refdiff": __version__, "targets": targets}


def _of_target(listed: Listed, judged: Judged) -> dict[str, Any]:
    results: dict[str, list[str]] = {}
    families: dict[str, dict[str, int]] = {}
    for record in judged.records:
        verdict, name = record["verdict"], record["variant"]
        results.setdefault(verdict, []).append(record["check"] + (f" = {name}" if name else ""))
        counts = families.setdefault(record["family"], {})
        counts[verdict] = counts.get(verdict, 0) + 1
    return {
        "target": listed.target,
        "kwargs": dict(listed.kwargs),
        "shape": judged.shape,
        "families": {name: dict(sorted(counts.items())) for name, counts in families.items()},
        "results": {verdict: sorted(found) for verdict, found in sorted(results.items())},
    }


def write(report: Mapping[str, Any], path: Path) -> None:
    """Write a report: findings one a line, what conforms in one line."""
    text = json.dumps(report, indent=1, sort_keys=True)
    for targets in report["targets"].values():
        for verdict, found in targets["results"].items():
            if verdict in _IN_ONE_LINE:
                spread = json.dumps(found, indent=1).replace("\n", "\n    ")
                text = text.replace(f'"{verdict}": {spread}', f'"{verdict}": {json.dumps(found)}')
        spread = json.dumps(targets["families"], indent=1, sort_keys=True).replace("\n", "\n   ")
        text = text.replace(spread, json.dumps(targets["families"], sort_keys=True))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n", "utf-8")


def read(peer: str, folder: Path = REPORTS) -> dict[str, Any]:
    """Return the kept report of a peer; one without targets if there is none."""
    path = folder / f"{peer}.json"
    return json.loads(path.read_text("utf-8")) if path.exists() else {"targets": {}}


def differences(kept: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each check whose verdict is another than the kept one."""
    found = []
    for name, target in now["targets"].items():
        if name not in kept["targets"]:
            found.append(f"{name}: no report is kept of it")
            continue
        old, new = (_by_check(one["results"]) for one in (kept["targets"][name], target))
        for check in sorted(old.keys() | new.keys()):
            before, after = old.get(check, "no such check"), new.get(check, "no such check")
            if before != after:
                found.append(f"{name}: {check} was {before}, is {after}")
    return found


def _by_check(results: Mapping[str, list[str]]) -> dict[str, str]:
    found = {}
    for verdict, entries in results.items():
        for entry in entries:
            check, _, name = entry.partition(" = ")
            found[check] = f"{verdict} {name}".strip()
    return found
