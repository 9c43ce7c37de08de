"""From what a command raised to one sentence and an exit status."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import traceback
from collections.abc import Callable, Iterator

from refdiff._errors import MachineError, UserError

__all__ = ["argument_errors", "exit_status"]

_FULL = (errno.ENOSPC, errno.EDQUOT)
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)


def exit_status(command: Callable[[], int]) -> int:
    """Run a command and answer its failures as the shell expects.

    Parameters
    ----------
    command : callable
        Returns its own status when nothing fails.

    Returns
    -------
    int
        Its status; 2 for bad input; 1 for a failure of the machine, or a mistake in refdiff; 128
        and the number of the signal where one ended it.
    """
    try:
        status = command()
        # What print() left in the buffer may meet a closed pipe or a full disk only now.
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        return _reader_gone()
    except KeyboardInterrupt:
        return _say("stopped.", 130)
    except UserError as error:
        return _say(str(error), 2)
    except MachineError as error:
        return _say(str(error), 1)
    except OSError as error:
        return _say(_os_sentence(error), 2 if error.errno in _FORBIDDEN else 1)
    except MemoryError:
        return _say(
            "the memory does not suffice: use a smaller --batch-size, or close other programs.", 1
        )
    except Exception as error:
        # Training ends with an exception of its own after a signal; it brings its status along.
        status_of_signal = getattr(error, "exit_status", None)
        if isinstance(status_of_signal, int):
            return _say(str(error), status_of_signal)
        return _say(
            f"a mistake in refdiff, {type(error).__name__}: {_first_line(error)} "
            "(REFDIFF_DEBUG=1 shows where; please report it).",
            1,
        )


@contextlib.contextmanager
def argument_errors() -> Iterator[None]:
    """Around code that does nothing but check arguments: a `ValueError` there is bad input.

    Raises
    ------
    UserError
        With the sentence of the `ValueError`.
    """
    try:
        yield
    except ValueError as error:
        raise UserError(str(error)) from error


def _say(sentence: str, status: int) -> int:
    if os.environ.get("REFDIFF_DEBUG", "0") not in ("", "0") and status != 130:
        traceback.print_exc()
    with contextlib.suppress(OSError):
        print(f"refdiff: {' '.join(sentence.split())}", file=sys.stderr)
    return status


def _os_sentence(error: OSError) -> str:
    where = f" {error.filename}" if error.filename else ""
    if error.errno in _FULL:
        return f"cannot write{where}: the disk is full; make room and run the command again."
    return f"cannot use{where or ' a file'}: {error.strerror or error}."


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), "").strip() or "no message"


def _reader_gone() -> int:
    """End quietly where the reader of a pipe has closed it, as `refdiff equations | head` does."""
    # Python flushes standard output once more at its end; give it somewhere to go.
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 141
