"""The catalogue as text for a terminal: the list, and the page of one equation."""

from __future__ import annotations

import re
import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence

from refdiff.catalogue import Catalogue, Equation, Paper, implementations
from refdiff.cli.equation_records import function_facts, used_by
from refdiff.cli.equation_tests import VerifyingTests, find_tests

__all__ = ["page", "table"]

_WIDEST = 110
_PIPE = 200
_MANY_TESTS = 12
_NO_TESTS_HERE = (
    "not in the installed package: in a checkout of the repository, `tox -e tests` runs them and "
    "writes build/ledger.json, which is read here"
)


def _columns() -> int:
    """Width of the terminal; plenty where there is none, since a pipe has no edge."""
    return shutil.get_terminal_size((_PIPE, 24)).columns if sys.stdout.isatty() else _PIPE


def _plain(text: str) -> str:
    """Take the dollars off inline formulas; a terminal shows them as they are."""
    return re.sub(r"\$([^$]+)\$", r"\1", " ".join(text.split()))


def _source(paper: Paper) -> str:
    arxiv = f", arXiv:{paper.arxiv}{paper.version}" if paper.arxiv else ""
    return f"{paper.authors} ({paper.year}){arxiv}"


def table(catalogue: Catalogue, chosen: Iterable[Equation]) -> str:
    """List equations by paper.

    Parameters
    ----------
    catalogue : Catalogue
        All papers and equations.
    chosen : iterable of Equation
        Which to list.

    Returns
    -------
    str
        A heading a paper and a line an equation: id, what may be printed of its number, the
        function or the status, and the title.
    """
    chosen = tuple(chosen)
    functions = implementations()
    rows = [
        (
            equation.id.partition("/")[2],
            equation.citation,
            functions[equation.id].__name__ if equation.id in functions else equation.status,
        )
        for equation in chosen
    ]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    titles = max((len(_plain(equation.title)) for equation in chosen), default=0)
    # Where a line would not hold all of it, the title gets a line of its own.
    title_gap = "  " if sum(widths) + titles + 8 <= _columns() else "\n      "
    lines: list[str] = []
    paper = ""
    for equation, row in zip(chosen, rows, strict=True):
        if equation.paper != paper:
            paper = equation.paper
            entry = catalogue.papers[paper]
            lines += ["", f"{paper}  {_plain(entry.title)}", f"    {_source(entry)}"]
        cells = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        line = f"  {cells}{title_gap}{_plain(equation.title)}"
        lines += [part.rstrip() for part in line.splitlines()]
    count = sum(equation.id in functions for equation in chosen)
    papers = len({equation.paper for equation in chosen})
    lines += [
        "",
        f"{len(chosen)} equations of {papers} paper{'' if papers == 1 else 's'}, {count} of them "
        "implemented.",
        "`refdiff equations ID` shows one, as in `refdiff equations ho2020/posterior-mean`.",
    ]
    return "\n".join(lines).strip("\n")


def page(catalogue: Catalogue, equation: Equation) -> str:
    """Show one equation.

    Parameters
    ----------
    catalogue : Catalogue
        All papers and equations.
    equation : Equation
        Which to show.

    Returns
    -------
    str
        Title, source, formulas, and what is known of it, wrapped to the terminal.
    """
    paper = catalogue.papers[equation.paper]
    function = implementations().get(equation.id)
    facts = None if function is None else function_facts(function)
    printed = f", {equation.citation}" if equation.citation else ""
    parts = [f"{equation.id}: {_plain(equation.title)}", f"{_source(paper)}{printed}", ""]
    if facts is not None and facts.formula:
        parts += [textwrap.indent(facts.formula, "    "), ""]
    if equation.latex:
        parts += ["As the paper writes it:", "", textwrap.indent(equation.latex, "    "), ""]
    rows: list[tuple[str, str | Sequence[str]]] = [
        ("Meaning", _plain(equation.meaning)),
        ("Domain", _plain(equation.domain)),
        ("Notation", _plain(paper.notation)),
        ("Errata", _plain(equation.errata)),
        ("Deviation", _plain(equation.deviation)),
    ]
    if facts is None:
        rows.append(("Status", _STATUS[equation.status]))
    else:
        rows += [
            ("Function", f"{facts.name}{facts.signature}"),
            ("File", f"{facts.file}, line {facts.line}"),
        ]
    rows += [
        ("Tests", _tests(equation, find_tests())),
        ("Uses", ", ".join(equation.uses)),
        ("Used by", ", ".join(used_by(equation, catalogue))),
    ]
    parts += [_row(name, text) for name, text in rows if text]
    return "\n".join(parts)


_STATUS = {
    "implemented": "implemented",
    "proved": "shown by a test, not a function of its own",
    "text": "a definition or a remark, nothing to compute",
    "planned": "not implemented yet",
}


def _tests(equation: Equation, tests: VerifyingTests) -> str | list[str]:
    if tests.source is None:
        return _NO_TESTS_HERE if equation.status in ("implemented", "proved") else ""
    lines = []
    for test in tests.of(equation.id):
        notes = ", ".join(filter(None, (test.kind, test.outcome)))
        lines.append(f"{test.nodeid} ({notes})" if notes else test.nodeid)
    if len(lines) > _MANY_TESTS:
        more = len(lines) - _MANY_TESTS
        lines = [*lines[:_MANY_TESTS], f"and {more} more: --json lists them all"]
    if not lines and equation.status in ("implemented", "proved"):
        return f"none found in {tests.source}"
    return lines


def _row(name: str, text: str | Sequence[str]) -> str:
    width = min(_columns(), _WIDEST)
    lines = []
    for entry in [text] if isinstance(text, str) else text:
        # A name that is longer than the line stays whole, so that it can be copied.
        lines += textwrap.wrap(
            entry, max(width - 11, 30), break_long_words=False, break_on_hyphens=False
        )
    first, *rest = lines
    return "\n".join([f"{name:11}{first}", *(f"{'':11}{line}" for line in rest)])
