"""The run folder's ``log.jsonl``: one JSON object a line, readable even if the run is killed."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from refdiff._errors import UserError
from refdiff._files import atomic_write_text, translated_os_errors

__all__ = ["LogEntry", "TrainLog", "read_log"]


@dataclass(frozen=True)
class LogEntry:
    """One line of the log.

    Parameters
    ----------
    step : int
        Steps done.
    loss : float
        Mean over the steps since the line before.
    grad_norm : float
        Norm of the gradient of the last step, before clipping.
    learning_rate : float
        Of the last step.
    images_per_second : float
        Over the steps since the line before.
    seconds : float
        Time spent on training, earlier parts of a continued run included.
    """

    step: int
    loss: float
    grad_norm: float
    learning_rate: float
    images_per_second: float
    seconds: float


def read_log(run: Path | str) -> list[LogEntry]:
    """Read the log of a run.

    Parameters
    ----------
    run : Path or str
        The run folder.

    Returns
    -------
    list of LogEntry
        In order. A last line that a killed process left unfinished is left out.

    Raises
    ------
    UserError
        If a line before the last is damaged.
    """
    path = Path(run) / "log.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    entries = []
    for number, line in enumerate(lines, start=1):
        try:
            entries.append(LogEntry(**json.loads(line)))
        except (ValueError, TypeError):
            if number == len(lines):
                break
            raise UserError(f"{path}, line {number}, is damaged: remove that line.") from None
    return entries


class TrainLog:
    """Appends to the log of a run.

    Parameters
    ----------
    run : Path
        The run folder.
    step : int
        Where the run continues: lines of later steps, from before a crash, are dropped.
    every : int
        Steps between two lines. The line that ended a run between two lines is dropped too, so that
        the log reads as if there had been no stop.
    """

    def __init__(self, run: Path, *, step: int, every: int) -> None:
        self._path = run / "log.jsonl"
        kept = [
            _line(entry)
            for entry in read_log(run)
            if entry.step < step or (entry.step == step and step % every == 0)
        ]
        atomic_write_text(self._path, "".join(kept))

    def write(self, entry: LogEntry) -> None:
        """Append a line.

        Raises
        ------
        MachineError
            If the disk is full or fails.
        """
        with (
            translated_os_errors(f"write {self._path}"),
            self._path.open("a", encoding="utf-8") as file,
        ):
            file.write(_line(entry))


def _line(entry: LogEntry) -> str:

    return json.dumps(asdict(entry), allow_nan=False) + "\n"
