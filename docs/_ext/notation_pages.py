"""The table of the house notation, made from the catalogue and the functions' signatures."""

import importlib
import inspect
from pathlib import Path

from generated import directive, write_pages

from refdiff import equations
from refdiff.catalogue import GROUPS, Symbol, notation

_MOST_SHOWN = 3


def users() -> dict[str, list[str]]:
    """Say which public functions take an argument of each name, group by group."""
    found: dict[str, list[str]] = {}
    for group in GROUPS:
        module = importlib.import_module(f"{equations.__name__}.{group}".rstrip("."))
        for name in module.__all__:
            function = getattr(module, name)
            if inspect.isfunction(function):
                for argument in inspect.signature(function).parameters:
                    found.setdefault(argument, []).append(f"{group}.{name}".lstrip("."))
    return found


def _role(name: str) -> str:
    return f":py:func:`~{equations.__name__}.{name}`"


def _row(symbol: Symbol, taken_by: list[str]) -> list[str]:
    ways = [f":math:`{latex}`" for latex in (symbol.latex, *symbol.also) if latex]
    shown = ", ".join(map(_role, taken_by[:_MOST_SHOWN]))
    more = f" and {len(taken_by) - _MOST_SHOWN} more" if len(taken_by) > _MOST_SHOWN else ""
    return [
        f"* - ``{symbol.name}``",
        f"  - {ways[0] if ways else ''}",
        f"  - {symbol.meaning}; {symbol.domain}"
        + (f"; also {', '.join(ways[1:])}" * bool(ways[1:])),
        f"  - {shown}{more}",
    ]


def table() -> str:
    """Return the table of all symbols, sorted by name."""
    taken_by = users()
    rows = ["* - Argument", "  - Symbol", "  - Meaning and domain", "  - Taken by"]
    for name, symbol in sorted(notation().items(), key=lambda item: item[0].lower()):
        rows += _row(symbol, taken_by.get(name, []))
    options = {"header_rows": "1", "widths": "20 16 34 30", "class": "symbols"}
    return directive("list-table", body="\n".join(rows), **options)


def generate(app) -> None:
    folder = Path(app.srcdir) / "generated" / "notation"
    write_pages(folder, {"symbols.inc": table()})


def setup(app) -> dict[str, bool]:
    app.connect("builder-inited", generate)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
