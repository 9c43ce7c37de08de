"""The parent's book-keeping, with a child that follows a script: no process is started."""

import json
import time

import pytest

from refdiff._errors import UserError
from refdiff.conformance.isolation import supervisor
from refdiff.conformance.isolation.supervisor import Supervisor
from refdiff.conformance.isolation.worker import Job
from refdiff.conformance.results import Result

CHECKS = ["a/1", "a/2", "a/3", "a/4", "a/5", "b/1", "b/2"]


class Scripted:
    """A child that ends in the checks it is told to, and conforms in the others."""

    ends: tuple[str, ...] = ()
    twice: tuple[str, ...] = ()
    first = ({"event": "loaded", "shape": "functions", "checks": [[c, ["x/y"]] for c in CHECKS]},)
    started = 0

    def __init__(self, job):
        type(self).started += 1
        self.events = [{"event": "ready"}, *self.first]
        self.done = False

    def send(self, line):
        if self.done:  # a child does one job
            self.events.append(None)
            return
        for check in json.loads(line):
            self.events.append({"event": "begin", "check": check})
            if check in self.ends:
                self.events.append(None)
                return
            result = Result(check, ("x/y",), "conforms", "yes").wire()
            times = 2 if check in self.twice else 1
            self.events += [{"event": "result", "result": result}] * times
            self.events.append({"event": "effects", "check": check, "effects": [["prints", "hm"]]})
        self.events.append({"event": "done"})
        self.done = True

    def next(self, deadline):
        assert deadline > time.monotonic()
        event = self.events.pop(0)
        if event is None:
            raise supervisor._Ended("it ended")
        return event

    def end(self):
        return "last words"


@pytest.fixture
def child(monkeypatch):
    class Child(Scripted):
        pass

    monkeypatch.setattr(supervisor, "_Child", Child)
    return Child


def judged(checks=CHECKS):
    with Supervisor(Job("t"), lambda check: f"again {check}") as parent:
        assert parent.ids == CHECKS
        return list(parent.results(checks)), parent


def test_all_is_judged_by_one_child(child):
    results, parent = judged()
    assert [r.check for r in results] == CHECKS
    assert {r.verdict for r in results} == {"conforms"}
    assert results[0].reproduce == "again a/1"
    assert [e.name for e in parent.effects["b/2"]] == ["prints"]
    assert child.started == 1


def test_after_an_end_the_others_go_on_in_a_new_child(child):
    child.ends = ("a/2",)
    results, _ = judged()
    assert [r.check for r in results] == CHECKS
    assert [r.verdict for r in results] == ["conforms", "error"] + ["conforms"] * 5
    assert results[1].message == "the target did not answer: it ended"
    assert results[1].traceback == "last words"
    assert results[1].equations == ("x/y",)
    assert child.started == 2


def test_after_three_ends_the_rest_of_a_subject_is_not_asked(child):
    child.ends = tuple(CHECKS[:5])
    results, _ = judged()
    assert [r.check for r in results] == CHECKS
    assert [r.verdict for r in results] == ["error"] * 5 + ["conforms"] * 2
    assert "not asked, as the target hung or crashed in 3 checks of a" in results[3].message
    assert child.started == 4


def test_an_end_after_the_last_check_starts_no_child(child):
    child.ends = ("b/2",)
    results, _ = judged()
    assert results[-1].verdict == "error"
    assert child.started == 1


def test_a_result_that_comes_twice_counts_once(child):
    child.twice = ("a/1",)
    results, _ = judged()
    assert [r.check for r in results] == CHECKS


def test_more_checks_are_judged_by_another_child(child):
    with Supervisor(Job("t")) as parent:
        assert [r.verdict for r in parent.results(["a/1"])] == ["conforms"]
        assert [r.verdict for r in parent.results(["a/2"])] == ["conforms"]
    assert child.started == 2


@pytest.mark.parametrize(
    ("event", "kind", "words"),
    [
        ({"event": "refused", "message": "no shape", "traceback": "T"}, UserError, "no shape"),
        ({"event": "failed", "message": "KeyError: 1"}, RuntimeError, "KeyError: 1"),
        (None, UserError, r"it ended \(it printed 'last words'\)"),
    ],
)
def test_what_cannot_be_loaded(child, event, kind, words):
    child.first = (event,)
    with pytest.raises(kind, match=words):
        judged()
