"""The child process: loads the target and judges, and sends one line of JSON for each event.

The target owns standard output and standard error; the lines go through a copy of the original
standard output that only this module knows. Events:

* ``ready``: refdiff is imported, the target is next;
* ``refused``: the target cannot be judged, with the sentence for the user;
* ``failed``: refdiff itself has made a mistake;
* ``loaded``: its shape and the ids and equations of its checks;
* ``begin``, ``result``, ``effects``: of each check; ``done`` at the end.

The first line that it is sent is the `Job`, the second the list of the checks to judge.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import queue
import sys
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, TextIO

from refdiff._errors import UserError
from refdiff.conformance.isolation.limits import limit_memory, prefer_as_victim

__all__ = ["Job", "main"]


@dataclass(frozen=True)
class Job:
    """What a child is asked to do.

    Parameters
    ----------
    target : str
        The target's text.
    kwargs : mapping
        Arguments that it is constructed with.
    shape : str or None
        Its shape, if it is forced.
    array, schedule, time_base, seed
        The settings; the schedule as a list of numbers.
    time_limit : float
        Seconds a check; the parent keeps it, and the child tells where it was by then.
    memory : float or None
        Limit in GiB.
    """

    target: str
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    shape: str | None = None
    array: str = "numpy"
    schedule: tuple[float, ...] = ()
    time_base: int = 0
    seed: int = 0
    time_limit: float = 60.0
    memory: float | None = None

    def text(self) -> str:
        """Return the job as one line."""
        return json.dumps(asdict(self))


def main() -> None:
    """Do one job and end the process.

    Standard input and output become this module's own; the target finds them empty and muted.
    """
    own_input = os.fdopen(os.dup(0), "r", encoding="utf-8")
    own_output = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    faulthandler.enable(file=2)
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(own_input, lines), daemon=True).start()
    job = Job(**json.loads(lines.get()))
    prefer_as_victim()
    limit_memory(job.memory)
    with contextlib.suppress(BrokenPipeError):
        _work(job, lines, own_output)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):  # the target may have closed or replaced them
            stream.flush()
    # It may have left threads as well, which would keep an ordinary exit waiting.
    os._exit(0)


def _read(own_input: TextIO, lines: queue.SimpleQueue[str]) -> None:
    for line in own_input:
        lines.put(line)
    os._exit(1)  # the parent is gone


def _work(job: Job, lines: queue.SimpleQueue[str], output: TextIO) -> None:
    # Taken now: a target may replace what it finds in these modules.
    dumps, write, flush = json.dumps, output.write, output.flush
    getpid, end, own = os.getpid, os._exit, os.getpid()

    def send(event: str, **content: Any) -> None:
        write(dumps({"event": event, **content}) + "\n")
        flush()

    import numpy as np

    from refdiff.conformance.checks import Settings
    from refdiff.conformance.loading import load
    from refdiff.conformance.raised import full_traceback, is_own, sentence
    from refdiff.conformance.session import Session
    from refdiff.conformance.side_effects import LISTING

    send("ready")
    sys.path.insert(0, os.getcwd())
    settings = Settings(job.array, np.asarray(job.schedule), job.time_base, job.seed)
    try:
        session = Session(load(job.target, job.kwargs), settings, job.shape, interrupts=False)
    except UserError as error:
        send("refused", message=str(error), traceback=full_traceback(error))
        return
    except (Exception, SystemExit) as error:
        if is_own(error):
            send("failed", message=f"{type(error).__name__}: {error}")
        else:
            said = f"target {job.target!r} cannot be looked at: {sentence(error)}."
            send("refused", message=said, traceback=full_traceback(error))
        return
    checks = [[check.id, list(check.equations)] for check in session.checks]
    send("loaded", shape=session.shape, checks=checks)
    _send_effects(send, session, LISTING)
    for check in json.loads(lines.get()):
        send("begin", check=check)
        faulthandler.dump_traceback_later(job.time_limit, file=2)
        result = session.result(check)
        if getpid() != own:
            end(0)  # a copy of this process that the target forked off and let run on
        faulthandler.cancel_dump_traceback_later()
        send("result", result=result.wire())
        _send_effects(send, session, check)
    send("done")


def _send_effects(send: Any, session: Any, check: str) -> None:
    effects = [[effect.name, effect.what] for effect in session.effects[check]]
    if effects:
        send("effects", check=check, effects=effects)
