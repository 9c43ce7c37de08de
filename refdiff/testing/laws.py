"""The numbered laws of diffusion mathematics, and how closely each one holds in float64.

``tolerances.toml`` beside this module has an entry for each of ``P001`` to ``P113`` (and entries
such as ``P012/expm1`` where one law is tested in two ways): the statement, the kind of tolerance,
its value, and the reason for that value. Tests name the law and never write the number.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from refdiff.testing.closeness import (
    as_float64,
    assert_within_standard_errors,
    raise_unless_within,
)

__all__ = ["KINDS", "Tolerance", "assert_law", "law_ids", "tolerance"]

KINDS = ("exact", "absolute", "relative", "ratio", "standard-errors")
"""The kinds of tolerance: see `assert_law`."""


@dataclass(frozen=True)
class Tolerance:
    """How closely a law holds.

    Parameters
    ----------
    identifier : str
        ``"P012"``, or ``"P012/expm1"`` for a second way of testing it.
    group : str
        ``schedule``, ``forward``, ``ddim`` ...
    kind : str
        One of `KINDS`.
    value : float
        The tolerance; 0 for ``exact``.
    statement : str
        What holds.
    reason : str
        Why the value is what it is.
    """

    identifier: str
    group: str
    kind: str
    value: float
    statement: str
    reason: str


@cache
def _table() -> dict[str, Tolerance]:
    text = files("refdiff.testing").joinpath("tolerances.toml").read_text(encoding="utf-8")
    return {key: Tolerance(identifier=key, **entry) for key, entry in tomllib.loads(text).items()}


def law_ids() -> tuple[str, ...]:
    """Identifiers of all laws, in order, without the second ways of testing.

    Returns
    -------
    tuple of str
        ``("P001", ..., "P113")``.
    """
    return tuple(sorted({identifier.partition("/")[0] for identifier in _table()}))


def tolerance(identifier: str) -> Tolerance:
    """Look up the tolerance of a numbered law.

    Parameters
    ----------
    identifier : str
        Such as ``"P012"``.

    Returns
    -------
    Tolerance
        Statement, kind, value and reason.

    Raises
    ------
    ValueError
        If there is no such law.

    Examples
    --------
    >>> tolerance("P001").kind
    'relative'
    """
    if identifier not in _table():
        raise ValueError(
            f"identifier={identifier!r} is not a numbered law; use P001 to P113, "
            "as listed in refdiff/testing/tolerances.toml"
        )
    return _table()[identifier]


def assert_law(
    identifier: str, actual: Any, expected: Any, *, scale: Any = 1.0, terms: Any = None
) -> None:
    """Assert that the two sides of a numbered law agree as closely as that law holds.

    Parameters
    ----------
    identifier : str
        Such as ``"P012"``. Its kind says what is compared: ``exact``: equal element by element;
        ``absolute``: ``|actual - expected| <= value * scale``; ``relative``: the same with the
        larger of the two magnitudes as a further factor; ``ratio``: `actual` is a measured ratio
        or order, compared absolutely; ``standard-errors``: `actual` is a sample of shape
        ``(N, ...)`` whose mean is compared with `expected`.
    actual, expected : float, array or tensor
        Same shape, or `expected` a single number.
    scale : float or array
        A documented amplification (a gain, the size of the data), by default none.
    terms : float or array, optional
        For a relative law whose two sides are differences: the sum of the absolute values of what
        was subtracted, in place of the magnitudes of the sides.

    Raises
    ------
    AssertionError
        If the law does not hold; the message states it.
    ValueError
        If there is no such law, or `terms` are given for a law that is not relative.
    """
    __tracebackhide__ = True
    law = tolerance(identifier)
    if terms is not None and law.kind != "relative":
        raise ValueError(
            f"terms={terms!r} belong to relative laws, and {identifier} is {law.kind}; use scale="
        )
    if law.kind == "standard-errors":
        assert_within_standard_errors(actual, expected, num=law.value * float(scale))
        return
    allowed = law.value * as_float64(scale)
    if law.kind == "relative":
        got, want = as_float64(actual), as_float64(expected)
        if got.shape == want.shape or want.ndim == 0:  # otherwise the shapes are what is wrong
            sides = np.maximum(np.abs(got), np.abs(want))
            allowed = allowed * (sides if terms is None else np.abs(as_float64(terms)))
    what = f"{identifier} ({law.statement})"
    raise_unless_within(what, actual, expected, allowed, unit=f"the {law.kind} tolerance")
