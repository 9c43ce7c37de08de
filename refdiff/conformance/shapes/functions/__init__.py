"""The shape `functions`: attributes named like the functions of `refdiff.equations`.

Each function that a target has is called with the reference's signature, at inputs where mistakes
show, and compared with the reference. This is also how anyone writes an adapter: one-line functions
with the reference's names.
"""

from __future__ import annotations

import functools
from typing import Any

from refdiff import equations
from refdiff.conformance.checks import Check, Settings
from refdiff.conformance.shapes.functions.judging import Judge
from refdiff.conformance.shapes.functions.recipes import cases_of

__all__ = ["NAME", "checks", "recognises"]

NAME = "functions"


def recognises(target: Any) -> bool:
    """Say whether a target has any function named as in `refdiff.equations`.

    Parameters
    ----------
    target : object
        A module, an object or a class.

    Returns
    -------
    bool
        True if one attribute or more is callable and has such a name.
    """
    return any(callable(getattr(target, name, None)) for name in equations.__all__)


def checks(target: Any, settings: Settings) -> list[Check]:
    """Return the checks of every function, also of those that the target lacks.

    Parameters
    ----------
    target : object
        A module, an object or a class.
    settings : Settings
        ``array`` chooses NumPy arrays with Python floats, or torch tensors.

    Returns
    -------
    list of Check
        Ids ``"<function>/<case>"``.
    """
    found = []
    for name in equations.__all__:
        judge = Judge(target, name, settings)
        ids = tuple(getattr(getattr(equations, name), "__equations__", ()))
        for case in cases_of(name, settings.seed):
            if case == "bfloat16" and settings.array != "torch":
                continue  # NumPy has no such dtype
            label = f"{name.replace('_', '-')}/{case}"
            found.append(Check(label, ids, functools.partial(judge, case)))
    return found
