"""What a vector expects, and what rounding allows."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_UP, Context, Decimal
from typing import Any

import mpmath
import numpy as np

from refdiff import checks, equations
from refdiff.conformance.explain import LIMIT
from refdiff.conformance.parts import Parts
from refdiff.conformance.variants import Variant, all_variants
from refdiff.conformance.vectors import calling
from refdiff.conformance.vectors.calling import DIGITS, Nested, leaves, mapped
from refdiff.conformance.vectors.cases import Case
from refdiff.conformance.vectors.formulas import PRINTED, TABLES
from refdiff.testing.running import FORMATS, Running, running

__all__ = ["Budget", "budget", "exact", "forms_of", "length"]

_MOST_WIDENED = {"float64": 2.0**20, "float32": 2.0**8}
"""How many budgets of the reference another form may need, so that enough digits are asked for."""


_WHOLE = 2.0**-4
"""Budget of a whole number: within four of it there is no other."""


def _input(value: Any, dtype: str) -> Any:
    if isinstance(value, int):
        return value
    if mpmath.isinf(value):
        return Running(mpmath.mpf(value), mpmath.mpf(0), FORMATS[dtype])
    return running(value, dtype)


def _inputs(case: Case, dtype: str) -> dict[str, Nested]:
    return {
        name: mapped(lambda value: _input(value, dtype), tree) for name, tree in case.inputs.items()
    }


def _as_runs(tree: Nested, dtype: str) -> Nested:
    form = FORMATS[dtype]
    return mapped(
        lambda x: x if isinstance(x, Running) else Running(mpmath.mpf(x), mpmath.mpf(0), form), tree
    )


def _objects(tree: Nested) -> Any:
    """Return nested lists as an array of objects, which the functions of batches take."""
    return np.array(tree, dtype=object) if isinstance(tree, list) else tree


@functools.cache
def _run(case: Case, dtype: str) -> Nested:
    """Evaluate on numbers that carry their rounding; constants among the results are exact."""
    given = _inputs(case, dtype)
    function = calling.function_of(case.function)
    with mpmath.workdps(DIGITS), checks("off"):
        if case.function in TABLES:
            result = TABLES[case.function](**given)
        elif case.function in calling.BATCHES:
            result = function(**{name: _objects(tree) for name, tree in given.items()}).tolist()
        else:
            result = function(**given)
        return _as_runs(result, dtype)


def length(case: Case) -> int | None:
    """Return how many entries the whole result has, where only some are written."""
    if not case.entries:
        return None
    return len(_integers(case) if case.function in calling.GRIDS else _run(case, "float64"))


def _integers(case: Case) -> list[int]:
    found: list[int] = calling.function_of(case.function)(**case.inputs).tolist()
    return found


@functools.cache
def exact(case: Case) -> Nested:
    """Return the expected result: integers, or mpmath numbers of 60 digits."""
    if case.function in calling.GRIDS:
        return calling.chosen(case, _integers(case))
    if case.function in TABLES or case.function in calling.BATCHES:
        return calling.chosen(case, mapped(lambda run: run.value, _run(case, "float64")))
    with mpmath.workdps(DIGITS):
        given = calling.converted(case, mpmath.mpf)
        return mpmath.mpf(calling.function_of(case.function)(**given))


@dataclass(frozen=True)
class Budget:
    """What a dtype may lose.

    Parameters
    ----------
    bounds : nested lists of float
        The absolute error allowed in each number of the result.
    beyond : tuple of str
        Right forms of the formula that lose far more here, or everything.
    """

    bounds: Nested
    beyond: tuple[str, ...] = ()


@functools.cache
def budget(case: Case, dtype: str) -> Budget | None:
    """Return the error that a right implementation in a dtype may make.

    Returns
    -------
    Budget or None
        None where the dtype does not hold the inputs, does not determine the result, or is not
        meant for it: schedules and grids are made in float64.
    """
    if case.function in calling.GRIDS:
        whole = Budget(mapped(lambda _: _WHOLE, exact(case)))
        return whole if dtype == "float64" else None
    if dtype != "float64" and (case.function in TABLES or not _holds(case.inputs, dtype)):
        return None
    with mpmath.workdps(DIGITS):
        own = [float(bound) for bound in leaves(_own_bounds(case, dtype))]
        if not np.isfinite(own).all():
            return None
        widest, beyond = _widened(case, dtype, own)
        sizes = leaves(exact(case))
        numbers = iter([_rounded_up(*both, dtype) for both in zip(widest, sizes, strict=True)])
        return Budget(mapped(lambda _: next(numbers), exact(case)), beyond)


def _own_bounds(case: Case, dtype: str) -> Nested:
    """Return the bounds of the form by which the reference computes."""
    if _has_infinities(case):
        # A limit: nothing but the result itself is rounded.
        size = exact(case)
        return FORMATS[dtype].eps * abs(size) if mpmath.isfinite(size) else mpmath.mpf(0)
    return mapped(_error_of, calling.chosen(case, _run(case, dtype)))


def _error_of(run: Running) -> Any:
    # The levels 0 and 1, at which results are infinite, are exact.
    return mpmath.mpf(0) if mpmath.isinf(run.value) else run.error


def _has_infinities(case: Case) -> bool:
    return any(isinstance(x, float) and np.isinf(x) for x in case.inputs.values())


def _rounded_up(bound: float, size: Any, dtype: str) -> float:
    # A result without any rounding of its own still is allowed one, and 0 the smallest number.
    rounding = FORMATS[dtype].eps * float(abs(size)) if mpmath.isfinite(size) else 0.0
    least = max(bound, rounding, FORMATS[dtype].smallest_normal)
    return float(Context(prec=3, rounding=ROUND_UP).create_decimal(Decimal(least)))


def _holds(inputs: Mapping[str, Any], dtype: str) -> bool:
    numbers = (leaf for tree in inputs.values() for leaf in leaves(tree))
    form = FORMATS[dtype]
    return all(isinstance(x, int) or np.isinf(x) or not x or form.represents(x) for x in numbers)


# ------------------------------------------------------------------ other right forms


@functools.cache
def _equation_forms() -> tuple[Variant, ...]:
    """Return the registered forms of equations; those of procedures may change values a little."""
    return tuple(
        variant
        for variant in all_variants().values()
        if variant.kind == "form" and variant.replaces.keys() <= set(equations.__all__)
    )


def forms_of(case: Case) -> dict[str, tuple[Variant, ...]]:
    """Return other right forms of a case's function, by name, as what they replace."""
    used = calling.parts_used(case)
    found: dict[str, tuple[Variant, ...]] = {}
    if calling.is_spelled_out(case.function):
        found["term-by-term"] = ()
    found.update({v.name: (v,) for v in _equation_forms() if used & v.replaces.keys()})
    return found


