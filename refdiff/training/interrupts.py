"""A clean end on Ctrl-C and on SIGTERM: the step is finished and a checkpoint is written first."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

__all__ = ["InterruptWatch", "Interrupted"]


class Interrupted(Exception):
    """Training was stopped by a signal and has written a checkpoint.

    Parameters
    ----------
    output : Path
        The run folder.
    step : int
        Steps that the checkpoint holds.
    signal_number : int
        The signal.
    """

    def __init__(self, output: Path, step: int, signal_number: int) -> None:
        self.output, self.step, self.signal_number = output, step, signal_number
        super().__init__(
            f"Stopped by {signal.Signals(signal_number).name} after step {step}; the checkpoint is "
            f"written. Run the same command again to continue in {output}."
        )

    @property
    def exit_status(self) -> int:
        """Exit status that shells expect: 128 and the number of the signal (130 for Ctrl-C)."""
        return 128 + self.signal_number


class InterruptWatch:
    """Note SIGINT and SIGTERM while inside a ``with`` block, in place of dying of them.

    A second signal of either kind does what it always did, so that a hanging run can be ended.
    Outside the main thread Python allows no handlers, and signals then work as always.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> InterruptWatch:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._restore()

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.received = number
        self._restore()

    def _restore(self) -> None:
        while self._previous:
            number, handler = self._previous.popitem()
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
