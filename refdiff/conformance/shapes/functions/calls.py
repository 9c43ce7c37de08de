"""Calls of a function: how its arguments are made, and how what it returns is read."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from refdiff import equations
from refdiff.conformance.parts import Parts
from refdiff.conformance.shapes.functions.programs import program_of
from refdiff.testing.closeness import as_float64

__all__ = ["Call", "NotTaken", "Reply", "Unreadable", "ask"]

_COUNTS = frozenset({"num_steps", "num_train_steps"})
# Settings that code takes as plain numbers whatever its arrays are.
_SETTINGS = frozenset(
    [
        "beta_start",
        "beta_end",
        "offset",
        "max_beta",
        "start",
        "end",
        "tau",
        "rho",
        "sigma_min",
        "sigma_max",
        "sigma_lo",
        "sigma_hi",
        "eta",
        "w",
        "scale",
        "phi",
        "percentile",
        "gamma",
        "k",
        "num_dims",
        "resolution",
        "reference_resolution",
        "sigma_data",
    ]
)


@dataclass(frozen=True)
class Call:
    """Arguments of one call, as float64 arrays and Python numbers, by name.

    Parameters
    ----------
    positional, keywords : mapping
        In the order and by the names of the reference's signature.
    implied : mapping
        Defaults of the reference, for the program alone: the target is to use its own.
    """

    positional: Mapping[str, Any] = field(default_factory=dict)
    keywords: Mapping[str, Any] = field(default_factory=dict)
    implied: Mapping[str, Any] = field(default_factory=dict)

    def given(self, *, array: str, dtype: str) -> tuple[list[Any], dict[str, Any]]:
        """Return the arguments for the target: new arrays at each call."""

        def made(name: str, value: Any) -> Any:
            return _made(name, value, array=array, dtype=dtype)

        return (
            [made(name, value) for name, value in self.positional.items()],
            {name: made(name, value) for name, value in self.keywords.items()},
        )

    def program(
        self, function: str, *, array: str, dtype: str = "float64"
    ) -> Callable[[Parts], Any]:
        """Return the program that says what the call should give."""
        args, kwargs = self.given(array=array, dtype=dtype)
        named = dict(zip(self.positional, args, strict=True)) | kwargs | dict(self.implied)

        def run(parts: Parts) -> Any:
            lifted = {
                name: value if name in _COUNTS else parts.lift(as_float64(value))
                for name, value in named.items()
            }
            first = [lifted.pop(name) for name in self.positional]
            return program_of(function, parts)(*first, **lifted)

        return run

    def shown(self) -> dict[str, Any]:
        """Return the arguments as a report shows them."""
        return {name: _shown(value) for name, value in self._all()}

    def _all(self) -> Iterator[tuple[str, Any]]:
        yield from self.positional.items()
        yield from self.keywords.items()


@dataclass(frozen=True)
class Reply:
    """What a target answered.

    Parameters
    ----------
    values : numpy.ndarray
        float64.
    written : tuple of str
        Arguments that it wrote into.
    """

    values: np.ndarray
    written: tuple[str, ...]


class NotTaken(Exception):
    """A target has no parameter for a setting that it keeps fixed."""


class Unreadable(Exception):
    """A target returned something that is no array of numbers."""


def ask(function: Callable[..., Any], name: str, call: Call, *, array: str, dtype: str) -> Reply:
    """Call a target's function with the reference's signature.

    Parameters
    ----------
    function : callable
        The target's.
    name : str
        The reference's name.
    call : Call
        The arguments.
    array : str
        ``"numpy"`` or ``"torch"``.
    dtype : str
        A key of `refdiff.testing.EPS`.

    Returns
    -------
    Reply
        The numbers, and the arguments that were written into.

    Raises
    ------
    TypeError
        If the function cannot be called like the reference.
    NotTaken
        If it has no parameter for an argument that the reference can do without.
    Unreadable
        If it returned something that is no array of real numbers.
    """
    args, kwargs = call.given(array=array, dtype=dtype)
    _check_signature(function, name, call, args, kwargs)
    before = call.given(array=array, dtype=dtype)
    try:
        found = function(*args, **kwargs)
    except TypeError as error:
        if array == "numpy" and "Tensor" in str(error):
            raise TypeError(
                f"{name} got NumPy arrays and Python floats but works on tensors ({error}); "
                f"choose --array torch."
            ) from error
        raise
    names = [*call.positional, *call.keywords]
    given = [*args, *kwargs.values()]
    kept = [*before[0], *before[1].values()]
    written = tuple(
        n
        for n, a, b in zip(names, given, kept, strict=True)
        if not np.array_equal(as_float64(a), as_float64(b), equal_nan=True)
    )
    return Reply(_numbers(name, found), written)


def _check_signature(
    function: Callable[..., Any], name: str, call: Call, args: list[Any], kwargs: dict[str, Any]
) -> None:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # built-in functions need not say what they take
        return
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        fixed = [key for key in call.keywords if key not in signature.parameters]
        settable = inspect.signature(getattr(equations, name)).parameters
        if fixed and all(settable[key].default is not inspect.Parameter.empty for key in fixed):
            raise NotTaken(f"{name} takes no argument {fixed[0]!r}") from None
        wanted = ", ".join([*call.positional, *(f"{key}=..." for key in call.keywords)])
        raise TypeError(
            f"{name}{signature} cannot be called as {name}({wanted}), like the reference "
            f"({error}); give it the reference's signature, or wrap it in a function that has it."
        ) from None


def _numbers(name: str, found: Any) -> np.ndarray:
    if isinstance(found, tuple | list) and found and hasattr(found[0], "shape"):
        raise Unreadable(
            f"{name} returned a {type(found).__name__} of {len(found)} arrays, not one array"
        )
    if found is None or isinstance(found, str | bytes | bool):
        raise Unreadable(f"{name} returned {found!r}, no array of numbers")
    try:
        if not hasattr(found, "detach") and np.iscomplexobj(found):
            raise TypeError("complex numbers")
        return as_float64(found)
    except (TypeError, ValueError, RuntimeError) as error:
        kind = type(found).__name__
        raise Unreadable(
            f"{name} returned no array of real numbers but a {kind} ({error})"
        ) from None


def _made(name: str, value: Any, *, array: str, dtype: str) -> Any:
    if name in _COUNTS:
        return int(value)
    if name in _SETTINGS and np.ndim(value) == 0:
        return float(value)
    if array == "torch":
        import torch

        return torch.tensor(np.asarray(value, np.float64)).to(getattr(torch, dtype))
    if np.ndim(value) == 0:
        return float(value)
    return np.array(value, dtype=dtype)


def _shown(value: Any) -> Any:
    if np.ndim(value) == 0:
        return value
    values = np.asarray(value)
    if values.size <= 12:
        return values.tolist()
    return f"array of shape {values.shape}, from {values.min():.6g} to {values.max():.6g}"
