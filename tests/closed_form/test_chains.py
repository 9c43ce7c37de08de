"""Samplers on Gaussian data: pushed affine values, hand-derived recursions, and their laws."""

import numpy as np
import pytest

from refdiff.closed_form import (
    Gaussian,
    affine_model,
    chain_moments,
    ddim_moments,
    ddpm_moments,
    optimal_model,
    output_map,
)
from refdiff.testing import assert_close, assert_law
from tests.closed_form.worlds import (
    ALL,
    FULL,
    GAUSSIANS,
    GRIDS,
    LINEAR,
    MEAN,
    SINGULAR,
    ddim_loop,
    ddpm_loop,
    linear_alpha_bars,
    short_alpha_bars,
    size_of,
)

each_law = pytest.mark.parametrize("data", ALL.values(), ids=ALL)
each_grid = pytest.mark.parametrize("timesteps", GRIDS.values(), ids=GRIDS)


def assert_same_chains(pushed, derived, law, scale):
    assert len(pushed) == len(derived)
    for actual, expected in zip(pushed, derived, strict=True):
        assert_law(law, actual.mean, expected.mean, scale=scale)
        assert_law(law, actual.covariance, expected.covariance, scale=scale)


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
@each_grid
@each_law
def test_ddim_pushed_is_ddim_derived(data, timesteps, eta):
    model = affine_model(data, LINEAR)
    pushed = chain_moments(
        lambda x, noise: ddim_loop(
            model, x, noise, alpha_bars=LINEAR, timesteps=timesteps, eta=eta
        ),
        data,
    )
    derived = ddim_moments(data, LINEAR, timesteps, eta)
    assert_same_chains(pushed, derived, "P036", size_of(data))


@pytest.mark.parametrize("variance", ["fixed-small", "fixed-large"])
@each_grid
@each_law
def test_ddpm_pushed_is_ddpm_derived(data, timesteps, variance):
    model = affine_model(data, LINEAR)
    pushed = chain_moments(
        lambda x, noise: ddpm_loop(
            model, x, noise, alpha_bars=LINEAR, timesteps=timesteps, variance=variance
        ),
        data,
    )
    derived = ddpm_moments(data, LINEAR, timesteps, variance)
    assert_same_chains(pushed, derived, "P036", size_of(data))


@pytest.mark.property_id("P036")
@each_grid
@each_law
def test_exact_reverse_variance_reproduces_every_marginal(data, timesteps):
    prior = data.marginal(alpha_bar_t=LINEAR[timesteps[0]])
    chain = ddpm_moments(data, LINEAR, timesteps, "exact", prior=prior, last_noise=True)
    for time, moments in zip([*timesteps, 0], chain, strict=True):
        marginal = data.marginal(alpha_bar_t=LINEAR[time])
        scale = 1.0 + np.abs(data.mean).max()
        assert_law("P036", moments.mean, marginal.mean, scale=scale)
        assert_law("P036", moments.covariance, marginal.covariance_matrix())


@pytest.mark.property_id("P034")
def test_standard_normal_data_stay_standard_normal_with_variance_beta():
    data, every = Gaussian(np.zeros(2), 1.0), list(range(1000, 0, -1))
    model = affine_model(data, LINEAR)
    pushed = chain_moments(
        lambda x, noise: ddpm_loop(
            model, x, noise, alpha_bars=LINEAR, timesteps=every, variance="fixed-large"
        ),
        data,
    )
    for chain in (pushed, ddpm_moments(data, LINEAR, every, "fixed-large")):
        variances = np.array([moments.covariance for moments in chain[:-1]])
        assert_law("P034", variances, np.broadcast_to(np.eye(2), (1000, 2, 2)))
        assert_law("P034", chain[-1].covariance, (1.0 - 1e-4) * np.eye(2))
        assert_law("P034", chain[-1].mean, np.zeros(2))


@pytest.mark.property_id("P035")
@pytest.mark.parametrize("steps", [1, 2, 7, 50, 1000])
def test_point_mass_comes_out_exactly_with_the_posterior_variance(steps):
    data = SINGULAR["point"]
    timesteps = [round(i * 1000 / steps) for i in range(steps, 0, -1)]
    chain = ddpm_moments(data, LINEAR, timesteps, "fixed-small")
    assert_law("P035", chain[-1].mean, data.mean)
    assert_law("P035", chain[-1].covariance, np.zeros((2, 2)))
    for time, moments in zip(timesteps[1:], chain[1:-1], strict=True):
        # Started at N(0, I) instead of the marginal, the mean is off by what the chain forgets.
        expected = (1.0 - LINEAR[time]) * np.eye(2)
        gain = (LINEAR[timesteps[0]] / LINEAR[time]) * (
            (1.0 - LINEAR[time]) / (1.0 - LINEAR[timesteps[0]])
        ) ** 2
        assert_law("P035", moments.covariance, expected + gain * LINEAR[timesteps[0]] * np.eye(2))


