"""Tagging of a target's random draws: each is recorded, and can be replaced by a script.

torch's functions are met by a function mode, those of `numpy.random` and `random` by stand-ins for
the time of the call; all is put back whatever happens, the states of the global generators too.

Values are recorded in their standard form: normal draws as z of ``mean + std z``, uniform ones as u
of ``low + (high - low) u``.

Honesty. Whatever advances a global generator unseen (a function that was imported by name before,
a compiled kernel) is noticed by the generator's state, and `Draws.tagged` becomes False. A
generator of the target's own that NumPy made before cannot be seen at all: `repeats` runs twice
with the same visible draws and compares.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from refdiff.conformance.loops import Draw
from refdiff.conformance.probe import generators

__all__ = ["Draws", "Script", "current_script", "repeats", "scripted_draws", "tagged_draws"]

Array = NDArray[np.float64]
Script: TypeAlias = Callable[[int, str, tuple[int, ...]], "Array | None"]
"""script(index, kind, shape): the standard values of a draw, or None to leave it."""

_SCRIPT: ContextVar[Script | None] = ContextVar("script", default=None)


@dataclass
class Draws:
    """What was drawn.

    Parameters
    ----------
    script : callable, optional
        Replaces draws.
    model : object, optional
        Its ``calls`` tell which call of the model came next.

    Attributes
    ----------
    records : list of Draw
        In their order.
    unseen : list of str
        Generators that were advanced by draws that were not seen.
    """

    script: Script | None = None
    model: Any = None
    records: list[Draw] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)

    @property
    def tagged(self) -> bool:
        """Whether every draw from a global generator was seen."""
        return not self.unseen

    def replacement(self, kind: str, shape: Sequence[int]) -> Array | None:
        """Return what the script puts in place of the next draw."""
        if self.script is None:
            return None
        values = self.script(len(self.records), kind, tuple(shape))
        return None if values is None else np.broadcast_to(np.asarray(values, float), tuple(shape))

    def record(self, kind: str, values: Any) -> None:
        """Append a draw."""
        calls = 0 if self.model is None else len(self.model.calls)
        self.records.append(Draw(np.array(values, dtype=np.float64), kind, calls))


@contextmanager
def tagged_draws(
    model: Any = None, *, script: Script | None = None, seed: int | None = 0
) -> Iterator[Draws]:
    """Record all random draws made inside.

    Parameters
    ----------
    model : ProbeModel, optional
        The model that the target calls, so that each draw knows the call after it.
    script : callable, optional
        ``script(index, kind, shape)`` returns standard values for a draw, or None to leave it.
    seed : int or None
        Seeds the global generators of torch, NumPy and `random`; None leaves them.

    Yields
    ------
    Draws
        Filled as the target draws.
    """
    from refdiff.conformance.probe import draws_numpy, draws_torch

    draws = Draws(_SCRIPT.get() if script is None else script, model)
    with generators.kept():
        if seed is not None:
            generators.seed_all(seed)
        with draws_numpy.tagged(draws), draws_torch.tagged(draws):
            yield draws


@contextmanager
def scripted_draws(script: Script | None) -> Iterator[None]:
    """Give a script to every `tagged_draws` inside that has none: to those of a `Loop`.

    Parameters
    ----------
    script : callable or None
        As for `tagged_draws`.

    Examples
    --------
    >>> import torch
    >>> with scripted_draws(lambda index, kind, shape: np.full(shape, 0.5)):
    ...     with tagged_draws() as draws:
    ...         torch.randn(2)
    tensor([0.5000, 0.5000])
    """
    before = _SCRIPT.set(script)
    try:
        yield
    finally:
        _SCRIPT.reset(before)


def current_script() -> Script | None:
    """Return the script that `scripted_draws` gave, for a loop that adds replacements to it."""
    return _SCRIPT.get()


def repeats(run: Callable[[Script | None], tuple[Sequence[Draw], Any]]) -> bool:
    """Say whether a run gives the same result when its visible draws are the same.

    Parameters
    ----------
    run : callable
        ``run(script)`` runs the target with its draws replaced by the script and returns the draws
        and the result, an array or a sequence of arrays.

    Returns
    -------
    bool
        False if another source of randomness, or a memory of earlier runs, changes the result.
    """
    draws, first = run(None)

    def again(index: int, kind: str, shape: tuple[int, ...]) -> Array | None:
        same = index < len(draws) and draws[index].kind == kind
        return draws[index].values if same and draws[index].values.shape == shape else None

    replayed, second = run(again)
    # A draw with spread is put together anew from its standard form: the last place may differ.
    if [(d.kind, d.values.shape) for d in draws] != [(d.kind, d.values.shape) for d in replayed]:
        return False
    _, third = run(again)
    return _same(second, third) and _near(first, second)


def _same(a: Any, b: Any) -> bool:
    return len(a) == len(b) and all(
        np.array_equal(x, y, equal_nan=True) for x, y in zip(a, b, strict=True)
    )


def _near(a: Any, b: Any) -> bool:
    """Compare to half the digits of the coarser dtype: another draw differs by its whole size."""
    half = np.sqrt(2.0**-24)
    return len(a) == len(b) and all(
        np.allclose(
            x, y, rtol=half, atol=half * float(np.max(np.abs(x), initial=1.0)), equal_nan=True
        )
        for x, y in zip(a, b, strict=True)
    )
