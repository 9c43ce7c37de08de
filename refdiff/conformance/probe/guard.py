"""What a call changed that it should have left alone: found, told and put back."""

from __future__ import annotations

import contextlib
import io
import random
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, cast

import numpy as np

from refdiff.conformance.probe import generators

__all__ = ["Disturbances", "guarded"]

_SEED = 20_061_123  # no number that anybody seeds with
_MOST_PRINTED = 10_000


@dataclass(frozen=True)
class Disturbances:
    """What a call left changed or said; all of it has been put back.

    Parameters
    ----------
    mutated : tuple of str
        Arguments that were written into, by position or name.
    reseeded : tuple of str
        ``"torch"``, ``"numpy"``, ``"random"``: global generators that were seeded, or whose state
        was set; drawing from them is no disturbance.
    settings : mapping of str to str
        Global settings that the call left changed, and to what.
    warned : tuple of str
        Warnings, ``"Category: text"``.
    printed : str
        What went to standard output and standard error.
    """

    mutated: tuple[str, ...] = ()
    reseeded: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    warned: tuple[str, ...] = ()
    printed: str = ""

    def __bool__(self) -> bool:
        """Whether anything that others rely on was changed; words are not counted."""
        return bool(self.mutated or self.reseeded or self.settings)

    def sentences(self) -> list[str]:
        """Return one sentence for each kind of disturbance, words included."""
        found = [f"argument {name} was written into" for name in self.mutated]
        found += [f"the global generator of {name} was seeded" for name in self.reseeded]
        found += [f"{name} was left at {value}" for name, value in self.settings.items()]
        found += [f"it warned: {text}" for text in self.warned]
        return found + ([f"it printed: {self.printed[:200]}"] if self.printed else [])


def guarded(function: Callable[..., Any], *args: Any, **kwargs: Any) -> tuple[Any, Disturbances]:
    """Call a function and find what it disturbs.

    Parameters
    ----------
    function : callable
        The target.
    *args, **kwargs
        Its arguments. Arrays and tensors, and lists, tuples and dicts of them, are compared with
        copies and written back where they were changed.

    Returns
    -------
    (object, Disturbances)
        Its result and what it left behind.

    Raises
    ------
    BaseException
        Whatever the function raises, after everything was put back.
    """
    arguments = {str(index): value for index, value in enumerate(args)} | kwargs
    copies = {name: _copies(value) for name, value in arguments.items()}
    out = _Sink()
    seeded: list[str] = []
    with _restored() as settings, _seeds_watched(seeded):
        before = settings()
        with (
            warnings.catch_warnings(record=True) as warned,
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(out),
        ):
            warnings.simplefilter("always")
            try:
                filters, modules = list(warnings.filters), len(sys.modules)
                result = function(*args, **kwargs)
                after = settings()
                # Packages such as SciPy add filters when they are first imported.
                if list(warnings.filters) != filters and len(sys.modules) == modules:
                    after["warnings.filters"] = "another list"
            finally:
                mutated = tuple(name for name, kept in copies.items() if _written_back(kept))
    changed = {name: value for name, value in after.items() if before.get(name) != value}
    words = tuple(f"{w.category.__name__}: {w.message}" for w in warned)
    return result, Disturbances(
        mutated, tuple(dict.fromkeys(seeded)), changed, words, out.getvalue()
    )


def _copies(value: Any) -> list[tuple[Any, Any]]:
    """Return (array, copy) for every array within a value."""
    if isinstance(value, Mapping):
        return [pair for item in value.values() for pair in _copies(item)]
    if isinstance(value, (list, tuple)):
        return [pair for item in value for pair in _copies(item)]
    if isinstance(value, np.ndarray):
        return [(value, value.copy())]
    if hasattr(value, "detach") and hasattr(value, "clone"):
        return [(value, value.detach().clone())]
    return []


def _written_back(kept: list[tuple[Any, Any]]) -> bool:
    """Compare arrays with their copies, and undo what was written."""
    changed = False
    for value, copy in kept:
        if isinstance(value, np.ndarray):
            if value.shape != copy.shape or value.tobytes() != copy.tobytes():
                changed = True
                value.resize(copy.shape, refcheck=False)
                value[...] = copy
        else:
            plain = value.detach()
            # NaN equals itself here: the bits are compared where both are NaN.
            same = plain.shape == copy.shape and bool(
                ((plain == copy) | ((plain != plain) & (copy != copy))).all()
            )
            if not same:
                changed = True
                value.data = copy
    return changed


