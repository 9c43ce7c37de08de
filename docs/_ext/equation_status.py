"""The status of an equation, derived from the last recorded run and never typed.

``verified``
    Its tests passed, and neither the function nor a test has changed since.
``failing``
    A test failed.
``stale``
    The function or a test has changed since the run.
``not run``
    It has tests, and no run of them is recorded.
``no test``
    It has none.
``text``
    A definition: there is nothing to test.
``planned``
    Not there yet.
"""

import json
import os
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from test_sources import hashes_now

from refdiff.catalogue import Catalogue, Equation, implementations, load
from refdiff.cli.equation_tests import VerifyingTests, find_tests
from refdiff.testing.ledger import source_hash

MEANINGS = {
    "verified": "its tests passed in the recorded run, and nothing has changed since",
    "failing": "a test of it failed in the recorded run",
    "stale": "its function, or a test, has changed since the recorded run",
    "not run": "it has tests, and no run of them is recorded",
    "no test": "nothing tests it",
    "text": "a definition, with nothing to test",
    "planned": "not there yet",
}
_ENOUGH = {"verified", "text"}


@dataclass(frozen=True)
class EquationTest:
    """One test of an equation, all its parameters together."""

    nodeid: str
    kind: str
    outcome: str

    @property
    def is_there(self) -> bool:
        return "gone" not in self.outcome


@dataclass(frozen=True)
class Evidence:
    """What stands behind the equations: functions, tests, and the record of a run."""

    root: Path
    catalogue: Catalogue
    functions: Mapping[str, Callable]
    recorded: Mapping[str, Mapping] = field(default_factory=dict)
    in_source: VerifyingTests = field(default_factory=lambda: VerifyingTests(None, {}))
    _known: dict[str, str] = field(default_factory=dict, repr=False, compare=False)

    def tests(self, equation_id: str) -> list[EquationTest]:
        """Return the tests of an equation, recorded ones first, each with what came of it."""
        outcomes: dict[tuple[str, str], Counter[str]] = {}
        for test in self.recorded.get(equation_id, {}).get("tests", []):
            name = test["nodeid"].partition("[")[0]
            counts = outcomes.setdefault((name, test["kind"]), Counter())
            counts[self._outcome(test)] += 1
        found = [EquationTest(*key, _counted(counts)) for key, counts in sorted(outcomes.items())]
        names = {test.nodeid for test in found}
        for test in self.in_source.of(equation_id):
            # A marker of a whole file stands for its tests, which a run names one by one.
            listed = test.nodeid in names or any(n.startswith(f"{test.nodeid}::") for n in names)
            if not listed and not test.outcome:
                found.append(EquationTest(test.nodeid, "", "not run"))
        return found

    def _outcome(self, test: Mapping) -> str:
        now = hashes_now(self.root, test["nodeid"])
        if not now:
            return "gone since"
        return test["outcome"] if test["source_sha256"] in now else "changed since"

    def status(self, equation_id: str) -> str:
        """Return an equation's own status, one of `MEANINGS`."""
        if equation_id not in self._known:
            self._known[equation_id] = self._derive(equation_id)
        return self._known[equation_id]

    def _derive(self, equation_id: str) -> str:
        equation: Equation = self.catalogue.equations[equation_id]
        if equation.status == "planned":
            return "planned"
        outcomes: Counter[str] = Counter()
        for test in self.recorded.get(equation_id, {}).get("tests", []):
            outcomes[self._outcome(test)] += 1
        if outcomes["failed"]:
            return "failing"
        if outcomes["changed since"] or outcomes["gone since"]:
            return "stale"
        if outcomes["passed"]:
            return "stale" if self.has_changed(equation_id) else "verified"
        if outcomes or self.in_source.of(equation_id):
            return "not run"
        return "text" if equation.status == "text" else "no test"

    def has_changed(self, equation_id: str) -> bool:
        """Say whether the function is another than in the recorded run."""
        function = self.functions.get(equation_id)
        seen = self.recorded.get(equation_id, {}).get("function_sha256")
        return seen != (function and source_hash(function))

    def unsettled(self, equation_id: str) -> list[str]:
        """Return what an equation rests on, near or far, that is not verified."""
        seen: dict[str, None] = {}
        waiting = list(self.catalogue.equations[equation_id].uses)
        while waiting:
            name = waiting.pop(0)
            if name not in seen:
                seen[name] = None
                waiting += self.catalogue.equations[name].uses
        return [name for name in seen if self.status(name) not in _ENOUGH]

    def used_by(self, equation_id: str) -> list[str]:
        """Return the equations that use this one directly."""
        return [e.id for e in self.catalogue.equations.values() if equation_id in e.uses]

    def test_files(self) -> list[str]:
        """Return the files of all tests of equations that are there."""
        tests = [test for name in self.catalogue.equations for test in self.tests(name)]
        files = {test.nodeid.partition("::")[0] for test in tests}
        return sorted(file for file in files if (self.root / file).is_file())

    def counts(self) -> Counter[str]:
        """Count the equations of each status."""
        return Counter(self.status(name) for name in self.catalogue.equations)


def _counted(counts: Counter[str]) -> str:
    return ", ".join(what if n == 1 else f"{n} {what}" for what, n in sorted(counts.items()))


@cache
def gather(root: Path) -> Evidence:
    """Collect the evidence from the package and from the checkout around it."""
    ledger = Path(os.environ.get("REFDIFF_LEDGER", root / "build" / "ledger.json"))
    recorded = {}
    if ledger.is_file():
        recorded = json.loads(ledger.read_text("utf-8"))["equations"]
    else:
        # The variable promises a ledger only once the tests have run.
        os.environ.pop("REFDIFF_LEDGER", None)
    return Evidence(root, load(), implementations(), recorded, find_tests(root))
