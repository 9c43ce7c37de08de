"""One page a paper, made from the catalogue, the docstrings and the last run's ledger."""

import inspect
import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from generated import directive, heading, write_pages

from refdiff.catalogue import Catalogue, Equation, Paper, implementations, load, public_name
from refdiff.cli.equation_tests import VerifyingTests, find_tests
from refdiff.testing.ledger import source_hash

_FORMULA = re.compile(r"^\.\. math::[ \t]*(.*(?:\n(?:[ \t]+.*)?)*)", re.MULTILINE)


def _rst(text: str) -> str:
    """Turn the catalogue's inline formulas ($...$) into math roles."""
    return re.sub(r"\$([^$]+)\$", r":math:`\1`", " ".join(text.split()))


def _label(equation_id: str) -> str:
    return "eqn-" + equation_id.replace("/", "-")


def _public_name(function: Callable) -> str:
    return f"refdiff.equations.{public_name(function)}"


def _house_formula(function: Callable | None) -> str:
    """Return the display formula of a docstring, the one place where the house formula stands."""
    found = _FORMULA.search(inspect.getdoc(function) or "") if function else None
    # The lines of the block end where a section of the docstring, at the margin, begins.
    return inspect.cleandoc(found.group(1)).strip() if found else ""


@dataclass(frozen=True)
class Evidence:
    """What stands behind the equations: functions, tests, and what a recorded run tested."""

    functions: Mapping[str, Callable]
    tests: VerifyingTests
    recorded: Mapping[str, str | None]

    def is_stale(self, equation: Equation) -> bool:
        """Say whether a function has changed since the recorded run of its tests."""
        function = self.functions.get(equation.id)
        seen = self.recorded.get(equation.id)
        return function is not None and seen is not None and seen != source_hash(function)

    def verified_by(self, equation: Equation) -> str:
        """Name the tests of an equation, each with its outcome where a run is recorded."""
        stale = "the function has changed since" if self.is_stale(equation) else ""
        lines = []
        for test in self.tests.of(equation.id):
            outcome = stale or test.outcome or "not run before this build"
            detail = "; ".join(filter(None, [test.kind, outcome]))
            lines.append(f"| ``{test.nodeid}`` ({detail})")
        return "\n".join(lines)


def gather(root: Path) -> Evidence:
    """Collect the evidence from the package and from the checkout around it."""
    ledger = Path(os.environ.get("REFDIFF_LEDGER", root / "build" / "ledger.json"))
    if not ledger.is_file():
        # The variable promises a ledger only once the tests have run.
        os.environ.pop("REFDIFF_LEDGER", None)
        return Evidence(implementations(), find_tests(root), {})
    entries = json.loads(ledger.read_text("utf-8"))["equations"]
    recorded = {name: entry["function_sha256"] for name, entry in entries.items()}
    return Evidence(implementations(), find_tests(root), recorded)


def _facts(equation: Equation, evidence: Evidence) -> str:
    function = evidence.functions.get(equation.id)
    facts = {
        "Function": f":py:func:`{_public_name(function)}`" if function else "",
        "Domain": _rst(equation.domain),
        "Uses": ", ".join(f":ref:`{_label(used)}`" for used in equation.uses),
        "Errata": _rst(equation.errata),
        "Deviation": _rst(equation.deviation),
        "Verified by": evidence.verified_by(equation),
    }
    lines = []
    for name, fact in facts.items():
        if fact:
            first, *rest = fact.splitlines()
            lines += [f":{name}: {first}", *(f"   {line}" for line in rest)]
    return "\n".join([".. rst-class:: equation-facts", "", *lines]) + "\n" if lines else ""


def _section(equation: Equation, evidence: Evidence) -> str:
    house = _house_formula(evidence.functions.get(equation.id))
    source = " · ".join(filter(None, [f"``{equation.id}``", equation.citation, equation.status]))
    parts = [
        f".. _{_label(equation.id)}:\n",
        heading(_rst(equation.title), "-"),
        f".. rst-class:: equation-source\n\n{source}\n",
        _rst(equation.meaning) + "\n",
    ]
    if house:
        parts.append(directive("math", body=house))
    if house and equation.latex:
        parts.append("In the paper's form:\n")
    if equation.latex:
        parts.append(directive("math", body=equation.latex))
    parts.append(_facts(equation, evidence))
    return "\n".join(parts)


def _prose(paper: Paper, docs: Path) -> str:
    """Include what was written about a paper, if it was."""
    written = (docs / "papers" / f"{paper.key}.rst").is_file()
    return directive("include", f"/papers/{paper.key}.rst") if written else ""


def _page(paper: Paper, catalogue: Catalogue, evidence: Evidence, docs: Path) -> str:
    arxiv = f" Numbers are those of arXiv:{paper.arxiv}{paper.version}." if paper.arxiv else ""
    parts = [
        f".. _paper-{paper.key}:\n",
        heading(f"{_rst(paper.title)} ({paper.year})", "="),
        f"{paper.authors}, :cite:p:`{paper.bibkey}`.{arxiv}\n",
        _rst(paper.notation) + "\n",
        _prose(paper, docs),
    ]
    parts += [_section(equation, evidence) for equation in catalogue.of_paper(paper.key)]
    return "\n".join(parts)


def _short(paper: Paper) -> str:
    """Cite a paper as people do in speech: Ho et al. 2020."""
    names = [name.split()[-1] for name in paper.authors.split(", ")]
    who = " and ".join(names) if len(names) < 3 else f"{names[0]} et al."
    return f"{who} {paper.year}"


def _table(catalogue: Catalogue, evidence: Evidence) -> str:
    """All equations in one list: what a reader with a paper in hand searches."""
    rows = ["* - Paper", "  - Equation", "  - Printed as", "  - Function"]
    for equation in catalogue.equations.values():
        function = evidence.functions.get(equation.id)
        paper = catalogue.papers[equation.paper]
        rows += [
            f"* - :ref:`{_short(paper)} <paper-{equation.paper}>`",
            f"  - :ref:`{_label(equation.id)}`",
            f"  - {equation.citation}",
            f"  - :py:func:`~{_public_name(function)}`" if function else f"  - {equation.status}",
        ]
    options = {"header_rows": "1", "widths": "18 34 17 31", "class": "equation-list"}
    return directive("list-table", body="\n".join(rows), **options)


def generate(app) -> None:
    catalogue, evidence = load(), gather(Path(app.srcdir).parent)
    docs = Path(app.srcdir)
    pages = {
        f"{key}.rst": _page(p, catalogue, evidence, docs) for key, p in catalogue.papers.items()
    }
    entries = "\n".join(f"generated/equations/{key}" for key in catalogue.papers)
    pages["contents.inc"] = "\n".join(
        [
            directive("toctree", body=entries, maxdepth="1"),
            heading("All equations", "-"),
            _table(catalogue, evidence),
        ]
    )
    write_pages(Path(app.srcdir) / "generated" / "equations", pages)


def name_equations(app, what, name, obj, options, lines) -> None:
    """Say below a function's first line which equations it implements."""
    ids = getattr(obj, "__equations__", ())
    if ids and what == "function":
        lines[1:1] = ["", "Implements " + ", ".join(f":ref:`{_label(i)}`" for i in ids) + ".", ""]


def setup(app) -> dict[str, bool]:
    # After Napoleon has turned the sections of the docstring into fields.
    app.connect("autodoc-process-docstring", name_equations, priority=900)
    app.connect("builder-inited", generate)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
