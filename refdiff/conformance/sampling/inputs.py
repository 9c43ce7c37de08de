"""Whether a sampler writes into what it is given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from refdiff.conformance.checks import Check
from refdiff.conformance.loops import Loop
from refdiff.conformance.sampling.grid_checks import named
from refdiff.conformance.sampling.session import Session
from refdiff.conformance.verdicts import Outcome, conforms

__all__ = ["NotesInputs", "inputs_check", "overwritten"]


class NotesInputs(Loop, Protocol):
    """A loop that notes which of its arguments a run has changed."""

    @property
    def written(self) -> set[str]:
        """Names of the arguments that some run has changed."""


def overwritten(given: Mapping[str, Any], kept: Mapping[str, Any]) -> set[str]:
    """Return the names under which two sets of tensors differ.

    Parameters
    ----------
    given, kept : mapping of str to tensor
        What the target got, and copies made before.

    Returns
    -------
    set of str
        Names; a NaN is equal to itself.
    """
    return {
        name
        for name, before in kept.items()
        if not bool(((given[name] == before) | (before != before)).all())
    }


def inputs_check(loop: NotesInputs) -> Check:
    """Return the check that a loop's arguments are as they were after a run."""

    def judge() -> Outcome:
        Session(loop).run()
        if loop.written:
            names = ", ".join(sorted(loop.written))
            return named("mutates-its-inputs", f"{loop.name} writes into its argument {names}")
        return conforms(f"{loop.name} leaves its arguments as they are")

    return Check(f"{loop.name}/keeps-its-inputs", (), judge)
