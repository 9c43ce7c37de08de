"""EDM's Table 1: networks inside denoisers, the schedules and grids of its columns, their ends."""

import itertools

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import refdiff.equations as eq
from refdiff.closed_form import GaussianMixture
from refdiff.equations import continuous, solvers
from refdiff.samplers import schedule
from refdiff.testing import assert_close, assert_law, strategies
from tests.support.inputs import magnitudes, spread

SIGMAS = strategies.sigmas(low=1e-2)
VP = {"beta_d": 19.9, "beta_min": 0.1}
F = np.array([[0.3, -1.2, 0.8]])
X = np.array([[1.0, -3.0, 0.2]])
Y = np.array([[0.5, -1.0, 0.0]])


@pytest.mark.verifies(
    "karras2022/effective-loss",
    "karras2022/effective-target",
    "karras2022/effective-weight",
    "karras2022/preconditioning",
)
@given(SIGMAS, magnitudes(0.1, 2.0))
def test_the_effective_loss_is_the_weighted_denoising_loss(sigma, sigma_data):
    levels = {"sigma": sigma, "sigma_data": sigma_data}
    scales = {"c_skip": eq.edm_c_skip(**levels), "c_out": eq.edm_c_out(**levels)}
    weight = eq.edm_loss_weight(**levels)
    denoised = solvers.preconditioned(X, F, **scales)
    target = solvers.network_target(Y, X, **scales)
    effective = solvers.network_weight(weight=weight, c_out=scales["c_out"])
    assert_law("P081", effective, 1.0)
    terms = (np.abs(F) + (np.abs(X) + np.abs(Y)) / scales["c_out"]) ** 2
    assert_close(effective * (F - target) ** 2, weight * (denoised - Y) ** 2, terms=8 * terms)
    # A network that hits its target denoises to the data.
    assert_close(solvers.preconditioned(X, target, **scales), Y, terms=8.0)


@pytest.mark.property_id("P086")
@pytest.mark.verifies(
    "karras2022/vp-c-in", "karras2022/vp-c-out", "karras2022/preconditioning", "karras2022/vp-scale"
)
@given(spread(0.01, 1.0))
def test_the_vp_column_is_a_network_that_predicts_noise(t):
    sigma, alpha = (f(t=t, **VP) for f in (solvers.vp_sigma, solvers.vp_scale))
    assert_law("P086", solvers.eps_network_c_in(sigma=sigma), alpha)
    c_out = solvers.eps_network_c_out(sigma=sigma)
    denoised = solvers.preconditioned(X, F, c_skip=1.0, c_out=c_out)
    # The native state is alpha x, of which the network predicts the noise.
    native = continuous.x_0_from_eps(alpha * X, F, alpha_t=alpha, sigma_t=alpha * sigma)
    assert_law("P086", denoised, native, scale=1 + sigma)


@pytest.mark.property_id("P086")
@pytest.mark.verifies("karras2022/inverse-variance-weight", "karras2022/effective-weight")
@given(SIGMAS)
def test_the_old_weights_count_the_error_of_the_noise_once(sigma):
    weight = solvers.eps_network_weight(sigma=sigma)
    c_out = solvers.eps_network_c_out(sigma=sigma)
    assert_law("P086", solvers.network_weight(weight=weight, c_out=c_out), 1.0)
    # VE: the network predicts minus the noise, so that its output over sigma is the score.
    denoised = solvers.preconditioned(X, F, c_skip=1.0, c_out=sigma)
    score = continuous.score_from_x_0(X, denoised, alpha_t=1.0, sigma_t=sigma)
    assert_close(score, F / sigma, terms=(np.abs(X) / sigma + np.abs(F)) / sigma)


