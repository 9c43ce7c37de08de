"""`refdiff check`: judge another codebase's diffusion code."""

from __future__ import annotations

import contextlib
import io
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

import tyro

from refdiff._errors import UserError
from refdiff.cli.options import (
    Flag,
    OptionalPath,
    OptionalReal,
    OptionalText,
    Real,
    Whole,
    choice,
    default_hint,
    required,
)
from refdiff.cli.targets import check_file

if TYPE_CHECKING:
    from refdiff.conformance.isolation.request import Request
    from refdiff.conformance.report import Report

__all__ = ["Check"]

_Shape: TypeAlias = Literal[
    "functions", "gaussian-diffusion", "scheduler", "sampler", "denoiser-sampler"
]
_Array: TypeAlias = Literal["numpy", "torch"]
_Words: TypeAlias = tyro.conf.UseAppendAction[tuple[str, ...]]


@dataclass(frozen=True)
class Check:
    """Judge another codebase's diffusion code, equation by equation.

    This runs the target's code, in a process of its own.
    Exit status: 0 when nothing deviates, 1 when something does, 2 when nothing was compared.

    $ refdiff check diffusers:DDIMScheduler --html report.html
    $ refdiff check path/to/sampler.py:ddim_sample --schedule cosine:1000
    $ refdiff check package.diffusion:GaussianDiffusion --kwargs '{"timesteps": 1000}'
    """

    target: Annotated[OptionalText, tyro.conf.Positional, required("TARGET")] = None
    """package.module:attribute or path/to/file.py:attribute.
    An object, a callable, or a class or function that makes one without arguments."""
    kwargs: Annotated[OptionalText, default_hint("none", metavar="JSON")] = None
    """Arguments to construct it with, as a JSON object."""
    shape: Annotated[_Shape | None, choice(_Shape), default_hint("recognised")] = None
    """What kind of code it is."""
    array: Annotated[_Array, choice(_Array)] = "numpy"
    """What functions are called with: NumPy arrays, or torch tensors."""
    schedule: Annotated[str, tyro.conf.arg(metavar="NAME:T|FILE.npy")] = "linear:1000"
    """Training schedule of a sampler: linear:T, cosine:T, scaled-linear:T, or alpha_bars."""
    time_base: Whole = 0
    """What a sampler's model is told at the first noisy time."""
    seed: Whole = 0
    """Seed of the inputs."""

    only: Annotated[_Words, default_hint("all checks", metavar="PATTERN")] = ()
    """Judge these checks only: ids, or patterns with *; several with commas, or repeated."""
    list_checks: Flag = False
    """List the checks of the target, one a line with the equations, and judge none."""
    accept: Annotated[_Words, default_hint("none", metavar="CHECK=VARIANT")] = ()
    """Let this finding pass; may be repeated. An entry that no longer fits fails."""
    accepted: Annotated[OptionalPath, default_hint("none", metavar="FILE.toml")] = None
    """File of such entries: tables [[accepted]] with check, variant and reason."""
    baseline: Annotated[OptionalPath, default_hint("none", metavar="FILE.json")] = None
    """Earlier --json report: fail only on what is new."""
    strict: Flag = False
    """Let approximations fail too."""
    time_limit: Real = 60.0
    """Seconds a check may take."""
    memory_limit: Annotated[
        OptionalReal, default_hint("four fifths of the machine's", metavar="GIB")
    ] = None
    """Memory that the target may use (Linux only)."""

    json: Annotated[OptionalPath, default_hint("none", metavar="FILE")] = None
    """Write the report as JSON, for programs and for --baseline."""
    html: Annotated[OptionalPath, default_hint("none", metavar="FILE")] = None
    """Write the report as one HTML page, for people."""
    junit: Annotated[OptionalPath, default_hint("none", metavar="FILE")] = None
    """Write the report as JUnit's XML, for continuous integration."""

    def run(self) -> int:
        """Judge the target and report."""
        from refdiff.conformance.expectations import Expectations
        from refdiff.conformance.isolation.request import list_checks

        request = self._request()
        expected = Expectations.read(
            only=self.only,
            accept=self.accept,
            accepted=self.accepted,
            baseline=self.baseline,
            strict=self.strict,
        )
        if self.list_checks:
            _list(list_checks(request), expected.only)
            return 0
        return self._judge(request, expected)

    def _request(self) -> Request:
        from refdiff.conformance.isolation.request import Request, command
        from refdiff.conformance.loading import parse_kwargs, parse_target
        from refdiff.conformance.runner import settings_of

        if self.target is None:
            raise UserError(
                "refdiff check needs a target: package.module:attribute or "
                "path/to/file.py:attribute."
            )
        for option, path in self._named_files().items():
            check_file(option, path)
        parse_target(self.target)
        settings = settings_of(
            array=self.array, schedule=self.schedule, time_base=self.time_base, seed=self.seed
        )
        return Request(
            self.target,
            settings,
            parse_kwargs(self.kwargs),
            self.shape,
            command(self.target, vars(self)),
            self.time_limit,
            self.memory_limit,
        )

    def _named_files(self) -> dict[str, Path]:
        named = {"--json": self.json, "--html": self.html, "--junit": self.junit}
        return {option: path for option, path in named.items() if path is not None}

    def _judge(self, request: Request, expected: Any) -> int:
        from refdiff.cli.progress import bar
        from refdiff.conformance.isolation.request import check_target

        # The target may delete the working directory; files are named from where it is now.
        files = {option: path.absolute() for option, path in self._named_files().items()}
        with _stoppable() as stopped, bar("checks") as progress:
            report, interrupted = check_target(request, expected, progress)
        _write(report, files)
        _show(report)
        if interrupted and not stopped:
            raise KeyboardInterrupt
        return 128 + stopped[0] if stopped else report.exit_status


def _list(checks: dict[str, tuple[str, ...]], only: tuple[str, ...]) -> None:
    from refdiff.conformance.selection import selected

    chosen = selected(list(checks), only)
    width = max(map(len, chosen), default=0)
    for check in chosen:
        print(f"{check:{width}}  {', '.join(checks[check])}".rstrip())


def _write(report: Report, outputs: dict[str, Path]) -> None:
    from refdiff._files import atomic_write_files

    forms = {"--json": report.to_json, "--html": report.to_html, "--junit": report.to_junit}
    atomic_write_files({path: forms[option]().encode() for option, path in outputs.items()})


def _show(report: Report) -> None:
    from rich.console import Console

    from refdiff.conformance.reports.terminal import show

    # A target's words may hold what the terminal's encoding has no sign for.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    console = Console()
    # A pipe has no edge; on a terminal lines end where it does.
    show(report, console if console.is_terminal else Console(width=120))


@contextlib.contextmanager
def _stoppable() -> Iterator[list[int]]:
    """End on SIGTERM as on Ctrl-C: with a report of what was judged so far."""
    stopped: list[int] = []

    def stop(number: int, frame: object) -> None:
        stopped.append(number)
        raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGTERM, stop)
    except ValueError:  # not the main thread, which alone may
        yield stopped
        return
    try:
        yield stopped
    finally:
        signal.signal(signal.SIGTERM, before)
