"""What a vector expects, what rounding allows, and by how much each variant misses it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from decimal import ROUND_UP, Context, Decimal
from typing import Any, TypeAlias

import mpmath
import numpy as np

from refdiff import checks, equations
from refdiff.conformance.explain import LIMIT
from refdiff.conformance.parts import Parts
from refdiff.conformance.variants import Variant, all_variants
from refdiff.conformance.vectors.cases import Case
from refdiff.conformance.vectors.formulas import TABLES
from refdiff.equations import continuous
from refdiff.testing.running import FORMATS, Running, running

__all__ = ["Nested", "bounds", "exact", "function_of", "missed_by", "variants_of"]

DIGITS = 60
"""Decimal digits of the arithmetic; 50 of them are written."""

_BATCHES = {"dynamic_threshold", "per_sample", "rescale_guidance", "simple_loss"}
_GRIDS = {"leading_timesteps", "linspace_timesteps", "trailing_timesteps"}

Nested: TypeAlias = Any
"""A number or nested lists of numbers."""


def function_of(name: str) -> Callable[..., Any]:
    """Return the function of a name, ``continuous.NAME`` included."""
    home = continuous if name.startswith("continuous.") else equations
    found: Callable[..., Any] = getattr(home, name.removeprefix("continuous."))
    return found


def _mapped(convert: Callable[[Any], Any], tree: Nested) -> Nested:
    if isinstance(tree, list):
        return [_mapped(convert, branch) for branch in tree]
    return convert(tree)


def _chosen(case: Case, result: Nested) -> Nested:
    return [result[i] for i in case.entries] if case.entries else result


def _exact_input(value: Any) -> Any:
    return value if isinstance(value, int) else mpmath.mpf(value)


def _running_input(value: Any, dtype: str) -> Any:
    if isinstance(value, int):
        return value
    if mpmath.isinf(value):
        return Running(mpmath.mpf(value), mpmath.mpf(0), FORMATS[dtype])
    return running(value, dtype)


def _objects(tree: Nested) -> Any:
    """Return nested lists as an array of objects, which the functions of batches take."""
    return np.array(tree, dtype=object) if isinstance(tree, list) else tree


def _run(case: Case, dtype: str) -> Nested:
    """Evaluate on numbers that carry their rounding; constants among the results are exact."""
    given = {
        name: _mapped(lambda value: _running_input(value, dtype), tree)
        for name, tree in case.inputs.items()
    }
    with mpmath.workdps(DIGITS), checks("off"):
        if case.function in TABLES:
            result = TABLES[case.function](**given)
        elif case.function in _BATCHES:
            arrays = {name: _objects(tree) for name, tree in given.items()}
            result = function_of(case.function)(**arrays).tolist()
        else:
            result = function_of(case.function)(**given)
        form = FORMATS[dtype]
        return _mapped(
            lambda x: x if isinstance(x, Running) else Running(mpmath.mpf(x), mpmath.mpf(0), form),
            result,
        )


def length(case: Case) -> int | None:
    """Return how many entries the whole result has, where only some are written."""
    if not case.entries:
        return None
    return len(_integers(case)) if case.function in _GRIDS else len(_run(case, "float64"))


def _integers(case: Case) -> list[int]:
    found: list[int] = function_of(case.function)(**case.inputs).tolist()
    return found


def exact(case: Case) -> Nested:
    """Return the expected result: integers, or mpmath numbers of `DIGITS` digits."""
    if case.function in _GRIDS:
        return _chosen(case, _integers(case))
    if case.function in TABLES or case.function in _BATCHES:
        return _chosen(case, _mapped(lambda run: run.value, _run(case, "float64")))
    with mpmath.workdps(DIGITS):
        given = {name: _exact_input(value) for name, value in case.inputs.items()}
        return mpmath.mpf(function_of(case.function)(**given))


def bounds(case: Case, dtype: str) -> Nested | None:
    """Return the error that a dtype may make in each number of the result.

    Returns
    -------
    nested lists of float, or None
        None where the dtype does not hold the inputs, does not determine the result, or is not
        meant for it: schedules and grids are made in float64.
    """
    if case.function in _GRIDS:
        return _mapped(lambda _: 0.0, exact(case)) if dtype == "float64" else None
    if dtype != "float64" and (case.function in TABLES or not _holds(case.inputs, dtype)):
        return None
    with mpmath.workdps(DIGITS):
        if any(isinstance(x, float) and mpmath.isinf(x) for x in case.inputs.values()):
            # A limit: nothing but the result itself is rounded.
            size = exact(case)
            found = FORMATS[dtype].eps * abs(size) if mpmath.isfinite(size) else mpmath.mpf(0)
        else:
            found = _mapped(_error_of, _chosen(case, _run(case, dtype)))
        if not all(mpmath.isfinite(bound) for bound in _leaves(found)):
            return None
        return _mapped(lambda bound: _rounded_up(bound, dtype), found)


def _error_of(run: Running) -> Any:
    # The levels 0 and 1, at which results are infinite, are exact.
    return mpmath.mpf(0) if mpmath.isinf(run.value) else run.error


def _rounded_up(bound: Any, dtype: str) -> float:
    # A result without any rounding of its own still is allowed the smallest number.
    least = max(float(bound), FORMATS[dtype].smallest_normal)
    return float(Context(prec=3, rounding=ROUND_UP).create_decimal(Decimal(least)))


def _holds(inputs: Any, dtype: str) -> bool:
    numbers = (leaf for tree in inputs.values() for leaf in _leaves(tree))
    form = FORMATS[dtype]
    return all(
        isinstance(x, int) or mpmath.isinf(x) or not x or form.represents(x) for x in numbers
    )


def _leaves(tree: Nested) -> Iterator[Any]:
    if isinstance(tree, list):
        for branch in tree:
            yield from _leaves(branch)
    else:
        yield tree


# ------------------------------------------------------------------ variants


@functools.cache
def variants_of(function: str) -> tuple[Variant, ...]:
    """Return the named choices and mistakes in a function; other forms of it are none."""
    found = (v for v in all_variants().values() if v.kind != "form" and function in v.replaces)
    return tuple(sorted(found, key=lambda v: v.name))


def missed_by(case: Case, expected: Nested, allowed: Nested) -> dict[str, float]:
    """Return, by variant, its largest error in units of the float64 budget."""
    return {
        variant.name: _units(case, _with(variant, case), expected, allowed)
        for variant in variants_of(case.function)
    }


def _with(variant: Variant, case: Case) -> Nested | None:
    """Evaluate a variant: with all digits if it takes such numbers, else in extended precision."""
    parts = Parts([variant])
    replaced = getattr(parts, case.function)
    with mpmath.workdps(DIGITS), checks("off"), np.errstate(all="ignore"):
        for convert in (_exact_input, parts.lift, np.asarray):
            if convert is _exact_input and any(isinstance(v, list) for v in case.inputs.values()):
                continue  # no array holds such numbers without being told
            try:
                return _as_lists(
                    replaced(
                        **{
                            name: value if isinstance(value, int) else convert(value)
                            for name, value in case.inputs.items()
                        }
                    )
                )
            except (TypeError, AttributeError):
                continue
            except (ArithmeticError, ValueError, IndexError):
                return None
    raise TypeError(f"{variant.name} cannot be called with the inputs of {case.slug}")


def _as_lists(result: Any) -> Nested:
    result = getattr(result, "value", result)  # of numbers that carry a bound
    if isinstance(result, np.longdouble):
        return float(result)
    if isinstance(result, np.ndarray):
        whole = result.dtype.kind in "iu"
        return result.tolist() if whole else result.astype(np.float64).tolist()
    return result


def _units(case: Case, found: Nested | None, expected: Nested, allowed: Nested) -> float:
    if found is None:
        return float("inf")
    if case.entries:
        if not isinstance(found, list) or len(found) != length(case):
            return float("inf")
        found = _chosen(case, found)
    if _shape(found) != _shape(expected):
        return float("inf")
    triples = zip(_leaves(found), _leaves(expected), _leaves(allowed), strict=True)
    return max(_error(*triple) for triple in triples)


def _shape(tree: Nested) -> tuple[int, ...]:
    return (len(tree), *_shape(tree[0])) if isinstance(tree, list) and tree else ()


def _error(found: Any, expected: Any, allowed: float) -> float:
    if found == expected:
        return 0.0
    with mpmath.workdps(DIGITS):
        gap = abs(mpmath.mpf(found) - expected)
        if not mpmath.isfinite(gap) or not allowed:
            return float("inf")
        return float(gap / allowed)


def is_separated(units: float) -> bool:
    """Say whether a miss shows for certain: beyond what the wrong code's own rounding hides."""
    return units > 2 * LIMIT
