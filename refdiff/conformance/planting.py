"""The kill matrix: plant each variant in a correct implementation and see whether it is named.

`refdiff.conformance.textbook` holds a correct implementation of each shape whose formulas go
through `Parts`. Built with a variant it is a target with that mistake. A variant that no check
notices, or that is called by another name, is a gap in the checks; that the untouched
implementation passes everywhere is the other half of the proof.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from refdiff.conformance import textbook
from refdiff.conformance.checks import Check, Settings
from refdiff.conformance.parts import Parts
from refdiff.conformance.shapes import checks_of, default_settings
from refdiff.conformance.variants import Variant
from refdiff.conformance.verdicts import Outcome

__all__ = ["RESULTS", "Carrier", "Planting", "carriers", "judge_all"]

RESULTS = ("named first", "named", "named as fitting too", "detected", "missed")
"""How a planted variant is recognised, the best first.

named first: the first check that names anything names it. named: a later check does.
named as fitting too: a check names it as giving the same numbers as the name it shows. detected:
a check fails, and no name is its own. missed: no check notices it.
"""

_SILENT = frozenset({"conforms", "inconclusive", "not-provided"})


@dataclass(frozen=True)
class Planting:
    """What became of one variant in one carrier.

    Parameters
    ----------
    variant, carrier : str
        Their names.
    findings : mapping of str to Outcome
        Ids of the checks that noticed it, and how they judged, in the order in which they were
        asked, up to the first that names it.
    """

    variant: str
    carrier: str
    findings: Mapping[str, Outcome]

    @property
    def result(self) -> str:
        """One of `RESULTS`: how well it was recognised."""
        found = list(self.findings.values())
        first = next((one for one in found if one.variant), None)
        if first is not None and first.variant == self.variant:
            return "named first"
        if any(one.variant == self.variant for one in found):
            return "named"
        if any(self.variant in one.also_fits for one in found):
            return "named as fitting too"
        return "detected" if found else "missed"

    @property
    def called(self) -> list[str]:
        """Other names that checks gave before one gave its own."""
        return sorted(
            {one.variant for one in self.findings.values() if one.variant} - {self.variant}
        )


@dataclass(frozen=True)
class Carrier:
    """A correct implementation that variants can be planted in.

    Parameters
    ----------
    shape : str
        Its shape.
    name : str
        Shape, and which of its implementations.
    build : callable
        Takes `Parts` and returns the target.
    """

    shape: str
    name: str
    build: Callable[[Parts], Any]

    def checks(self, parts: Parts, settings: Settings | None = None) -> list[Check]:
        """Return the checks of the target built from these parts."""
        return checks_of(self.build(parts), settings or default_settings(), shape=self.shape)

    def reach(self) -> dict[str, frozenset[str]]:
        """Return which parts the untouched implementation uses while each check judges it.

        Every check gets an implementation of its own: a recording that two share would be
        counted for the first alone. The checks come in their own order, but those of loops,
        which take their time, after those of single calls.
        """
        used: dict[str, frozenset[str]] = {}
        for check in self.checks(Parts()):
            parts = Parts()
            (same,) = (other for other in self.checks(parts) if other.id == check.id)
            same.judge()
            used[check.id] = frozenset(parts.used)
        return {check: used[check] for check in sorted(used, key=lambda name: "-loop/" in name)}

    def plant(
        self,
        variant: Variant,
        reach: Mapping[str, frozenset[str]],
        untouched: Mapping[str, Outcome],
    ) -> Planting | None:
        """Judge the implementation with the variant in it; None if it cannot carry it.

        Parameters
        ----------
        variant : Variant
            What is planted.
        reach : mapping of str to frozenset of str
            Of `reach`.
        untouched : mapping of str to Outcome
            How the untouched implementation was judged.
        """
        asked = [check for check, parts in reach.items() if parts & variant.replaces.keys()]
        findings: dict[str, Outcome] = {}
        try:
            checks = {check.id: check for check in self.checks(Parts([variant]))}
        except ValueError as error:  # with this mistake it cannot even be constructed
            refused = Outcome("error", f"ValueError: {error}")
            return Planting(variant.name, self.name, {"construction": refused}) if asked else None
        for check in asked:
            (found,) = judge_all([checks[check]]).values()
            before = untouched[check]
            same = (found.verdict, found.variant) == (before.verdict, before.variant)
            if found.verdict in _SILENT or same:
                continue
            findings[check] = found
            if found.variant == variant.name:
                break
        # A part with other arguments than this implementation hands to it: it never ran.
        never_ran = findings and all("TypeError" in found.message for found in findings.values())
        return Planting(variant.name, self.name, findings) if asked and not never_ran else None


def judge_all(checks: Iterable[Check]) -> dict[str, Outcome]:
    """Judge checks one after the other; what a target raises is its error."""
    outcomes = {}
    for check in checks:
        try:
            outcomes[check.id] = check.judge()
        except Exception as error:
            outcomes[check.id] = Outcome("error", f"{type(error).__name__}: {error}")
    return outcomes


def carriers() -> Sequence[Carrier]:
    """Return all correct implementations: ``BUILDS`` of the modules of the textbook."""
    found = []
    for module in sorted(pkgutil.iter_modules(textbook.__path__), key=lambda m: m.name):
        loaded = importlib.import_module(f"{textbook.__name__}.{module.name}")
        builds = getattr(loaded, "BUILDS", None) or {"": loaded.build}
        shape = module.name.replace("_", "-")
        found += [
            Carrier(shape, f"{shape} ({name})" if name else shape, build)
            for name, build in builds.items()
        ]
    return found
