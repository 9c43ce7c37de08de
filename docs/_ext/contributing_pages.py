"""The page on adding an equation, made from the one place where its steps are written."""

import re
from pathlib import Path

from generated import directive, heading, write_pages

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def section(markdown: str, title: str) -> str:
    """Return the text under a heading of the second level."""
    return re.split(r"^## ", markdown.partition(f"\n## {title}\n")[2], maxsplit=1, flags=re.M)[0]


def rst_of(markdown: str) -> str:
    """Turn paragraphs, inline code and code blocks into reStructuredText; nothing else is known."""
    between = _FENCE.split(markdown)
    parts = [_inline(between[0])]
    for language, code, text in zip(between[1::3], between[2::3], between[3::3], strict=True):
        parts += [directive("code-block", language, code), _inline(text)]
    return "\n".join(parts)


def _inline(text: str) -> str:
    return re.sub(r"(?<!`)`([^`]+)`(?!`)", r"``\1``", text)


def page(markdown: str) -> str:
    """Return the page, without the set-up that stands around the section."""
    steps = rst_of(section(markdown, "Add an equation in one sitting"))
    return f".. _contributing-equation:\n\n{heading('Add an equation', '=')}\n{steps}"


def generate(app) -> None:
    docs = Path(app.srcdir)
    text = page((docs.parent / "CONTRIBUTING.md").read_text("utf-8"))
    write_pages(docs / "generated" / "contributing", {"equation.rst": text})


def setup(app) -> dict[str, bool]:
    app.connect("builder-inited", generate)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
