"""What the user selects, accepts and compares a run with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from refdiff.conformance.accepted import Acceptance, acceptances
from refdiff.conformance.baseline import Baseline, read_baseline
from refdiff.conformance.results import SIDE_EFFECTS
from refdiff.conformance.selection import patterns, selected

__all__ = ["Expectations"]


@dataclass(frozen=True)
class Expectations:
    """What the user selects, accepts and compares with.

    Parameters
    ----------
    only : tuple of str
        Patterns of the checks to judge; empty for all.
    accepted : tuple of Acceptance
        What shall not fail.
    baseline : Baseline or None
        Earlier findings, which shall not fail either.
    strict : bool
        Whether approximations fail.
    """

    only: tuple[str, ...] = ()
    accepted: tuple[Acceptance, ...] = ()
    baseline: Baseline | None = None
    strict: bool = False

    @classmethod
    def read(
        cls,
        *,
        only: str | Iterable[str] | None = None,
        accept: str | Iterable[str] | Mapping[str, str] | None = None,
        accepted: str | Path | None = None,
        baseline: str | Path | None = None,
        strict: bool = False,
    ) -> Expectations:
        """Read them from options; raise `UserError` for what cannot be read."""
        return cls(
            patterns(only),
            acceptances(accept, accepted),
            None if baseline is None else read_baseline(Path(baseline)),
            strict,
        )

    def choose(self, ids: Sequence[str]) -> list[str]:
        """Return the checks to judge; raise `UserError` for a name that there is not."""
        known = [*ids, SIDE_EFFECTS]
        for entry in self.accepted:
            entry.refuse_unknown(known)
        return selected(known, self.only)
