"""What a process that runs a target's code is limited by, as far as the platform can."""

from __future__ import annotations

import contextlib
import os
import sys

__all__ = ["default_memory", "limit_memory", "prefer_as_victim", "unlimited_here"]

_GIB = 1 << 30


def default_memory() -> float | None:
    """Return four fifths of the machine's memory in GiB; None where that cannot be known."""
    try:
        return 0.8 * os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / _GIB
    except (AttributeError, OSError, ValueError):
        return None


def unlimited_here() -> str | None:
    """Say what cannot be limited on this platform; None on Linux, where everything can."""
    if sys.platform.startswith("linux"):
        return None
    system = {"darwin": "macOS", "win32": "Windows"}.get(sys.platform, sys.platform)
    return f"on {system} the memory of the target is not limited; its time is"


def limit_memory(gibibytes: float | None) -> None:
    """Limit the memory of this process and of those that it starts.

    Parameters
    ----------
    gibibytes : float or None
        The limit; None for none. Does nothing where the platform has no such limit.
    """
    if gibibytes is None or not sys.platform.startswith("linux"):
        return
    import resource

    wanted = int(gibibytes * _GIB)
    # Data and not address space: torch and CUDA map far more addresses than they ever use.
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_DATA, (wanted, hard))
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a crash is told, and leaves no file


def prefer_as_victim() -> None:
    """Ask the system to end this process first when memory runs out, before anything else."""
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")
