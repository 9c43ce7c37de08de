"""Parse every formula of the documentation; one that does not parse is a warning, hence an error.

MathJax prints a broken formula in red and carries on, so without this nobody learns of it before
a reader does. KaTeX's parser is used because it can be called from Python, offline.
"""

from docutils import nodes
from pykatex import ParseError, renderToString
from sphinx.util import logging

logger = logging.getLogger(__name__)


def _wrapped(latex: str) -> str:
    # As Sphinx does with a formula that is aligned or broken but has no environment.
    needs_split = ("&" in latex or "\\\\" in latex) and "\\begin" not in latex
    return f"\\begin{{split}}{latex}\\end{{split}}" if needs_split else latex


def check(app, doctree) -> None:
    for node in doctree.findall(lambda n: isinstance(n, nodes.math | nodes.math_block)):
        latex = node.astext()
        try:
            renderToString(_wrapped(latex), displayMode=isinstance(node, nodes.math_block))
        except ParseError as error:
            logger.warning("formula does not parse: %s: %s", latex, error, location=node)


def setup(app) -> dict[str, bool]:
    app.connect("doctree-read", check)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
