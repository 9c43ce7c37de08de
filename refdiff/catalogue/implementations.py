"""The link between code and catalogue: a decorator that holds ids and nothing else."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, TypeVar

__all__ = ["GROUPS", "implementations", "implements", "public_name"]

_Function = TypeVar("_Function", bound=Callable[..., Any])

# Looked through by name, at call time: the catalogue imports nothing above itself.
_HOME = "refdiff.equations"

GROUPS = ("", "continuous", "bounds", "flow", "guiding", "sde", "solvers", "weights")
"""Subpackages of `refdiff.equations` that hold public functions; the first is itself."""


def implements(*ids: str) -> Callable[[_Function], _Function]:
    """Say which equations of the catalogue a function implements.

    Parameters
    ----------
    *ids : str
        Ids such as ``"ho2020/posterior-mean"``; the first is the one cited foremost.

    Returns
    -------
    callable
        A decorator that sets ``__equations__`` and returns the function itself, unwrapped.
    """

    def mark(function: _Function) -> _Function:
        function.__equations__ = ids  # type: ignore[attr-defined]
        return function

    return mark


def public_name(function: Callable[..., Any]) -> str:
    """Return the name by which a function is imported, after ``refdiff.equations.``.

    Parameters
    ----------
    function : callable
        Defined anywhere in `refdiff.equations`.

    Returns
    -------
    str
        Such as ``"snr"`` or ``"continuous.snr"``.
    """
    group = function.__module__.removeprefix(_HOME).strip(".").partition(".")[0]
    name: str = function.__name__
    return f"{group}.{name}" if group in GROUPS[1:] else name


def _functions() -> Iterator[Callable[..., Any]]:
    for group in GROUPS:
        module = importlib.import_module(f"{_HOME}.{group}".rstrip("."))
        for public in module.__all__:
            candidate = getattr(module, public)
            if hasattr(candidate, "__equations__"):
                yield candidate


@cache
def implementations() -> dict[str, Callable[..., Any]]:
    """Return the function that implements each id.

    Raises
    ------
    ValueError
        If two functions claim one id.
    """
    found: dict[str, Callable[..., Any]] = {}
    for function in _functions():
        for equation_id in function.__equations__:  # type: ignore[attr-defined]
            other = found.setdefault(equation_id, function)
            if other is not function:
                raise ValueError(
                    f"{equation_id} is implemented by {other.__module__}.{other.__name__} and by "
                    f"{function.__module__}.{function.__name__}; one equation, one function."
                )
    return found
