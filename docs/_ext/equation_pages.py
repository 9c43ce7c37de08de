"""One page a paper, made from the catalogue, the docstrings and the last run's ledger."""

import inspect
import json
import os
import re
from collections import Counter
from pathlib import Path

from generated import directive, heading, write_pages
from sphinx.util import logging

from refdiff.catalogue import Catalogue, Equation, Paper, implementations, load
from refdiff.testing.ledger import source_hash

logger = logging.getLogger(__name__)

_FORMULA = re.compile(r"^\.\. math::[ \t]*(.*(?:\n(?:[ \t]+.*)?)*)", re.MULTILINE)


def _rst(text: str) -> str:
    """Turn the catalogue's inline formulas ($...$) into math roles."""
    return re.sub(r"\$([^$]+)\$", r":math:`\1`", " ".join(text.split()))


def _label(equation_id: str) -> str:
    return "eqn-" + equation_id.replace("/", "-")


def _house_formula(function) -> str:
    """Return the display formula of a docstring, the one place where the house formula stands."""
    found = _FORMULA.search(inspect.getdoc(function) or "")
    if found is None:
        return ""
    # The lines of the block end where a section of the docstring, at the margin, begins.
    return inspect.cleandoc(found.group(1)).strip()


def _read_ledger(path: Path) -> dict:
    if not path.is_file():
        logger.info("no ledger at %s: the pages will say that no test run is recorded", path)
        return {}
    return json.loads(path.read_text("utf-8"))["equations"]


def _verified_by(equation: Equation, function, ledger: dict) -> str:
    """Say which tests verified an equation, and whether the function is still the one they ran."""
    if not ledger:
        return "no test run is recorded in this build"
    record = ledger.get(equation.id, {"tests": []})
    if record.get("function_sha256") != source_hash(function):
        return "the function has changed since the recorded test run"
    outcomes: dict[tuple[str, str], Counter] = {}
    for test in record["tests"]:
        name = test["nodeid"].partition("[")[0]
        outcomes.setdefault((name, test["kind"]), Counter())[test["outcome"]] += 1
    lines = []
    for (name, kind), counts in sorted(outcomes.items()):
        detail = ", ".join(
            outcome if count == 1 else f"{count} {outcome}" for outcome, count in counts.items()
        )
        lines.append(f"| ``{name}`` ({kind}; {detail})")
    return "\n".join(lines) or "no test"


def _facts(equation: Equation, function, ledger: dict) -> str:
    facts = {}
    if function is not None:
        facts["Function"] = f":py:func:`refdiff.equations.{_public_name(function)}`"
        facts["Verified by"] = _verified_by(equation, function, ledger)
    if equation.domain:
        facts["Domain"] = _rst(equation.domain)
    if equation.uses:
        facts["Uses"] = ", ".join(f":ref:`{_label(used)}`" for used in equation.uses)
    if equation.errata:
        facts["Errata"] = _rst(equation.errata)
    if equation.deviation:
        facts["Deviation"] = _rst(equation.deviation)
    lines = [".. rst-class:: equation-facts", ""]
    for name, fact in facts.items():
        first, *rest = fact.splitlines()
        lines += [f":{name}: {first}", *(f"   {line}" for line in rest)]
    return "\n".join(lines) + "\n" if facts else ""


def _public_name(function) -> str:
    return f"{'continuous.' if '.continuous' in function.__module__ else ''}{function.__name__}"


def _section(equation: Equation, function, ledger: dict) -> str:
    source = " · ".join(filter(None, [f"``{equation.id}``", equation.citation, equation.status]))
    parts = [
        f".. _{_label(equation.id)}:\n",
        heading(_rst(equation.title), "-"),
        f".. rst-class:: equation-source\n\n{source}\n",
    ]
    if equation.meaning:
        parts.append(_rst(equation.meaning) + "\n")
    house = _house_formula(function) if function is not None else ""
    if house:
        parts.append(directive("math", body=house))
    if equation.latex and not house:
        parts.append(directive("math", body=equation.latex))
    elif equation.latex:
        parts.append("In the paper's notation:\n")
        parts.append(directive("math", body=equation.latex))
    parts.append(_facts(equation, function, ledger))
    return "\n".join(parts)


def _page(paper: Paper, catalogue: Catalogue, functions: dict, ledger: dict) -> str:
    arxiv = f" Numbers are those of arXiv:{paper.arxiv}{paper.version}." if paper.arxiv else ""
    parts = [
        f".. _paper-{paper.key}:\n",
        heading(f"{_rst(paper.title)} ({paper.year})", "="),
        f"{paper.authors}, :cite:p:`{paper.bibkey}`.{arxiv}\n",
        _rst(paper.notation) + "\n",
    ]
    parts += [_section(e, functions.get(e.id), ledger) for e in catalogue.of_paper(paper.key)]
    return "\n".join(parts)


def _short(paper: Paper) -> str:
    """Cite a paper as people do in speech: Ho et al. 2020."""
    names = [name.split()[-1] for name in paper.authors.split(", ")]
    who = " and ".join(names) if len(names) < 3 else f"{names[0]} et al."
    return f"{who} {paper.year}"


def _table(catalogue: Catalogue, functions: dict) -> str:
    """All equations in one list: what a reader with a paper in hand searches."""
    rows = ["* - Paper", "  - Equation", "  - Printed as", "  - Function"]
    for equation in catalogue.equations.values():
        function = functions.get(equation.id)
        link = (
            f":py:func:`~refdiff.equations.{_public_name(function)}`"
            if function
            else equation.status
        )
        rows += [
            f"* - :ref:`{_short(catalogue.papers[equation.paper])} <paper-{equation.paper}>`",
            f"  - :ref:`{_label(equation.id)}`",
            f"  - {equation.citation}",
            f"  - {link}",
        ]
    return directive(
        "list-table",
        body="\n".join(rows),
        header_rows="1",
        widths="18 34 17 31",
        **{"class": "equation-list"},
    )


def generate(app) -> None:
    catalogue, functions = load(), implementations()
    default = Path(app.srcdir).parent / "build" / "ledger.json"
    ledger = _read_ledger(Path(os.environ.get("REFDIFF_LEDGER", default)))
    pages = {
        f"{key}.rst": _page(paper, catalogue, functions, ledger)
        for key, paper in catalogue.papers.items()
    }
    entries = "\n".join(f"generated/equations/{key}" for key in catalogue.papers)
    pages["contents.inc"] = "\n".join(
        [
            directive("toctree", body=entries, maxdepth="1"),
            heading("All equations", "-"),
            _table(catalogue, functions),
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
