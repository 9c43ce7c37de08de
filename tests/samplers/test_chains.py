"""Exact moments of whole chains on Gaussian data, against recursions derived without our code."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refdiff import equations as eq
from refdiff.closed_form import (
    Gaussian,
    affine_model,
    chain_moments,
    ddim_moments,
    ddpm_moments,
    optimal_model,
    output_map,
    output_moments,
)
from refdiff.samplers import ddim, ddpm, last
from refdiff.testing import assert_close, assert_law, tolerance
from tests.samplers.worlds import GRIDS, TABLES, WIDE, amplification, exact, rounding, runner

DENSE = Gaussian([0.5, -2.0, 1.0], [[1.0, 0.3, 0.0], [0.3, 0.5, -0.2], [0.0, -0.2, 2.0]])
FULL = list(range(1000, 0, -1))
WHOLE = list(range(40, 0, -1))


def assert_chains_equal(actual, expected, times):
    assert len(actual) == len(expected) == len(times) + 1
    for (mean, covariance), (wanted_mean, wanted_covariance) in zip(actual, expected, strict=True):
        assert_close(mean, wanted_mean, terms=4.0, units=rounding(times))
        assert_close(covariance, wanted_covariance, terms=4.0, units=rounding(times))


@pytest.mark.verifies("song2021ddim/step", "song2021ddim/sigma", "song2021ddim/step-mean")
@given(
    times=st.sets(st.integers(1, 40), min_size=1).map(lambda chosen: sorted(chosen)[::-1]),
    eta=st.sampled_from([0.0, 1e-3, 0.5, 1.0]),
    prediction=st.sampled_from(["eps", "x_0", "v"]),
)
def test_every_ddim_marginal_matches_the_recursion(times, eta, prediction):
    table = TABLES[40]
    model = exact(DENSE, table, prediction)
    run = runner("ddim-0", model, table, times, eta=eta, prediction=prediction)
    assert_chains_equal(chain_moments(run, DENSE), ddim_moments(DENSE, table, times, eta), times)


@pytest.mark.verifies(
    "ho2020/posterior-mean", "ho2020/posterior-variance", "ho2020/transition-variance"
)
@given(
    times=st.sets(st.integers(1, 40), min_size=1).map(lambda chosen: sorted(chosen)[::-1]),
    variance=st.sampled_from(["fixed-small", "fixed-large"]),
    prediction=st.sampled_from(["eps", "x_0", "v"]),
)
def test_every_ddpm_marginal_matches_the_recursion(times, variance, prediction):
    table = TABLES[40]
    model = exact(DENSE, table, prediction)
    run = runner("ddpm-small", model, table, times, variance=variance, prediction=prediction)
    expected = ddpm_moments(DENSE, table, times, variance)
    assert_chains_equal(chain_moments(run, DENSE), expected, times)


@pytest.mark.property_id("P055")
@pytest.mark.verifies("song2021ddim/step", "ho2020/ancestral-step", kind="closed-form")
@pytest.mark.parametrize("T", [40, 300])
def test_eta_1_over_all_times_is_ddpm_with_the_posterior_variance(T):
    table, times = TABLES[T], list(range(T, 0, -1))
    model = exact(WIDE, table)
    by_ddim = output_map(runner("ddim-1", model, table, times), WIDE)
    by_ddpm = output_map(runner("ddpm-small", model, table, times), WIDE)
    assert by_ddim.basis.names == by_ddpm.basis.names
    assert len(by_ddim.basis.names) == T  # x_T, and noise for every step but the last
    assert_law("P055", by_ddim.offset, by_ddpm.offset)
    assert_law("P055", by_ddim.covariance(), by_ddpm.covariance())
    for name in by_ddim.basis.names:
        assert_law("P055", by_ddim.coefficient(name), by_ddpm.coefficient(name))


@pytest.mark.property_id("P034")
@pytest.mark.verifies("ho2020/transition-variance")
def test_standard_normal_data_keep_variance_1_under_the_larger_variance():
    data, table = Gaussian([0.0], 1.0), TABLES[1000]
    chain = chain_moments(runner("ddpm-large", exact(data, table), table, FULL), data)
    variances = np.array([covariance.item() for _, covariance in chain])
    assert_law("P034", variances[:-1], np.ones(1000))
    assert_law("P034", variances[-1], float(table[1]))  # 1 - beta_1: no noise in the last step


@pytest.mark.property_id("P036")
@pytest.mark.verifies("nichol2021/learned-range-variance")
def test_the_learned_range_reaches_the_exact_reverse_variance_and_all_true_marginals():
    # With data variance below 1 the exact reverse variance lies between beta-tilde and beta.
    data, table = Gaussian([2.0, -1.0], 0.25), TABLES[1000]
    noise, spread = 1.0 - table, table * 0.25 + 1.0 - table
    v = np.ones((1001, 1))
    v[2:, 0] = 1.0 - np.log(spread[1:-1] / spread[2:]) / np.log(noise[1:-1] / noise[2:])
    model = affine_model(data, table, learned=v)
    prior = data.marginal(alpha_bar_t=float(table[1000]))
    chain = chain_moments(
        runner("ddpm-small", model, table, FULL, variance="learned-range"),
        data,
        prior_mean=prior.mean,
        prior_covariance=prior.covariance,
    )
    for s, (mean, covariance) in zip([1000, *FULL[1:]], chain[:-1], strict=True):
        assert_law("P036", mean, np.sqrt(table[s]) * data.mean)
        assert_law("P036", covariance, spread[s] * np.eye(2))
    # The step to 0 leaves its noise out: all that is missing is the spread of x_0 given x_1.
    missing = 0.25 * noise[1] / spread[1]
    assert_law("P036", chain[-1].mean, data.mean)
    assert_law("P036", chain[-1].covariance, (0.25 - missing) * np.eye(2))


@pytest.mark.verifies("nichol2021/learned-range-variance")
@pytest.mark.parametrize(("v", "fixed"), [(0.0, "ddpm-small"), (1.0, "ddpm-large")])
def test_the_ends_of_the_learned_range_are_the_fixed_variances(v, fixed):
    table, times = TABLES[40], [40, 31, 8, 1]
    learned = affine_model(WIDE, table, learned=v)
    run = runner("ddpm-small", learned, table, times, variance="learned-range")
    actual = chain_moments(run, WIDE)
    assert_chains_equal(
        actual, chain_moments(runner(fixed, exact(WIDE, table), table, times), WIDE), times
    )


@pytest.mark.property_id("P037")
def test_the_two_fixed_variances_enclose_the_datas_and_close_in_on_it():
    data, gaps = Gaussian([0.0], 0.25), []
    for T in (100, 1000):
        betas = eq.linear_betas(T, beta_start=0.1 / T, beta_end=20.0 / T)
        table = eq.alpha_bars_from_betas(betas)
        model, times = exact(data, table), list(range(T, 0, -1))
        small, large = (
            output_moments(runner(name, model, table, times), data).covariance.item()
            for name in ("ddpm-small", "ddpm-large")
        )
        assert small < 0.25 < large
        gaps.append(large - small)
    assert gaps[1] < gaps[0] / 5  # of first order in 1/T: ten times the steps


@pytest.mark.property_id("P056")
@pytest.mark.verifies("song2021ddim/step")
@pytest.mark.parametrize("S", [1, 7, 50])
def test_ddim_on_standard_normal_data_shrinks_by_the_cosines_of_its_angles(S):
    data, table = Gaussian([0.0], 1.0), TABLES[1000]
    times = GRIDS["linspace"](1000, S)
    angles = np.arctan2(np.sqrt(1.0 - table), np.sqrt(table))[[*times, 0]]
    gain = np.prod(np.cos(np.diff(angles)))
    # Predicting x_0: eps would amplify its rounding where the signal is small.
    run = runner("ddim-0", exact(data, table, "x_0"), table, times, prediction="x_0")
    output = output_map(run, data)
    assert gain < 1.0
    assert_law("P056", output.coefficient("x_T"), np.full((1, 1), gain))


def angles_of(spread, table, times):
    """Angles whose tangent is noise over spread of the data, from the first time down to 0."""
    levels = table[[*times, 0]]
    return np.arctan2(np.sqrt(1.0 - levels), np.sqrt(levels * spread))


@pytest.mark.verifies("song2021ddim/step", "ho2020/posterior-mean", kind="closed-form")
@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize(("T", "S"), [(1000, 1), (1000, 7), (1000, 1000), (300, 10), (300, 299)])
@pytest.mark.parametrize("name", ["ddpm-small", "ddpm-large", "ddim-1", "ddim-0"])
def test_the_bias_at_a_large_mean_is_that_of_the_start_alone(name, T, S, grid):
    r"""The chain begins at N(0, I), where the truth is N(a m, V), a^2 = alpha_bar and
    V = a^2 lambda + 1 - a^2 at the first time. All that comes of it is bias = -a k m, with the
    chain's gain k: for the posterior mean (DDPM, eta = 1) k = a lambda / V for every list of
    times; for eta = 0 k = sqrt(lambda / V) prod cos(differences of angle)."""
    table, times = TABLES[T], GRIDS[grid](T, S)
    spread, center = np.array([0.25, 2.0]), np.array([1e3, -4e3])
    data = Gaussian(center, spread)
    a = np.sqrt(table[times[0]])
    total = a**2 * spread + 1.0 - a**2
    if name == "ddim-0":
        cosines = [np.prod(np.cos(np.diff(angles_of(each, table, times)))) for each in spread]
        gain = np.sqrt(spread / total) * np.array(cosines)
    else:
        gain = a * spread / total
    mean, _ = output_moments(runner(name, exact(data, table), table, times), data)
    size = 4e3 * np.maximum(1.0, gain)
    assert_close(mean - center, -a * gain * center, terms=size, units=rounding(times))


@pytest.mark.verifies("song2021ddim/step", kind="closed-form")
@pytest.mark.parametrize("S", [1, 7, 50])
def test_the_spread_that_ddim_leaves_is_a_product_of_cosines(S):
    table, times = TABLES[1000], GRIDS["trailing"](1000, S)
    level = table[times[0]]
    run = runner("ddim-0", exact(WIDE, table, "x_0"), table, times, prediction="x_0")
    _, covariance = output_moments(run, WIDE)
    for spread, actual in zip(WIDE.covariance, np.diag(covariance), strict=True):
        cosines = np.prod(np.cos(np.diff(angles_of(spread, table, times))))
        expected = spread / (level * spread + 1.0 - level) * cosines**2
        # The cosine of an angle near a right one magnifies that angle's own rounding.
        size = expected * amplification(table, times)
        assert_close(actual, expected, terms=size, units=rounding(times))


@pytest.mark.property_id("P060")
@pytest.mark.verifies("song2021ddim/step")
def test_encoding_and_decoding_errs_by_a_half_with_twice_the_steps():
    data, x_0, errors = Gaussian([1.0], 0.3), np.array([[0.4], [2.0]]), []
    for N in (200, 400):
        table = np.cos(np.linspace(0.0, 1.3, N + 1)) ** 2
        x = x_0
        for s in range(N):  # the same rule, from each time to the next noisier one
            level, following = float(table[s]), float(table[s + 1])
            clean = data.optimal_x_0(x, alpha_bar_t=level)
            eps = data.optimal_eps(x, alpha_bar_t=level)
            x = np.sqrt(following) * clean + np.sqrt(1.0 - following) * eps
        model = optimal_model(data, table)
        decoded = last(ddim(model, x, alpha_bars=table, timesteps=list(range(N, 0, -1)), eta=0.0))
        errors.append(np.abs(decoded - x_0))
    assert_law("P060", errors[0] / errors[1], 2.0)


@pytest.mark.property_id("P038")
@pytest.mark.verifies("ho2020/ancestral-step", "song2021ddim/step", kind="monte-carlo")
@pytest.mark.parametrize("name", ["ddpm-small", "ddpm-large", "ddim-half"])
def test_drawn_samples_have_the_moments_of_the_recursion(name):
    table, times = TABLES[40], [40, 33, 20, 11, 5, 1]
    generator = np.random.default_rng(20240731)
    x_T = generator.standard_normal((20000, 2))
    run = runner(name, optimal_model(WIDE, table), table, times)
    drawn = last(run(x_T, lambda t, s, like: generator.standard_normal(like.shape)))
    if name == "ddim-half":
        mean, covariance = ddim_moments(WIDE, table, times, 0.5)[-1]
    else:
        variance = {"ddpm-small": "fixed-small", "ddpm-large": "fixed-large"}[name]
        mean, covariance = ddpm_moments(WIDE, table, times, variance)[-1]
    assert tolerance("P038").kind == "standard-errors"
    assert_law("P038", drawn, mean)
    assert_law("P038", (drawn - mean) ** 2, np.diag(covariance))


def test_a_scheme_of_skipped_times_uses_the_variance_of_its_own_pairs():
    # 40 -> 20 in one step: beta of the pair, not of training step 40.
    data, table = Gaussian([0.0], 1.0), TABLES[40]
    output = output_map(
        lambda x_T, noise: ddpm(
            exact(data, table),
            x_T,
            alpha_bars=table,
            timesteps=[40, 20],
            variance="fixed-large",
            noise=noise,
        ),
        data,
    )
    beta = 1.0 - table[40] / table[20]
    # Then one step to x_0, whose gain on standard normal data is sqrt(alpha_bar).
    wanted = np.sqrt(beta * table[20])
    assert_close(output.coefficient("noise 40->20"), np.full((1, 1), wanted))