@pytest.mark.verifies(
    "karras2022/vp-sigma", "karras2022/vp-scale", "karras2022/vp-time", "karras2022/vp-c-noise"
)
@given(spread(1e-3, 1.0))
def test_the_vp_schedule_preserves_the_variance_and_has_an_inverse(t):
    sigma, alpha = (f(t=t, **VP) for f in (solvers.vp_sigma, solvers.vp_scale))
    assert_close(alpha**2 * (1 + sigma**2), 1.0, units=16)
    assert_close(solvers.vp_time(sigma=sigma, **VP), t, units=16)
    assert_close(solvers.vp_c_noise(sigma=sigma, num_train_steps=1000.0, **VP), 999 * t, units=16)
    song = schedule.vp_linear(0.1, 20.0)
    assert_close(alpha, song.alpha(t), units=16)
    assert_close(alpha * sigma, song.sigma(t), units=16)


@pytest.mark.verifies("karras2022/ve-sigma", "karras2022/ve-grid", "karras2022/ve-c-noise")
@given(st.integers(2, 60))
def test_the_ve_grid_is_geometric_between_its_ends(count):
    times = solvers.ve_times(count, sigma_min=0.02, sigma_max=100.0)
    sigmas = solvers.ve_sigma(t=times)
    assert_close(sigmas[[0, -1]], [100.0, 0.02])
    ratios = sigmas[1:] / sigmas[:-1]
    assert_close(ratios, (0.02 / 100.0) ** (1 / (count - 1)), units=64)
    told = solvers.ve_c_noise(sigma=sigmas)
    assert_close(np.diff(told), np.log(ratios), terms=10.0)
    assert solvers.ve_c_noise(sigma=2.0) == 0.0


@pytest.mark.verifies("karras2022/vp-grid", "karras2022/iddpm-grid", "karras2022/ve-grid")
def test_grids_of_one_entry_begin_and_long_ones_hit_both_ends():
    assert solvers.vp_times(1, end=1e-3).tolist() == [1.0]
    assert solvers.ve_times(1, sigma_min=0.02, sigma_max=100.0).tolist() == [1e4]
    assert solvers.iddpm_indices(1, 1000, first=8).tolist() == [8]
    times = solvers.vp_times(5, end=0.2)
    assert_close(times, [1.0, 0.8, 0.6, 0.4, 0.2])
    assert times[0] == 1.0
    assert times[-1] == 0.2
    for count in (2, 3, 7, 992):
        chosen = solvers.iddpm_indices(count, 1000, first=8)
        assert chosen[0] == 8
        assert chosen[-1] == 999
        exact = 8 + np.arange(count) * 991 / (count - 1)
        assert np.all(np.abs(chosen - exact) <= 0.5)
        assert np.all(np.diff(chosen) > 0)
    # A half is rounded up: 8 + 991/2 = 503.5.
    assert solvers.iddpm_indices(3, 1000, first=8)[1] == 504


@pytest.mark.verifies("karras2022/iddpm-levels", kind="oracle")
@pytest.mark.parametrize("count", [1, 3, 40])
def test_iddpm_levels_follow_the_printed_recursion(count):
    with mp.workdps(40):
        c_1, c_2 = mp.mpf(0.001), mp.mpf(0.008)

        def level(j):
            return mp.sin(mp.pi / 2 * j / (count * (c_2 + 1))) ** 2

        wanted = [mp.mpf(0)]
        for j in range(count, 0, -1):
            ratio = max(level(j - 1) / level(j), c_1)
            wanted.insert(0, mp.sqrt((wanted[0] ** 2 + 1) / ratio - 1))
    found = solvers.iddpm_sigmas(count, min_ratio=0.001, offset=0.008)
    assert_close(found, [float(u) for u in wanted], units=64 * count)


@pytest.mark.verifies("karras2022/iddpm-levels")
def test_iddpm_levels_are_those_of_the_cosine_schedule():
    """The floor of the ratio is the clip of beta, the index runs backwards."""
    alpha_bars = eq.alpha_bars_from_betas(eq.cosine_betas(1000))
    wanted = np.sqrt((1 - alpha_bars) / alpha_bars)[::-1]
    found = solvers.iddpm_sigmas(1000, min_ratio=0.001, offset=0.008)
    assert_close(found[:-1], wanted[:-1], units=2.0**15)  # 1 - alpha_bar loses four digits
    assert found[-1] == 0.0


