"""Making the files: every vector with its expectation, its budget and what it separates."""

from __future__ import annotations

import inspect
import itertools
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import mpmath

from refdiff._errors import UserError
from refdiff.catalogue import load as load_catalogue
from refdiff.catalogue import notation
from refdiff.conformance.explain import LIMIT
from refdiff.conformance.vectors import measuring
from refdiff.conformance.vectors.cases import Case, all_cases

__all__ = ["contents", "differences"]

SCHEMA = 1
"""Version of the format: rises when a reader has to change."""

EDITION = 1
"""Edition of the set: rises when vectors are added or withdrawn."""

DIGITS = 50
"""Significant digits that are written of an expected number."""

_SHAPES = {
    "pointwise": "numbers; arrays elementwise, broadcast against each other",
    "batch": "arrays of shape (B, ...), samples along the first axis",
    "table": "one-dimensional tables and numbers",
}
_TABLES = {"alpha_bars", "betas", "num_steps", "num_train_steps"}
_BATCHES = {"dynamic_threshold", "per_sample", "rescale_guidance", "simple_loss"}


def contents(previous: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what the files are to hold, by function.

    Parameters
    ----------
    previous : mapping
        What they hold now, by function: an id keeps its inputs for good, and ids that are gone
        are remembered as retired.

    Raises
    ------
    UserError
        If an id is used again, for other inputs.
    """
    made: dict[str, dict[str, Any]] = {}
    ordered = sorted(all_cases(), key=lambda case: case.function)
    for function, group in itertools.groupby(ordered, key=lambda case: case.function):
        cases = list(group)
        entry = {**_header(function, cases), "vectors": [_vector(case) for case in cases]}
        entry["retired"] = _retired(function, entry["vectors"], previous.get(function))
        made[function] = entry
    return made


def _retired(
    function: str, vectors: Iterable[Mapping[str, Any]], before: Mapping[str, Any] | None
) -> list[str]:
    inputs = {vector["id"]: vector["inputs"] for vector in vectors}
    if before is None:
        return []
    known = {vector["id"]: vector["inputs"] for vector in before["vectors"]}
    for name, given in inputs.items():
        if name in before["retired"] or known.get(name, given) != given:
            raise UserError(f"{name} stood for other inputs before: give these inputs a new id")
    return sorted({*before["retired"], *(known.keys() - inputs.keys())})


def _header(function: str, cases: list[Case]) -> dict[str, Any]:
    implementation = measuring.function_of(function)
    signature = inspect.signature(implementation)
    bare = [p.replace(annotation=inspect.Parameter.empty) for p in signature.parameters.values()]
    plain = inspect.Signature(bare)
    shape = (
        "batch"
        if function in _BATCHES
        else "table"
        if _TABLES & signature.parameters.keys() or function == "karras_sigmas"
        else "pointwise"
    )
    return {
        "schema": SCHEMA,
        "edition": EDITION,
        "generator": "refdiff.conformance.vectors 1",
        "function": function,
        "summary": (inspect.getdoc(implementation) or "").partition("\n")[0],
        "signature": f"{function}{plain}",
        "arguments": {
            name: f"{notation()[name].meaning}; {notation()[name].domain}"
            for name in signature.parameters
        },
        "shapes": _SHAPES[shape],
        "equations": [_citation(i) for i in getattr(implementation, "__equations__", ())],
        "variants": {
            variant.name: {"kind": variant.kind, "summary": variant.summary}
            for variant in measuring.variants_of(function)
        },
        "digits": DIGITS,
        "limit": LIMIT,
        "count": len(cases),
    }


def _citation(equation_id: str) -> dict[str, str]:
    catalogue = load_catalogue()
    equation = catalogue.equations[equation_id]
    paper = catalogue.papers[equation.paper]
    return {
        "id": equation_id,
        "paper": f"{paper.authors}, {paper.title} ({paper.year}), arXiv:{paper.arxiv}",
        "number": equation.citation,
    }


def _vector(case: Case) -> dict[str, Any]:
    expected = measuring.exact(case)
    allowed = measuring.bounds(case, "float64")
    name = case.function.replace(".", "-").replace("_", "-")
    name = f"{name}/{case.slug}"
    if allowed is None:
        raise ValueError(f"{name}: float64 does not determine the result; choose other inputs")
    budgets = {"float64": allowed, "float32": measuring.bounds(case, "float32")}
    missed = measuring.missed_by(case, expected, allowed)
    seen = {variant: units for variant, units in missed.items() if measuring.is_separated(units)}
    vector = {
        "id": name,
        "comment": case.comment,
        "inputs": {argument: _input(value) for argument, value in case.inputs.items()},
        "expected": _each(_expected, expected),
        "entries": list(case.entries),
        "length": measuring.length(case),
        "budget": {dtype: bound for dtype, bound in budgets.items() if bound is not None},
        "separates": {variant: _units(units) for variant, units in seen.items()},
        "blind_to": sorted(missed.keys() - seen.keys()),
    }
    empty = ("comment", "entries", "length")
    return {key: value for key, value in vector.items() if value or key not in empty}


def _each(convert: Callable[[Any], Any], tree: Any) -> Any:
    return [_each(convert, branch) for branch in tree] if isinstance(tree, list) else convert(tree)


def _input(value: Any) -> Any:
    if isinstance(value, int):
        return value
    return {"hex": _each(_hex, value), "decimal": _each(_decimal, value)}


def _hex(value: float) -> str:
    return str(value) if value in (float("inf"), float("-inf")) else value.hex()


def _decimal(value: float) -> float | str:
    return str(value) if value in (float("inf"), float("-inf")) else value


def _expected(value: Any) -> int | str:
    if isinstance(value, int):
        return value
    if mpmath.isinf(value):
        return "inf" if value > 0 else "-inf"
    with mpmath.workdps(DIGITS):
        return str(mpmath.nstr(+value, DIGITS, min_fixed=-5, max_fixed=DIGITS))


def _units(units: float) -> float | str:
    return "inf" if units == float("inf") else float(f"{units:.2g}")


def text(entry: Mapping[str, Any]) -> str:
    """Return a file's text: one line for each key of the header and for each vector."""
    lines = [
        f"  {json.dumps(key)}: {json.dumps(value, ensure_ascii=False, allow_nan=False)}"
        for key, value in entry.items()
        if key != "vectors"
    ]
    vectors = [
        "    " + json.dumps(vector, ensure_ascii=False, allow_nan=False)
        for vector in entry["vectors"]
    ]
    lines.append('  "vectors": [\n' + ",\n".join(vectors) + "\n  ]")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def write(folder: Path, made: Mapping[str, Mapping[str, Any]]) -> None:
    """Write all files, and remove those of functions that are gone."""
    folder.mkdir(exist_ok=True)
    for path in folder.glob("*.json"):
        if path.stem not in made:
            path.unlink()
    for function, entry in made.items():
        (folder / f"{function}.json").write_text(text(entry), encoding="utf-8", newline="\n")


def differences(folder: Path, made: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return what in the folder is not as it would be written, one line each."""
    names = {path.stem for path in folder.glob("*.json")}
    found = [f"{name}.json is not there" for name in sorted(made.keys() - names)]
    found += [f"{name}.json is of no function" for name in sorted(names - made.keys())]
    for function in sorted(made.keys() & names):
        now = (folder / f"{function}.json").read_text(encoding="utf-8").splitlines()
        wanted = text(made[function]).splitlines()
        for number, (old, new) in enumerate(itertools.zip_longest(now, wanted, fillvalue="")):
            if old != new:
                found.append(f"{function}.json, line {number + 1}: {_first_change(old, new)}")
                break
    return found


def _first_change(old: str, new: str) -> str:
    pairs = itertools.zip_longest(old, new, fillvalue="")
    at = next(i for i, (a, b) in enumerate(pairs) if a != b)
    begin = max(at - 30, 0)
    return f"holds ...{old[begin : at + 30]!r}, is to be ...{new[begin : at + 30]!r}"
