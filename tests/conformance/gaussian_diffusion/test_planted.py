"""Each variant that is planted in the textbook class is found, and named first."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from refdiff.conformance.parts import Parts
from refdiff.conformance.textbook.gaussian_diffusion import BUILDS, build
from refdiff.conformance.variants import variant
from tests.conformance.gaussian_diffusion.judging import outcomes

EPS, LEARNED, V = BUILDS

PLANTED = [
    (EPS, "alphas-cumprod-prev-padded-right", ("alphas-cumprod-prev/values",)),
    (EPS, "alphas-cumprod-prev-not-shifted", ("alphas-cumprod-prev/values",)),
    (EPS, "alphas-cumprod-starts-at-one", ("alphas-cumprod/values", "q-sample/values")),
    (EPS, "alphas-cumprod-of-betas", ("alphas-cumprod/values", "q-sample/values")),
    (
        EPS,
        "log-variance-not-a-logarithm",
        ("log-one-minus-alphas-cumprod/values", "prior-bpd/values"),
    ),
    (EPS, "sqrt-recipm1-without-minus-one", ("predict-xstart-from-eps/values",)),
    (EPS, "log-variance-clipped-at-1e-20", ("posterior-log-variance-clipped/values",)),
    (
        EPS,
        "posterior-log-variance-not-a-logarithm",
        ("posterior-log-variance-clipped/values", "p-sample/values"),
    ),
    (EPS, "posterior-log-variance-of-standard-deviation", ("p-mean-variance/log-variance",)),
    (LEARNED, "learned-range-fraction-not-mapped", ("p-mean-variance/variance",)),
    (LEARNED, "learned-range-ends-swapped", ("p-mean-variance/log-variance",)),
    (LEARNED, "bound-times-steps", ("training-losses/bound",)),
    (LEARNED, "bound-not-weighted", ("training-losses/bound",)),
    (V, "velocity-with-a-plus", ("predict-v/values", "training-losses/values")),
    (V, "velocity-from-noise-to-data", ("predict-v/values", "training-losses/values")),
    (V, "velocity-with-factors-swapped", ("predict-v/values",)),
    (V, "loss-target-always-eps", ("training-losses/values",)),
    (EPS, "loss-target-always-x-0", ("training-losses/values",)),
    (EPS, "bound-in-nats", ("vb-terms-bpd/values", "vb-terms-bpd/first-time", "prior-bpd/values")),
    (EPS, "noise-at-the-last-step", ("p-sample/first-time",)),
    (EPS, "beta-added-at-the-last-step", ("p-sample/first-time", "p-sample/mixed-times")),
    (EPS, "noise-times-variance", ("p-sample/values",)),
    (EPS, "eta-times-variance", ("ddim-sample/eta-half",)),
    (EPS, "direction-is-sigma", ("ddim-sample/eta-zero", "ddim-sample/eta-half")),
    (EPS, "loss-summed", ("training-losses/values",)),
    (EPS, "likelihood-by-tanh", ("vb-terms-bpd/first-time",)),
    (EPS, "likelihood-bins-twice-as-wide", ("vb-terms-bpd/first-time",)),
    (EPS, "likelihood-bins-half-as-wide", ("vb-terms-bpd/first-time",)),
    (EPS, "likelihood-is-density", ("vb-terms-bpd/first-time",)),
    (EPS, "likelihood-at-least-1e-12", ("vb-terms-bpd/tails",)),
    (EPS, "likelihood-at-least-1e-15", ("vb-terms-bpd/tails",)),
    (EPS, "likelihood-by-tanh-at-least-1e-12", ("vb-terms-bpd/tails",)),
    (EPS, "likelihood-underflows", ("vb-terms-bpd/tails",)),
    (EPS, "likelihood-underflows-on-the-right", ("vb-terms-bpd/tails",)),
]


@pytest.mark.parametrize(("name", "planted", "ids"), PLANTED)
def test_a_planted_variant_is_named_first(name: str, planted: str, ids: tuple[str, ...]) -> None:
    found = outcomes(BUILDS[name](Parts([variant(planted)])), *ids)
    assert {id: o.variant for id, o in found.items()} == dict.fromkeys(ids, planted)


def test_a_variant_of_an_equation_shows_in_table_method_and_loss() -> None:
    target = build(Parts([variant("noise-added-by-variance")]))
    found = outcomes(target, "sqrt-one-minus", "q-sample/values", "training-losses/model-input")
    assert {o.variant for o in found.values()} == {"noise-added-by-variance"}


def test_a_number_that_nothing_explains_is_shown_with_its_place() -> None:
    target = build(Parts())
    target.posterior_variance[3] *= 1.5
    found = outcomes(target, "posterior-variance/")["posterior-variance/values"]
    assert (found.verdict, found.at["index"]) == ("deviates", 3)


@pytest.mark.parametrize("floor", ["1e-12", "1e-15"])
def test_a_floor_is_seen_in_float32_too(floor: str) -> None:
    names = [f"likelihood-at-least-{floor}", f"likelihood-by-tanh-at-least-{floor}"]
    for name in names:
        found = outcomes(in_float32(name), "vb-terms-bpd/tails")["vb-terms-bpd/tails"]
        assert (found.variant, found.also_fits) == (names[0], (names[1],))


def test_tails_without_a_floor_are_not_judged_in_float32() -> None:
    found = outcomes(in_float32(), "vb-terms-bpd/tails")["vb-terms-bpd/tails"]
    assert found.verdict == "inconclusive"


def in_float32(*planted: str) -> Any:
    target = build(Parts([variant(name) for name in planted]))
    for name, table in vars(target).items():
        if isinstance(table, np.ndarray) and table.dtype == np.float64:
            setattr(target, name, table.astype(np.float32))
    return target
