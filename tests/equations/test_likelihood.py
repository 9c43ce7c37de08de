"""The discretized decoder and bits per dimension."""

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from refdiff.equations import bits_per_dim, discretized_gaussian_log_likelihood
from refdiff.testing import assert_close, assert_law

LEVELS = 2 * np.arange(256) / 255 - 1


@pytest.mark.property_id("P047")
@pytest.mark.verifies("ho2020/discretized-decoder")
@given(st.floats(-3, 3), st.floats(1e-3, 50))
def test_masses_of_the_levels_sum_to_1(mean, std):
    found = discretized_gaussian_log_likelihood(LEVELS, mean=mean, std=std)
    assert (found <= 0).all()
    assert np.isfinite(found).all()
    assert_law("P047", np.exp(found).sum(), 1.0)


@pytest.mark.property_id("P047")
@pytest.mark.verifies("ho2020/discretized-decoder", kind="closed-form")
@given(st.integers(0, 255), st.floats(-1.5, 1.5), st.floats(0.02, 3))
def test_against_the_printed_integral(level, mean, std):
    x_0 = float(LEVELS[level])
    # Far in a tail the mass is a difference of numbers that agree in z^2 / 4.6 digits.
    distance = abs(x_0 - mean) / std
    with mpmath.workdps(40 + int(distance**2 / 4)):
        centre, scale = mpmath.mpf(mean), mpmath.mpf(std)
        half = mpmath.mpf(1) / 255
        point = mpmath.mpf(x_0)
        above = mpmath.mpf(1) if level == 255 else mpmath.ncdf((point + half - centre) / scale)
        below = mpmath.mpf(0) if level == 0 else mpmath.ncdf((point - half - centre) / scale)
        exact = float(mpmath.log(above - below))
    found = discretized_gaussian_log_likelihood(x_0, mean=mean, std=std)
    # ln Phi is known to an ulp of itself; the bin's mass is a difference of two of them, and an
    # ulp of 255 (x_0 - mean) / std moves ln Phi by its slope.
    width = 2 / 255 / std
    slope = distance + 1
    loss = (1 + distance * slope) * (1 + 1 / (width * slope))
    assert_close(found, exact, terms=loss + abs(exact), units=16)


@pytest.mark.verifies("ho2020/discretized-decoder")
@given(st.floats(-1, 1), st.floats(0.002, 3))
def test_mirror_image_has_the_mirrored_likelihood(mean, std):
    found = discretized_gaussian_log_likelihood(LEVELS, mean=mean, std=std)
    mirrored = discretized_gaussian_log_likelihood(-LEVELS, mean=-mean, std=std)
    assert (found == mirrored).all()


@pytest.mark.property_id("P048")
@pytest.mark.verifies("ho2020/discretized-decoder")
def test_wide_distributions_give_density_times_bin_width():
    inner = LEVELS[1:-1]
    found = discretized_gaussian_log_likelihood(inner, mean=0.1, std=0.05)
    close = np.abs(inner - 0.1) < 0.15  # within three standard deviations
    density = stats.norm(0.1, 0.05).pdf(inner) * 2 / 255
    assert_law("P048", np.exp(found[close]), density[close], scale=5.0)


@pytest.mark.verifies("ho2020/discretized-decoder")
def test_tails_have_no_floor():
    """100 standard deviations away the usual clamp would answer with 27.6 nats."""
    found = discretized_gaussian_log_likelihood(0.0 * LEVELS[:1] + LEVELS[200], mean=-0.5, std=0.01)
    z = (255 * (LEVELS[200] + 0.5) - 1) / (255 * 0.01)
    assert_close(found, stats.norm.logsf(z), terms=abs(found), units=64)
    assert found[0] < -4000


@pytest.mark.property_id("P049")
@pytest.mark.verifies("nichol2021/bits-per-dim")
@given(st.integers(1, 10**6))
def test_uniform_guess_costs_eight_bits_a_dimension(num_dims):
    assert_close(bits_per_dim(num_dims * np.log(256), num_dims=num_dims), 8.0)
    assert_close(bits_per_dim(np.log(2), num_dims=1), 1.0)
