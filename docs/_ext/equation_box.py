"""The section of one equation: formula, meaning, status, and everything known about it."""

import inspect
import re
from collections.abc import Callable

import equation_facts as facts
from equation_graph import neighbourhood, ordered
from equation_status import MEANINGS, EquationTest, Evidence
from generated import directive
from test_sources import page_of

from refdiff.catalogue import Equation, Paper

_FORMULA = re.compile(r"^\.\. math::[ \t]*(.*(?:\n(?:[ \t]+.*)?)*)", re.MULTILINE)

KINDS = {
    "proof": "shown exactly or by symbols",
    "symbols": "the formula is derived or compared by computer algebra",
    "property": "a law, on inputs that Hypothesis draws",
    "closed-form": "a case whose answer is known independently",
    "oracle": "arithmetic with 50 digits, or another program",
    "other-form": "the same mathematics written in another way",
    "autograd": "a derivative that automatic differentiation gives",
    "composition": "steps taken together",
    "monte-carlo": "random draws, within their own error",
    "published": "a number that a paper prints",
    "planted": "a mistake put in on purpose is noticed",
    "witness": "public code that is right here",
    "example": "single numbers",
}


def short(paper: Paper) -> str:
    """Cite a paper as people do in speech: Ho et al. 2020.

    A key such as song2021ddim tells papers of one group and year apart: Song et al. 2021 (DDIM).
    """
    authors = paper.authors.removesuffix(" and others")
    names = [name.split()[-1] for name in authors.split(", ")]
    few = len(names) < 3 and authors == paper.authors
    who = " and ".join(names) if few else f"{names[0]} et al."
    called = paper.key.rpartition(str(paper.year))[2].upper()
    return f"{who} {paper.year}" + (f" ({called})" if called else "")


def house_formula(function: Callable | None) -> str:
    """Return the display formula of a docstring, the one place where the house formula stands."""
    found = _FORMULA.search(inspect.getdoc(function) or "") if function else None
    # The lines of the block end where a section of the docstring, at the margin, begins.
    return inspect.cleandoc(found.group(1)).strip() if found else ""


def status_words(equation_id: str, evidence: Evidence) -> str:
    """Say the equation's own status, and that of all that it rests on."""
    status = evidence.status(equation_id)
    words = f":eqn:status:`{status}` ({MEANINGS[status]})."
    if evidence.catalogue.equations[equation_id].uses:
        open_ = evidence.unsettled(equation_id)
        links = ", ".join(f":eqn:ref:`{name}`" for name in open_[:3])
        more = f" and {len(open_) - 3} more" if len(open_) > 3 else ""
        words += (
            f" It rests on what is not verified: {links}{more}."
            if open_
            else " All that it uses is verified too."
        )
    return words


def _source_line(equation: Equation, paper: Paper) -> str:
    arxiv = f"arXiv:{paper.arxiv}{paper.version}" if paper.arxiv else ""
    parts = [f":ref:`{short(paper)} <paper-{paper.key}>`", arxiv, equation.citation]
    link = f":eqn:ref:`{equation.id} <{equation.id}>` (permanent link)"
    return " · ".join(filter(None, [*parts, link]))


def listed_by_kind(tests: list[EquationTest]) -> str:
    """List tests by kind, each linked to its source."""
    groups: dict[str, list[EquationTest]] = {}
    for test in tests:
        groups.setdefault(test.kind, []).append(test)
    order = [*KINDS, *sorted(set(groups) - set(KINDS))]
    lines = []
    for kind in sorted(groups, key=order.index):
        meaning = f", {KINDS[kind]}" if kind in KINDS else ""
        lines += [f"{kind or 'not recorded'}{meaning}:", ""]
        for test in groups[kind]:
            file, _, name = test.nodeid.partition("::")
            words = f"{name or 'all tests'} in {file.removeprefix('tests/')}"
            shown = f":eqn:page:`{words} <{page_of(test.nodeid)}>`" if test.is_there else words
            lines.append(f"* {shown}: {test.outcome}")
        lines.append("")
    return "\n".join(lines)


def graph(names: list[str], evidence: Evidence, focus: str = "", label: str = "") -> str:
    """Write the directive of a graph of these equations."""
    equations = evidence.catalogue.equations
    order = ordered({name: equations[name].uses for name in names})
    rows = [f"{n}; {evidence.status(n)}; {' '.join(equations[n].uses)}" for n in order]
    return directive("eqn:graph", body="\n".join(rows), focus=focus, label=label)


def _facts(equation: Equation, evidence: Evidence) -> str:
    found = evidence.functions.get(equation.id)
    fields = {"Status": status_words(equation.id, evidence)}
    if found:
        fields |= {
            "Function": facts.function(found),
            "Symbols": facts.symbols(found),
        }
    fields |= {
        "Domain": facts.rst(equation.domain),
        "Uses": ", ".join(f":eqn:ref:`{name}`" for name in equation.uses),
        "Used by": ", ".join(f":eqn:ref:`{name}`" for name in evidence.used_by(equation.id)),
        "Errata": facts.rst(equation.errata),
        "Deviation": facts.rst(equation.deviation),
    }
    if found:
        fields |= {
            "Measured error": facts.measured_error(found, evidence.root),
            "Test vectors": facts.vectors(found, evidence.root),
            "Conforming": facts.peers(found, evidence.root),
        }
    lines = []
    for name, fact in fields.items():
        if fact:
            first, *rest = fact.splitlines()
            lines += [f":{name}: {first}", *(f"   {line}" for line in rest)]
    return "\n".join([".. rst-class:: equation-facts", "", *lines]) + "\n"


def _folded(equation: Equation, evidence: Evidence) -> list[str]:
    parts = []
    tests = evidence.tests(equation.id)
    if tests:
        parts.append(directive("eqn:folded", f"Tests ({len(tests)})", listed_by_kind(tests)))
    uses = {name: e.uses for name, e in evidence.catalogue.equations.items()}
    names = neighbourhood(equation.id, uses)
    if len(names) > 1:
        summary = "Graph: what it rests on, and what rests on it"
        drawn = graph(names, evidence, equation.id, f"{summary}: {equation.title}")
        parts.append(directive("eqn:folded", summary, drawn))
    found = evidence.functions.get(equation.id)
    mistakes = facts.deviations(found) if found else []
    if mistakes:
        summary = f"Known deviations ({len(mistakes)})"
        parts.append(directive("eqn:folded", summary, "\n".join(f"* {m}" for m in mistakes)))
    return parts


def section(equation: Equation, paper: Paper, evidence: Evidence) -> str:
    """Write the directive of one equation with all that belongs to it."""
    house = house_formula(evidence.functions.get(equation.id))
    body = [
        f".. rst-class:: equation-source\n\n{_source_line(equation, paper)}\n",
        facts.rst(equation.meaning) + "\n",
    ]
    if house:
        body.append(directive("eqn:formula", "House notation", house))
    if equation.latex:
        body.append(directive("eqn:formula", "The paper's notation", equation.latex))
    body += [_facts(equation, evidence), *_folded(equation, evidence)]
    return directive(
        "eqn:equation",
        equation.id,
        "\n".join(body),
        title=facts.rst(equation.title),
        paper=short(paper),
        citation=equation.citation,
        status=evidence.status(equation.id),
    )
