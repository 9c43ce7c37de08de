"""Wrong code is recognised by its numbers and called by its name."""

from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest

from refdiff import equations
from refdiff.conformance.parts import Parts
from refdiff.conformance.textbook.functions import build
from refdiff.conformance.variants import all_variants
from tests.conformance.functions.judged import alone, outcomes
from tests.conformance.functions.mistakes import MISTAKES

SILENT = {"conforms", "inconclusive", "not-provided"}


@pytest.mark.parametrize(("name", "wrong"), MISTAKES, ids=[name for name, _ in MISTAKES])
def test_a_mistake_is_called_by_its_name(name, wrong):
    noticed = [o for o in alone(wrong).values() if o.verdict not in SILENT]
    names = {o.variant for o in noticed}
    assert names == {name}, [o.message for o in noticed]


@pytest.mark.parametrize(
    "name",
    [
        "posterior-variance-is-beta",
        "forward-variance-is-signal",
        "transition-variance-of-root",
        "x-0-from-eps-roles-swapped",
    ],
)
def test_what_is_made_of_a_wrong_function_is_traced_back_to_it(name):
    found = outcomes(build(Parts([all_variants()[name]])))
    noticed = {check: o.variant for check, o in found.items() if o.verdict not in SILENT}
    assert len({check.split("/")[0] for check in noticed}) > 1
    assert set(noticed.values()) == {name}


def test_a_convention_that_a_part_of_the_target_follows_is_a_mistake():
    def x_0_from_v(x_t, v, *, alpha_bar_t):
        return alpha_bar_t**0.5 * x_t + (1 - alpha_bar_t) ** 0.5 * v

    mixed = SimpleNamespace(x_0_from_v=x_0_from_v, eps_from_v=equations.eps_from_v)
    found = outcomes(mixed)
    assert found["x-0-from-v/values"].variant == "x-0-from-v-adds-v"
    assert found["x-0-from-v/values"].verdict == "known-deviation"
    assert "eps-from-v/values would tell them apart" in found["x-0-from-v/values"].message
    assert found["eps-from-v/values"].verdict == "conforms"


def test_approximations_say_how_large_they_are():
    (wrong,) = (f for name, f in MISTAKES if name == "likelihood-by-tanh-at-least-1e-12")
    found = alone(wrong)
    assert {o.verdict for o in found.values()} == {"approximation"}
    assert "off by at most" in found["discretized-gaussian-log-likelihood/tails"].message


def test_an_explanation_of_one_case_is_not_believed_against_the_others():
    def posterior_variance(*, alpha_bar_t, alpha_bar_s):
        right = equations.posterior_variance(alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s)
        far = np.asarray(alpha_bar_s) - np.asarray(alpha_bar_t) > 0.01
        return np.where(far, right**0.5, right * 1.01)

    found = alone(posterior_variance)
    assert Counter(o.variant for o in found.values() if o.verdict not in SILENT) == {
        None: len([o for o in found.values() if o.verdict == "deviates"])
    }


def test_ambiguous_numbers_name_the_probe_that_tells_apart():
    """With the data one step away the posterior mean's mistakes look alike."""
    (wrong,) = (f for name, f in MISTAKES if name == "posterior-variance-is-beta")
    outcome = alone(wrong)["posterior-variance/to-data"]
    assert outcome.variant == "posterior-variance-is-beta"
    for rival in outcome.also_fits:
        assert rival in outcome.message
    assert not outcome.also_fits or "would tell them apart" in outcome.message


def test_two_at_once_are_both_named_and_one_where_only_that_shows():
    def leading_timesteps(num_train_steps, num_steps):
        return np.arange(0, num_train_steps, num_train_steps // num_steps)[::-1]

    found = alone(leading_timesteps)
    both = "times-counted-from-0+leading-too-many-times"
    assert found["leading-timesteps/not-dividing"].variant == both
    assert found["leading-timesteps/not-dividing"].verdict == "known-deviation"
    assert found["leading-timesteps/dividing"].variant == "times-counted-from-0"
    assert found["leading-timesteps/dividing"].verdict == "convention"
