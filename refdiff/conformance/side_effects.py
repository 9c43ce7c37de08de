"""What a target did besides answering: seeding, replacing, printing, moving elsewhere.

Each check is judged under a guard that notices this and puts it back, so that one check does not
change the next; the runner reports all of it in one check of its own, ``target/side-effects``.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import random
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from refdiff.conformance.results import SIDE_EFFECTS, Result
from refdiff.conformance.variants import variant
from refdiff.conformance.verdicts import Outcome

__all__ = ["LISTING", "Effect", "side_effects_result", "watched"]

LISTING = "listing the checks"
"""Stands for a check's id where the target was only looked at."""

_DRAWING = (
    *("rand", "randn", "randint", "random", "normal", "uniform", "standard_normal", "choice"),
    *("permutation", "shuffle", "seed", "default_rng", "RandomState"),
)
_TORCH_DRAWING = (
    *("rand", "randn", "randint", "rand_like", "randn_like", "randint_like", "normal", "randperm"),
    *("bernoulli", "multinomial", "manual_seed", "Generator"),
)
_RANDOM_DRAWING = ("random", "gauss", "uniform", "normalvariate", "choice", "randint", "seed")


@dataclass(frozen=True)
class Effect:
    """One side effect.

    Parameters
    ----------
    name : str
        Of the registered variant, such as ``"seeds-global-random-state"``.
    what : str
        What exactly was seen.
    """

    name: str
    what: str


def watched(judge: Callable[[], Any]) -> tuple[Any, list[Effect]]:
    """Call a function and note what the target does besides.

    Parameters
    ----------
    judge : callable
        Judges one check.

    Returns
    -------
    (object, list of Effect)
        What it returned, and what was noticed and put back.

    Raises
    ------
    BaseException
        Whatever the function raises; everything is put back all the same.
    """
    found: list[Effect] = []
    with _standing_still(found), _originals_kept(found):
        if find_spec("torch") is None:
            return judge(), found  # the guard needs it, and functions can be judged without
        guard = importlib.import_module("refdiff.conformance.probe.guard")
        outcome, disturbed = guard.guarded(judge)
    found += [
        Effect("seeds-global-random-state", f"the global generator of {home} was seeded")
        for home in disturbed.reseeded
    ]
    found += [
        Effect("changes-global-settings", f"{setting} was left at {value}")
        for setting, value in disturbed.settings.items()
    ]
    found += [
        Effect("mutates-its-inputs", f"argument {name} was written into")
        for name in disturbed.mutated
    ]
    if disturbed.printed.strip():
        first = disturbed.printed.strip().splitlines()[0][:80]
        found.append(Effect("prints", f"it printed {first!r}"))
    return outcome, found


@contextlib.contextmanager
def _standing_still(found: list[Effect]) -> Iterator[None]:
    """Notice a change of the working directory, and go back."""
    before = _working_directory()
    try:
        yield
    finally:
        after = _working_directory()
        if after != before:
            gone = "it has been deleted" if after is None else f"it is {after} now"
            found.append(Effect("changes-working-directory", f"the working directory: {gone}"))
            with contextlib.suppress(OSError):
                os.chdir(before or os.sep)


def _working_directory() -> str | None:
    try:
        return os.getcwd()
    except OSError:
        return None


@contextlib.contextmanager
def _originals_kept(found: list[Effect]) -> Iterator[None]:
    """Notice functions of the generators' modules that were replaced, and put them back."""
    homes: list[tuple[str, Any, Sequence[str]]] = [
        ("numpy.random", np.random, _DRAWING),
        ("random", random, _RANDOM_DRAWING),
    ]
    with contextlib.suppress(ModuleNotFoundError):
        homes.append(("torch", importlib.import_module("torch"), _TORCH_DRAWING))
    before = [
        (f"{name}.{attribute}", home, attribute, getattr(home, attribute))
        for name, home, attributes in homes
        for attribute in attributes
    ]
    try:
        yield
    finally:
        for name, home, attribute, original in before:
            if _is_foreign(getattr(home, attribute, None), original):
                found.append(Effect("replaces-random-functions", f"{name} was replaced"))
                setattr(home, attribute, original)


def _is_foreign(now: Any, original: Any) -> bool:
    """Say whether it is another function, and not one by which the library replaced its own.

    Importing ``torch._dynamo``, which torch does when it is first needed, wraps torch.manual_seed.
    """
    if now is original:
        return False
    code, home = getattr(now, "__code__", None), str(getattr(original, "__module__", None))
    library = sys.modules.get(home.partition(".")[0])
    file = getattr(library, "__file__", None)
    if code is None or file is None:
        return True
    return not Path(code.co_filename).is_relative_to(Path(file).parent)


def side_effects_result(
    effects: Mapping[str, Sequence[Effect]],
    reproduce: Callable[[str], str] = lambda checks: "",
    command: str = "",
) -> Result:
    """Sum up the side effects of a whole run.

    Parameters
    ----------
    effects : mapping of str to sequence of Effect
        By check.
    reproduce : callable
        Takes ids of checks, with commas between, and returns what repeats them.
    command : str
        What repeats the whole run.

    Returns
    -------
    Result
        ``conforms`` without any, a ``convention`` if it only prints, else a ``known-deviation``.
    """
    by_name: dict[str, dict[str, str]] = {}
    for check, ones in effects.items():
        for effect in ones:
            by_name.setdefault(effect.name, {}).setdefault(effect.what, check)
    if not by_name:
        quiet = Outcome("conforms", "the target leaves random state, settings and inputs alone")
        return Result.of(SIDE_EFFECTS, (), quiet, reproduce=command)
    kinds = {name: variant(name) for name in by_name}
    names = sorted(by_name, key=lambda name: (-kinds[name].severity, name))
    worst = kinds[names[0]]
    shown = {name: dict(list(by_name[name].items())[:6]) for name in names}
    sentences = [
        f"{kinds[name].summary.rstrip('.')} ({', '.join(shown[name])}, in "
        f"{next(iter(shown[name].values()))})"
        for name in names
    ]
    outcome = Outcome(
        "known-deviation" if worst.kind == "deviation" else "convention",
        ". ".join(sentences),
        "+".join(name for name in names if kinds[name].kind == worst.kind),
        at={"check": next(iter(shown[names[0]].values()))},
        expected="nothing",
        observed=next(iter(shown[names[0]])),
    )
    checks = {next(iter(shown[name].values())) for name in names} - {LISTING}
    again = reproduce(",".join([*sorted(checks), SIDE_EFFECTS])) if checks else command
    return Result.of(SIDE_EFFECTS, (), outcome, reproduce=again)