def _widened(case: Case, dtype: str, own: list[float]) -> tuple[list[float], tuple[str, ...]]:
    """Return bounds that hold for all forms, but for those that lose far more."""
    widest, beyond = list(own), []
    forms = forms_of(case)
    bounded = {} if _has_infinities(case) else forms
    size = [float(abs(x)) if mpmath.isfinite(x) else 0.0 for x in leaves(exact(case))]
    for name, replaced in bounded.items():
        errors = _errors(case, dtype, name, replaced)
        if errors is None:
            continue
        rounding = [max(b, FORMATS[dtype].eps * x) for b, x in zip(own, size, strict=True)]
        if any(e > _MOST_WIDENED[dtype] * b for e, b in zip(errors, rounding, strict=True) if b):
            beyond.append(name)
        else:
            # An answer that rounds nothing is exact in all forms.
            widest = [max(w, e) if w else w for w, e in zip(widest, errors, strict=True)]
    # Underflow, for one, is in no bound, nor is infinity: a form that fails is beyond it too.
    failing = (n for n, r in forms.items() if n not in beyond and _fails(case, dtype, r, widest))
    return widest, tuple(sorted([*beyond, *failing]))


def _errors(case: Case, dtype: str, name: str, replaced: tuple[Variant, ...]) -> list[float] | None:
    """Return the rounding bounds of a form; None where the form is of NumPy's arrays alone."""
    if case.function in TABLES:
        other, formula = PRINTED.get(case.function, ("", None))
        if formula is None or other != name:
            return None
        found = formula(**_inputs(case, dtype))
    else:
        function = getattr(Parts(replaced), case.function)
        with checks("off"):
            found = calling.in_order(function, case.function)(**_inputs(case, dtype))
    runs = leaves(calling.chosen(case, _as_runs(found, dtype)))
    return [float(run.error) if run.value == run.value else float("inf") for run in runs]


def _fails(case: Case, dtype: str, replaced: tuple[Variant, ...], bounds: list[float]) -> bool:
    """Say whether a form, computed in the dtype, misses by more than the limit."""
    function = calling.in_order(getattr(Parts(replaced), case.function), case.function)
    with checks("off"), np.errstate(all="ignore"):
        result = function(**calling.converted(case, lambda value: np.array(value, dtype)[()]))
    found = leaves(calling.chosen(case, np.asarray(result).tolist()))
    wanted = leaves(exact(case))
    gaps = (
        0.0 if x == y else float(abs(mpmath.mpf(x) - y)) for x, y in zip(found, wanted, strict=True)
    )
    least = FORMATS[dtype].smallest_normal
    return any(not gap <= LIMIT * max(b, least) for gap, b in zip(gaps, bounds, strict=True))
