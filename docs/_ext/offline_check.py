"""After the build: no page asks another machine for anything, or for a file that is missing."""

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sphinx.util import logging

logger = logging.getLogger(__name__)

# What a browser fetches by itself. A link that a reader may click (<a href>) may lead anywhere.
_FETCHED = {"src", "srcset", "poster", "data"}


class _Assets(HTMLParser):
    """Collect the addresses that a browser fetches to show one page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag, attributes) -> None:
        for name, value in attributes:
            if value and (name in _FETCHED or (tag == "link" and name == "href")):
                self.found.append(value)


def _of_page(path: Path) -> list[str]:
    parser = _Assets()
    parser.feed(path.read_text("utf-8"))
    return parser.found


def _of_style(path: Path) -> list[str]:
    return re.findall(r"(?:url\(|@import\s+)[\"']?([^\"')\s;]+)", path.read_text("utf-8"))


def check(app, exception) -> None:
    if exception is not None or app.builder.format != "html":
        return
    out = Path(app.outdir)
    pages = [(path, _of_page(path)) for path in sorted(out.rglob("*.html"))]
    styles = [(path, _of_style(path)) for path in sorted(out.rglob("*.css"))]
    for path, addresses in pages + styles:
        for address in addresses:
            parts = urlsplit(address)
            if parts.scheme == "data" or (not parts.scheme and not parts.netloc and not parts.path):
                continue
            if parts.scheme or parts.netloc:
                logger.warning("%s fetches %s: the pages must work offline", path.name, address)
            elif not (path.parent / unquote(parts.path)).exists():
                logger.warning("%s asks for %s, which does not exist", path.name, address)


def setup(app) -> dict[str, bool]:
    app.connect("build-finished", check, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
