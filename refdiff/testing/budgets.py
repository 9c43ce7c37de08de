"""How far a right implementation may be off: budgets derived from the formula itself.

`budget` evaluates a function on `Running` numbers, which returns the exact value with a bound on
the rounding error; `assert_within_budget` runs the function in a dtype and compares. No relative
tolerance is chosen by anyone: a formula that cancels gets the room that its cancellation costs,
and no more, and a formula that does not gets a few units in the last place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import mpmath
import numpy as np

from refdiff.testing.closeness import EPS, as_float64, assert_close, dtype_name
from refdiff.testing.running import FORMATS, Running, running

__all__ = ["EPS", "assert_close", "assert_within_budget", "budget", "evaluate", "round_to"]

DIGITS = 60
"""Decimal digits of exact values."""

_SPARE = 10  # of these digits, how many an oracle may lose: its own rounding is no error


def round_to(value: Any, dtype: str) -> Any:
    """Round numbers to a dtype; whole numbers given as ``int`` stay as they are.

    Parameters
    ----------
    value : float or array
        Anything `numpy.asarray` takes.
    dtype : str
        ``"float64"``, ``"float32"`` or ``"float16"``.

    Returns
    -------
    numpy.ndarray, numpy.floating or int
        A scalar of NumPy for a number.
    """
    if isinstance(value, int):
        return value
    array = np.asarray(value, dtype=np.dtype(dtype))
    return array[()] if array.ndim == 0 else array


def budget(
    function: Callable[..., Any], *args: Any, dtype: str = "float64", **kwargs: Any
) -> tuple[Any, float]:
    """Evaluate a pointwise function exactly, with the error that a dtype may make in it.

    Parameters
    ----------
    function : callable
        Takes numbers and returns one, by operators and functions of `refdiff._namespace`.
    *args, **kwargs : float or int
        Its arguments. Floats are rounded to the dtype first; ints are taken as exact.
    dtype : str
        A key of `EPS`.

    Returns
    -------
    exact : mpmath.mpf
        The value at `DIGITS` digits.
    budget : float
        Bound on the absolute error in that dtype; infinite where the inputs do not determine the
        result (a division by what may be zero).

    Raises
    ------
    ValueError
        If the dtype is unknown.

    Examples
    --------
    >>> exact, allowed = budget(lambda x: 1 - x, 0.9999)
    >>> round(allowed / EPS["float64"], 3)  # the one-ulp change of the input, and one rounding
    0.5
    """
    if dtype not in FORMATS:
        raise ValueError(f"dtype={dtype!r} must be one of {', '.join(FORMATS)}.")
    with mpmath.workdps(DIGITS):
        found = function(
            *(_input(arg, dtype) for arg in args),
            **{name: _input(arg, dtype) for name, arg in kwargs.items()},
        )
        if not isinstance(found, Running):  # a constant result, such as 0
            return mpmath.mpf(found), 0.0
        return found.value, float(found.error)


def evaluate(oracle: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Evaluate a function of mpmath numbers at `DIGITS` digits.

    Parameters
    ----------
    oracle : callable
        Takes and returns mpmath numbers.
    *args, **kwargs : float or int
        Converted exactly.

    Returns
    -------
    mpmath.mpf
        The value.
    """
    with mpmath.workdps(DIGITS):
        return +mpmath.mpf(
            oracle(
                *(_as_mpf(arg) for arg in args),
                **{name: _as_mpf(arg) for name, arg in kwargs.items()},
            )
        )


def assert_within_budget(
    function: Callable[..., Any],
    *args: Any,
    dtype: str = "float64",
    units: float = 1.0,
    oracle: Callable[..., Any] | None = None,
    elementwise: bool = True,
    convert: Callable[[Any], Any] | None = None,
    **kwargs: Any,
) -> None:
    """Assert that a function is right to within its rounding budget.

    The function runs once, on NumPy values of the dtype. Then each element is compared with the
    exact value at the very same (rounded) inputs.

    Parameters
    ----------
    function : callable
        A pointwise function of `refdiff.equations`, or one written like them.
    *args, **kwargs : float, int or array
        Broadcastable against each other. Floats and arrays are rounded to the dtype first.
    dtype : str
        ``"float64"``, ``"float32"`` or ``"float16"``.
    units : float
        How many budgets the error may reach; one is enough for a right function.
    oracle : callable, optional
        The exact value from mpmath numbers, written independently, with the same arguments. By
        default the function itself at `DIGITS` digits, which shows lost digits but no wrong
        formula.
    elementwise : bool
        False for a function of whole arrays (a mean over pixels, a quantile): it and the oracle
        are then called once, with object arrays, and return an array.
    convert : callable, optional
        Makes another library's array of a NumPy one, such as ``torch.as_tensor``; Python ints are
        passed on as they are.

    Raises
    ------
    AssertionError
        If an element is off by more; the message shows the inputs as hexadecimal floats.
    """
    __tracebackhide__ = True
    rounded = [round_to(arg, dtype) for arg in args]
    named = {name: round_to(arg, dtype) for name, arg in kwargs.items()}
    make = convert or (lambda value: value)
    actual = function(
        *(arg if isinstance(arg, int) else make(arg) for arg in rounded),
        **{name: arg if isinstance(arg, int) else make(arg) for name, arg in named.items()},
    )
    if not elementwise:
        _compare_arrays(function, rounded, named, actual, oracle, units, dtype)
        return
    shape = np.broadcast_shapes(*(np.shape(v) for v in (*rounded, *named.values())))
    found = tuple(getattr(actual, "shape", ()))
    if found != shape:
        raise AssertionError(f"{_name(function)}: the result has shape {found}, its inputs {shape}")
    given = dtype_name(actual)
    if shape and given != dtype:
        raise AssertionError(f"{_name(function)}: {dtype} inputs gave a {given} result")
    results = as_float64(actual).reshape(-1)
    for index, (point, named_point) in enumerate(_points(rounded, named, shape)):
        exact, allowed = budget(function, *point, dtype=dtype, **named_point)
        if oracle is not None:
            exact = evaluate(oracle, *point, **named_point)
        _compare(function, point, named_point, float(results[index]), exact, allowed * units, dtype)


