"""The tests' source, for the documentation: what it hashes to now, and a page to read it on."""

import ast
import hashlib
import inspect
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

FOLDER = "_tests"


@cache
def _definitions(path: Path) -> dict[str, list[str]]:
    """Return the source of each function of a file, as `inspect` cuts it, by its name.

    Methods have their class's name before their own; functions inside functions have their bare
    name, as pytest shows tests that another function makes. A name may be defined several times.
    """
    text = path.read_text("utf-8")
    lines = (text if text.endswith("\n") else text + "\n").splitlines(keepends=True)
    found: dict[str, list[str]] = {}

    def visit(body: list[ast.stmt], prefix: str) -> None:
        for node in body:
            if isinstance(node, ast.ClassDef):
                visit(node.body, f"{prefix}{node.name}::")
            elif isinstance(node, ast.FunctionDef):
                first = min([node.lineno, *(mark.lineno for mark in node.decorator_list)])
                source = "".join(inspect.getblock(lines[first - 1 :]))
                found.setdefault(prefix + node.name, []).append(source)
                inner = [part for part in ast.walk(node) if isinstance(part, ast.FunctionDef)]
                visit([part for part in inner if part is not node], "")

    visit(ast.parse(text).body, "")
    return found


def hashes_now(root: Path, nodeid: str) -> set[str]:
    """Return what a test's source may hash to now; empty where the test is gone.

    Nothing is imported: the source is cut out of the file as `inspect.getsource` cuts it.
    """
    file, _, name = nodeid.partition("[")[0].partition("::")
    path = root / file
    if not path.is_file():
        return set()
    sources = _definitions(path).get(name, [])
    return {hashlib.sha256(source.encode()).hexdigest() for source in sources}


def page_of(nodeid: str) -> str:
    """Return the page and anchor of a test, as the role ``eqn:page`` takes them."""
    file, _, name = nodeid.partition("[")[0].partition("::")
    page = f"{FOLDER}/{file.removesuffix('.py')}"
    return f"{page}#{name.replace('::', '.')}" if name else page


def _anchored(highlighted: str, text: str) -> str:
    """Put an anchor before the line of each function of a highlighted file."""
    lines = highlighted.splitlines()
    first = next((i for i, line in enumerate(lines) if "<pre>" in line), 0)
    prefix = ""
    for number, line in enumerate(text.splitlines()):
        found = re.match(r"( *)(class|def) (\w+)", line)
        if not found or (found[2] == "def" and found[1] and not prefix):
            continue
        if found[2] == "class":
            prefix = f"{found[3]}."
            continue
        name = (prefix if found[1] else "") + found[3]
        prefix = prefix if found[1] else ""
        anchor = f'<span class="test-anchor" id="{name}"></span>'
        head, tag, tail = lines[first + number].rpartition("<pre>")
        lines[first + number] = f"{head}{tag}{anchor}{tail}"
    return "\n".join(lines)


def pages(app, files: Iterable[str]) -> Iterator[tuple[str, dict[str, str], str]]:
    """Make a page of each of these files, for the event ``html-collect-pages``."""
    root = Path(app.srcdir).parent
    for file in files:
        path = root / file
        written = Path(app.outdir, f"{page_of(file)}.html")
        if written.is_file() and written.stat().st_mtime > path.stat().st_mtime:
            continue
        text = path.read_text("utf-8")
        highlighted = app.builder.highlighter.highlight_block(text, "python", linenos=False)
        body = f"<h1><code>{file}</code></h1>\n{_anchored(highlighted, text)}"
        yield page_of(file), {"title": file, "body": body}, "page.html"
