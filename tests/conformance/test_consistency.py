"""A convention counts only if the whole target follows it."""

import functools

import numpy as np

from refdiff.conformance import run
from refdiff.conformance.consistency import made_consistent
from refdiff.conformance.explain import Case, explain
from refdiff.conformance.parts import Parts
from refdiff.conformance.results import Result
from refdiff.conformance.textbook.gaussian_diffusion import build
from refdiff.conformance.variants import variant
from refdiff.equations import v_from_eps

CHOICES = {"base-one": "time base", "base-two": "time base", "beta": "variance"}


def result(check, verdict, variant=None, **choices):
    named = {key.replace("_", " "): value for key, value in choices.items()}
    for name in (variant or "").split("+"):
        named |= {CHOICES[name]: name} if name in CHOICES else {}
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


def test_a_check_with_a_configuration_of_its_own_says_nothing():
    own = Result("a", (), "convention", "said", "base-two", choices={})
    assert verdicts(own, result("b", "convention", "base-one")) == [
        ("convention", "base-two"),
        ("convention", "base-one"),
    ]


def test_what_explain_names_is_stated_as_a_choice():
    """The convention that fits alone, the reference where it alone fits, nothing in between."""

    def judged(observed, level):
        cases = [Case({}, observed, lambda parts: parts.v_from_eps(**level(parts)))]
        return explain(cases).choices

    def level(parts):
        return {
            "x_t": parts.lift(np.array([0.3, -0.7])),
            "eps": parts.lift(np.array([0.5, 0.2])),
            "alpha_bar_t": parts.lift(0.36),
        }

    given = level(Parts())
    right = v_from_eps(*(given[k].value.astype(float) for k in ("x_t", "eps")), alpha_bar_t=0.36)
    assert judged(right, level) == {"sign of the velocity": "reference"}
    (name,) = judged(-right, level).values()
    assert variant(name).choice == "sign of the velocity"
    assert judged(2 * right, level) == {}


def test_loops_that_count_their_times_differently_follow_no_convention():
    """Judged as a whole, and repeated by a call that judges both loops."""
    target = build(Parts())
    loop = target.ddim_sample_loop

    @functools.wraps(loop)
    def from_one(model, *args, **kwargs):
        return loop(lambda x, t, **known: model(x, t + 1, **known), *args, **kwargs)

    target.ddim_sample_loop = from_one
    loops = ["p-sample-loop/time-base", "ddim-sample-loop/time-base"]
    p_sample, ddim = run(target, only=loops).results
    assert p_sample.verdict == "conforms"
    assert (ddim.verdict, ddim.variant) == ("known-deviation", "mixed-time-base")
    call = f"refdiff.conformance.run(target, only='{loops[1]},{loops[0]}')"
    assert ddim.reproduce == call
    alone = run(target, only=loops[1])
    assert alone.results[0].verdict == "convention"


def test_choices_are_separate_and_free_ones_free():
    found = verdicts(
        result("a", "convention", "base-one"),
        result("b", "convention", "beta"),
        result("c", "convention", "free"),
        result("d", "conforms", end_rule="reference"),
    )
    assert [verdict for verdict, _ in found] == ["convention"] * 3 + ["conforms"]
