"""Data in one point: every sampler returns it exactly, over any list of times.

This shows what the spread of other data hides: a chain that ends at the first noise level, noise
in the last step, a coefficient of a wrong pair.
"""

import numpy as np
import pytest

from refdiff.closed_form import Gaussian, chain_moments, output_moments
from refdiff.equations import zero_terminal_snr
from refdiff.testing import assert_law
from tests.samplers.worlds import (
    GRIDS,
    POINT,
    SAMPLERS,
    TABLES,
    amplification,
    exact,
    runner,
)

COUNTS = (1, 2, 7, 10, 50, 300, 999, 1000)
LISTS = [(T, S, grid) for T in (1000, 300) for S in COUNTS if S <= T for grid in GRIDS]
DETERMINED = [name for name in SAMPLERS if name != "ddpm-large"]


@pytest.mark.property_id("P035")
@pytest.mark.verifies(
    "ho2020/posterior-mean", "ho2020/posterior-variance", "song2021ddim/step", kind="closed-form"
)
@pytest.mark.parametrize(("T", "S", "grid"), LISTS)
def test_point_comes_back_without_spread_or_bias(T, S, grid):
    table, times = TABLES[T], GRIDS[grid](T, S)
    # The long lists of the three grids differ in one time at most, so they share the predictions.
    apart = {"leading": ("eps",), "trailing": ("x_0",), "linspace": ("v",)}[grid]
    for prediction in ("eps", "x_0", "v") if S <= 300 else apart:
        model = exact(POINT, table, prediction)
        scale = amplification(table, times) if prediction == "eps" else 1.0
        for name in DETERMINED if S <= 50 else ("ddpm-small", "ddim-0"):
            run = runner(name, model, table, times, prediction=prediction)
            mean, covariance = output_moments(run, POINT)
            assert_law("P035", mean, POINT.mean, scale=3.0 * scale)
            assert_law("P035", np.sqrt(np.diag(covariance)), np.zeros(2), scale=scale)


@pytest.mark.property_id("P035")
@pytest.mark.parametrize("S", [1, 7, 50])
def test_variance_beta_also_ends_in_the_point_since_the_last_step_has_no_noise(S):
    table, times = TABLES[1000], GRIDS["linspace"](1000, S)
    mean, covariance = output_moments(
        runner("ddpm-large", exact(POINT, table), table, times), POINT
    )
    scale = amplification(table, times)
    assert_law("P035", mean, POINT.mean, scale=3.0 * scale)
    assert_law("P035", covariance, np.zeros((2, 2)), scale=scale)


@pytest.mark.property_id("P054", "P057")
@pytest.mark.verifies("song2021ddim/step", "song2021ddim/step-mean", "song2021ddim/sigma")
@pytest.mark.parametrize("eta", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("times", [[40], [40, 17, 3], list(range(40, 0, -1))])
def test_every_marginal_is_the_forward_one_for_every_eta(eta, times):
    table = TABLES[40]
    run = runner("ddim-0", exact(POINT, table), table, times, eta=eta)
    start = float(table[times[0]])
    prior = POINT.marginal(alpha_bar_t=start)
    chain = chain_moments(run, POINT, prior_mean=prior.mean, prior_covariance=1.0 - start)
    for s, moments in zip([*times, 0], chain, strict=True):
        mean, covariance = moments
        level = float(table[s])
        assert_law("P057", mean, np.sqrt(level) * POINT.mean, scale=3.0)
        assert_law("P057", covariance, (1.0 - level) * np.eye(2))


@pytest.mark.verifies("salimans2022/x-0-from-v", "lin2024/zero-terminal-snr")
@pytest.mark.parametrize("prediction", ["x_0", "v"])
@pytest.mark.parametrize("name", SAMPLERS)
def test_a_table_that_ends_without_signal_starts_without_bias(name, prediction):
    # x_T carries no trace of the data there: even a mean of 1000 comes back.
    table, far = zero_terminal_snr(TABLES[40]), Gaussian([1000.0, -2.0], 0.0)
    run = runner(name, exact(far, table, prediction), table, [40, 30, 9, 2], prediction=prediction)
    mean, covariance = output_moments(run, far)
    assert_law("P035", mean, far.mean, scale=1000.0)
    assert_law("P035", covariance, np.zeros((2, 2)), scale=1000.0)
