"""How well a program over parts explains what a target returned, in budgets of rounding."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from refdiff import checks
from refdiff.conformance.bounded import Bounded
from refdiff.conformance.parts import Parts
from refdiff.conformance.variants import Variant

__all__ = ["LIMIT", "Case", "Fit", "Program", "fit"]

LIMIT = 4.0
"""Budgets of rounding within which numbers agree.

One budget bounds the form that the reference computes by; a right form that orders its operations
otherwise rounds a few times more. Wrong formulas differ by thousands.
"""

_MOST_BLIND = 0.05  # share of the elements that an explanation may leave undetermined

Program = Callable[[Parts], Any]


@dataclass(frozen=True)
class Case:
    """One observation and the program that expects it.

    Parameters
    ----------
    at : mapping
        The inputs, as a report shows them.
    observed : array_like
        What the target returned.
    program : callable
        Takes `Parts`; returns what was to be expected, a `Bounded` array or numbers.
    """

    at: Mapping[str, Any]
    observed: Any
    program: Program


@dataclass(frozen=True)
class Fit:
    """How well a program explains cases: the worst element of all."""

    units: float
    at: Mapping[str, Any]
    expected: float | str
    observed: float | str
    used: frozenset[str]
    series: tuple[tuple[Mapping[str, Any], float], ...] = ()

    @property
    def holds(self) -> bool:
        """Say whether all observations lie within the budget."""
        return self.units <= LIMIT


def fit(
    cases: Sequence[Case],
    variants: Iterable[Variant] = (),
    *,
    dtype: str = "float64",
    sharp: bool = False,
) -> Fit:
    """Compare observations with what the parts, some of them replaced, would have given.

    Parameters
    ----------
    cases : sequence of Case
        All are to be explained.
    variants : iterable of Variant
        What is replaced.
    dtype : str
        The dtype in which the target computes.
    sharp : bool
        Count infinite budgets as misfits, unless they are few: what allows every number
        explains none.

    Returns
    -------
    Fit
        The worst element: a shape that differs, or a program that fails, counts as infinite.
    """
    parts = Parts(variants, dtype=dtype)
    worst = Fit(0.0, cases[0].at if cases else {}, "", "", frozenset())
    series: list[tuple[Mapping[str, Any], float]] = []
    with checks("off"), np.errstate(all="ignore"):
        for case in cases:
            units, expected, observed = _distance(case, parts, sharp=sharp)
            series.append((case.at, units))
            if units > worst.units or worst.expected == "":
                worst = Fit(units, case.at, expected, observed, frozenset())
    return replace(worst, used=frozenset(parts.used), series=tuple(series))


def _distance(case: Case, parts: Parts, *, sharp: bool) -> tuple[float, float | str, float | str]:
    observed = np.asarray(case.observed, dtype=np.longdouble)
    try:
        expected = parts.lift(case.program(parts))
    except (ArithmeticError, ValueError, IndexError, KeyError) as error:
        return np.inf, f"no number ({error})", _first(observed)
    if observed.shape != expected.shape and observed.size != expected.value.size:
        return np.inf, f"shape {expected.shape}", f"shape {observed.shape}"
    return _worst_element(observed.ravel(), expected.reshape(-1), sharp=sharp)


def _worst_element(
    observed: np.ndarray, expected: Bounded, *, sharp: bool
) -> tuple[float, float, float]:
    same = (observed == expected.value) | (np.isnan(observed) & np.isnan(expected.value))
    gap = np.abs(observed - expected.value).astype(np.float64)
    # An exact expectation (0, or x_0 at the last step) has no rounding of its own: the smallest
    # number of the dtype stands for it, so that anything else is a difference.
    units = np.where(same, 0.0, gap / np.maximum(expected.error, np.finfo(np.float64).tiny))
    units = np.where(np.isnan(units), np.inf, units)
    blind = ~same & np.isinf(expected.error)
    if sharp and np.count_nonzero(blind) > _MOST_BLIND * blind.size:
        units = np.where(blind, np.inf, units)
    if not units.size:
        return 0.0, 0.0, 0.0
    worst = int(np.argmax(units))
    return float(units[worst]), float(expected.value[worst]), float(observed[worst])


def _first(values: np.ndarray) -> float:
    return float(values.ravel()[0]) if values.size else 0.0
