"""What stands beside an equation's formula: its symbols, code, digits, deviations and peers."""

import inspect
import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

from deviation_pages import entry_link

from refdiff.catalogue import notation, public_name
from refdiff.conformance.variants import Variant, all_variants


def rst(text: str) -> str:
    """Turn the catalogue's inline formulas ($...$) into math roles."""
    return re.sub(r"\$([^$]+)\$", r":math:`\1`", " ".join(text.split()))


def plain(text: str) -> str:
    """Write a sentence that is no markup, so that no character of it is read as markup."""
    return re.sub(r"([\\*`_|])", r"\\\1", " ".join(text.split()))


def python_name(function: Callable) -> str:
    return f"refdiff.equations.{public_name(function)}"


def function(found: Callable) -> str:
    """Link to a function and to the line where it is defined."""
    source = f"_modules/{found.__module__.replace('.', '/')}#{found.__name__}"
    return f":py:func:`{python_name(found)}` (:eqn:page:`source <{source}>`)"


def symbols(found: Callable) -> str:
    """Explain each argument of a function, one a line."""
    known = notation()
    lines = []
    for name in inspect.signature(found).parameters:
        if name in known:
            symbol = known[name]
            meaning = f"{rst(symbol.meaning)} ({symbol.domain})"
            lines.append(f"| :math:`{symbol.latex}` ``{name}``: {meaning}")
    return "\n".join(lines)


@cache
def _measured(root: Path) -> Mapping[str, Mapping]:
    path = root / "docs" / "numerics.json"
    return json.loads(path.read_text("utf-8"))["functions"] if path.is_file() else {}


def measured_error(found: Callable, root: Path) -> str:
    """Say how many digits a function was measured to have, and link to its row of the table."""
    name = public_name(found)
    entry = _measured(root).get(name)
    if entry is None:
        return ""
    parts = [
        f"{entry[precision]['ulp']:g} ulp in {precision}, {entry[precision]['beyond']:g} times what"
        " cannot be avoided"
        for precision in ("float64", "float32")
        if entry.get(precision, {}).get("ulp") is not None
    ]
    row = f":eqn:page:`row of the table <numerics#numerics-{name}>`"
    return f"At most {'; '.join(parts)} ({row})." if parts else ""


def vectors(found: Callable, root: Path) -> str:
    """Name the file of test vectors of a function, where there is one."""
    file = f"refdiff/conformance/vectors/data/{public_name(found)}.json"
    return f"``{file}`` (see :doc:`/vectors`)" if (root / file).is_file() else ""


@cache
def _by_part() -> dict[str, list[Variant]]:
    found: dict[str, list[Variant]] = {}
    for variant in all_variants().values():
        if variant.kind == "deviation":
            for part in variant.replaces:
                found.setdefault(part, []).append(variant)
    return found


def deviations(found: Callable) -> list[str]:
    """Describe the named mistakes that replace a function, one paragraph each."""
    lines = []
    for variant in sorted(_by_part().get(public_name(found), ()), key=lambda v: v.name):
        text = f"{entry_link(variant.name)}: {plain(variant.summary)}"
        if variant.links:
            text += f" Seen in {', '.join(_link(address) for address in variant.links)}."
        lines.append(text)
    return lines


def _link(address: str) -> str:
    """Name a public place in a few words: project, and number or file."""
    words = address.removeprefix("https://").removeprefix("github.com/").rstrip("/")
    words = re.sub(r"/(?:issues|pull|discussions)/(\d+).*", r" #\1", words)
    words = re.sub(r"/(?:blob|commit)/([0-9a-f]{7})[0-9a-f]*", r" \1", words)
    return f"`{words} <{address}>`__"


@cache
def _verdicts(root: Path) -> dict[str, dict[str, set[str]]]:
    """Return, by the first word of a check and by peer, the verdicts of the kept reports."""
    found: dict[str, dict[str, set[str]]] = {}
    for path in sorted((root / "validation" / "targets" / "reports").glob("*.json")):
        report = json.loads(path.read_text("utf-8"))
        for target in report["targets"].values():
            for verdict, checks in target["results"].items():
                for check in checks:
                    group = check.partition(" = ")[0].partition("/")[0]
                    found.setdefault(group, {}).setdefault(report["peer"], set()).add(verdict)
    return found


def peers(found: Callable, root: Path) -> str:
    """Name the checked releases whose part of this name conforms in every check that it got."""
    by_peer = _verdicts(root).get(public_name(found).rpartition(".")[2].replace("_", "-"), {})
    good = [
        name for name, verdicts in by_peer.items() if verdicts - {"not-provided"} == {"conforms"}
    ]
    return f"{', '.join(sorted(good))} (see :doc:`/peers`)" if good else ""
