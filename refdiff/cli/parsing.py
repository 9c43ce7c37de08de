"""Parsing by tyro, with its boxed messages turned into one sentence."""

from __future__ import annotations

import contextlib
import difflib
import io
import os
import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any, TypeVar

import tyro

from refdiff._errors import UserError

__all__ = ["parse"]

_Command = TypeVar("_Command")
_ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


def parse(kind: type[_Command], name: str, arguments: Sequence[str]) -> _Command | None:
    """Parse the arguments of a command.

    Parameters
    ----------
    kind : type
        The command's frozen dataclass.
    name : str
        Its name on the command line.
    arguments : sequence of str
        What follows the name.

    Returns
    -------
    object or None
        The dataclass; None where help was asked for and printed.

    Raises
    ------
    UserError
        If the arguments are no such options.
    """
    program = f"refdiff {name}"
    asked_for_help = bool({"-h", "--help"} & set(arguments))
    box = io.StringIO()
    try:
        with contextlib.ExitStack() as stack:
            if not asked_for_help:
                stack.enter_context(contextlib.redirect_stderr(box))
                stack.enter_context(_wide_terminal())
            return tyro.cli(
                kind, prog=program, args=list(arguments), config=(tyro.conf.FlagCreatePairsOff,)
            )
    except SystemExit as end:
        if not end.code:
            return None
        raise UserError(_sentence(box.getvalue(), kind, program)) from None


@contextlib.contextmanager
def _wide_terminal() -> Iterator[None]:
    """Keep tyro from breaking lines inside names."""
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = "2000"
    try:
        yield
    finally:
        if before is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = before


def _lines(box: str) -> list[str]:
    """Lines of the first part of tyro's message, indented as they are to each other.

    tyro draws a box where the output can show one, and else sets title and parts off by dashes.
    """
    plain = [line.rstrip() for line in _ESCAPES.sub("", box).splitlines()]
    boxed = any(line.startswith("╭") for line in plain)
    if boxed:
        plain = [line[1:-1].rstrip() for line in plain if line.startswith("│")]
    parts: list[list[str]] = [[]]
    for line in plain:
        if line and not line.strip(" ─-"):
            parts.append([])
        elif line:
            parts[-1].append(line)
    message = parts[0] if boxed else parts[1 if len(parts) > 1 else 0]
    return textwrap.dedent("\n".join(message)).splitlines()


def _sentence(box: str, kind: type[Any], program: str) -> str:
    lines = _lines(box)
    text = " ".join(" ".join(lines).split())
    see = f"`{program} --help` lists the options."
    if match := re.match(r"Unrecognized options?: (.*)", text):
        return f"{_unknown(match[1].split(', ')[0], kind, program)} {see}"
    if match := re.match(r"Error parsing (\S+): (.*)", text):
        return f"{match[1]}: {match[2].rstrip('.')}. {see}"
    if match := re.match(r"Missing value for argument '([^']*)'", text):
        return f"{match[1].split('/')[-1]} needs a value. {see}"
    if text.startswith("Missing from"):
        names = [line.strip() for line in lines[1:] if re.match(r" {4}\S", line)]
        wanted = [re.sub(r"^(--\S+) (\S+)$", r"\1 \2", name) for name in names]
        return f"{program} needs {' and '.join(wanted)}. {see}"
    return f"{program}: {text or 'the options cannot be read'}. {see}"


def _unknown(word: str, kind: type[Any], program: str) -> str:
    if not word.startswith("-"):
        return f"{program} does not know what {word!r} is for."
    name = word.partition("=")[0]
    options = [f"--{field.name.replace('_', '-')}" for field in fields(kind)]
    close = difflib.get_close_matches(name, options, n=1, cutoff=0.5)
    meant = f"; did you mean {close[0]}?" if close else "."
    return f"{program} has no option {name}{meant}"