@contextlib.contextmanager
def _restored() -> Iterator[Callable[[], dict[str, str]]]:
    """Keep torch's, NumPy's and Python's global settings and put them back at the end."""
    import torch

    errors = np.geterr()
    default, grad = torch.get_default_dtype(), torch.is_grad_enabled()
    deterministic = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    cudnn, threads = _cudnn(), torch.get_num_threads()
    device = torch.get_default_device()
    filters = list(warnings.filters)

    def settings() -> dict[str, str]:
        return {
            "numpy.errstate": str(np.geterr()),
            "torch.default_dtype": str(torch.get_default_dtype()),
            "torch.default_device": str(torch.get_default_device()),
            "torch.grad_enabled": str(torch.is_grad_enabled()),
            "torch.inference_mode": str(torch.is_inference_mode_enabled()),
            "torch.deterministic_algorithms": str(torch.are_deterministic_algorithms_enabled()),
            "torch.backends.cudnn": str(_cudnn()),
            "torch.num_threads": str(torch.get_num_threads()),
        }

    try:
        with generators.kept():
            yield settings
    finally:
        np.seterr(**errors)
        torch.set_default_dtype(default)
        if torch.get_default_device() != device:
            torch.set_default_device(device)
        torch.set_grad_enabled(grad)
        if settings()["torch.deterministic_algorithms"] != str(deterministic) or warn_only != (
            torch.is_deterministic_algorithms_warn_only_enabled()
        ):  # setting it imports the compiler, which takes seconds
            torch.use_deterministic_algorithms(deterministic, warn_only=warn_only)
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = cudnn
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        cast(list[Any], warnings.filters)[:] = filters


def _cudnn() -> tuple[bool, bool]:
    import torch

    return torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark


@contextlib.contextmanager
def _seeds_watched(seeded: list[str]) -> Iterator[None]:
    """Note every call that sets the state of a global generator."""
    import torch

    watched = [
        *((home, name, "torch") for home in (torch, torch.random) for name in _TORCH_SETTERS),
        (np.random, "seed", "numpy"),
        (np.random, "set_state", "numpy"),
        (random, "seed", "random"),
        (random, "setstate", "random"),
    ]
    originals = [(home, name, getattr(home, name)) for home, name, _ in watched]

    def noting(function: Callable[..., Any], what: str) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            if _asked_by_target():
                seeded.append(what)
            return function(*args, **kwargs)

        return call

    generators.seed_all(_SEED)
    try:
        for (home, name, original), (_, _, what) in zip(originals, watched, strict=True):
            setattr(home, name, noting(original, what))
        yield
        # Seeding by a function that was imported by name before is seen by what it leaves.
        if torch.initial_seed() != _SEED:
            seeded.append("torch")
    finally:
        for home, name, original in originals:
            setattr(home, name, original)


def _asked_by_target() -> bool:
    """Say whether it is neither refdiff nor torch itself (`fork_rng` restores) that seeds."""
    frame = sys._getframe(2)
    # A guard, or the recorder of draws, may stand in between: who called that one asks.
    while frame.f_back and _is_note(frame):
        frame = frame.f_back
    name = str(frame.f_globals.get("__name__"))
    if name.startswith("refdiff.conformance.textbook"):
        return True
    return name.partition(".")[0] not in ("refdiff", "torch")


def _is_note(frame: FrameType) -> bool:
    home = str(frame.f_globals.get("__name__"))
    return home.startswith("refdiff.conformance.probe.") and frame.f_code.co_name == "call"


class _Sink(io.StringIO):
    """Keeps the beginning of what is written; a flood takes no memory."""

    def write(self, text: str) -> int:
        if self.tell() < _MOST_PRINTED:
            super().write(text[:_MOST_PRINTED])
        return len(text)


_TORCH_SETTERS = ("manual_seed", "set_rng_state", "seed")
