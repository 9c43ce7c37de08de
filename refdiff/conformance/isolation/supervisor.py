"""The parent of the process in which a target is judged."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import refdiff
from refdiff._errors import UserError
from refdiff.conformance.isolation.worker import Job
from refdiff.conformance.results import Result, readable
from refdiff.conformance.side_effects import Effect

__all__ = ["START_LIMIT", "Supervisor"]

START_LIMIT = 120.0
"""Seconds that importing refdiff, importing the target and constructing it may take together."""

_GRACE = 0.5  # after the time limit, for the child to tell where it hangs
_MOST_ENDS = 3
_BOOT = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); "
    "from refdiff.conformance.isolation.worker import main; main()"
)
_KEPT_OUTPUT = 16_000


class _Ended(Exception):
    """The child has ended, or was ended; the message says how."""


class _Child:
    """One process, its events, and the end of what it prints."""

    def __init__(self, job: Job) -> None:
        root = str(Path(refdiff.__file__).resolve().parents[1])
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _BOOT, root],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # Out of reach of the terminal's Ctrl-C, and with all that it starts in one group.
            start_new_session=os.name == "posix",
        )
        self._events: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._printed: collections.deque[bytes] = collections.deque()
        self._readers = [
            threading.Thread(target=reader, daemon=True)
            for reader in (self._read_events, self._read_output)
        ]
        for reader in self._readers:
            reader.start()
        self.send(job.text())

    def send(self, line: str) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # it is gone already, which the next event tells
            self._process.stdin.write(line.encode() + b"\n")
            self._process.stdin.flush()

    def _read_events(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as stream, contextlib.suppress(ValueError):
            for line in stream:
                self._events.put(json.loads(line))
        self._events.put(None)

    def _read_output(self) -> None:
        assert self._process.stderr is not None
        kept = 0
        with self._process.stderr as stream:
            while block := os.read(stream.fileno(), 4096):
                self._printed.append(block)
                kept += len(block)
                while kept - len(self._printed[0]) >= _KEPT_OUTPUT:
                    kept -= len(self._printed.popleft())

    def next(self, deadline: float) -> dict[str, Any]:
        """Return the next event; raise `_Ended` if there is none before the deadline."""
        try:
            event = self._events.get(timeout=max(deadline - time.monotonic(), 0.0))
        except queue.Empty:
            raise _Ended("") from None
        if event is None:
            raise _Ended(self._obituary())
        return event

    def _obituary(self) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=2.0)
        status = self._process.returncode
        if status is None:
            return "it closed the files of the process that judges it"
        if status >= 0:
            return f"it ended the process (exit status {status}), as os._exit does"
        name = _signal_name(-status)
        known = {
            "SIGSEGV": ", a segmentation fault in native code",
            "SIGKILL": ", as the system does when memory runs out",
            "SIGABRT": ", as native code does by abort()",
        }
        return f"it ended the process by {name}{known.get(name, '')}"

    def end(self) -> str:
        """Kill it with all that it started, and return the end of what it printed."""
        with contextlib.suppress(OSError):
            if os.name == "posix":
                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()
        self._process.wait()
        for reader in self._readers:
            reader.join(timeout=1.0)  # a grandchild of its own session may hold the pipes open
        with contextlib.suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        return b"".join(self._printed)[-_KEPT_OUTPUT:].decode("utf-8", "replace")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


class Supervisor:
    """Judges a target in another process, and starts a new one whenever that has ended.

    A context manager: the process is ended with it.

    Parameters
    ----------
    job : Job
        What is judged and how.
    reproduce : callable
        Takes a check's id and returns the command that repeats it.
    start_limit : float
        Seconds for importing and constructing.

    Raises
    ------
    UserError
        On entering: if the target cannot be imported, constructed or recognised.
    """

    def __init__(
        self,
        job: Job,
        reproduce: Callable[[str], str] = lambda check: "",
        *,
        start_limit: float = START_LIMIT,
    ) -> None:
        self.job = job
        self.effects: dict[str, list[Effect]] = {}
        self.shape = ""
        self.equations: dict[str, tuple[str, ...]] = {}
        self._reproduce = reproduce
        self._start_limit = max(start_limit, job.time_limit)
        self._child: _Child | None = None

    def __enter__(self) -> Supervisor:
        self._start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._end()

    @property
    def ids(self) -> list[str]:
        """Ids of all checks of the target."""
        return list(self.equations)

    def _end(self) -> str:
        child, self._child = self._child, None
        return "" if child is None else child.end()

    def _start(self) -> None:
        try:
            self._begin()
        except BaseException:
            self._end()
            raise

    def _begin(self) -> None:
        self._child = _Child(self.job)
        deadline = time.monotonic() + self._start_limit
        while True:
            try:
                event = self._child.next(deadline)
            except _Ended as end:
                printed = self._end()
                how = str(end) or f"it is not done after {self._start_limit:g} s"
                last = next(iter(reversed(printed.strip().splitlines())), "")
                shown = f" (it printed {last[:200]!r})" if last else ""
                raise UserError(
                    f"target {self.job.target!r} cannot be imported and constructed: {how}{shown}."
                ) from None
            if event["event"] == "refused":
                error = UserError(event["message"])
                error.add_note(event["traceback"])
                raise error
            if event["event"] == "failed":
                raise RuntimeError(event["message"])
            if event["event"] == "loaded":
                self.shape = event["shape"]
                self.equations = {name: tuple(ids) for name, ids in event["checks"]}
                return

    def results(self, checks: Sequence[str]) -> Iterator[Result]:
        """Judge checks one after the other.

        Parameters
        ----------
        checks : sequence of str
            Their ids.

        Yields
        ------
        Result
            Of each, in this order. Where the target hangs, or ends the process, the verdict is
            ``error`` and the next check is judged in a new process.
        """
        left = list(checks)
        ends: collections.Counter[str] = collections.Counter()
        while left:
            subject = left[0].partition("/")[0]
            if ends[subject] >= _MOST_ENDS:
                why = (
                    f"not asked, as the target hung or crashed in {_MOST_ENDS} checks of {subject}"
                )
                yield self._error(left.pop(0), why, None)
                continue
            if self._child is None:
                try:
                    self._start()
                except UserError as error:
                    yield self._error(left.pop(0), f"in a new process, {error}", None)
                    ends[subject] += 1
                    continue
            assert self._child is not None
            self._child.send(json.dumps(left))
            try:
                for result in self._until_done():
                    if result.check in left:
                        left.remove(result.check)
                        yield result
                self._end()
            except _Ended as end:
                printed = self._end()
                limit = f"the target did not answer within {self.job.time_limit:g} s (--time-limit)"
                said = limit if not str(end) else f"the target did not answer: {end}"
                ends[left[0].partition("/")[0]] += 1
                yield self._error(left.pop(0), said, printed or None)

    def _until_done(self) -> Iterator[Result]:
        assert self._child is not None
        wait = self.job.time_limit + _GRACE
        deadline = time.monotonic() + wait
        while True:
            event = self._child.next(deadline)
            if event["event"] == "begin":
                deadline = time.monotonic() + wait
            elif event["event"] == "effects":
                found = [Effect(name, what) for name, what in event["effects"]]
                self.effects.setdefault(event["check"], []).extend(found)
            elif event["event"] == "result":
                result = Result.from_wire(event["result"])
                yield dataclasses.replace(result, reproduce=self._reproduce(result.check))
            elif event["event"] == "done":
                return

    def _error(self, check: str, message: str, traceback: str | None) -> Result:
        return Result(
            check,
            self.equations[check],
            "error",
            message,
            traceback=None if traceback is None else readable(traceback),
            reproduce=self._reproduce(check),
        )