def _compare_arrays(
    function: Callable[..., Any],
    args: list[Any],
    kwargs: dict[str, Any],
    actual: Any,
    oracle: Callable[..., Any] | None,
    units: float,
    dtype: str,
) -> None:
    __tracebackhide__ = True

    def mapped(convert: Callable[[Any], Any]) -> tuple[list[Any], dict[str, Any]]:
        each = np.frompyfunc(convert, 1, 1)
        return (
            [each(arg) if np.ndim(arg) else convert(arg) for arg in args],
            {name: each(arg) if np.ndim(arg) else convert(arg) for name, arg in kwargs.items()},
        )

    with mpmath.workdps(DIGITS):
        runs, named_runs = mapped(lambda value: _input(value, dtype))
        found: Any = np.asarray(function(*runs, **named_runs), dtype=object)
        found = np.frompyfunc(lambda value: running(0.0, dtype) + value, 1, 1)(found)
        exact = np.frompyfunc(lambda run: run.value, 1, 1)(found)
        if oracle is not None:
            points, named_points = mapped(_as_mpf)
            exact = np.asarray(oracle(*points, **named_points), dtype=object)
    results = as_float64(actual)
    if results.shape != np.shape(exact):
        raise AssertionError(
            f"{_name(function)}: shape {results.shape}, but should be {np.shape(exact)}"
        )
    for at, want in np.ndenumerate(exact):
        allowed = float(found[at].error) * units
        _compare(function, [f"element {at}"], {}, float(results[at]), want, allowed, dtype)


def _compare(
    function: Callable[..., Any],
    args: list[Any],
    kwargs: dict[str, Any],
    actual: float,
    exact: Any,
    allowed: float,
    dtype: str,
) -> None:
    __tracebackhide__ = True
    if mpmath.isinf(exact) and float(exact) == actual:
        return
    with mpmath.workdps(DIGITS):
        error = abs(mpmath.mpf(actual) - exact)
        allowed += float(mpmath.mpf(10) ** (_SPARE - DIGITS) * max(abs(exact), 1))
        if allowed != float("inf") and error <= allowed:
            return
        size = f"{float(error / allowed):.3g}"
    shown = [_hex(arg) for arg in args] + [f"{name}={_hex(arg)}" for name, arg in kwargs.items()]
    call = f"{_name(function)}({', '.join(shown)})"
    if allowed == float("inf"):
        raise AssertionError(
            f"{call}: in {dtype} these inputs do not determine the result (got {actual!r}, exact "
            f"{mpmath.nstr(exact, 20)}), so nothing can be compared; choose others"
        )
    raise AssertionError(
        f"{call} = {actual!r} in {dtype}, but should be {mpmath.nstr(exact, 20)}: off by "
        f"{float(error):.3g}, which is {size} budgets of {allowed:.3g}"
    )


def _points(
    args: list[Any], kwargs: dict[str, Any], shape: tuple[int, ...]
) -> Iterator[tuple[list[Any], dict[str, Any]]]:
    """Yield the arguments of each element, as Python numbers, in C order."""
    flat = [_flat(arg, shape) for arg in args]
    named = {name: _flat(arg, shape) for name, arg in kwargs.items()}
    for index in range(int(np.prod(shape, dtype=int))):
        yield [part[index] for part in flat], {name: part[index] for name, part in named.items()}


def _flat(value: Any, shape: tuple[int, ...]) -> list[Any]:
    if isinstance(value, int):
        return [value] * int(np.prod(shape, dtype=int))
    numbers: list[Any] = np.broadcast_to(np.asarray(value), shape).reshape(-1).tolist()
    return numbers


def _input(value: Any, dtype: str) -> Any:
    if isinstance(value, (int, np.integer)):
        return int(value)
    if dtype == "bfloat16":  # NumPy has no such dtype, so the caller rounds
        return running(float(value), dtype)
    return running(float(round_to(float(value), dtype)), dtype)


def _as_mpf(value: Any) -> Any:
    return value if isinstance(value, mpmath.mpf) else mpmath.mpf(_plain(value))


def _plain(value: Any) -> Any:
    return int(value) if isinstance(value, (int, np.integer)) else float(value)


def _hex(value: Any) -> str:
    return float(value).hex() if isinstance(value, (float, np.floating)) else str(value)


def _name(function: Callable[..., Any]) -> str:
    return getattr(function, "__name__", repr(function))