@pytest.mark.property_id("P037")
@pytest.mark.parametrize("spread", [0.04, 0.25, 0.9])
def test_the_two_fixed_variances_bracket_the_truth(spread):
    data, gaps = Gaussian([0.3], spread), []
    for num_steps in (500, 1000, 2000):
        table = linear_alpha_bars(num_steps, 0.1 / num_steps, 20.0 / num_steps)
        every, prior = range(num_steps, 0, -1), data.marginal(alpha_bar_t=table[-1])
        small, large = (
            ddpm_moments(data, table, every, name, prior=prior, last_noise=True)[-1].covariance
            for name in ("fixed-small", "fixed-large")
        )
        assert small < spread < large
        gaps.append([spread - small.item(), large.item() - spread])
    ratios = np.array(gaps[:-1]) / np.array(gaps[1:])
    assert np.all((ratios > 1.8) & (ratios < 2.2))


@pytest.mark.property_id("P056")
@each_grid
def test_ddim_on_standard_normal_data_scales_by_cosines(timesteps):
    data = Gaussian([0.0], 1.0)
    model = affine_model(data, LINEAR)
    output = output_map(
        lambda x, noise: ddim_loop(model, x, noise, alpha_bars=LINEAR, timesteps=timesteps, eta=0),
        data,
    )
    angles = np.arccos(np.sqrt(LINEAR[[*timesteps, 0]]))
    expected = np.prod(np.cos(np.diff(angles)))
    assert expected < 1.0
    assert output.basis.names == ("x_T",)
    # Predicting x_0 from eps magnifies the rounding at the first level by 1/sqrt(alpha_bar).
    scale = 1.0 / np.sqrt(LINEAR[timesteps[0]])
    assert_law("P056", output.coefficient("x_T").item(), expected, scale=scale)
    variance = ddim_moments(data, LINEAR, timesteps, 0.0)[-1].covariance.item()
    assert_law("P056", np.sqrt(variance), expected)


@pytest.mark.property_id("P057")
@pytest.mark.parametrize("eta", [0.0, 0.3, 1.0])
@each_grid
def test_ddim_on_a_point_mass_keeps_every_marginal(timesteps, eta):
    data = SINGULAR["point"]
    prior = data.marginal(alpha_bar_t=LINEAR[timesteps[0]])
    model = affine_model(data, LINEAR)
    pushed = chain_moments(
        lambda x, noise: ddim_loop(
            model, x, noise, alpha_bars=LINEAR, timesteps=timesteps, eta=eta
        ),
        data,
        prior_mean=prior.mean,
        prior_covariance=prior.covariance,
    )
    derived = ddim_moments(data, LINEAR, timesteps, eta, prior=prior)
    for time, first, second in zip([*timesteps, 0], pushed, derived, strict=True):
        marginal = data.marginal(alpha_bar_t=LINEAR[time])
        for moments in (first, second):
            scale = 1.0 if moments is second else size_of(data)
            assert_law("P057", moments.mean, marginal.mean, scale=scale)
            assert_law("P057", moments.covariance, marginal.covariance_matrix(), scale=scale)


@pytest.mark.verifies("sohldickstein2015/entropy-bounds", kind="closed-form")
@pytest.mark.property_id("P045")
@pytest.mark.parametrize("spread", [0.04, 0.5, 1.0, 1.5, 4.0])
def test_reverse_entropy_is_inside_the_bounds_only_for_variance_up_to_one(spread):
    """Sohl-Dickstein's bounds, from the entropies of joint Gaussians (all in one dimension)."""
    data = Gaussian([0.7], spread)

    def entropy(variance):
        return 0.5 * np.log(2.0 * np.pi * np.e * variance)

    exceeded = []
    for t in range(2, 1001):
        later, earlier = LINEAR[t], LINEAR[t - 1]
        step, from_data, whole = 1.0 - later / earlier, 1.0 - earlier, 1.0 - later
        lower = entropy(step) + entropy(from_data) - entropy(whole)
        kernel = data.reverse_gain_offset_covariance(alpha_bar_t=later, alpha_bar_s=earlier)
        reverse = entropy(kernel.covariance)
        assert_law("P045", min(reverse - lower, 0.0), 0.0)
        exceeded.append(reverse - entropy(step))
    if spread <= 1.0:
        assert_law("P045", max(*exceeded, 0.0), 0.0)
    else:
        assert max(exceeded) > 1e-6
    # The upper bound is the entropy growing along the chain.
    growth = [
        data.marginal(alpha_bar_t=LINEAR[t]).entropy()
        - data.marginal(alpha_bar_t=LINEAR[t - 1]).entropy()
        for t in range(2, 1001)
    ]
    assert_law("P045", np.array(growth), -np.array(exceeded))


