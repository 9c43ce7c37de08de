"""A progress bar for work of known length, on standard error, only where someone looks on."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator

__all__ = ["bar"]


@contextlib.contextmanager
def bar(title: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar with the time left while the body runs.

    Parameters
    ----------
    title : str
        What is being done.

    Yields
    ------
    callable
        To be called as ``update(done, total)``. It does nothing where standard error is no terminal
        or `rich` is not installed.
    """
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    try:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )
    except ModuleNotFoundError:
        yield lambda done, total: None
        return
    columns = (
        *(TextColumn(title), BarColumn(), MofNCompleteColumn()),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(title, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
