"""The reference in replaceable parts: what a check expects is a program over named parts.

A part is a function of `refdiff.equations`, or a step of a procedure that no paper numbers (which
level follows, what happens at the end) and that is registered here with `part`. A check calls them
through a `Parts` object. A variant replaces one of them; evaluated with it, the same program says
what a target with that variant would have returned. So a variant that is written once is tried, and
named, in every check of every shape that uses its part.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from refdiff import equations
from refdiff.conformance.bounded import Bounded, bounded

if TYPE_CHECKING:
    from refdiff.conformance.variants import Variant

__all__ = ["Parts", "part", "reference_parts", "spelled_out"]

_SPELLED_OUT: dict[str, Callable[..., Any]] = {}
_PROCEDURES: dict[str, Callable[..., Any]] = {}
_Function = TypeVar("_Function", bound=Callable[..., Any])


def part(function: _Function) -> _Function:
    """Register a step of a procedure under its name.

    If its first parameter is called ``parts`` it is given the `Parts` it is called through, so
    that what it calls can be replaced in turn.
    """
    if function.__name__ in _PROCEDURES or hasattr(equations, function.__name__):
        raise ValueError(f"there is already a part called {function.__name__!r}")
    _PROCEDURES[function.__name__] = function
    return function


def spelled_out(function: _Function) -> _Function:
    """Register an equation of `refdiff.equations` written so that more can be seen in it.

    It has the equation's name, signature and value. Either it calls other parts, so that a variant
    of one of them is tried here too, or it computes a table with rounding bounds.
    """
    if function.__name__ not in equations.__all__:
        raise ValueError(f"there is no equation called {function.__name__!r}")
    _SPELLED_OUT[function.__name__] = function
    return function


@functools.cache
def reference_parts() -> Mapping[str, Callable[..., Any]]:
    """Return all parts by name: the equations and the registered procedures."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    named = {name: getattr(equations, name) for name in equations.__all__}
    return named | _SPELLED_OUT | _PROCEDURES


class Parts:
    """The parts, some of them replaced; remembers which were used.

    Parameters
    ----------
    variants : iterable of Variant
        What is replaced. A later one goes before an earlier one.
    dtype : str
        The dtype that `lift` makes numbers for.

    Examples
    --------
    >>> parts = Parts()
    >>> parts.posterior_variance(alpha_bar_t=0.25, alpha_bar_s=0.5)
    0.3333333333333333
    >>> sorted(parts.used)
    ['posterior_variance']
    """

    def __init__(self, variants: Iterable[Variant] = (), *, dtype: str = "float64") -> None:
        self.variants = tuple(variants)
        self.dtype = dtype
        self.used: set[str] = set()
        self._replaced = {
            name: function
            for variant in self.variants
            for name, function in variant.replaces.items()
        }

    def lift(self, value: Any, *, exact: bool = False) -> Bounded:
        """Turn the numbers that the target was given into an input with its rounding bound."""
        return value if isinstance(value, Bounded) else bounded(value, self.dtype, exact=exact)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        found = reference_parts().get(name)
        if found is None:
            raise AttributeError(f"there is no part {name!r}")
        self.used.add(name)
        return _bound(self._replaced.get(name, found), self)


def _bound(function: Callable[..., Any], parts: Parts) -> Callable[..., Any]:
    return functools.partial(function, parts) if _takes_parts(function) else function


@functools.cache
def _takes_parts(function: Callable[..., Any]) -> bool:
    return next(iter(inspect.signature(function).parameters), None) == "parts"
