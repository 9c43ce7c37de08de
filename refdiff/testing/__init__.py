"""Public helpers for testing diffusion code: budgets, laws, strategies, the pytest plugin.

Everything here is loaded on first use, so that ``import refdiff.testing`` costs nothing and needs
neither Hypothesis nor mpmath until a name that uses them is touched.

* ``closeness``: comparisons in units of the rounding error of a dtype.
* ``laws``: the numbered properties ``P001`` to ``P113`` and how closely each one holds.
* ``running`` and ``budgets``: rounding budgets derived from a formula by running error analysis.
* ``strategies`` and ``profiles``: Hypothesis strategies near the edges, and named settings.
* ``plugin`` and ``ledger``: the pytest plugin and the record of a run that the documentation reads.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from refdiff.testing.budgets import assert_within_budget, budget
    from refdiff.testing.closeness import EPS, assert_close, assert_within_standard_errors
    from refdiff.testing.laws import Tolerance, assert_law, law_ids, tolerance
    from refdiff.testing.profiles import load_profile
    from refdiff.testing.running import Running

__all__ = [
    "EPS",
    "Running",
    "Tolerance",
    "assert_close",
    "assert_law",
    "assert_within_budget",
    "assert_within_standard_errors",
    "budget",
    "law_ids",
    "load_profile",
    "tolerance",
]

_HOMES = {
    "budgets": ("assert_within_budget", "budget"),
    "closeness": ("EPS", "assert_close", "assert_within_standard_errors"),
    "laws": ("Tolerance", "assert_law", "law_ids", "tolerance"),
    "profiles": ("load_profile",),
    "running": ("Running",),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'refdiff.testing' has no attribute {name!r}")
    return getattr(import_module(f"refdiff.testing.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
