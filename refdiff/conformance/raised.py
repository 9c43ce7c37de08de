"""What code that is judged has raised, in one sentence and in full."""

from __future__ import annotations

import traceback
from pathlib import Path

__all__ = ["full_traceback", "is_own", "sentence"]

_PACKAGE = Path(__file__).resolve().parents[1]
_TEXTBOOK = _PACKAGE / "conformance" / "textbook"
_LONGEST = 60_000
_NO_GPU = (
    "Torch not compiled with CUDA enabled",
    "Found no NVIDIA driver",
    "No CUDA GPUs are available",
    "CUDA driver initialization failed",
    "PyTorch is not linked with support for",
    "Attempting to deserialize object on a CUDA device",
)


def sentence(error: BaseException) -> str:
    """Say what was raised, where, and, where that is known, what to do about it.

    Parameters
    ----------
    error : BaseException
        What was raised.

    Returns
    -------
    str
        One line.
    """
    words = " ".join(str(error).split())
    if len(words) > 300:
        words = words[:297] + "..."
    if isinstance(error, SystemExit):
        said = f"SystemExit({error.code!r}), which would end the program"
    else:
        said = f"{type(error).__name__}: {words}" if words else type(error).__name__
    place = _place(error)
    cure = _cure(error)
    return said + (f" ({place})" if place else "") + (f"; {cure}" if cure else "")


def _cure(error: BaseException) -> str:
    if any(words in str(error) for words in _NO_GPU):
        return "it needs a GPU, which is not here: let it run on the CPU, by --kwargs or its code"
    if isinstance(error, RecursionError):
        return "it calls itself without end"
    if isinstance(error, MemoryError):
        return "it needs more memory than it is allowed"
    return ""


def _place(error: BaseException) -> str:
    """Return the innermost line of code outside refdiff and, if it can be, outside libraries."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if not _hidden(f.filename)]
    own = [f for f in frames if "site-packages" not in f.filename]
    for frame in reversed(own or frames):
        return f"{frame.filename}, line {frame.lineno}"
    return ""


def _hidden(filename: str) -> bool:
    if filename.startswith("<frozen"):
        return True
    path = Path(filename)
    return path.is_relative_to(_PACKAGE) and not path.is_relative_to(_TEXTBOOK)


def is_own(error: BaseException) -> bool:
    """Say whether no line of the target took part: then the check itself is at fault."""
    return not _place(error)


def full_traceback(error: BaseException) -> str:
    """Return the whole traceback, as Python prints it; only an absurdly long one is cut."""
    text = "".join(traceback.format_exception(error))
    if len(text) > _LONGEST:
        half = _LONGEST // 2
        text = f"{text[:half]}\n... {len(text) - _LONGEST} characters ...\n{text[-half:]}"
    return text
