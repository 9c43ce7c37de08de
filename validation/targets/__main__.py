"""Judge the pinned public releases, and compare with the reports that are kept.

    python -m validation.targets [PEER | PEER/TARGET ...] [--checkout PEER=FOLDER ...] [--keep]

Without names, every peer is judged that is installed or whose checkout is given. Full reports go to
``build/targets``. The exit status is 1 if a verdict differs from the kept one, or no finding
explains it. ``--keep`` replaces the kept reports and the table.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from validation.targets import summary, table
from validation.targets.findings import findings, unsettled
from validation.targets.judge import Judged, judge_all
from validation.targets.listed import FOLDER, Listed, Peer, peers, targets

_BUILD = FOLDER.parents[1] / "build" / "targets"


def _arguments(line: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m validation.targets")
    parser.add_argument("names", nargs="*", metavar="PEER or PEER/TARGET")
    parser.add_argument("--checkout", action="append", default=[], metavar="PEER=FOLDER")
    parser.add_argument("--keep", action="store_true", help="replace what is kept")
    return parser.parse_args(line)


def _checkouts(given: Sequence[str], known: dict[str, Peer]) -> dict[str, Path]:
    """Return the folders of the user's copies, and put them on the search path of all processes."""
    found = {}
    for text in given:
        name, _, folder = text.partition("=")
        if name not in known or known[name].obtained != "checkout":
            wanted = ", ".join(n for n, peer in known.items() if peer.obtained == "checkout")
            sys.exit(f"--checkout {text}: {name!r} is none of {wanted}")
        path = Path(folder).expanduser().resolve()
        if not (path / known[name].contains).is_file():
            sys.exit(f"--checkout {text}: there is no {known[name].contains} in {path}")
        found[name] = path
    sys.path += map(str, found.values())
    folders = [str(FOLDER.parents[1]), *map(str, found.values()), os.environ.get("PYTHONPATH", "")]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, folders))
    return found


def _why_not(peer: Peer, checkouts: dict[str, Path]) -> str | None:
    if peer.obtained == "checkout":
        return None if peer.name in checkouts else f"no --checkout {peer.name}=FOLDER"
    try:
        version = importlib.metadata.version(peer.name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
    return None if version == peer.version else f"{version} is installed, not {peer.version}"


def _write_full(judged: Judged) -> None:
    path = _BUILD / f"{judged.key}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    shown = {"target": judged.key, "shape": judged.shape, "seconds": judged.seconds}
    path.write_text(json.dumps(shown | {"results": judged.records}, indent=1), "utf-8")


def _judge_peer(peer: Peer, chosen: list[Listed], *, keep: bool) -> list[str]:
    """Judge targets of a peer; return what is wrong."""
    began = time.perf_counter()
    judged = []
    for listed, one in zip(chosen, judge_all(chosen), strict=True):
        judged.append((listed, one))
        _write_full(one)
        print(f"  {one.key:60} {one.shape:20} {one.seconds:6.1f} s", flush=True)
        if keep:
            _keep(peer, summary.summary(peer, [(listed, one)]))
    now = summary.summary(peer, judged)
    slowest = max(one.seconds for _, one in judged)
    took = time.perf_counter() - began
    print(f"  {len(judged)} targets in {took:.0f} s, the slowest {slowest:.1f} s", flush=True)
    problems = [] if keep else summary.differences(summary.read(peer.name), now)
    whole = {one.name for one in targets() if one.peer == peer.name} <= now["targets"].keys()
    return problems + [
        problem
        for problem in unsettled(now, findings(peer.name))
        if whole or "nothing fits" not in problem
    ]


def _keep(peer: Peer, now: dict[str, Any]) -> None:
    """Replace what is kept of the targets that were judged, and drop what is no longer listed."""
    found = summary.read(peer.name)["targets"] | now["targets"]
    listed = [one.name for one in targets() if one.peer == peer.name]
    now["targets"] = {name: found[name] for name in listed if name in found}
    summary.write(now, summary.REPORTS / f"{peer.name}.json")


def main(line: Sequence[str] | None = None) -> int:
    """Judge what was asked for."""
    arguments = _arguments(line)
    known = peers()
    checkouts = _checkouts(arguments.checkout, known)
    wrong = 0
    for peer in known.values():
        chosen = [
            one
            for one in targets()
            if one.peer == peer.name
            and (not arguments.names or {one.peer, one.key} & set(arguments.names))
        ]
        if not chosen:
            continue
        reason = _why_not(peer, checkouts)
        print(f"{peer.title} {peer.version}{f': left out, {reason}' if reason else ''}", flush=True)
        if reason is None:
            problems = _judge_peer(peer, chosen, keep=arguments.keep)
            print("".join(f"  ! {problem}\n" for problem in problems), end="", flush=True)
            wrong += len(problems)
    if arguments.keep:
        table.write()
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
