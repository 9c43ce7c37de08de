"""What a training run shows while it runs: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any, Protocol

__all__ = ["Progress", "quiet", "show"]


class Progress(Protocol):
    """What the loop tells whoever watches."""

    def note(self, text: str) -> None:
        """Show a line of text."""

    def advance(self, step: int) -> None:
        """Say how many steps are done."""

    def report(self, step: int, loss: float, images_per_second: float) -> None:
        """Show the newest figures."""

    def __enter__(self) -> Progress: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class _Quiet:
    def note(self, text: str) -> None:
        pass

    def advance(self, step: int) -> None:
        pass

    def report(self, step: int, loss: float, images_per_second: float) -> None:
        pass

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *details: object) -> None:
        pass


def quiet() -> Progress:
    """Show nothing."""
    return _Quiet()


class _Lines(_Quiet):
    """One line a report, for files and pipes."""

    def __init__(self, total: int, batch_size: int) -> None:
        self._total, self._batch_size = total, batch_size

    def note(self, text: str) -> None:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()

    def report(self, step: int, loss: float, images_per_second: float) -> None:
        seconds = (self._total - step) * self._batch_size / images_per_second
        left = f"{int(seconds) // 3600}:{int(seconds) // 60 % 60:02d}:{int(seconds) % 60:02d}"
        self.note(
            f"step {step}/{self._total}  loss {loss:.4f}  {images_per_second:.0f} images/s  "
            f"{left} left"
        )


class _Bar(_Quiet):
    """A bar with loss, images/s and time left."""

    def __init__(self, total: int, done: int, rich_progress: Any, console: Any) -> None:
        self._console = console
        self._bar = rich_progress.Progress(
            rich_progress.TextColumn("training"),
            rich_progress.BarColumn(),
            rich_progress.MofNCompleteColumn(),
            rich_progress.TextColumn("loss {task.fields[loss]}"),
            rich_progress.TextColumn("{task.fields[rate]} images/s"),
            rich_progress.TimeRemainingColumn(elapsed_when_finished=True),
            console=console,
        )
        self._task = self._bar.add_task("training", total=total, completed=done, loss="-", rate="-")

    def __enter__(self) -> Progress:
        self._bar.start()
        return self

    def __exit__(self, *details: object) -> None:
        self._bar.stop()

    def note(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False)

    def advance(self, step: int) -> None:
        self._bar.update(self._task, completed=step)

    def report(self, step: int, loss: float, images_per_second: float) -> None:
        self._bar.update(
            self._task, completed=step, loss=f"{loss:.4f}", rate=f"{images_per_second:.0f}"
        )


def show(total: int, *, done: int, batch_size: int) -> Progress:
    """Show progress on standard error.

    Parameters
    ----------
    total, done : int
        Steps of the run, and those done before.
    batch_size : int
        Images per step.

    Returns
    -------
    Progress
        A bar where standard error is a terminal and `rich` is installed, otherwise lines.
    """
    if sys.stderr.isatty():
        try:
            import rich.console
            import rich.progress
        except ModuleNotFoundError:
            pass
        else:
            return _Bar(total, done, rich.progress, rich.console.Console(stderr=True))
    return _Lines(total, batch_size)
