"""Kernels of the SDEs against the moment equations of Ito's formula, integrated numerically.

For dx = a(t) x dt + g(t) dw the moments of x_t given x_0 obey M' = a M and V' = 2 a V + g^2.
"""

import itertools

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad, solve_ivp

import refdiff.equations as eq
from refdiff.equations import sde
from refdiff.testing import assert_close, assert_law
from tests.support.inputs import magnitudes

LINEAR = {"beta_min": 0.1, "beta_max": 20.0}
GEOMETRIC = {"sigma_min": 0.01, "sigma_max": 50.0}
TIMES = np.array([1e-3, 0.01, 0.1, 0.3, 0.7, 1.0])


def moments(drift_at_1, diffusion, times=TIMES, start=(1.0, 0.0)):
    """Integrate mean and variance from time 0; the drift is given at the state 1."""

    def rates(t, y):
        slope = drift_at_1(t)
        return [slope * y[0], 2 * slope * y[1] + diffusion(t) ** 2]

    options = {"method": "DOP853", "rtol": 1e-13, "atol": 1e-15}
    return solve_ivp(rates, (0, times[-1]), start, t_eval=times, **options).y


def vp_slope(t):
    return sde.vp_drift(1.0, beta_t=sde.vp_beta(t=t, **LINEAR))


@pytest.mark.property_id("P072")
@pytest.mark.verifies(
    "song2021sde/vp-drift",
    "song2021sde/vp-diffusion",
    "song2021sde/vp-linear-beta",
    "song2021sde/vp-linear-integral",
    "song2021sde/vp-mean-scale",
    "song2021sde/vp-kernel-variance",
)
def test_moments_of_the_vp_process_integrate_to_its_kernel():
    mean, variance = moments(
        vp_slope, lambda t: sde.vp_diffusion(beta_t=sde.vp_beta(t=t, **LINEAR))
    )
    integral = sde.vp_beta_integral(t=TIMES, **LINEAR)
    assert_law("P072", sde.vp_mean_scale(beta_integral=integral), mean)
    assert_law("P072", sde.vp_variance(beta_integral=integral), variance)


@pytest.mark.property_id("P072")
@pytest.mark.verifies(
    "song2021sde/sub-vp-drift",
    "song2021sde/sub-vp-diffusion",
    "song2021sde/vp-mean-scale",
    "song2021sde/sub-vp-kernel-variance",
)
def test_moments_of_the_sub_vp_process_integrate_to_its_kernel():
    mean, variance = moments(
        vp_slope,
        lambda t: sde.sub_vp_diffusion(
            beta_t=sde.vp_beta(t=t, **LINEAR),
            beta_integral=sde.vp_beta_integral(t=t, **LINEAR),
        ),
    )
    integral = sde.vp_beta_integral(t=TIMES, **LINEAR)
    assert_law("P072", sde.vp_mean_scale(beta_integral=integral), mean)
    assert_law("P072", sde.sub_vp_variance(beta_integral=integral), variance)


@pytest.mark.property_id("P074")
@pytest.mark.verifies("song2021sde/sub-vp-kernel-variance", "song2021sde/sub-vp-diffusion")
@given(magnitudes(1e-300, 1e3), magnitudes(1e-3, 1e3))
def test_the_sub_vp_process_has_less_noise_at_every_time(integral, rate):
    assert sde.sub_vp_variance(beta_integral=integral) <= sde.vp_variance(beta_integral=integral)
    assert sde.sub_vp_diffusion(beta_t=rate, beta_integral=integral) <= sde.vp_diffusion(
        beta_t=rate
    )


@pytest.mark.verifies("song2021sde/vp-linear-integral", "song2021sde/vp-linear-beta")
@given(st.floats(0.0, 1.0), magnitudes(1e-3, 1.0), magnitudes(1.0, 100.0))
def test_the_integral_of_the_linear_rate_is_its_mean_times_the_time(t, low, high):
    ends = {"beta_min": low, "beta_max": high}
    middle = sde.vp_beta(t=t / 2, **ends)
    assert_close(sde.vp_beta_integral(t=t, **ends), t * middle, units=8)


@pytest.mark.property_id("P073")
@pytest.mark.verifies(
    "song2021sde/ve-sde",
    "song2021sde/ve-diffusion",
    "song2021sde/ve-geometric-added-variance",
    "song2021sde/ve-geometric-sigma",
    "song2021sde/ve-kernel-variance",
)
@pytest.mark.parametrize("t", [0.01, 0.5, 1.0])
def test_the_squared_ve_diffusion_integrates_to_the_growth_of_the_variance(t):
    found, _ = quad(
        lambda u: sde.ve_diffusion(t=u, **GEOMETRIC) ** 2, 0.0, t, epsabs=0.0, epsrel=1e-13
    )
    assert_law("P073", found, sde.ve_added_variance(t=t, **GEOMETRIC))
    ends = {"sigma_t": sde.ve_sigma(t=t, **GEOMETRIC), "sigma_s": sde.ve_sigma(t=0.0, **GEOMETRIC)}
    assert_law("P073", found, sde.ve_transition_variance(**ends))


