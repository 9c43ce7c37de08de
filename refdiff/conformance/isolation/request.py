"""Judging a target's text: what the command line does."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from refdiff._errors import UserError
from refdiff.conformance.checks import Settings
from refdiff.conformance.expectations import Expectations
from refdiff.conformance.isolation.limits import default_memory, unlimited_here
from refdiff.conformance.isolation.supervisor import START_LIMIT, Supervisor
from refdiff.conformance.isolation.worker import Job
from refdiff.conformance.report import Report
from refdiff.conformance.results import SIDE_EFFECTS, Result, readable
from refdiff.conformance.runner import Progress, assembled

__all__ = ["TIME_LIMIT", "Request", "check_target", "command", "list_checks"]

TIME_LIMIT = 60.0
"""Seconds a check."""


_DEFAULTS = {
    **{"kwargs": None, "shape": None, "array": "numpy", "schedule": "linear:1000"},
    **{"time_base": 0, "seed": 0, "time_limit": TIME_LIMIT},
}
"""Options that change how a check is judged."""


def command(target: str, given: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the words of the command that judges a target.

    Parameters
    ----------
    target : str
        The target's text.
    given : mapping
        Options by name, as text or number; those at their defaults are left out.

    Returns
    -------
    tuple of str
        From ``refdiff`` on.
    """
    words = ["refdiff", "check", target]
    for name, usual in _DEFAULTS.items():
        value = given.get(name, usual)
        if value != usual:
            shown = f"{value:g}" if isinstance(value, float) else str(value)
            words += [f"--{name.replace('_', '-')}", shown]
    return tuple(words)


@dataclass(frozen=True)
class Request:
    """A target's text with all that the command line may say about it.

    Parameters
    ----------
    target : str
        ``package.module:attribute`` or ``path/to/file.py:attribute``.
    kwargs : mapping
        Arguments that it is constructed with.
    shape : str or None
        Its shape, if it is forced.
    settings : Settings
        Array, schedule, time base and seed.
    command : tuple of str
        The words of the command without ``--only``, for the line that reproduces a check.
    time_limit : float
        Seconds a check.
    memory_limit : float or None
        GiB; by default four fifths of the machine's.
    start_limit : float
        Seconds for importing and constructing.

    Raises
    ------
    UserError
        If a limit is not more than 0.
    """

    target: str
    settings: Settings
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    shape: str | None = None
    command: tuple[str, ...] = ("refdiff", "check")
    time_limit: float = TIME_LIMIT
    memory_limit: float | None = None
    start_limit: float = START_LIMIT

    def __post_init__(self) -> None:
        for name in ("time_limit", "memory_limit"):
            value = getattr(self, name)
            if value is not None and not 0 < value < float("inf"):
                raise UserError(f"--{name.replace('_', '-')} {value:g} must be more than 0.")

    def supervisor(self) -> Supervisor:
        """Return what judges it in another process."""
        job = Job(
            self.target,
            dict(self.kwargs),
            self.shape,
            self.settings.array,
            tuple(float(value) for value in self.settings.schedule),
            self.settings.time_base,
            self.settings.seed,
            self.time_limit,
            default_memory() if self.memory_limit is None else self.memory_limit,
        )
        return Supervisor(job, self.reproduce, start_limit=self.start_limit)

    def reproduce(self, check: str) -> str:
        """Return the command that judges one check alone, or several with commas between."""
        return readable(shlex.join([*self.command, "--only", check]))


def list_checks(request: Request) -> dict[str, tuple[str, ...]]:
    """Return the checks of a target with the equations that they judge; none is run.

    Parameters
    ----------
    request : Request
        What is asked about. Its code is imported and constructed, in another process.

    Returns
    -------
    dict of str to tuple of str
        Ids of checks and of equations.
    """
    with request.supervisor() as other:
        return {**other.equations, SIDE_EFFECTS: ()}


def check_target(
    request: Request,
    expected: Expectations | None = None,
    progress: Progress = lambda done, total: None,
) -> tuple[Report, bool]:
    """Judge a target's text in a process of its own.

    Parameters
    ----------
    request : Request
        What is judged.
    expected : Expectations, optional
        What is selected and accepted.
    progress : callable, optional
        Called with the number of checks done and of all.

    Returns
    -------
    report : Report
        Incomplete if it was broken off.
    interrupted : bool
        Whether a KeyboardInterrupt broke it off.

    Raises
    ------
    UserError
        If the target cannot be imported, constructed or recognised, or a check's name is wrong.
    """
    expected = expected or Expectations()
    results: list[Result] = []
    interrupted = False
    with request.supervisor() as other:
        chosen = expected.choose(other.ids)
        judged = [check for check in chosen if check != SIDE_EFFECTS]
        try:
            for result in other.results(judged):
                results.append(result)
                progress(len(results), len(judged))
        except KeyboardInterrupt:
            interrupted = True
    note = unlimited_here()
    report = assembled(
        results,
        chosen,
        effects=other.effects,
        target=readable(request.target),
        shape=other.shape,
        command=readable(shlex.join(request.command)),
        reproduce=request.reproduce,
        expected=expected,
        notes=() if note is None else (note,),
    )
    return report, interrupted
