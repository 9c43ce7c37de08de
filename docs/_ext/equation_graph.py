"""Small graphs of equations: what each rests on, drawn as one column of names with arcs beside it.

A statement stands below all that it rests on, and an arc leads down to it from each of them. The
names stand in one column, so that they are never covered and the drawing fits a narrow screen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

ROW, DOT, LETTER = 26, 5, 7.3


@dataclass(frozen=True)
class Node:
    """One equation of a graph; ``uses`` may name equations outside it."""

    id: str
    title: str
    status: str
    uses: tuple[str, ...] = ()
    address: str = ""


def ordered(uses: Mapping[str, Sequence[str]]) -> list[str]:
    """Sort so that each id stands after all that it uses, else in the given order."""
    done: dict[str, None] = {}

    def visit(name: str, open_: tuple[str, ...]) -> None:
        if name in open_:
            raise ValueError(f"{name} rests on itself: {' -> '.join((*open_, name))}.")
        if name in done or name not in uses:
            return
        for used in uses[name]:
            visit(used, (*open_, name))
        done[name] = None

    for name in uses:
        visit(name, ())
    return list(done)


def neighbourhood(focus: str, uses: Mapping[str, Sequence[str]]) -> list[str]:
    """Return an equation, all that it rests on, and what rests directly on it."""
    below: dict[str, None] = {}
    waiting = [focus]
    while waiting:
        name = waiting.pop()
        if name not in below:
            below[name] = None
            waiting += uses[name]
    return [*below, *(name for name, used in uses.items() if focus in used and name not in below)]


def _mark(status: str, y: float, x: float) -> str:
    """Draw the mark of a status: full, half or empty, so that it is known without its colour."""
    kind = escape(status.replace(" ", "-"))
    return f'<circle class="equation-mark equation-mark-{kind}" cx="{x}" cy="{y}" r="{DOT}"/>'


def draw(graph: Sequence[Node], focus: str = "", label: str = "") -> str:
    """Draw a graph as SVG.

    Parameters
    ----------
    graph : sequence of Node
        In an order in which nothing stands before what it uses (`ordered`).
    focus : str
        The equation whose graph it is; it is bold and no link.
    label : str
        What a screen reader says of the whole.
    """
    row = {node.id: index for index, node in enumerate(graph)}
    spans = [row[n.id] - row[u] for n in graph for u in n.uses if u in row]
    gutter = 12 + _reach(max(spans, default=0))
    arcs, names = [], []
    for node in graph:
        y = row[node.id] * ROW + ROW / 2
        for used in node.uses:
            if used in row:
                start = row[used] * ROW + ROW / 2
                reach = _reach(row[node.id] - row[used])
                near = ' class="equation-arc-near"' if focus in (node.id, used) else ""
                arcs.append(
                    f'<path{near} d="M{gutter:g} {start:g} C{gutter - reach * 4 / 3:g} {start:g} '
                    f'{gutter - reach * 4 / 3:g} {y:g} {gutter:g} {y:g}"/>'
                )
        words = f'<tspan class="equation-node-status">{escape(node.status)}</tspan>'
        text = (
            f'<text x="{gutter + 12:g}" y="{y + 4.5:g}"><tspan class="equation-node-title">'
            f'{escape(node.title)}</tspan><tspan dx="8">{words}</tspan></text>'
        )
        mark = _mark(node.status, y, gutter)
        if node.id == focus or not node.address:
            names.append(f'<g class="equation-focus">{mark}{text}</g>')
        else:
            names.append(f'<a href="{escape(node.address)}">{mark}{text}</a>')
    longest = max((len(n.title) + len(n.status) for n in graph), default=0)
    width, height = gutter + 28 + LETTER * longest, len(graph) * ROW
    return (
        f'<svg class="equation-graph" xmlns="http://www.w3.org/2000/svg" role="group" '
        f'aria-label="{escape(label)}" width="{width:.0f}" height="{height}" '
        f'viewBox="0 0 {width:.0f} {height}"><g class="equation-arcs">{"".join(arcs)}</g>'
        f"{''.join(names)}</svg>"
    )


def _reach(span: int) -> float:
    """Return how far to the left an arc over so many rows goes: more for more, but not for ever."""
    return min(9.0 * span, 40 + 2.5 * span) if span else 0


class equation_graph(nodes.General, nodes.Element):
    """A graph whose links are known when its page is written."""


class GraphDirective(SphinxDirective):
    """``.. eqn:graph::`` with one line an equation: ``id; status; what it uses``."""

    has_content = True
    option_spec: ClassVar = {"focus": directives.unchanged, "label": directives.unchanged}

    def run(self) -> list[nodes.Node]:
        rows = []
        for line in self.content:
            name, status, uses = (part.strip() for part in line.split(";"))
            rows.append((name, status, tuple(uses.split())))
        options = {"focus": "", "label": "", **self.options}
        node = equation_graph(rows=rows, docname=self.env.docname, **options)
        return [node]


def visit_html(translator, node) -> None:
    builder, here = translator.builder, node["docname"]
    equations = builder.env.get_domain("eqn").equations
    graph = []
    for name, status, uses in node["rows"]:
        known = equations.get(name)
        if known is None:
            graph.append(Node(name, name, status, uses))
            continue
        address = builder.get_relative_uri(here, known["docname"]) + "#" + known["anchor"]
        graph.append(Node(name, known["title"], status, uses, address))
    drawn = draw(graph, node["focus"], node["label"])
    translator.body.append(f'<div class="equation-graph-box">{drawn}</div>')
    raise nodes.SkipNode


def skip(translator, node) -> None:
    raise nodes.SkipNode


def setup(app) -> dict[str, bool]:
    app.add_directive_to_domain("eqn", "graph", GraphDirective)
    others = dict.fromkeys(("latex", "text", "man", "texinfo"), (skip, None))
    app.add_node(equation_graph, html=(visit_html, None), **others)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
