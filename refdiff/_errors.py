"""The two exceptions that the command line turns into one sentence and an exit status."""

from __future__ import annotations

__all__ = ["MachineError", "UserError"]


class UserError(Exception):
    """Bad input: a file, option or value that the user can mend. Exit status 2."""


class MachineError(Exception):
    """A failure of the machine, such as a full disk. Exit status 1."""
