"""A convention counts only if the whole target follows it."""

import pytest

from refdiff.conformance import consistency
from refdiff.conformance.consistency import made_consistent
from refdiff.conformance.results import Result
from refdiff.conformance.variants import Variant

KNOWN = {
    name: Variant(name, kind, name, {}, choice=choice)
    for name, kind, choice in (
        ("base-one", "convention", "time base"),
        ("base-two", "convention", "time base"),
        ("beta", "convention", "variance"),
        ("free", "convention", ""),
        ("rounded", "approximation", ""),
    )
}


@pytest.fixture(autouse=True)
def few_variants(monkeypatch):
    monkeypatch.setattr(consistency, "all_variants", lambda: KNOWN)


def result(check, verdict, variant=None, **choices):
    named = {key.replace("_", " "): value for key, value in choices.items()}
    return Result(check, (), verdict, "said", variant, choices=named)


def verdicts(*results):
    return [(r.verdict, r.variant) for r in made_consistent(results)]


def test_one_convention_throughout_stays_one():
    same = (result("a", "convention", "base-one"), result("b", "convention", "base-one+rounded"))
    assert verdicts(*same) == [("convention", "base-one"), ("convention", "base-one+rounded")]


def test_two_conventions_of_one_choice_are_a_deviation_in_both_places():
    mixed = (result("a", "convention", "base-one"), result("b", "convention", "base-two"))
    found = made_consistent(mixed)
    assert [r.variant for r in found] == ["mixed-time-base"] * 2
    assert all(r.verdict == "known-deviation" for r in found)
    assert "base-one here, but b follows base-two" in found[0].message


def test_the_reference_in_one_place_and_a_convention_in_another():
    mixed = (
        result("a", "conforms", time_base="reference"),
        result("b", "convention", "base-one"),
        result("c", "convention", "base-one"),
    )
    assert verdicts(*mixed) == [
        ("conforms", None),
        ("known-deviation", "mixed-time-base"),
        ("known-deviation", "mixed-time-base"),
    ]


def test_a_check_that_cannot_tell_the_choice_says_nothing_about_it():
    assert verdicts(result("a", "conforms"), result("b", "convention", "base-one")) == [
        ("conforms", None),
        ("convention", "base-one"),
    ]


def test_a_result_that_fails_by_itself_does_not_count_as_a_choice():
    failed = result("a", "known-deviation", "base-two")
    raised = result("c", "error", time_base="reference")
    assert verdicts(failed, raised, result("b", "convention", "base-one"))[-1] == (
        "convention",
        "base-one",
    )


def test_choices_are_separate_and_free_ones_free():
    found = verdicts(
        result("a", "convention", "base-one"),
        result("b", "convention", "beta"),
        result("c", "convention", "free"),
        result("d", "conforms", end_rule="reference"),
    )
    assert [verdict for verdict, _ in found] == ["convention"] * 3 + ["conforms"]
