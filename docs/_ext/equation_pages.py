"""One page a paper, made from the catalogue, the docstrings and the last run's ledger."""

from pathlib import Path

import equation_facts as facts
from docutils import nodes
from equation_box import graph, section, short
from equation_status import MEANINGS, Evidence, gather
from generated import directive, heading, write_pages
from sphinx.addnodes import pending_xref
from test_sources import pages as sources_of_tests

from refdiff.catalogue import Catalogue, Paper


def legend(evidence: Evidence) -> str:
    """Explain the statuses, each with its count."""
    counts = evidence.counts()
    rows = [f":eqn:status:`{s}`\n   {meaning}" for s, meaning in MEANINGS.items() if counts[s]]
    note = (
        "A status is derived from the record of the last run of the tests and from the hashes of "
        "the functions and tests that it holds. In a graph, an arc leads down from a statement to "
        "one that rests on it."
    )
    return ".. rst-class:: equation-legend\n\n" + "\n".join(rows) + f"\n\n{note}\n"


def _page(paper: Paper, evidence: Evidence) -> str:
    arxiv = f" Numbers are those of arXiv:{paper.arxiv}{paper.version}." if paper.arxiv else ""
    equations = evidence.catalogue.of_paper(paper.key)
    parts = [
        f".. _paper-{paper.key}:\n",
        heading(f"{facts.rst(paper.title)} ({paper.year})", "="),
        f"{paper.authors}, :cite:p:`{paper.bibkey}`.{arxiv}\n",
        facts.rst(paper.notation) + "\n",
    ]
    if (evidence.root / "docs" / "papers" / f"{paper.key}.rst").is_file():
        parts.append(directive("include", f"/papers/{paper.key}.rst"))
    parts += [section(equation, paper, evidence) for equation in equations]
    parts.append(heading("Graph and statuses", "-"))
    if len(equations) > 1:
        names = [equation.id for equation in equations]
        parts.append(graph(names, evidence, label=f"What rests on what in {short(paper)}"))
    parts.append(legend(evidence))
    return "\n".join(parts)


def _table(catalogue: Catalogue, evidence: Evidence) -> str:
    """All equations in one list: what a reader with a paper in hand searches."""
    rows = ["* - Paper", "  - Equation", "  - Printed as", "  - Function", "  - Status"]
    for equation in catalogue.equations.values():
        function = evidence.functions.get(equation.id)
        name = facts.python_name(function) if function else ""
        paper = catalogue.papers[equation.paper]
        rows += [
            f"* - :ref:`{short(paper)} <paper-{equation.paper}>`",
            f"  - :eqn:ref:`{equation.id}`",
            f"  - {equation.citation}",
            f"  - :py:func:`~{name}`" if function else "  -",
            f"  - :eqn:status:`{evidence.status(equation.id)}`",
        ]
    options = {"header_rows": "1", "widths": "17 31 15 24 13", "class": "equation-list"}
    return directive("list-table", body="\n".join(rows), **options)


def _contents(evidence: Evidence) -> str:
    catalogue, counts = evidence.catalogue, evidence.counts()
    entries = "\n".join(f"generated/equations/{key}" for key in catalogue.papers)
    total = ", ".join(f"{counts[s]} :eqn:status:`{s}`" for s in MEANINGS if counts[s])
    settled = sum(
        evidence.status(name) == "verified" and not evidence.unsettled(name)
        for name in catalogue.equations
    )
    also = (
        f" For {settled} of the verified ones, all that they use is verified too."
        if settled
        else ""
    )
    parts = [
        f"{sum(counts.values())} equations: {total}.{also}\n",
        legend(evidence),
        directive("toctree", body=entries, maxdepth="1"),
        heading("All equations", "-"),
        _table(catalogue, evidence),
    ]
    return "\n".join(parts)


def generate(app) -> None:
    evidence = gather(Path(app.srcdir).parent)
    papers = evidence.catalogue.papers
    pages = {f"{key}.rst": _page(paper, evidence) for key, paper in papers.items()}
    pages["contents.inc"] = _contents(evidence)
    write_pages(Path(app.srcdir) / "generated" / "equations", pages)


def test_pages(app):
    """Make a page of each file of tests that an equation's box links to."""
    if app.builder.format == "html":
        yield from sources_of_tests(app, gather(Path(app.srcdir).parent).test_files())


def name_equations(app, what, name, obj, options, lines) -> None:
    """Say below a function's first line which equations it implements."""
    ids = getattr(obj, "__equations__", ())
    if ids and what == "function":
        lines[1:1] = ["", "Implements " + ", ".join(f":eqn:ref:`{i}`" for i in ids) + ".", ""]


def anchor_rows(app, doctree) -> None:
    """Give the rows of the table of measured errors anchors, one a function."""
    if app.env.docname != "numerics":
        return
    rows = {}
    for row in doctree.findall(nodes.row):
        for link in row[0].findall(pending_xref):
            # Other tables have some of the functions too; the last has them all.
            rows[link["reftarget"].removeprefix("refdiff.equations.")] = row
    for name, row in rows.items():
        row["ids"].append(f"numerics-{name}")


def setup(app) -> dict[str, bool]:
    for part in ("equation_domain", "equation_parts", "equation_graph", "link_check"):
        app.setup_extension(part)
    app.add_css_file("equation-box.css")
    app.add_js_file("equation-box.js", defer="defer")
    # After Napoleon has turned the sections of the docstring into fields.
    app.connect("autodoc-process-docstring", name_equations, priority=900)
    app.connect("builder-inited", generate)
    app.connect("doctree-read", anchor_rows)
    app.connect("html-collect-pages", test_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
