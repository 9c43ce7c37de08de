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
from refdiff.conformance.variants import Variant, all_variants
from refdiff.conformance.vectors import calling, measuring, separating
from refdiff.conformance.vectors.cases import Case, all_cases

__all__ = ["contents", "differences"]

SCHEMA = 1
"""Version of the format: rises when a reader has to change."""

EDITION = 1
"""Edition of the set: rises when vectors are added or withdrawn."""

DIGITS = 50
"""Significant digits that are written of an expected number."""

MOST = 1e300
"""Misses beyond it, of answers that round nothing, are written as infinite."""

_ALWAYS = {"id", "inputs", "expected", "budget"}
_SHAPES = {
    "pointwise": "numbers; arrays elementwise, broadcast against each other",
    "batch": "arrays of shape (B, ...), samples along the first axis",
    "table": "one-dimensional tables and numbers",
}
_TABLES = {"alpha_bars", "betas", "num_steps", "num_train_steps"}


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
        vectors = _vectors(function, list(group))
        named = {name for v in vectors for name in _named(v)}
        made[function] = {
            **_header(function, named),
            "count": len(vectors),
            "retired": _retired(vectors, previous.get(function)),
            "vectors": vectors,
        }
    return made


def _named(vector: Mapping[str, Any]) -> set[str]:
    beyond = (name for names in vector.get("beyond", {}).values() for name in names)
    return {*vector["separates"], *vector["blind_to"], *beyond}


def _retired(vectors: Iterable[Mapping[str, Any]], before: Mapping[str, Any] | None) -> list[str]:
    inputs = {vector["id"]: vector["inputs"] for vector in vectors}
    if before is None:
        return []
    known = {vector["id"]: vector["inputs"] for vector in before["vectors"]}
    for name, given in inputs.items():
        if name in before["retired"] or known.get(name, given) != given:
            raise UserError(f"{name} stood for other inputs before: give these inputs a new id")
    return sorted({*before["retired"], *(known.keys() - inputs.keys())})


def _header(function: str, named: set[str]) -> dict[str, Any]:
    implementation = calling.function_of(function)
    signature = inspect.signature(implementation)
    bare = [p.replace(annotation=inspect.Parameter.empty) for p in signature.parameters.values()]
    plain = inspect.Signature(bare)
    shape = (
        "batch"
        if function in calling.BATCHES
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
        "variants": {name: _described(name) for name in sorted(named)},
        "digits": DIGITS,
        "limit": LIMIT,
    }


def _described(name: str) -> dict[str, str]:
    if name == "term-by-term":
        return {"kind": "form", "summary": "The terms of the printed formula are added one by one."}
    return {"kind": all_variants()[name].kind, "summary": all_variants()[name].summary}


def _citation(equation_id: str) -> dict[str, str]:
    catalogue = load_catalogue()
    equation = catalogue.equations[equation_id]
    paper = catalogue.papers[equation.paper]
    return {
        "id": equation_id,
        "paper": f"{paper.authors}, {paper.title} ({paper.year}), arXiv:{paper.arxiv}",
        "number": equation.citation,
    }


def _vectors(function: str, cases: list[Case]) -> list[dict[str, Any]]:
    """Return all vectors of a function, with the variants that any of them can see."""
    plain = [_vector(case) for case in cases]
    own = separating.variants_of(function)
    missed: dict[str, list[float]] = {}
    for variant in {v.name: v for v in (*own, *separating.variants_within(cases))}.values():
        units = [_missed(variant, case) for case in cases]
        # One that is within may act where this function does not show it.
        if variant in own or any(map(separating.is_separated, units)):
            missed[variant.name] = units
    for number, vector in enumerate(plain):
        seen = {
            name: _units(units[number])
            for name, units in sorted(missed.items())
            if separating.is_separated(units[number])
        }
        vector["separates"] = seen
        vector["blind_to"] = sorted(missed.keys() - seen.keys())
    return plain


def _missed(variant: Variant, case: Case) -> float:
    allowed = measuring.budget(case, "float64")
    assert allowed is not None
    return separating.missed_by(variant, case, measuring.exact(case), allowed.bounds)


def _vector(case: Case) -> dict[str, Any]:
    name = f"{case.function.replace('.', '-').replace('_', '-')}/{case.slug}"
    found = {dtype: measuring.budget(case, dtype) for dtype in ("float64", "float32")}
    budgets = {dtype: budget for dtype, budget in found.items() if budget is not None}
    if "float64" not in budgets:
        raise ValueError(f"{name}: float64 does not determine the result; choose other inputs")
    vector = {
        "id": name,
        "comment": case.comment,
        "inputs": {argument: _input(value) for argument, value in case.inputs.items()},
        "expected": _each(_expected, measuring.exact(case)),
        "entries": list(case.entries),
        "length": measuring.length(case),
        "budget": {dtype: budget.bounds for dtype, budget in budgets.items()},
        "beyond": {dtype: list(b.beyond) for dtype, b in budgets.items() if b.beyond},
    }
    return {key: value for key, value in vector.items() if value or key in _ALWAYS}


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
    return "inf" if units > MOST else float(f"{units:.3g}")


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