@pytest.mark.property_id("P038")
@pytest.mark.parametrize("variance", ["fixed-small", "fixed-large"])
def test_sampled_chains_have_the_derived_moments(variance):
    data, timesteps = GAUSSIANS["full"], list(range(1000, 0, -50))
    rng = np.random.default_rng(13)
    *_, draws = ddpm_loop(
        optimal_model(data, LINEAR),
        rng.standard_normal((20_000, 3)),
        lambda t, s, like: rng.standard_normal(like.shape),
        alpha_bars=LINEAR,
        timesteps=timesteps,
        variance=variance,
    )
    mean, covariance = ddpm_moments(data, LINEAR, timesteps, variance)[-1]
    centred = draws - mean
    assert_law("P038", draws, mean)
    assert_law("P038", centred[:, :, None] * centred[:, None, :], covariance)


def test_deterministic_chain_tends_to_the_probability_flow():
    data, errors = Gaussian(MEAN, FULL), []
    prior = data.marginal(alpha_bar_t=LINEAR[-1])
    for steps in (125, 250, 500):
        timesteps = [i * 1000 // steps for i in range(steps, 0, -1)]
        mean, covariance = ddim_moments(data, LINEAR, timesteps, 0.0, prior=prior)[-1]
        assert_law("P036", mean, MEAN)
        errors.append(np.abs(covariance - FULL).max())
    assert errors[0] > 1.5 * errors[1] > 2.2 * errors[2]


def test_large_mean_has_the_bias_of_the_schedule_alone():
    """Started at N(0, I), the mean is off by the product of the gains, nothing else."""
    data = GAUSSIANS["large-mean"]
    prior = data.marginal(alpha_bar_t=LINEAR[-1])
    unbiased = ddim_moments(data, LINEAR, GRIDS["ten"], 0.0, prior=prior)[-1]
    assert_law("P036", unbiased.mean, data.mean, scale=40.0)
    started = ddim_moments(data, LINEAR, GRIDS["ten"], 0.0)[-1].mean - data.mean
    model = affine_model(data, LINEAR)
    output = output_map(
        lambda x, noise: ddim_loop(
            model, x, noise, alpha_bars=LINEAR, timesteps=GRIDS["ten"], eta=0.0
        ),
        data,
    )
    expected = -output.coefficient("x_T") @ (np.sqrt(LINEAR[-1]) * data.mean)
    assert_law("P036", started, expected, scale=size_of(data))


def test_given_variances_are_used_step_by_step():
    data, table = GAUSSIANS["diagonal"], short_alpha_bars()
    timesteps = [6, 4, 1]
    named = ddpm_moments(data, table, timesteps, "fixed-large", last_noise=True)
    levels = table[[6, 4, 1, 0]]
    given = ddpm_moments(data, table, timesteps, 1.0 - levels[:-1] / levels[1:], last_noise=True)
    assert_same_chains(given, named, "P036", 1.0)
    silent = ddpm_moments(data, table, timesteps, [0.0, 0.0, 0.0])
    assert_close(silent[1].covariance[0, 0], 0.0 * silent[1].covariance[0, 0], units=0)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda data: ddim_moments(data, LINEAR, [5, 5], 0.0), "strictly decreasing"),
        (lambda data: ddim_moments(data, LINEAR, [1001, 5], 0.0), "1..1000"),
        (lambda data: ddim_moments(data, LINEAR, [5, 0], 0.0), "1..1000"),
        (lambda data: ddim_moments(data, LINEAR, [5.5, 2], 0.0), "integers"),
        (lambda data: ddim_moments(data, LINEAR, [], 0.0), "timesteps"),
        (lambda data: ddim_moments(data, LINEAR, [5], 1.5), "eta=1.5"),
        (lambda data: ddpm_moments(data, LINEAR, [5], "learned"), "must be one of"),
        (lambda data: ddpm_moments(data, LINEAR, [5], [0.1, 0.2]), "must be one of"),
        (
            lambda data: ddim_moments(data, LINEAR, [5], 0.0, prior=Gaussian([0.0], 1.0)),
            "event shape",
        ),
        (
            lambda data: ddim_moments(
                data, LINEAR, [5], 0.0, prior=Gaussian(MEAN, FULL[::-1, ::-1])
            ),
            "eigenvectors",
        ),
        (lambda data: affine_model(data, LINEAR, prediction="noise"), "must be one of"),
        (lambda data: affine_model(data, LINEAR, learned=1.5), "learned=1.5"),
        (lambda data: affine_model(data, LINEAR)(None, 1001), "t=1001"),
        (lambda data: optimal_model(data, LINEAR)(MEAN, -1), "t=-1"),
    ],
)
def test_bad_arguments_are_named(call, words):
    with pytest.raises(ValueError, match=words):
        call(GAUSSIANS["full"])
