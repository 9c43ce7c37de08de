"""The table of peers, made from the kept reports and the findings.

    python -m validation.targets.table [--check]

writes ``docs/peers.rst`` and the small table of the README, or says whether they are up to date.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from validation.targets import summary
from validation.targets.families import FAMILIES
from validation.targets.findings import Finding, findings
from validation.targets.listed import FOLDER, Peer, peers

__all__ = ["pages", "write"]

_ROOT = FOLDER.parents[1]
_README = _ROOT / "README.md"
_BEGIN, _END = "<!-- peers: begin -->", "<!-- peers: end -->"
_REPOSITORY_PATH = "validation/targets/reproductions"
_INTRODUCTION = """\
Pinned public releases, judged by ``refdiff check``: of each family of equations, how many checks
conform of those that could judge, and how many fail. The others follow a named convention or
approximation. Each failing verdict was looked into until it was clear whose fault it is: what was
found follows the table, each with a few lines that show it without refdiff. One finding fails many
checks. Code that is on no package index was judged in a user's own copy; none of it is part of
refdiff."""
_KINDS = {
    "defect": "defect",
    "difference": "difference to know of",
    "approximation": "approximation",
    "limit": "limit of the check",
}
_UNJUDGED = ("not-provided", "inconclusive")
_FAILING = ("deviates", "error", "known-deviation")


def _cell(counts: Mapping[str, int]) -> str:
    """Return how many of the judged checks conform and how many fail."""
    judged = sum(n for verdict, n in counts.items() if verdict not in _UNJUDGED)
    failing = sum(counts.get(verdict, 0) for verdict in _FAILING)
    if not judged:
        return "–"
    conform = counts.get("conforms", 0)
    shown = f"{conform}" if conform == judged else f"{conform} of {judged}"
    return f"{shown}, **{failing} fail**" if failing else shown


def _counts(report: Mapping[str, Any]) -> dict[str, Counter[str]]:
    total: dict[str, Counter[str]] = {family: Counter() for family in FAMILIES}
    for target in report["targets"].values():
        for family, counts in target["families"].items():
            total[family].update(counts)
    return total


def _heading(text: str, underline: str) -> list[str]:
    return [text, underline * len(text), ""]


def _page(reports: Mapping[str, Mapping[str, Any]], known: Mapping[str, Peer]) -> str:
    lines = [
        ".. Made by `python -m validation.targets.table` from the reports in validation/targets.",
        "",
        *_heading("What other projects' code does", "="),
        *_INTRODUCTION.splitlines(),
        "",
        ".. list-table::",
        "   :header-rows: 1",
        "",
        "   * - Project",
        *(f"     - {family}" for family in FAMILIES),
    ]
    for name, report in reports.items():
        peer = known[name]
        lines.append(f"   * - `{peer.title} <{peer.source}>`__ {peer.version}")
        counts = _counts(report)
        lines += [f"     - {_cell(counts[family])}" for family in FAMILIES]
    lines += ["", *_heading("Findings", "-")]
    for name in reports:
        found = findings(name)
        if found:
            lines += _heading(f"{known[name].title} {known[name].version}", "~")
            for finding in found:
                lines += _finding(finding)
    return "\n".join(lines).rstrip() + "\n"


def _finding(finding: Finding) -> list[str]:
    """Return an entry of a definition list."""
    lines = [f"{finding.title} *({_KINDS[finding.kind]})*", f"   {finding.reason}"]
    if finding.reproduction:
        lines.append(f"   Shown by ``{_REPOSITORY_PATH}/{finding.reproduction}``.")
    if finding.links:
        links = ", ".join(f"`{_short(link)} <{link}>`__" for link in finding.links)
        lines.append(f"   Discussed in {links}.")
    return [*lines, ""]


def _short(link: str) -> str:
    owner, _, number = link.removeprefix("https://github.com/").rpartition("/")
    project = owner.rpartition("/")[0].rpartition("/")[2]
    return f"{project} #{number}" if number.isdigit() else link


def _small(reports: Mapping[str, Mapping[str, Any]], known: Mapping[str, Peer]) -> str:
    """Return the table of the README: totals and the number of findings."""
    rows = [
        "| Project | Version | Targets | Checks | Conform | Findings |",
        "|---|---|---|---|---|---|",
    ]
    for name, report in reports.items():
        total: Counter[str] = sum(_counts(report).values(), Counter())
        made = sum(n for verdict, n in total.items() if verdict not in _UNJUDGED)
        defects = sum(finding.kind == "defect" for finding in findings(name))
        others = len(findings(name)) - defects
        words = [_counted(defects, "defect"), _counted(others, "other")]
        found = ", ".join(word for word in words if word) or "none"
        rows.append(
            f"| {known[name].title} | {known[name].version} | {len(report['targets'])} | {made} "
            f"| {total['conforms']} | {found} |"
        )
    return "\n".join(rows)


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}" if number else ""


def pages() -> dict[Path, str]:
    """Return what the generated files should hold."""
    known = peers()
    reports = {name: summary.read(name) for name in known}
    reports = {name: report for name, report in reports.items() if report["targets"]}
    made = {_ROOT / "docs" / "peers.rst": _page(reports, known)}
    readme = _README.read_text("utf-8")
    if _BEGIN in readme and _END in readme:
        before, _, rest = readme.partition(_BEGIN)
        _, _, after = rest.partition(_END)
        made[_README] = f"{before}{_BEGIN}\n{_small(reports, known)}\n{_END}{after}"
    return made


def write() -> None:
    """Write the generated files."""
    for path, text in pages().items():
        path.write_text(text, "utf-8")


def main(line: list[str]) -> int:
    """Write them, or with ``--check`` say which are out of date."""
    if line == ["--check"]:
        stale = [p for p, text in pages().items() if not p.exists() or p.read_text("utf-8") != text]
        print("".join(f"{path.relative_to(_ROOT)} is out of date\n" for path in stale), end="")
        return 1 if stale else 0
    write()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
