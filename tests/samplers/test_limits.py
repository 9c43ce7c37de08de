"""Clipping and thresholding: where they act, and what becomes of eps."""

import numpy as np
import pytest
import torch

from refdiff import equations as eq
from refdiff.samplers import (
    clipping,
    clipping_uncorrected,
    ddim,
    ddpm,
    dynamic_thresholding,
    dynamic_thresholding_uncorrected,
    last,
)
from refdiff.testing import assert_close, assert_law
from tests.samplers.worlds import TABLES

TABLE = TABLES[40]
X_T = np.random.default_rng(2).standard_normal((4, 3, 5, 5))
LEVEL_T, LEVEL_S = float(TABLE[20]), float(TABLE[9])


def model(x, t):
    return np.cos(x + 0.3 * t)


def noise(t, s, like):
    return np.random.default_rng([s, t]).standard_normal(like.shape)


def first(sampler, limit, **own):
    """Take the step from 20 to 9."""
    steps = sampler(
        model, X_T, alpha_bars=TABLE, timesteps=[20, 9], limit=limit, noise=noise, **own
    )
    return next(steps)


def active():
    return np.abs(eq.x_0_from_eps(X_T, model(X_T, 20), alpha_bar_t=LEVEL_T)) > 1.0


def test_the_case_clips_some_elements_and_not_others():
    assert 0.1 < active().mean() < 0.9


@pytest.mark.property_id("P039")
@pytest.mark.verifies("ho2020/posterior-mean", "ho2020/reverse-mean")
def test_the_two_forms_of_the_reverse_mean_differ_exactly_where_clipping_acts():
    clipped, free = first(ddpm, clipping(-1.0, 1.0)), first(ddpm, None)
    np.testing.assert_array_equal(clipped.x != free.x, active())
    # Without a limit the step is the second form, which sees eps and never the clipped x_0.
    eps = model(X_T, 20)
    mean = eq.posterior_mean_from_eps(X_T, eps, alpha_bar_t=LEVEL_T, alpha_bar_s=LEVEL_S)
    spread = np.sqrt(eq.posterior_variance(alpha_bar_t=LEVEL_T, alpha_bar_s=LEVEL_S))
    wanted = mean + spread * noise(20, 9, X_T)
    assert_close(free.x, wanted, terms=np.abs(X_T) + np.abs(free.x_0) + 1.0, units=8)


@pytest.mark.verifies("ho2020/posterior-mean")
def test_a_clipped_ddpm_step_is_the_posterior_at_the_clipped_data():
    step = first(ddpm, clipping(-1.0, 0.5))
    x_0 = np.clip(eq.x_0_from_eps(X_T, model(X_T, 20), alpha_bar_t=LEVEL_T), -1.0, 0.5)
    np.testing.assert_array_equal(step.x_0, x_0)
    wanted = eq.posterior_mean(x_0, X_T, alpha_bar_t=LEVEL_T, alpha_bar_s=LEVEL_S) + np.sqrt(
        eq.posterior_variance(alpha_bar_t=LEVEL_T, alpha_bar_s=LEVEL_S)
    ) * noise(20, 9, X_T)
    np.testing.assert_array_equal(step.x, wanted)


@pytest.mark.verifies("song2021ddim/step-mean", "kingma2021/eps-from-x-0")
@pytest.mark.parametrize("eta", [0.0, 0.5])
def test_corrected_and_uncorrected_ddim_differ_exactly_where_clipping_acts(eta):
    corrected = first(ddim, clipping(-1.0, 1.0), eta=eta)
    uncorrected = first(ddim, clipping_uncorrected(-1.0, 1.0), eta=eta)
    free = first(ddim, None, eta=eta)
    np.testing.assert_array_equal(corrected.x_0, uncorrected.x_0)
    np.testing.assert_array_equal(corrected.x != uncorrected.x, active())
    np.testing.assert_array_equal(corrected.x != free.x, active())
    # What the uncorrected step forgets: x_0 and eps make up x_t.
    mean = eq.ddim_mean(
        corrected.x_0,
        (X_T - np.sqrt(LEVEL_T) * corrected.x_0) / np.sqrt(1.0 - LEVEL_T),
        alpha_bar_t=LEVEL_T,
        alpha_bar_s=LEVEL_S,
        eta=eta,
    )
    sigma = eq.ddim_sigma(alpha_bar_t=LEVEL_T, alpha_bar_s=LEVEL_S, eta=eta)
    wanted = mean + sigma * noise(20, 9, X_T)
    assert_close(corrected.x, wanted, terms=np.abs(X_T) + np.abs(free.x_0) + 1.0, units=8)


