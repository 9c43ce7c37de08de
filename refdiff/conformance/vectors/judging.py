"""Comparing functions with the vectors; needs the standard library, and NumPy where asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias

from refdiff.conformance.vectors.reading import Vector, load

__all__ = ["Miss", "check", "units"]

Nested: TypeAlias = Any
_INF = float("inf")
_MOST = 1e300  # misses beyond it are recorded as infinite


@dataclass(frozen=True)
class Miss:
    """A vector that a function does not pass.

    Parameters
    ----------
    vector : Vector
        The vector.
    found : object
        What the function returned, or the exception that it raised.
    units : float
        Its largest error, in budgets.
    named : tuple of str
        The variants that miss every vector of this function by as much as it did (as recorded
        for float64), and the right forms that cannot be computed on just those that it misses.
    """

    vector: Vector
    found: Any
    units: float
    named: tuple[str, ...]

    def __str__(self) -> str:
        like = f", as {' or '.join(self.named)} would" if self.named else ""
        return f"{self.vector.id}: off by {self.units:.3g} budgets{like}"


def units(vector: Vector, found: Any, *, dtype: str = "float64") -> float:
    """Return the largest error of a result, in units of the vector's budget.

    Parameters
    ----------
    vector : Vector
        What is expected.
    found : number, array or nested lists
        What a function returned; NumPy arrays and tensors are taken by their ``tolist()``.
    dtype : {"float64", "float32"}
        Which budget counts.

    Returns
    -------
    float
        0 where all is equal; infinite for another shape, a NaN, or an infinity that is not
        expected.

    Raises
    ------
    ValueError
        If the vector has no budget for the dtype.
    """
    if dtype not in vector.budget:
        raise ValueError(
            f"dtype={dtype!r} must be one of {', '.join(vector.budget)}, for which {vector.id} "
            f"has a budget."
        )
    tree = found.tolist() if hasattr(found, "tolist") else found
    if vector.length is not None:
        if not isinstance(tree, list) or len(tree) != vector.length:
            return _INF
        tree = [tree[i] for i in vector.entries]
    return _worst(tree, vector.expected, vector.budget[dtype])


def _worst(found: Nested, expected: Nested, allowed: Nested) -> float:
    if isinstance(expected, list):
        if not isinstance(found, (list, tuple)) or len(found) != len(expected):
            return _INF
        each = zip(found, expected, allowed, strict=True)
        return max((_worst(*branches) for branches in each), default=0.0)
    if isinstance(found, (list, tuple, Exception)):
        return _INF
    return _error(float(found), expected, allowed)


def _error(found: float, expected: int | str, allowed: float) -> float:
    if found == float(expected) and abs(found) == _INF:
        return 0.0
    if found != found or abs(found) == _INF or abs(float(expected)) == _INF:
        return _INF
    gap = abs(Fraction(found) - Fraction(expected))
    if not gap:
        return 0.0
    try:
        return float(gap / Fraction(allowed)) if allowed else _INF
    except OverflowError:
        return _INF


def check(
    functions: Mapping[str, Callable[..., Any]],
    *,
    dtype: str = "float64",
    array: Callable[[Any], Any] | None = None,
) -> list[Miss]:
    """Call functions with all their vectors.

    Parameters
    ----------
    functions : mapping
        By the names of `names`; called with keyword arguments.
    dtype : {"float64", "float32"}
        In which they compute. Vectors without a budget for it are left out.
    array : callable, optional
        Makes an argument of a float or of nested lists of them; by default lists become NumPy
        arrays of the dtype, and floats too where it is not float64. Integers are passed as they
        are.

    Returns
    -------
    list of Miss
        Empty if all agree within the limit of their file's header. Where a function raises an
        ArithmeticError or a ValueError that is its result, infinitely far off; other exceptions
        are passed on.

    Raises
    ------
    ValueError
        If a name has no vectors.

    Examples
    --------
    >>> def without_denominator(*, alpha_bar_t, alpha_bar_s):
    ...     return (1 - alpha_bar_t / alpha_bar_s) * (1 - alpha_bar_s)
    >>> len(check({"posterior_variance": without_denominator})) > 5
    True
    """
    make = array or (lambda value: _as_array(value, dtype))
    misses: list[Miss] = []
    for name, function in functions.items():
        observed = [
            (vector, _called(function, {k: _made(v, make) for k, v in vector.inputs.items()}))
            for vector in load(name)
            if dtype in vector.budget
        ]
        measured = [
            (vector, found, units(vector, found, dtype=dtype)) for vector, found in observed
        ]
        limit = load(name).header["limit"]
        wrong = [(v, found, error) for v, found, error in measured if not error <= limit]
        named = _named([(v, error) for v, _, error in measured], limit, dtype) if wrong else ()
        misses += [Miss(vector, found, error, named) for vector, found, error in wrong]
    return misses


def _named(measured: Sequence[tuple[Vector, float]], limit: float, dtype: str) -> tuple[str, ...]:
    """Return the variants that miss every vector by as much, or the forms that fail just these."""
    known = {name for vector, _ in measured for name in vector.separates}
    alike = (n for n in known if all(_like(v, e, n, limit) for v, e in measured))
    forms = {name for vector, _ in measured for name in vector.beyond.get(dtype, ())}
    beyond = (
        n for n in forms if all(e <= limit or n in v.beyond.get(dtype, ()) for v, e in measured)
    )
    return tuple(sorted([*alike, *beyond]))


def _like(vector: Vector, error: float, name: str, limit: float) -> bool:
    recorded, error = min(vector.separates.get(name, 0.0), _MOST), min(error, _MOST)
    # Three digits are recorded, and both sides round.
    return abs(recorded - error) <= max(recorded, error) / 100 + 2 * limit


def _called(function: Callable[..., Any], given: Mapping[str, Any]) -> Any:
    try:
        return function(**given)
    except (ArithmeticError, ValueError) as error:  # such as a division by zero
        return error


def _made(value: Any, make: Callable[[Any], Any]) -> Any:
    return value if isinstance(value, int) else make(value)


def _as_array(value: Any, dtype: str) -> Any:
    if isinstance(value, float) and dtype == "float64":
        return value
    import numpy as np

    made = np.asarray(value, dtype=dtype)
    return made[()] if made.ndim == 0 else made
