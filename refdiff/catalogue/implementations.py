"""The link between code and catalogue: a decorator that holds ids and nothing else."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, TypeVar

__all__ = ["implementations", "implements"]

_Function = TypeVar("_Function", bound=Callable[..., Any])

# Looked through by name, at call time: the catalogue imports nothing above itself.
_MODULES = ("refdiff.equations", "refdiff.equations.continuous")


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


def _functions() -> Iterator[Callable[..., Any]]:
    for name in _MODULES:
        module = importlib.import_module(name)
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
