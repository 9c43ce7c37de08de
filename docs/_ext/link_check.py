"""After the build: every link from one page to another leads to a page and an anchor that exist.

Sphinx checks the links that it resolves; those to pages which the build makes itself (code, tests,
rows of tables, nodes of graphs) it takes as they are.
"""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sphinx.util import logging

logger = logging.getLogger(__name__)

_ANCHOR = re.compile(r'\sid="([^"]*)"')
_LINK = re.compile(r'<a\b[^>]*?\shref="([^"]*)"')


def broken(out: Path) -> Iterator[tuple[Path, str]]:
    """Yield pages with the addresses in them that lead nowhere."""
    texts = {path: path.read_text("utf-8") for path in sorted(out.rglob("*.html"))}
    anchors = {path: set(_ANCHOR.findall(text)) for path, text in texts.items()}
    for page, text in texts.items():
        # The way back from a page of code is Sphinx's own: it knows one place for each object.
        if "_modules" in page.relative_to(out).parts:
            continue
        for address in sorted(set(_LINK.findall(text))):
            parts = urlsplit(unescape(address))
            if parts.scheme or parts.netloc:
                continue
            path = Path(page.parent, unquote(parts.path)).resolve() if parts.path else page
            known = anchors.get(path)
            lost = parts.fragment and unquote(parts.fragment) not in (known or ())
            if not path.exists() or (known is not None and lost):
                yield page.relative_to(out), address


def check(app, exception) -> None:
    if exception is not None or app.builder.format != "html":
        return
    for page, address in broken(Path(app.outdir).resolve()):
        logger.warning("%s links to %s, which does not exist", page, address)


def setup(app) -> dict[str, bool]:
    app.connect("build-finished", check, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
