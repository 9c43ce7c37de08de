"""What is accepted and what was known before: strict both ways."""

import json

import pytest

from refdiff._errors import UserError
from refdiff.conformance.accepted import Acceptance, acceptances, read_accepted
from refdiff.conformance.baseline import read_baseline
from refdiff.conformance.report import Report
from refdiff.conformance.results import Result
from refdiff.conformance.selection import patterns, selected


def result(check, verdict, variant=None, **known):
    return Result(check, (), verdict, "it does", variant, **known)


RIGHT = result("a/b", "conforms")
WRONG = result("ddim-step/eta-half", "known-deviation", "times-variance")
UNNAMED = result("ddim-step/eta-one", "deviates")
ROUGH = result("table/betas", "approximation", "float32-tables")


def report(*results, accept=(), **known):
    return Report("t", "functions", results, accepted=acceptances(accept), **known)


def test_exit_status():
    assert report(RIGHT).exit_status == 0
    assert report(RIGHT, ROUGH, result("x", "convention", "c")).exit_status == 0
    assert report(RIGHT, ROUGH, strict=True).exit_status == 1
    for bad in (WRONG, UNNAMED, result("a/c", "error")):
        assert report(RIGHT, bad).exit_status == 1
    assert report(RIGHT, complete=False).exit_status == 1
    nothing = (result("a/b", "not-provided"), result("a/c", "inconclusive"))
    assert report(*nothing).exit_status == 2
    assert report().exit_status == 2
    assert report(*nothing, result("target/side-effects", "conforms")).exit_status == 2


def test_an_accepted_finding_passes_and_another_in_its_place_does_not():
    entry = ["ddim-step/eta-half=times-variance"]
    assert report(RIGHT, WRONG, accept=entry).exit_status == 0
    assert report(RIGHT, WRONG, UNNAMED, accept=entry).exit_status == 1
    other = report(RIGHT, WRONG, accept=["ddim-step/eta-half=something-else"])
    assert other.exit_status == 1
    assert other.failures == [WRONG]
    assert "is known-deviation times-variance" in other.stale[0]


def test_an_entry_that_no_longer_fits_fails():
    found = report(RIGHT, accept=["a/b=times-variance"])
    assert found.failures == []
    assert found.exit_status == 1
    assert "no longer fits (a/b is conforms): remove the entry" in found.stale[0]


def test_an_entry_about_a_check_that_was_not_selected_is_left_alone():
    assert report(RIGHT, accept=["ddim-step/eta-half=times-variance"]).exit_status == 0


def test_patterns_and_unnamed_findings_can_be_accepted():
    found = report(RIGHT, WRONG, UNNAMED, accept=["ddim-*=times-variance", "*/eta-one=deviates"])
    assert found.exit_status == 0
    assert report(RIGHT, UNNAMED, accept=["ddim-*=times-variance"]).exit_status == 1


def test_an_approximation_can_be_accepted_under_strict():
    accept = ["table/betas=float32-tables"]
    assert report(RIGHT, ROUGH, accept=accept, strict=True).exit_status == 0
    assert report(RIGHT, ROUGH, accept=accept).exit_status == 0


def test_unknown_checks_are_refused_with_the_nearest():
    with pytest.raises(UserError, match="did you mean ddim-step/eta-half"):
        Acceptance("ddim-step/eta-hlf", "x").refuse_unknown(["ddim-step/eta-half", "a/b"])


@pytest.mark.parametrize("text", ["a/b", "=x", "a/b=", ""])
def test_an_acceptance_needs_check_and_variant(text):
    with pytest.raises(UserError, match="is not CHECK=VARIANT"):
        acceptances([text])


def test_the_file_of_accepted_findings(tmp_path):
    path = tmp_path / "accepted.toml"
    path.write_text(
        '[[accepted]]\ncheck = "a/b"\nvariant = "v"\nreason = "known"\nlink = "somewhere"\n'
    )
    (entry,) = read_accepted(path)
    assert (entry.check, entry.variant, entry.reason, entry.link) == (
        *("a/b", "v", "known"),
        "somewhere",
    )
    both = acceptances({"c": "w"}, path)
    assert [e.check for e in both] == ["c", "a/b"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[accepted]]\ncheck = 'a'\nvariant = 'v'\n", "lacks 'reason'"),
        ("[[accepted]]\ncheck = 3\nvariant = 'v'\nreason = 'r'\n", "lacks 'check'"),
        ("[[accepted]]\ncheck = 'a'\nvariant = 'v'\nreason = ' '\n", "lacks 'reason'"),
        ("[[accepted]]\ncheck='a'\nvariant='v'\nreason='r'\nwhy='x'\n", "has 'why'"),
        ("[[acepted]]\ncheck = 'a'\n", "'acepted'"),
        ("accepted = 3", r"must hold tables \[\[accepted\]\]"),
        ("nonsense", "is no TOML"),
    ],
)
def test_a_bad_file_of_accepted_findings(tmp_path, text, words):
    path = tmp_path / "accepted.toml"
    path.write_text(text)
    with pytest.raises(UserError, match=words):
        read_accepted(path)


