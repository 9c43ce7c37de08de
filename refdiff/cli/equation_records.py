"""What is known of an equation, gathered from catalogue, code and tests."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import refdiff
from refdiff.catalogue import Catalogue, Equation, implementations, public_name
from refdiff.cli.equation_tests import VerifyingTests, find_tests

__all__ = ["FunctionFacts", "catalogue_record", "function_facts", "used_by"]

_FORMULA = re.compile(r"^\.\. math::[ \t]*(.*(?:\n(?:[ \t]+.*)?)*)", re.MULTILINE)


@dataclass(frozen=True)
class FunctionFacts:
    """A function that implements an equation.

    Attributes
    ----------
    name : str
        Where it is imported from, as ``refdiff.equations.posterior_mean``.
    signature : str
        Its arguments, without annotations.
    file : str
        Its file, from the folder that holds the package.
    line : int
        The line where it begins.
    summary : str
        The first line of its docstring.
    formula : str
        The display formula of its docstring, in LaTeX; may be empty.
    """

    name: str
    signature: str
    file: str
    line: int
    summary: str
    formula: str


def function_facts(function: Callable[..., Any]) -> FunctionFacts:
    """Describe a function of `refdiff.equations`.

    Parameters
    ----------
    function : callable
        From `refdiff.catalogue.implementations`.

    Returns
    -------
    FunctionFacts
        From its docstring and its source.
    """
    document = inspect.getdoc(function) or ""
    found = _FORMULA.search(document)
    path = Path(inspect.getsourcefile(function) or "")
    package = Path(refdiff.__file__).parent
    return FunctionFacts(
        name=f"refdiff.equations.{public_name(function)}",
        signature=_signature(function),
        file=path.relative_to(package.parent).as_posix(),
        line=inspect.getsourcelines(function)[1],
        summary=document.partition("\n")[0],
        formula="" if found is None else inspect.cleandoc(found[1]).strip(),
    )


def _signature(function: Callable[..., Any]) -> str:
    plain = inspect.signature(function)
    bare = [p.replace(annotation=inspect.Parameter.empty) for p in plain.parameters.values()]
    return str(inspect.Signature(bare))


def used_by(equation: Equation, catalogue: Catalogue) -> tuple[str, ...]:
    """Ids of the equations that rest on this one, in the catalogue's order."""
    return tuple(e.id for e in catalogue.equations.values() if equation.id in e.uses)


def catalogue_record(catalogue: Catalogue, chosen: Iterable[Equation]) -> dict[str, Any]:
    """Everything known, as JSON.

    Parameters
    ----------
    catalogue : Catalogue
        All papers and equations.
    chosen : iterable of Equation
        Which equations to describe.

    Returns
    -------
    dict
        ``schema`` (1), ``refdiff`` (version), ``papers`` (those of the chosen equations),
        ``tests_from`` (where the tests were looked up; null where nowhere) and ``equations``.
    """
    chosen = tuple(chosen)
    functions = implementations()
    tests = find_tests()
    keys = dict.fromkeys(equation.paper for equation in chosen)
    return {
        "schema": 1,
        "refdiff": refdiff.__version__,
        "tests_from": tests.source,
        "papers": [asdict(catalogue.papers[key]) for key in keys],
        "equations": [
            _equation_record(equation, catalogue, functions.get(equation.id), tests)
            for equation in chosen
        ],
    }


def _equation_record(
    equation: Equation,
    catalogue: Catalogue,
    function: Callable[..., Any] | None,
    tests: VerifyingTests,
) -> dict[str, Any]:
    return asdict(equation) | {
        "citation": equation.citation,
        "function": None if function is None else asdict(function_facts(function)),
        "tests": [asdict(test) for test in tests.of(equation.id)],
        "used_by": list(used_by(equation, catalogue)),
    }
