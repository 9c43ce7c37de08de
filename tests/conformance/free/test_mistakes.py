"""Planted mistakes are found, and those that can be recognised are named."""

import pytest

from refdiff.equations import alpha_bars_from_betas, cosine_betas
from tests.conformance.free.plain import PlainLoop
from tests.conformance.free.test_right import (
    FLOW,
    NOISE,
    QUIET,
    SHORT,
    SIGMA,
    judged,
    with_schedule,
)

DDIM, EULER = {"order": 1, **FLOW}, {"order": 1, **FLOW, **SIGMA}
# method, mistake, what the loop claims, check, verdict, variant
PLANTED = [
    ("ddim", "leading", DDIM, "first-level", "approximation", "first-time-below-the-noisiest"),
    (
        "ddim",
        "rounded stride",
        DDIM,
        "steps-taken",
        "known-deviation",
        "step-count-when-not-dividing",
    ),
    (
        "ddim",
        "quadratic to 0.8 T",
        DDIM,
        "first-level",
        "approximation",
        "quadratic-times-up-to-0.8-T",
    ),
    ("ddim", "loop index", DDIM, "time-shown", "known-deviation", "time-shown-is-the-loop-index"),
    ("ddim", "loop index", DDIM, "first-level", "known-deviation", "time-shown-is-the-loop-index"),
    ("ddim", "one before", DDIM, "time-shown", "known-deviation", "levels-shifted-by-one-time-up"),
    (
        "ddim",
        "next time",
        DDIM,
        "time-shown",
        "known-deviation",
        "time-shown-is-that-of-the-step-end",
    ),
    ("ddim", "x_0 taken for eps", DDIM, "same-path-for-every-prediction", "deviates", None),
    ("ddim", "v sign", DDIM, "same-path-for-every-prediction", "deviates", None),
    ("ddim", "direction sigma", DDIM, "limit-on-gaussian", "deviates", None),
    ("ddim", "direction sigma", DDIM, "order-of-convergence", "deviates", None),
    ("ddim", "uniform stride", DDIM, "limit-on-large-mean", "deviates", None),
    (
        "ddim",
        "hidden noise",
        DDIM,
        "randomness",
        "known-deviation",
        "noise-in-a-deterministic-method",
    ),
    (
        "ddim",
        "batch norm",
        DDIM,
        "batch-independence",
        "known-deviation",
        "samples-depend-on-their-batch",
    ),
    ("ddim", "memory", DDIM, "randomness", "known-deviation", "remembers-earlier-runs"),
    ("ddim", "stops", DDIM, "end-on-point", "convention", "ends-at-the-first-noise-level"),
    (
        "ddim",
        "omits the last step",
        DDIM,
        "end-on-point",
        "known-deviation",
        "ends-before-the-data",
    ),
    ("ddim", "clips", DDIM, "limit-on-large-mean", "inconclusive", None),
    ("ddpm", "variance for deviation", NOISE, "limit-on-gaussian", "deviates", None),
    ("ddpm", "twice the variance", NOISE, "limit-on-large-mean", "deviates", None),
    (
        "ddpm",
        "noise at the end",
        NOISE,
        "end-on-point",
        "known-deviation",
        "noise-at-the-last-step",
    ),
    (
        "ddpm",
        "constant at the end",
        NOISE,
        "end-on-point",
        "known-deviation",
        "constant-added-at-the-last-step",
    ),
    ("ddpm", "clamped last noise", NOISE, "end-on-point", "conforms", None),
    ("ddpm", "stops", NOISE, "end-on-point", "convention", "ends-at-the-first-noise-level"),
    (
        "multistep",
        "second order to zero",
        {"order": 2, **FLOW},
        "finite",
        "known-deviation",
        "last-step-not-finite",
    ),
    ("multistep", "wrong weight", {"order": 2, **FLOW}, "order-of-convergence", "deviates", None),
    ("multistep", "wrong history", {"order": 2, **FLOW}, "limit-on-large-mean", "deviates", None),
    (
        "euler",
        "stops at sigma min",
        EULER,
        "end-on-point",
        "known-deviation",
        "last-sigma-repeated",
    ),
    (
        "euler",
        "unit initial noise",
        EULER,
        "initial-scale",
        "approximation",
        "initial-noise-of-unit-variance",
    ),
    ("euler", "wrong sigma", EULER, "initial-scale", "deviates", None),
    (
        "heun",
        "sigma of the first stage",
        {"order": 2, **FLOW, **SIGMA},
        "order-of-convergence",
        "deviates",
        None,
    ),
    ("ancestral", "not stepped down", {**NOISE, **SIGMA}, "limit-on-gaussian", "deviates", None),
    ("ancestral", "not stepped down", {**NOISE, **SIGMA}, "limit-on-mixture", "deviates", None),
    ("euler-times", "unscaled input", DDIM, "same-path-for-every-prediction", "deviates", None),
    (
        "euler-times",
        "one before",
        DDIM,
        "time-shown",
        "known-deviation",
        "levels-shifted-by-one-time-up",
    ),
]


