"""Explanations: what fits, in which order, and what is said about it."""

import numpy as np
import pytest

from refdiff import equations
from refdiff.conformance.bounded import Bounded
from refdiff.conformance.explain import Case, explain, fit
from refdiff.conformance.variants import form, variant

LEVELS = {"alpha_bar_t": 0.25, "alpha_bar_s": 0.5}


def variance(levels=None):
    """Return the program of the posterior variance."""
    known = levels or LEVELS
    return lambda parts: parts.posterior_variance(**{k: parts.lift(v) for k, v in known.items()})


def judged(observed, **options):
    return explain([Case({}, observed, variance())], **options)


def test_right_numbers_conform():
    outcome = judged(equations.posterior_variance(**LEVELS))
    assert (outcome.verdict, outcome.variant) == ("conforms", None)


def test_a_wrong_number_is_named():
    outcome = judged(0.5)
    assert outcome.verdict == "known-deviation"
    assert "posterior-variance-is-beta" in (outcome.variant, *outcome.also_fits)


def test_an_unknown_number_deviates_with_both_numbers():
    outcome = judged(0.123)
    assert outcome.verdict == "deviates"
    assert "0.123" in outcome.message
    assert "0.333333" in outcome.message


def test_what_fits_more_is_preferred():
    outcome = judged(0.5)
    names = [outcome.variant, *outcome.also_fits]
    assert len(names) > 1, "the numbers were meant to be ambiguous"
    for name in names:
        preferred = judged(0.5, prefer=[name])
        assert preferred.variant == name
        assert set(preferred.also_fits) == set(names) - {name}


def test_another_probe_tells_apart():
    other = {"alpha_bar_t": 0.1, "alpha_bar_s": 0.9}
    assert "nothing that this check can ask" in judged(0.5).message
    outcome = judged(0.5, elsewhere=[("the other pair", variance(other))])
    assert "the other pair would tell them apart" in outcome.message


def test_coarser_arithmetic_is_an_approximation_with_its_size():
    right = equations.posterior_variance(**LEVELS)
    outcome = judged(np.float32(right), coarser="float32")
    assert (outcome.verdict, outcome.variant) == ("approximation", "float32-arithmetic")
    assert "off by at most 9.9e-09, relatively 3e-08" in outcome.message


def test_forms_beside_a_mistake_are_not_spoken_of():
    def program(parts):
        x, noise = parts.lift([[0.5, -0.7]]), parts.lift([[1.3, 0.2]])
        levels = {name: parts.lift(value) for name, value in LEVELS.items()}
        return parts.ddpm_step(x, noise, noise, **levels)

    x, noise = np.array([[0.5, -0.7]]), np.array([[1.3, 0.2]])
    mean = equations.posterior_mean_from_eps(x, noise, **LEVELS)
    observed = mean + equations.posterior_variance(**LEVELS) * noise
    outcome = explain([Case({}, observed, program)])
    assert outcome.variant == "noise-times-variance"
    assert "by-update" not in outcome.message


@pytest.fixture
def blind_form():
    """Register a form that would allow any number, for one test."""
    from refdiff.conformance import variants

    @form("anything-goes", part="posterior_variance")
    def anything(*, alpha_bar_t, alpha_bar_s):
        """Anything goes."""
        value = alpha_bar_t * alpha_bar_s
        if not isinstance(value, Bounded):
            return value
        return Bounded(value.value, np.full(value.shape, np.inf), value.dtype)

    yield variant("anything-goes")
    variants._ALL.pop("anything-goes")


def test_a_bound_without_end_explains_nothing(blind_form):
    case = Case({}, 0.123, variance())
    assert fit([case], [blind_form]).holds
    assert not fit([case], [blind_form], sharp=True).holds
    assert judged(0.123).verdict == "deviates"
