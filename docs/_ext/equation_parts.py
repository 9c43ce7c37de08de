"""Parts of an equation's box: a formula with a button that copies it, and what folds away."""

from html import escape

from docutils import nodes
from sphinx.directives.patches import MathDirective
from sphinx.util.docutils import SphinxDirective


class copy_latex(nodes.General, nodes.Element):
    """A button that copies a formula as LaTeX."""


class folded(nodes.General, nodes.Element):
    """Content that the reader opens."""


class FormulaDirective(MathDirective):
    """``.. eqn:formula:: caption``: a display formula, what it is, and its button."""

    optional_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        caption = self.arguments.pop() if self.arguments else ""
        latex = "\n".join(self.content)
        line = nodes.paragraph("", "", classes=["equation-caption"])
        if caption:
            line += nodes.inline("", caption)
        line += copy_latex(latex=latex, caption=caption)
        return [line, *super().run()]


class FoldedDirective(SphinxDirective):
    """``.. eqn:folded:: summary``: content behind its summary."""

    required_arguments = 1
    final_argument_whitespace = True
    has_content = True

    def run(self) -> list[nodes.Node]:
        node = folded(summary=self.arguments[0])
        node += self.parse_content_to_nodes()
        return [node]


def visit_copy(translator, node) -> None:
    what = escape(f"Copy the LaTeX: {node['caption'] or 'formula'}")
    # Hidden until the script that makes it work has run.
    translator.body.append(
        f'<button type="button" class="equation-copy" hidden aria-label="{what}" '
        f'data-latex="{escape(node["latex"])}">Copy LaTeX</button>'
    )
    raise nodes.SkipNode


def visit_folded(translator, node) -> None:
    summary = escape(node["summary"])
    translator.body.append(f'<details class="equation-folded"><summary>{summary}</summary>')


def depart_folded(translator, node) -> None:
    translator.body.append("</details>")


def skip(translator, node) -> None:
    raise nodes.SkipNode


def show_summary(translator, node) -> None:
    """Other formats have nothing to open: they show the content."""


def setup(app) -> dict[str, bool]:
    others = ("latex", "text", "man", "texinfo")
    app.add_directive_to_domain("eqn", "formula", FormulaDirective)
    app.add_directive_to_domain("eqn", "folded", FoldedDirective)
    app.add_node(copy_latex, html=(visit_copy, None), **dict.fromkeys(others, (skip, None)))
    plain = dict.fromkeys(others, (show_summary, show_summary))
    app.add_node(folded, html=(visit_folded, depart_folded), **plain)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