@pytest.mark.parametrize(
    ("corrected", "uncorrected"),
    [
        (clipping(-1.0, 1.0), clipping_uncorrected(-1.0, 1.0)),
        (dynamic_thresholding(90.0), dynamic_thresholding_uncorrected(90.0)),
    ],
)
def test_ddpm_does_not_care_what_becomes_of_eps(corrected, uncorrected):
    np.testing.assert_array_equal(first(ddpm, corrected).x, first(ddpm, uncorrected).x)


@pytest.mark.property_id("P070")
@pytest.mark.verifies("saharia2022/dynamic-threshold", "kingma2021/eps-from-x-0")
@pytest.mark.parametrize("percentile", [60.0, 99.5])
def test_dynamic_thresholding_keeps_the_pair_consistent(percentile):
    x_0 = eq.x_0_from_eps(X_T, model(X_T, 20), alpha_bar_t=LEVEL_T)
    eps = model(X_T, 20)
    limited, implied = dynamic_thresholding(percentile)(x_0, eps, X_T, LEVEL_T)
    np.testing.assert_array_equal(limited, eq.dynamic_threshold(x_0, percentile=percentile))
    assert np.abs(limited).max() == 1.0
    together = np.sqrt(LEVEL_T) * limited + np.sqrt(1.0 - LEVEL_T) * implied
    assert_law("P070", together, X_T, scale=np.abs(X_T) + 1.0)
    same, kept = dynamic_thresholding_uncorrected(percentile)(x_0, eps, X_T, LEVEL_T)
    np.testing.assert_array_equal(same, limited)
    assert kept is eps


@pytest.mark.property_id("P070")
@pytest.mark.verifies("saharia2022/dynamic-threshold")
def test_dynamic_thresholding_is_clipping_while_the_quantile_is_below_1():
    x_0 = np.linspace(-0.9, 0.9, 75).reshape(1, 3, 5, 5)
    x_0[0, 0, 0, 0] = 7.0
    eps = np.ones_like(x_0)
    for dynamic, static in zip(
        dynamic_thresholding(90.0)(x_0, eps, x_0, 0.5),
        clipping(-1.0, 1.0)(x_0, eps, x_0, 0.5),
        strict=True,
    ):
        np.testing.assert_array_equal(dynamic, static)


def test_a_limit_that_does_nothing_changes_no_bit():
    np.testing.assert_array_equal(
        first(ddim, clipping(-1e6, 1e6), eta=0.3).x, first(ddim, None, eta=0.3).x
    )


@pytest.mark.parametrize(
    "limit", [clipping(-1.0, 1.0), dynamic_thresholding(80.0), clipping_uncorrected(-1.0, 1.0)]
)
def test_torch_agrees_with_numpy(limit):
    common = {"alpha_bars": TABLE, "timesteps": [20, 9, 2], "eta": 0.0, "limit": limit}
    by_numpy = last(ddim(model, X_T, **common))
    by_torch = last(ddim(lambda x, t: (x + 0.3 * t).cos(), torch.from_numpy(X_T), **common))
    assert_close(by_torch, by_numpy, terms=np.abs(by_numpy) + 1.0, units=64)
    assert np.abs(by_numpy).max() <= 1.0


@pytest.mark.parametrize("make", [clipping, clipping_uncorrected])
def test_a_range_that_is_none_is_refused(make):
    with pytest.raises(ValueError, match=r"low=1 must be below high=-1; were the two swapped\?"):
        make(1.0, -1.0)


@pytest.mark.parametrize("make", [dynamic_thresholding, dynamic_thresholding_uncorrected])
def test_a_percentile_outside_its_range_is_refused(make):
    with pytest.raises(ValueError, match=r"percentile=101 must be in \[0, 100\]"):
        make(101.0)
