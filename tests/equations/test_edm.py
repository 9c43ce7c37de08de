"""EDM's preconditioning from the requirements it is derived from."""

import numpy as np
import pytest
from hypothesis import given

from refdiff.closed_form import Gaussian
from refdiff.equations import (
    edm_c_in,
    edm_c_noise,
    edm_c_out,
    edm_c_skip,
    edm_loss_weight,
)
from refdiff.testing import assert_close, assert_law, strategies

IDS = ["karras2022/" + name for name in ("c-skip", "c-out", "c-in", "loss-weight")]
SIGMAS = strategies.sigmas()


@pytest.mark.property_id("P081")
@pytest.mark.verifies(*IDS)
@given(SIGMAS, SIGMAS)
def test_inputs_and_targets_have_unit_variance(sigma, sigma_data):
    levels = {"sigma": sigma, "sigma_data": sigma_data}
    c_skip, c_out, c_in = (f(**levels) for f in (edm_c_skip, edm_c_out, edm_c_in))
    assert_law("P081", c_in**2 * (sigma**2 + sigma_data**2), 1.0)
    # The target (x_0 - c_skip (x_0 + sigma n)) / c_out, with 1 - c_skip without cancellation.
    kept = sigma**2 / (sigma**2 + sigma_data**2)
    variance = (kept * sigma_data) ** 2 + (c_skip * sigma) ** 2
    assert_law("P081", variance / c_out**2, 1.0)
    assert_law("P081", edm_loss_weight(**levels) * c_out**2, 1.0)


@pytest.mark.property_id("P081")
@pytest.mark.verifies("karras2022/c-skip", "karras2022/c-out")
@given(SIGMAS, SIGMAS)
def test_c_skip_makes_c_out_smallest(sigma, sigma_data):
    """c_out^2(c_skip) = (1 - c_skip)^2 sigma_data^2 + c_skip^2 sigma^2 has its minimum there."""
    levels = {"sigma": sigma, "sigma_data": sigma_data}
    c_skip = edm_c_skip(**levels)
    kept = sigma**2 / (sigma**2 + sigma_data**2)  # 1 - c_skip
    slope = c_skip * sigma**2 - kept * sigma_data**2
    assert_law("P081", slope / (c_skip * sigma**2 + kept * sigma_data**2), 0.0)
    smallest = kept**2 * sigma_data**2 + c_skip**2 * sigma**2
    assert_law("P081", edm_c_out(**levels) ** 2 / smallest, 1.0)


@pytest.mark.property_id("P082")
@pytest.mark.verifies("karras2022/c-skip", kind="closed-form")
@given(SIGMAS, SIGMAS)
def test_for_normal_data_skipping_alone_is_optimal(sigma, sigma_data):
    """F = 0 is the best network for N(0, sigma_data^2): D(x) = c_skip x."""
    noisy = Gaussian(np.zeros(1), sigma_data**2).at_scales(alpha_t=1.0, sigma_t=sigma)
    x = np.array([1.3])
    found = edm_c_skip(sigma=sigma, sigma_data=sigma_data) * x
    assert_close(noisy.predict("x_0", x), found, units=16)


@pytest.mark.verifies("karras2022/c-noise")
@given(SIGMAS)
def test_c_noise_adds_a_quarter_of_ln_2_per_doubling(sigma):
    found = edm_c_noise(sigma=2 * sigma) - edm_c_noise(sigma=sigma)
    assert_close(found, np.log(2) / 4, terms=1 + abs(np.log(sigma)), units=4)
    assert edm_c_noise(sigma=1.0) == 0.0


@pytest.mark.verifies(*IDS)
def test_the_noiseless_end():
    assert edm_c_skip(sigma=0.0, sigma_data=0.5) == 1.0
    assert edm_c_out(sigma=0.0, sigma_data=0.5) == 0.0
    assert edm_c_in(sigma=0.0, sigma_data=0.5) == 2.0
    with pytest.raises(ValueError, match=r"sigma=0 must be in \(0, inf\]"):
        edm_loss_weight(sigma=0.0, sigma_data=0.5)