@pytest.mark.verifies(
    "karras2022/vp-sigma",
    "karras2022/vp-grid",
    "karras2022/ve-grid",
    "karras2022/iddpm-levels",
    "karras2022/iddpm-grid",
    kind="published",
)
def test_the_noisiest_and_cleanest_levels_of_the_columns():
    """What the samplers of Table 1 span: VP 152 to 0.0105, VE 100 to 0.02, iDDPM 80 to 0.0064."""
    vp = solvers.vp_sigma(t=solvers.vp_times(256, end=1e-3), **VP)
    ve = solvers.ve_sigma(t=solvers.ve_times(256, sigma_min=0.02, sigma_max=100.0))
    levels = solvers.iddpm_sigmas(1000, min_ratio=0.001, offset=0.008)
    iddpm = levels[solvers.iddpm_indices(256, 1000, first=8)]
    ours = eq.karras_sigmas(18, sigma_min=0.002, sigma_max=80.0, rho=7.0)
    shown = [(f"{grid[0]:.4g}", f"{grid[-1]:.3g}") for grid in (vp, ve, iddpm, ours[:-1])]
    assert shown == [("152.2", "0.0105"), ("100", "0.02"), ("80.2", "0.00643"), ("80", "0.002")]
    for grid in (vp, ve, iddpm, ours):
        assert all(later < earlier for earlier, later in itertools.pairwise(grid))


DATA = np.array([[0.0, 0.0], [1.0, 0.5], [-2.0, 3.0], [1.0, 0.4]])


@pytest.mark.property_id("P085")
@pytest.mark.verifies("karras2022/ideal-denoiser", "karras2022/denoising-loss", kind="closed-form")
@given(magnitudes(1e-3, 1e3))
def test_the_ideal_denoiser_is_that_of_a_mixture_of_points(sigma):
    x = np.array([[0.4, 0.1], [5.0, -5.0], [-2.0, 3.0]])
    found = solvers.ideal_denoiser(x, DATA, sigma=sigma)
    mixture = GaussianMixture(np.full(4, 0.25), DATA, 0.0)
    size = np.sqrt(1 + sigma**2)
    wanted = mixture.optimal_x_0(x / size, alpha_bar_t=1 / (1 + sigma**2))
    # Exponents of the size (distance / sigma)^2 decide between the points.
    assert_law("P085", found, wanted, scale=1 + 1e-2 / sigma**2)
    assert np.all(found <= DATA.max(axis=0))
    assert np.all(found >= DATA.min(axis=0))


@pytest.mark.property_id("P085")
@pytest.mark.verifies("karras2022/ideal-denoiser")
def test_the_ideal_denoiser_tends_to_the_mean_and_to_the_nearest_point():
    x = np.array([[0.4, 0.1], [0.9, 0.47]])
    far = solvers.ideal_denoiser(x, DATA, sigma=1e8)
    assert_law("P085", far, np.broadcast_to(DATA.mean(axis=0), far.shape))
    near = solvers.ideal_denoiser(x, DATA, sigma=1e-4)
    assert_law("P085", near, DATA[[0, 1]])
    images = np.arange(8.0).reshape(2, 1, 2, 2)
    alone = solvers.ideal_denoiser(images, images[:1], sigma=1.0)
    np.testing.assert_array_equal(alone, np.repeat(images[:1], 2, axis=0))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: solvers.ve_times(3, sigma_min=2.0, sigma_max=1.0), "were the two swapped"),
        (lambda: solvers.ve_times(0, sigma_min=1.0, sigma_max=2.0), "num_steps=0 must be"),
        (lambda: solvers.vp_times(3, end=0.0), r"end=0 must be in \(0, 1\)"),
        (lambda: solvers.iddpm_sigmas(3, min_ratio=0.0, offset=1.0), "min_ratio=0 must be in"),
        (lambda: solvers.iddpm_sigmas(3, min_ratio=0.1, offset=0.0), "offset=0 must be in"),
        (
            lambda: solvers.iddpm_indices(3, 10, first=8),
            r"num_steps=3 must be an integer in 1\.\.2",
        ),
        (lambda: solvers.iddpm_indices(3, 10, first=10), "first=10 must be"),
    ],
)
def test_impossible_grids_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
