"""The status of an equation follows from the record of a run and from the source as it is now."""

import hashlib
from types import SimpleNamespace

import pytest

pytest.importorskip("sphinx", reason="Sphinx comes with the extra docs, and not with test")

from equation_status import MEANINGS, Evidence
from test_sources import hashes_now, page_of

from refdiff.catalogue import load
from refdiff.cli.equation_tests import VerifyingTest, VerifyingTests
from refdiff.equations import snr
from refdiff.testing.ledger import source_hash
from tests.support.sources import ROOT

FILE = """import pytest


@pytest.mark.verifies("a/one")
@pytest.mark.parametrize("n", [1, 2])
def test_it(n):
    assert n > 0


class TestGroup:
    def test_in_a_class(self):
        assert True
"""


def statement(name, *uses, status="implemented"):
    return SimpleNamespace(id=name, uses=uses, status=status)


def recorded(root, name="test_it[1]", outcome="passed", **other):
    now = hashes_now(root, f"tests/test_a.py::{name}")
    entry = {"nodeid": f"tests/test_a.py::{name}", "kind": "property", "outcome": outcome}
    return {**entry, "source_sha256": next(iter(now), None), **other}


@pytest.fixture
def root(tmp_path):
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_a.py").write_text(FILE, "utf-8")
    return tmp_path


def evidence(root, ledger, *statements, functions=None, in_source=()):
    equations = {one.id: one for one in statements or [statement("a/one")]}
    functions = {"a/one": snr} if functions is None else functions
    named = VerifyingTests("tests", {name: (VerifyingTest("t", "", ""),) for name in in_source})
    entries = {
        name: {"function_sha256": source_hash(functions.get(name)), "tests": tests}
        for name, tests in ledger.items()
    }
    return Evidence(root, SimpleNamespace(equations=equations), functions, entries, named)


def test_verified_when_tests_passed_and_nothing_changed(root):
    found = evidence(root, {"a/one": [recorded(root), recorded(root, "test_it[2]")]})
    assert found.status("a/one") == "verified"
    assert [(t.kind, t.outcome) for t in found.tests("a/one")] == [("property", "2 passed")]


def test_stale_when_the_function_has_changed(root):
    found = evidence(root, {"a/one": [recorded(root)]})
    found.recorded["a/one"]["function_sha256"] = "0" * 64
    assert found.status("a/one") == "stale"


def test_stale_when_a_test_has_changed_or_is_gone(root):
    changed = evidence(root, {"a/one": [recorded(root, source_sha256="0" * 64)]})
    assert changed.status("a/one") == "stale"
    gone = evidence(root, {"a/one": [recorded(root, "test_other")]})
    assert gone.status("a/one") == "stale"
    assert not gone.tests("a/one")[0].is_there


def test_failing_when_one_of_many_failed(root):
    ledger = {"a/one": [recorded(root), recorded(root, outcome="failed")]}
    assert evidence(root, ledger).status("a/one") == "failing"


@pytest.mark.parametrize("outcome", ["skipped", "xfailed"])
def test_a_test_that_did_not_run_verifies_nothing(root, outcome):
    found = evidence(root, {"a/one": [recorded(root, outcome=outcome)]})
    assert found.status("a/one") == "not run"


def test_without_a_record_nothing_is_verified(root):
    assert evidence(root, {}, in_source=["a/one"]).status("a/one") == "not run"
    assert evidence(root, {}).status("a/one") == "no test"
    assert evidence(root, {"a/one": []}).status("a/one") == "no test"


def test_what_the_catalogue_says_never_makes_an_equation_verified(root):
    for status, expected in [("proved", "no test"), ("text", "text"), ("planned", "planned")]:
        one = statement("a/one", status=status)
        assert evidence(root, {}, one, functions={}).status("a/one") == expected


def test_what_is_used_counts_however_far_away(root):
    chain = [
        statement("a/one", "a/two"),
        statement("a/two", "a/three"),
        statement("a/three", status="text"),
    ]
    good = {name: [recorded(root)] for name in ("a/one", "a/two")}
    assert evidence(root, good, *chain, functions={}).unsettled("a/one") == []
    chain[2] = statement("a/three")
    found = evidence(root, good, *chain, functions={})
    assert found.status("a/one") == "verified"
    assert found.unsettled("a/one") == ["a/three"]
    assert found.used_by("a/three") == ["a/two"]


def test_the_source_is_cut_as_the_ledger_cuts_it():
    function = test_a_test_that_did_not_run_verifies_nothing
    nodeid = f"tests/docs/test_equation_status.py::{function.__name__}[skipped]"
    assert hashes_now(ROOT, nodeid) == {source_hash(function)}


def test_methods_are_found_by_their_class(root):
    source = "    def test_in_a_class(self):\n        assert True\n"
    expected = {hashlib.sha256(source.encode()).hexdigest()}
    assert hashes_now(root, "tests/test_a.py::TestGroup::test_in_a_class") == expected
    assert hashes_now(root, "tests/test_a.py::test_in_a_class") == set()
    assert hashes_now(root, "tests/test_none.py::test_it") == set()


def test_the_page_of_a_test():
    assert page_of("tests/a/test_b.py::TestC::test_d[1-2]") == "_tests/tests/a/test_b#TestC.test_d"


def test_every_status_of_the_catalogue_has_a_meaning(root):
    found = Evidence(root, load(), {})
    assert set(found.counts()) <= set(MEANINGS)
    assert found.counts()["verified"] == 0
