"""Named mistakes planted in correct schedulers are named by the checks that can see them."""

from __future__ import annotations

import pytest

from refdiff.conformance.explain import LIMIT
from refdiff.conformance.textbook.scheduler import build
from refdiff.conformance.variants import all_variants
from tests.conformance.scheduler.judging import judge, parts_with

PLANTED = [
    ("ddim", "list-position-taken-for-time", "add-noise/training-times"),
    ("ddim", "list-position-taken-for-time", "get-velocity/training-times"),
    ("ddim", "eta-times-variance", "ddim-eta-half-loop/middle-steps"),
    ("ddim", "direction-missing", "ddim-eta-half-loop/middle-steps"),
    ("ddim", "direction-is-sigma", "ddim-eta-half-loop/middle-steps"),
    ("ddim", "previous-time-by-uniform-stride", "step/next-time-linspace"),
    ("ddim", "previous-time-by-uniform-stride", "step/next-time-trailing"),
    ("ddim", "next-level-one-training-step-below", "step/next-time-leading"),
    ("ddim", "ends-at-the-first-noise-level", "ddim-loop/last-step"),
    ("ddim", "alphas-cumprod-of-betas", "alphas-cumprod/values"),
    ("ddpm", "noise-times-variance", "step/variance-fixed-small"),
    ("ddpm", "noise-times-variance", "step/variance-fixed-large"),
    ("ddpm", "noise-std-is-root-of-log-variance", "step/variance-fixed-large"),
    ("ddpm", "learned-output-is-the-variance", "step/variance-learned"),
    ("ddpm", "learned-range-with-the-training-beta", "step/variance-learned-range"),
    ("ddpm", "noise-at-the-last-step", "step/variance-fixed-large"),
    ("euler", "list-position-taken-for-time", "add-noise/sampling-times"),
]


@pytest.mark.parametrize(("method", "name", "check"), PLANTED)
def test_a_planted_mistake_is_named(method: str, name: str, check: str) -> None:
    if name not in all_variants():
        pytest.fail(f"{name} is registered nowhere")
    outcome = judge(build(parts_with(name), method), check)
    assert outcome.variant == name, outcome
    assert outcome.error_units is not None
    assert outcome.error_units > LIMIT


def test_the_same_check_of_an_untouched_scheduler_names_nothing() -> None:
    for method, _, check in PLANTED:
        outcome = judge(build(parts_with(), method), check)
        assert (outcome.verdict, outcome.variant) == ("conforms", None), (method, check, outcome)