@pytest.mark.verifies("song2021sde/ve-sde", "song2021sde/ve-diffusion")
@given(st.floats(0.1, 0.9))
def test_the_squared_ve_diffusion_is_the_slope_of_the_variance(t):
    with mp.workdps(40):
        ends = {name: mp.mpf(value) for name, value in GEOMETRIC.items()}
        slope = mp.diff(lambda u: sde.ve_variance(t=u, **ends), mp.mpf(t))
        found = sde.ve_diffusion(t=mp.mpf(t), **ends) ** 2
    assert_close(float(found), float(slope))


@pytest.mark.verifies("song2021sde/ve-geometric-kernel", "song2021sde/ve-geometric-added-variance")
@given(st.floats(0.0, 1.0))
def test_the_papers_ve_kernel_has_the_starting_variance_on_top(t):
    kernel = sde.ve_variance(t=t, **GEOMETRIC)
    added = sde.ve_added_variance(t=t, **GEOMETRIC)
    assert_close(kernel - added, GEOMETRIC["sigma_min"] ** 2, terms=kernel, units=64)
    assert_close(kernel, sde.ve_sigma(t=t, **GEOMETRIC) ** 2, units=64)


@pytest.mark.verifies("song2021sde/ve-geometric-sigma")
@given(st.floats(0.0, 1.0))
def test_the_geometric_scale_multiplies_along_time(t):
    """Steps of time from either end have equal ratios, and the ends are the two scales."""
    here, mirrored = sde.ve_sigma(t=t, **GEOMETRIC), sde.ve_sigma(t=1.0 - t, **GEOMETRIC)
    assert_close(here * mirrored, 0.01 * 50.0, units=64)
    assert_close(sde.ve_sigma(t=1.0, **GEOMETRIC), 50.0, units=16)
    assert sde.ve_sigma(t=0.0, **GEOMETRIC) == 0.01


@pytest.mark.property_id("P079")
@pytest.mark.verifies("song2021sde/forward-sde", "song2021sde/vp-chain", "song2021sde/vp-drift")
def test_the_discrete_chain_tends_to_the_vp_process():
    """alpha_bar of the chain with betas beta(i/N)/N, read off the chain's own step."""
    gaps = []
    for N in (1000, 2000, 4000):
        times = np.arange(1, N + 1) / N
        shrink = sde.vp_chain_step(1.0, 0.0, beta=sde.vp_beta(t=times, **LINEAR) / N)
        table = np.cumprod(shrink**2)
        exact = sde.vp_mean_scale(beta_integral=sde.vp_beta_integral(t=times, **LINEAR)) ** 2
        gaps.append(np.abs(table - exact).max())
    assert_law("P079", gaps[0] / gaps[1], 2.0)
    assert_law("P079", gaps[1] / gaps[2], 2.0)


@pytest.mark.property_id("P079")
@pytest.mark.verifies("song2021sde/forward-sde")
def test_one_small_step_of_any_chain_has_the_moments_of_the_sde():
    """x + f dt + g sqrt(dt) z: the moments differ from the kernel's in second order of dt."""
    a, g = -0.7, 1.3
    errors = []
    for dt in (1e-2, 5e-3):
        mean, variance = 1 + a * dt, g**2 * dt
        exact = moments(lambda t: a, lambda t: g, times=np.array([dt]))[:, 0]
        errors.append([abs(mean - exact[0]), abs(variance - exact[1])])
    assert_law("P079", np.divide(*errors), 4.0)


@pytest.mark.verifies("song2021sde/ve-chain", "song2021sde/ve-kernel-variance")
@given(st.lists(magnitudes(1e-3, 50.0), min_size=1, max_size=8))
def test_variances_of_the_smld_chain_telescope(scales):
    sigmas = [0.0, *sorted(scales)]
    steps = list(itertools.pairwise(sigmas))
    added = [sde.ve_chain_step(0.0, 1.0, sigma_t=high, sigma_s=low) ** 2 for low, high in steps]
    assert_close(sum(added), sigmas[-1] ** 2, units=32)
    kernels = [sde.ve_transition_variance(sigma_t=high, sigma_s=low) for low, high in steps]
    assert_close(sum(kernels), sigmas[-1] ** 2, units=32)
    assert sde.ve_chain_step(2.5, 0.0, sigma_t=sigmas[-1], sigma_s=0.0) == 2.5


@pytest.mark.verifies("song2021sde/vp-chain")
@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_the_ddpm_chain_keeps_variance_1_and_is_its_transition(beta, level):
    gains = sde.vp_chain_step(1.0, 0.0, beta=beta), sde.vp_chain_step(0.0, 1.0, beta=beta)
    assert_close(gains[0] ** 2 + gains[1] ** 2, 1.0)
    levels = {"alpha_bar_t": (1.0 - beta) * level, "alpha_bar_s": level}
    if level > 1e-6:
        assert_close(gains[0], eq.transition_mean(1.0, **levels), units=8)
        assert_close(gains[1] ** 2, eq.transition_variance(**levels), terms=1.0, units=8)
