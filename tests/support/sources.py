"""Reading the repository's own source: files, syntax trees, and the ids that tests name."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Calls whose string arguments are ids of the catalogue: the marker, and the table of functions.
_NAMING = {"verifies", "row"}


def python_files(*folders: str) -> list[Path]:
    """Return the Python files below folders of the repository, sorted; absent folders have none."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def called_name(call: ast.Call) -> str:
    """Return the last name of what is called: ``verifies`` for ``pytest.mark.verifies(...)``."""
    function = call.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def calls(path: Path) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree(path)) if isinstance(node, ast.Call))


def strings(nodes) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


@cache
def verified_ids() -> frozenset[str]:
    """Return the equation ids that a marker in some test names."""
    return frozenset(
        name
        for path in python_files("tests")
        for call in calls(path)
        if called_name(call) in _NAMING
        for name in strings(call.args)
        if "/" in name
    )


@cache
def property_ids() -> frozenset[str]:
    """Return the numbered laws that a marker in some test names."""
    return frozenset(
        name
        for path in python_files("tests")
        for call in calls(path)
        if called_name(call) == "property_id"
        for name in strings(call.args)
    )


def imported_modules(path: Path) -> Iterator[tuple[int, str]]:
    """Yield line and full name of every module imported in a file, inside functions too."""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield node.lineno, module
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)
