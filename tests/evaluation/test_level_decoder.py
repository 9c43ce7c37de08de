"""The decoder over grey levels against Bayes' rule, the discretized decoder and its limits."""

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from scipy import stats

from refdiff.equations import bits_per_dim, discretized_gaussian_log_likelihood
from refdiff.evaluation.level_decoder import level_log_probabilities, reconstruction_nats
from refdiff.testing import assert_close, assert_law
from tests.support.inputs import magnitudes, spread

LEVELS = 2 * np.arange(256) / 255 - 1
GREY = 2 * np.arange(17) / 16 - 1


@pytest.mark.property_id("P047")
@pytest.mark.verifies("kingma2021/level-decoder")
@given(spread(-2.0, 2.0), magnitudes(1e-3, 1.0), magnitudes(1e-3, 10.0))
def test_probabilities_of_the_levels_sum_to_1(z_0, alpha_0, sigma_0):
    found = level_log_probabilities(z_0, alpha_0=alpha_0, sigma_0=sigma_0)
    assert np.isfinite(found).all()
    assert_law("P047", np.exp(found).sum(), 1.0)


@pytest.mark.verifies("kingma2021/level-decoder", kind="oracle")
@given(spread(-1.2, 1.2), magnitudes(0.1, 1.0), magnitudes(0.01, 10.0))
def test_against_bayes_rule_with_many_digits(z_0, alpha_0, sigma_0):
    with mp.workdps(60):
        centers = [mp.mpf(alpha_0) * mp.mpf(float(x)) for x in GREY]
        density = [mp.npdf(mp.mpf(z_0), center, mp.mpf(sigma_0)) for center in centers]
        exact = np.array([float(mp.log(value / mp.fsum(density))) for value in density])
    found = level_log_probabilities(z_0, alpha_0=alpha_0, sigma_0=sigma_0, levels=17)
    # An ulp of the distance counts with the distance.
    furthest = ((abs(z_0) + alpha_0) / sigma_0) ** 2
    assert_close(found, exact, terms=1 + furthest, units=16)


@pytest.mark.verifies("kingma2021/level-decoder")
def test_with_noise_above_the_spacing_it_is_ddpms_decoder():
    """A sum over evenly spaced points is the integral, to exp(-2 pi^2 std^2 / spacing^2)."""
    alpha_0, sigma_0, z_0 = 0.9, 0.05, 0.1
    mean, std = z_0 / alpha_0, sigma_0 / alpha_0
    found = level_log_probabilities(z_0, alpha_0=alpha_0, sigma_0=sigma_0)
    near = np.abs(LEVELS - mean) < 3 * std
    density = stats.norm(mean, std).logpdf(LEVELS[near]) + np.log(2 / 255)
    assert_close(found[near], density, terms=16.0, units=64)
    masses = discretized_gaussian_log_likelihood(LEVELS[near], mean=mean, std=std)
    assert_law("P048", np.exp(found[near]), np.exp(masses), scale=5.0)


@pytest.mark.property_id("P049")
@pytest.mark.verifies("kingma2021/level-decoder", "kingma2021/bound")
def test_pure_noise_costs_eight_bits_and_no_noise_nothing():
    images = LEVELS[[[0, 3, 200], [255, 128, 7]]]
    noise = np.random.default_rng(0).normal(size=images.shape)
    blind = reconstruction_nats(images, noise, alpha_0=0.0, sigma_0=1.0)
    assert_close(bits_per_dim(blind, num_dims=3), np.full(2, 8.0))
    certain = reconstruction_nats(images, images, alpha_0=1.0, sigma_0=1e-4)
    assert certain.tolist() == [0.0, 0.0]


@pytest.mark.verifies("kingma2021/level-decoder")
def test_the_cost_of_an_image_is_the_sum_over_its_own_pixels():
    images = GREY[[[[0, 16], [5, 9]], [[1, 2], [3, 4]]]]
    z_0 = 0.9 * images + 0.1 * np.random.default_rng(1).normal(size=images.shape)
    options = {"alpha_0": 0.9, "sigma_0": 0.1, "levels": 17}
    table = level_log_probabilities(z_0, **options)
    total = np.zeros(2)
    for b, i, j in np.ndindex(2, 2, 2):
        total[b] -= table[b, i, j, np.argmin(np.abs(GREY - images[b, i, j]))]
    assert_close(reconstruction_nats(images, z_0, **options), total, units=16)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"alpha_0": -1.0}, "alpha_0=-1 must be in"),
        ({"sigma_0": 0.0}, "sigma_0=0 must be in"),
        ({"levels": 1}, "levels=1 must be an integer >= 2"),
        ({"x_0": np.array([[0.1]])}, "none of the 17 levels"),
        ({"x_0": np.array([[1.125]])}, "none of the 17 levels"),
        ({"x_0": np.array([[np.nan]])}, "none of the 17 levels"),
        ({"x_0": np.array([0.0])}, "must have a batch axis and the shape"),
    ],
)
def test_bad_arguments_are_refused(change, message):
    given = {"x_0": np.zeros((1, 1)), "alpha_0": 1.0, "sigma_0": 0.1, "levels": 17} | change
    with pytest.raises(ValueError, match=message):
        reconstruction_nats(given.pop("x_0"), np.zeros((1, 1)), **given)