@pytest.mark.parametrize(("method", "mistake", "claims", "check", "verdict", "variant"), PLANTED)
def test_a_planted_mistake_is_found(method, mistake, claims, check, verdict, variant):
    loop = with_schedule(PlainLoop(method, mistake, **claims), SHORT)
    outcome = judged(loop, [check])[check]
    assert (outcome.verdict, outcome.variant) == (verdict, variant), outcome.message


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_times_in_half_precision_are_named(dtype):
    """bfloat16 holds whole times up to 256, float16 up to 2048: only a long list shows."""
    outcome = judged(PlainLoop("ddim", dtype, predictions=("eps",), **FLOW), ["time-shown"])
    wanted = "time-shown-in-half-precision" if dtype == "bfloat16" else None
    assert outcome["time-shown"].variant == wanted, outcome["time-shown"].message


def test_noise_that_the_samples_share_is_named():
    loop = with_schedule(PlainLoop("ddim", "shared noise", eta=0.5, **NOISE), SHORT)
    found = judged(loop, ["batch-independence"])["batch-independence"]
    assert found.variant == "noise-shared-by-the-batch"


def test_noise_that_is_drawn_for_each_sample_is_no_finding():
    loop = with_schedule(PlainLoop("ddim", "noise of each sample", eta=0.5, **NOISE), SHORT)
    found = {k: (o.verdict, o.message) for k, o in judged(loop).items()}
    assert not {verdict for verdict, _ in found.values()} - QUIET, found


def test_a_random_method_without_noise_is_named():
    loop = with_schedule(PlainLoop("ddim", "no noise", eta=0.5, **NOISE), SHORT)
    found = judged(loop, ["randomness", "limit-on-gaussian"])
    assert found["randomness"].variant == "noise-missing"
    assert found["limit-on-gaussian"].verdict == "deviates"


def test_draws_that_cannot_be_scripted_are_judged_by_samples():
    outcomes = judged(
        with_schedule(PlainLoop("ddpm", "own generator", **NOISE), SHORT),
        ["limit-on-gaussian", "limit-on-mixture", "end-on-point"],
    )
    assert {outcome.verdict for outcome in outcomes.values()} == {"conforms"}, outcomes
    assert "significance 1e-06" in outcomes["limit-on-gaussian"].message
    wrong = with_schedule(PlainLoop("ddpm", "own generator, squared", **NOISE), SHORT)
    assert judged(wrong, ["limit-on-large-mean"])["limit-on-large-mean"].verdict == "deviates"


def test_what_follows_from_wrong_times_is_laid_to_them():
    loop = with_schedule(PlainLoop("ddim", "one before", **DDIM), SHORT)
    found = judged(loop, ["same-path-for-every-prediction"])["same-path-for-every-prediction"]
    assert found.variant == "levels-shifted-by-one-time-up"
    assert "; so the same exact denoiser" in found.message


def test_consistency_sampling_is_not_judged_by_the_law_of_its_samples():
    loop = with_schedule(PlainLoop("ddpm", "renoises", **NOISE), SHORT)
    found = judged(loop, ["limit-on-gaussian", "limit-on-mixture"])
    assert {outcome.verdict for outcome in found.values()} == {"inconclusive"}
    assert "consistency" in found["limit-on-gaussian"].message


def test_float32_tables_are_rounding_and_no_wrong_end():
    """1 - alpha_bar_1 has three digits in float32, and the last step may divide by it."""
    table = alpha_bars_from_betas(cosine_betas(1000))
    known = {"alpha_bars": table, "dtype": "float32", "predictions": ("eps",), "fixed": 20, **NOISE}
    found = judged(PlainLoop("ddpm", "beta over rounded table", **known), ["end-on-point"])
    assert found["end-on-point"].verdict == "conforms", found
    fine = {**known, "dtype": "float64"}
    found = judged(PlainLoop("ddpm", "beta over rounded table", **fine), ["end-on-point"])
    assert found["end-on-point"].verdict != "conforms"


def test_a_run_over_the_whole_schedule_has_to_be_finite_too():
    loop = with_schedule(PlainLoop("multistep", "a time twice", order=2, **FLOW), SHORT)
    assert judged(loop, ["finite"])["finite"].variant == "level-listed-twice"
