"""The command line: `main`, and one file a command.

A command is a frozen dataclass: its fields are the options, the docstrings of class and fields
the help, and ``run`` does the work and returns the exit status. The files of the commands import
nothing heavy at the top, so that help and mistakes in typing are answered at once.

Exit status: 0 when done, 1 when the machine failed, 2 for bad input, 130 after Ctrl-C. Whatever
goes wrong is one sentence on standard error; ``REFDIFF_DEBUG=1`` shows the traceback as well.
"""

from __future__ import annotations

from refdiff.cli.program import main

__all__ = ["main"]