def test_a_baseline_lets_only_the_new_fail(tmp_path):
    path = tmp_path / "old.json"
    before = report(WRONG, UNNAMED, result("fixed/now", "deviates"))
    before.write_json(path)
    known = read_baseline(path)
    now = (WRONG, UNNAMED, result("fixed/now", "conforms"))
    assert report(*now, baseline=known).exit_status == 0
    assert known.gone(now) == ["fixed/now"]
    new = result("a/b", "error")
    assert report(*now, new, baseline=known).failures == [new]
    # Another name in the same check is new.
    renamed = result("ddim-step/eta-half", "known-deviation", "another")
    assert report(renamed, baseline=known).failures == [renamed]
    named = result("ddim-step/eta-one", "known-deviation", "another")
    assert report(named, baseline=known).failures == [named]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "is no JSON"),
        ("[]", "no report of this version"),
        ('{"schema": 2, "results": []}', "no report of this version"),
        ('{"schema": 1}', "damaged"),
        ('{"schema": 1, "results": [{"check": "a"}]}', "damaged"),
    ],
)
def test_a_bad_baseline(tmp_path, content, words):
    path = tmp_path / "old.json"
    path.write_text(content)
    with pytest.raises(UserError, match=words):
        read_baseline(path)
    with pytest.raises(UserError, match="cannot be read"):
        read_baseline(tmp_path / "missing.json")


def test_selection():
    ids = ["ddim-step/a", "ddim-step/b", "p-sample/a"]
    assert selected(ids, ()) == ids
    assert selected(ids, patterns("p-sample/a, ddim-*/a")) == ["ddim-step/a", "p-sample/a"]
    assert selected(ids, patterns(["*/b", "*/b"])) == ["ddim-step/b"]
    with pytest.raises(UserError, match="did you mean ddim-step/a"):
        selected(ids, ["ddim-stp/a"])
    with pytest.raises(UserError, match="lists the 3 checks"):
        selected(ids, ["p-sample/a", "nothing*"])


def test_the_json_report_has_the_documented_form():
    full = Result(
        *("ddim-step/eta-half", ("song2021ddim/sigma",), "known-deviation", "It is wrong"),
        variant="times-variance",
        error_units=float("inf"),
        at={"t": 3},
        expected=1.0,
        observed="nan",
        also_fits=("other",),
        traceback="Traceback",
        reproduce="refdiff check t",
        choices={"end rule": "reference"},
        series=(({"t": 3}, 1.0),),
        seconds=2.0,
    )
    record = json.loads(report(RIGHT, full).to_json())
    assert list(record) == [
        *("schema", "refdiff", "target", "shape", "complete", "summary", "results")
    ]
    assert record["schema"] == 1
    assert record["summary"]["known-deviation"] == 1
    assert record["summary"]["error"] == 0
    assert len(record["summary"]) == 8
    assert record["results"][1] == {
        "check": "ddim-step/eta-half",
        "equations": ["song2021ddim/sigma"],
        "verdict": "known-deviation",
        "variant": "times-variance",
        "error_units": "inf",
        "at": {"t": 3},
        "expected": 1.0,
        "observed": "nan",
        "message": "It is wrong",
        "reproduce": "refdiff check t",
        "also_fits": ["other"],
        "traceback": "Traceback",
    }
    assert set(record["results"][0]) == set(record["results"][1]) - {"also_fits", "traceback"}
    assert Result.from_wire(json.loads(json.dumps(full.wire()))) == full


def test_failures_are_sorted_worst_first_and_errors_last():
    small, large = (
        result("a", "deviates", error_units=5.0),
        result("b", "deviates", error_units=9.0),
    )
    raised = result("c", "error")
    assert report(raised, small, large).failures == [large, small, raised]
