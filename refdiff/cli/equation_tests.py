"""Which tests verify an equation: from the ledger of a test run, or from the tests' source.

The tests are not part of the installed package. In a checkout, the last run of the tests leaves
``build/ledger.json``, which knows every test and its outcome; the variable ``REFDIFF_LEDGER``
names another. Without a ledger the markers ``@pytest.mark.verifies(...)`` are read in the source,
which finds the tests whose ids are written out there.
"""

from __future__ import annotations

import ast
import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import refdiff
from refdiff._errors import UserError

__all__ = ["VerifyingTest", "VerifyingTests", "find_tests"]


@dataclass(frozen=True)
class VerifyingTest:
    """One test of an equation, with all its parameters together.

    Attributes
    ----------
    nodeid : str
        Its file and name, as pytest takes them.
    kind : str
        How it verifies; empty where only a run knows.
    outcome : str
        What came of it in the recorded run, as "passed" or "12 passed"; empty without a run.
    """

    nodeid: str
    kind: str
    outcome: str


@dataclass(frozen=True)
class VerifyingTests:
    """Tests by equation.

    Attributes
    ----------
    source : str or None
        Where they were looked up; None where there was nowhere to look.
    by_id : mapping
        From equation id to tests.
    """

    source: str | None
    by_id: Mapping[str, tuple[VerifyingTest, ...]]

    def of(self, equation_id: str) -> tuple[VerifyingTest, ...]:
        """Tests of one equation; empty where none is known."""
        return self.by_id.get(equation_id, ())


def find_tests(root: Path | None = None) -> VerifyingTests:
    """Look up the tests of all equations.

    Parameters
    ----------
    root : Path, optional
        The checkout; by default the folder that holds the package, if it is one.

    Returns
    -------
    VerifyingTests
        From the ledger, else from the source, equation by equation.

    Raises
    ------
    UserError
        If the ledger that ``REFDIFF_LEDGER`` names is missing or damaged.
    """
    root = Path(refdiff.__file__).parents[1] if root is None else root
    named = os.environ.get("REFDIFF_LEDGER")
    ledger = Path(named) if named else root / "build" / "ledger.json"
    sources: dict[str, dict[str, tuple[VerifyingTest, ...]]] = {}
    if (root / "pyproject.toml").is_file() and (root / "tests").is_dir():
        sources["tests"] = _from_source(root)
    if named or ledger.is_file():
        try:
            sources[named or "build/ledger.json"] = _from_ledger(ledger)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            if named:
                raise UserError(
                    f"REFDIFF_LEDGER={named} is no ledger: `pytest --ledger FILE` writes one."
                ) from error
    # What a run recorded goes before what the source says, which knows no outcome.
    found: dict[str, tuple[VerifyingTest, ...]] = {}
    for tests in sources.values():
        found |= {key: entries for key, entries in tests.items() if entries}
    return VerifyingTests(" and ".join(reversed(sources)) or None, found)


def _from_ledger(path: Path) -> dict[str, tuple[VerifyingTest, ...]]:
    content = json.loads(path.read_text("utf-8"))
    found = {}
    for key, entry in content["equations"].items():
        outcomes: dict[tuple[str, str], Counter[str]] = {}
        for test in entry["tests"]:
            name = test["nodeid"].partition("[")[0]
            outcomes.setdefault((name, test["kind"]), Counter())[test["outcome"]] += 1
        found[key] = tuple(
            VerifyingTest(name, kind, _counted(counts))
            for (name, kind), counts in sorted(outcomes.items())
        )
    return found


def _counted(counts: Counter[str]) -> str:
    return ", ".join(what if n == 1 else f"{n} {what}" for what, n in counts.items())


def _from_source(root: Path) -> dict[str, tuple[VerifyingTest, ...]]:
    found: dict[str, list[VerifyingTest]] = {}
    for path in sorted((root / "tests").rglob("test_*.py")):
        try:
            text = path.read_text("utf-8")
            tree = ast.parse(text if "verifies(" in text else "")
        except (OSError, SyntaxError, ValueError):
            continue
        for name, ids in _marked(tree):
            nodeid = path.relative_to(root).as_posix() + (f"::{name}" if name else "")
            for key in ids:
                found.setdefault(key, []).append(VerifyingTest(nodeid, "", ""))
    return {key: tuple(dict.fromkeys(tests)) for key, tests in found.items()}


def _marked(tree: ast.Module) -> Iterator[tuple[str, list[str]]]:
    """Yield functions, or "" for the file itself, with the ids that their markers name."""
    for node in tree.body:
        inside = [node]
        prefix = ""
        if isinstance(node, ast.ClassDef):
            inside, prefix = list(node.body), f"{node.name}::"
        for part in inside:
            if isinstance(part, ast.FunctionDef):
                ids = [key for mark in part.decorator_list for key in _ids(mark)]
                yield f"{prefix}{part.name}", ids
            elif isinstance(part, ast.Assign):
                yield prefix.removesuffix("::"), list(_ids(part.value))


def _ids(expression: ast.AST) -> Iterator[str]:
    for node in ast.walk(expression):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "verifies"
        ):
            for argument in node.args:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    yield argument.value
