"""Running the checks of a live object, and putting what any run found together."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from refdiff._errors import UserError
from refdiff.conformance.checks import Settings
from refdiff.conformance.consistency import made_consistent
from refdiff.conformance.expectations import Expectations
from refdiff.conformance.report import Report
from refdiff.conformance.results import SIDE_EFFECTS, Result
from refdiff.conformance.schedule_option import read_schedule
from refdiff.conformance.session import Session
from refdiff.conformance.side_effects import Effect, side_effects_result

__all__ = ["Progress", "assembled", "run", "settings_of"]

Progress = Callable[[int, int], None]
"""Called with the number of checks done and of all, after each."""


def settings_of(
    *,
    array: str = "numpy",
    schedule: str | NDArray = "linear:1000",
    time_base: int = 0,
    seed: int = 0,
) -> Settings:
    """Return the settings of a run.

    Parameters
    ----------
    array : {"numpy", "torch"}
        What functions are called with.
    schedule : str or array_like
        The training schedule of a sampler; see `refdiff.conformance.schedule_option.read_schedule`.
    time_base : int
        What a sampler's model is told at the first noisy time.
    seed : int
        Seed of the inputs.

    Raises
    ------
    UserError
        If one of them is out of its domain.
    """
    if array not in ("numpy", "torch"):
        raise UserError(f"--array {array} is no kind of array: choose numpy or torch.")
    if seed < 0:
        raise UserError(f"--seed {seed} must be at least 0.")
    return Settings(array, read_schedule(schedule), time_base, seed)


def run(
    target: Any,
    *,
    shape: str | None = None,
    only: str | Iterable[str] | None = None,
    accept: str | Iterable[str] | Mapping[str, str] | None = None,
    accepted: str | Path | None = None,
    baseline: str | Path | None = None,
    strict: bool = False,
    array: str = "numpy",
    schedule: str | NDArray = "linear:1000",
    time_base: int = 0,
    seed: int = 0,
    progress: Progress = lambda done, total: None,
    kwargs: Mapping[str, Any] | None = None,
    time_limit: float = 60.0,
) -> Report:
    """Judge a live object in this process, or a target's text in a process of its own.

    For a live object there is no time limit, and a crash is a crash.

    Parameters
    ----------
    target : object or str
        A module or object with functions, a scheduler, a diffusion object, or a sampler; or
        ``"package.module:attribute"`` or ``"path/to/file.py:attribute"``, as for ``refdiff check``.
    shape : str, optional
        One of `refdiff.conformance.SHAPES`; recognised if left out.
    only : str or iterable of str, optional
        Ids of checks, or patterns with ``*``.
    accept : mapping of check to variant, or texts ``"CHECK=VARIANT"``, optional
        Findings that shall not fail. One that no longer fits fails.
    accepted : path, optional
        TOML file with more of them.
    baseline : path, optional
        Earlier JSON report: only what is new fails.
    strict : bool
        Let approximations fail too.
    array : {"numpy", "torch"}
        What functions are called with.
    schedule : str or array_like
        Training schedule of a sampler: ``"linear:T"``, ``"cosine:T"``, ``"scaled-linear:T"``, an
        .npy file of alpha_bars, or the table (T+1,) itself.
    time_base : int
        What a sampler's model is told at the first noisy time.
    seed : int
        Seed of the inputs.
    progress : callable, optional
        Called with the number of checks done and of all.
    kwargs : mapping, optional
        Arguments to construct a target with, where its text is given.
    time_limit : float
        Seconds a check, where a target's text is given.

    Returns
    -------
    Report
        With `exit_status`, `failures`, `to_json` and more.

    Raises
    ------
    UserError
        If the object is of no known shape, or an option is wrong.

    Examples
    --------
    >>> import refdiff.equations
    >>> report = run(refdiff.equations, only="posterior-variance/*")
    >>> report.passed
    True
    """
    expected = Expectations.read(
        only=only, accept=accept, accepted=accepted, baseline=baseline, strict=strict
    )
    settings = settings_of(array=array, schedule=schedule, time_base=time_base, seed=seed)
    given: dict[str, Any] = {
        "shape": shape,
        "array": array,
        "schedule": schedule,
        "time_base": time_base,
    }
    if isinstance(target, str):
        from refdiff.conformance.isolation.request import Request, check_target, command

        given |= {"seed": seed, "time_limit": time_limit}
        if kwargs:
            given["kwargs"] = json.dumps(dict(kwargs))
        request = Request(target, settings, kwargs or {}, shape, command(target, given), time_limit)
        report, interrupted = check_target(request, expected, progress)
        if interrupted:
            raise KeyboardInterrupt
        return report
    if kwargs:
        raise UserError("kwargs construct a target that is given as text; this one is an object.")
    call = _call(target, given | {"seed": seed})

    def reproduce(check: str) -> str:
        return f"{call}, only={check!r})"

    session = Session(target, settings, shape, reproduce)
    chosen = expected.choose(session.ids)
    judged = [check for check in chosen if check != SIDE_EFFECTS]
    results = []
    for number, check in enumerate(judged, start=1):
        results.append(session.result(check))
        progress(number, len(judged))
    return assembled(
        results,
        chosen,
        effects=session.effects,
        target=_described(target),
        shape=session.shape,
        command=f"{call})",
        reproduce=reproduce,
        expected=expected,
    )


_DEFAULTS = {"shape": None, "array": "numpy", "schedule": "linear:1000", "time_base": 0, "seed": 0}


def _call(target: Any, given: Mapping[str, Any]) -> str:
    """Return the call of `run` that judges the same, but for its last parenthesis."""
    name = _name(target) or "target"
    options = [
        f", {key}={value!r}" if isinstance(value, (str, int)) else f", {key}={key}"
        for key, value in given.items()
        if not (isinstance(value, (str, int, type(None))) and value == _DEFAULTS[key])
    ]
    return f"refdiff.conformance.run({name}{''.join(options)}"


def _name(target: Any) -> str | None:
    """Return the dotted name of a module, class or function; an object has none."""
    name = getattr(target, "__qualname__", None) or getattr(target, "__name__", None)
    if not isinstance(name, str) or "<" in name:
        return None
    module = getattr(target, "__module__", None)
    if not isinstance(module, str) or module in ("__main__", "builtins"):
        return name
    return f"{module}.{name}"


def _described(target: Any) -> str:
    kind = "a function" if inspect.isroutine(target) else f"an object of {_name(type(target))}"
    return _name(target) or kind


def assembled(
    results: Sequence[Result],
    chosen: Sequence[str],
    *,
    effects: Mapping[str, Sequence[Effect]],
    target: str,
    shape: str,
    command: str,
    reproduce: Callable[[str], str],
    expected: Expectations,
    notes: tuple[str, ...] = (),
) -> Report:
    """Put results together to a report.

    Parameters
    ----------
    results : sequence of Result
        Of the checks that were judged.
    chosen : sequence of str
        Ids of those that should have been, that of the side effects included.
    effects : mapping of str to sequence of Effect
        Side effects by check.
    target, shape, command, notes
        See `Report`.
    reproduce : callable
        Takes ids of checks, with commas between, and returns what repeats them.
    expected : Expectations
        What is accepted.

    Returns
    -------
    Report
        Incomplete if results are missing.
    """
    found = made_consistent(results, reproduce)
    wanted = [check for check in chosen if check != SIDE_EFFECTS]
    complete = {result.check for result in results} >= set(wanted)
    # Of a run that was broken off, what was not seen is not known.
    if SIDE_EFFECTS in chosen and wanted and results and (complete or any(effects.values())):
        found.append(side_effects_result(effects, reproduce, command))
    return Report(
        target=target,
        shape=shape,
        results=tuple(found),
        complete=complete,
        command=command,
        accepted=expected.accepted,
        baseline=expected.baseline,
        strict=expected.strict,
        notes=notes,
    )
