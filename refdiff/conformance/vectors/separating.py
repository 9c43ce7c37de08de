"""By how much each named variant of a function misses a vector."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import mpmath
import numpy as np

from refdiff import checks
from refdiff.conformance.explain import LIMIT
from refdiff.conformance.parts import Parts
from refdiff.conformance.variants import Variant, all_variants
from refdiff.conformance.vectors import calling
from refdiff.conformance.vectors.calling import DIGITS, Nested, leaves
from refdiff.conformance.vectors.cases import Case
from refdiff.conformance.vectors.measuring import length

__all__ = ["is_separated", "missed_by", "variants_of"]


def variants_of(function: str) -> tuple[Variant, ...]:
    """Return the named choices and mistakes in a function itself; other forms of it are none."""
    found = (v for v in all_variants().values() if v.kind != "form" and function in v.replaces)
    return tuple(sorted(found, key=lambda v: v.name))


def variants_within(cases: Iterable[Case]) -> tuple[Variant, ...]:
    """Return the choices and mistakes in what the function of these cases is made of."""
    used = frozenset().union(*(calling.parts_used(case) for case in cases))
    found = (v for v in all_variants().values() if v.kind != "form" and used & v.replaces.keys())
    return tuple(sorted(found, key=lambda v: v.name))


def missed_by(variant: Variant, case: Case, expected: Nested, allowed: Nested) -> float:
    """Return the largest error of a variant, in units of the budget."""
    return _units(case, _with(variant, case), expected, allowed)


def is_separated(units: float) -> bool:
    """Say whether a miss shows for certain: beyond what the wrong code's own rounding hides."""
    return units > 2 * LIMIT


def _with(variant: Variant, case: Case) -> Nested | None:
    """Evaluate a variant: with all digits if it takes such numbers, else in extended precision."""
    parts = Parts([variant])
    replaced = calling.in_order(getattr(parts, case.function), case.function)
    lists = any(isinstance(value, list) for value in case.inputs.values())
    # No array holds numbers of many digits without being told.
    kinds = (parts.lift, np.asarray) if lists else (mpmath.mpf, parts.lift, np.asarray)
    failed = False
    with mpmath.workdps(DIGITS), checks("off"), np.errstate(all="ignore"):
        for convert in kinds:
            try:
                return _as_lists(replaced(**calling.converted(case, convert)))
            except (TypeError, AttributeError):
                continue  # it is written for arrays
            except ZeroDivisionError:
                failed = True  # of mpmath and Python; arrays have infinities for it
            except (ArithmeticError, ValueError, IndexError):
                return None
    if failed:
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
        found = calling.chosen(case, found)
    if _shape(found) != _shape(expected):
        return float("inf")
    triples = zip(leaves(found), leaves(expected), leaves(allowed), strict=True)
    return max(_error(*triple) for triple in triples)


def _shape(tree: Nested) -> tuple[int, ...]:
    return (len(tree), *_shape(tree[0])) if isinstance(tree, list) and tree else ()


def _error(found: Any, expected: Any, allowed: float) -> float:
    if found == expected:
        return 0.0
    if isinstance(found, mpmath.mpc):  # the root of a negative number
        return float("inf")
    with mpmath.workdps(DIGITS):
        gap = abs(mpmath.mpf(found) - expected)
        if not mpmath.isfinite(gap) or not allowed:
            return float("inf")
        return float(gap / allowed)
