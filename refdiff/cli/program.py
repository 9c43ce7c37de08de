"""The program: which command is meant, and what its end means for the shell."""

from __future__ import annotations

import difflib
import importlib
import inspect
import sys
from collections.abc import Sequence
from typing import Protocol

import refdiff
from refdiff._errors import UserError
from refdiff._extras import require
from refdiff.cli.outcome import exit_status

__all__ = ["COMMANDS", "Command", "main"]

COMMANDS = {
    "demo": "Demo",
    "check": "Check",
    "train": "Train",
    "sample": "Sample",
    "equations": "Equations",
}
"""Name of each command, which is that of its module, and of the class in it; in the order of the
help."""

_INTRODUCTION = """\
refdiff: the executable reference of diffusion-model mathematics.

usage: refdiff COMMAND [OPTIONS]
"""
_START = """\
Start here:
  refdiff demo                                  train, sample and see the pictures: three minutes
  refdiff check package.module:Scheduler        is that code right? equation by equation
  refdiff equations ho2020/posterior-mean       one equation: formula, source, function, tests

`refdiff COMMAND --help` lists the options of a command; `refdiff --version` prints the version.
"""


class Command(Protocol):
    """What the class of a command offers, once its options are parsed into it."""

    def run(self) -> int:
        """Do the work and return the exit status."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments without the program's name; by default those of the process.

    Returns
    -------
    int
        The exit status: 0 when done, 1 when the machine failed, 2 for bad input, 130 after Ctrl-C.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    return exit_status(lambda: _run(arguments))


def _run(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(_overview(), end="", file=sys.stdout if arguments else sys.stderr)
        return 0 if arguments else 2
    name, *rest = arguments
    if name in ("--version", "-V"):
        print(f"refdiff {refdiff.__version__}")
        return 0
    if name not in COMMANDS:
        raise UserError(_unknown(name))
    require("tyro", extra="cli", purpose=f"refdiff {name}")
    from refdiff.cli.parsing import parse

    command = parse(_class_of(name), name, rest)
    return 0 if command is None else command.run()


def _class_of(name: str) -> type[Command]:
    module = importlib.import_module(f"refdiff.cli.{name}")
    found: type[Command] = getattr(module, COMMANDS[name])
    return found


def _overview() -> str:
    require("tyro", extra="cli", purpose="the command line")
    width = max(map(len, COMMANDS)) + 2
    lines = []
    for name in COMMANDS:
        summary = (inspect.getdoc(_class_of(name)) or "").partition("\n\n")[0]
        lines.append(f"  {name:{width}}{' '.join(summary.split())}")
    commands = "\n".join(lines)
    return f"{_INTRODUCTION}\nCommands:\n{commands}\n\n{_START}"


def _unknown(name: str) -> str:
    close = difflib.get_close_matches(name, COMMANDS, n=1, cutoff=0.5)
    meant = f"; did you mean {close[0]}?" if close else "."
    kind = "option" if name.startswith("-") else "command"
    return f"refdiff has no {kind} {name!r}{meant} The commands are {', '.join(COMMANDS)}."
