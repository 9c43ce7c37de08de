"""Grids of times and of noise levels."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refdiff.equations import (
    karras_sigmas,
    leading_timesteps,
    linspace_timesteps,
    trailing_timesteps,
)
from refdiff.testing import assert_close, assert_law

GRIDS = (leading_timesteps, trailing_timesteps, linspace_timesteps)
GRID_IDS = ("lin2024/leading-timesteps", "lin2024/trailing-timesteps", "lin2024/linspace-timesteps")


@st.composite
def step_counts(draw):
    total = draw(st.integers(1, 1200))
    return total, draw(st.one_of(st.integers(1, total), st.sampled_from([1, total])))


@pytest.mark.verifies(*GRID_IDS)
@given(step_counts())
def test_grids_hold_exactly_s_descending_times(counts):
    total, count = counts
    for grid in GRIDS:
        times = grid(total, count)
        assert times.shape == (count,)
        assert times.dtype == np.int64
        assert (np.diff(times) < 0).all()
        assert times[-1] >= 1
        assert times[0] <= total


@pytest.mark.property_id("P007")
@pytest.mark.verifies(*GRID_IDS)
@given(step_counts())
def test_who_visits_the_last_time(counts):
    total, count = counts
    assert trailing_timesteps(total, count)[0] == total
    assert linspace_timesteps(total, count)[0] == total
    assert leading_timesteps(total, count)[-1] == 1
    assert (leading_timesteps(total, count)[0] == total) == (count == total)
    if count > 1:
        assert linspace_timesteps(total, count)[-1] == 1


@pytest.mark.verifies("lin2024/trailing-timesteps", "lin2024/linspace-timesteps")
@given(step_counts())
def test_fractions_are_rounded_exactly_halves_to_even(counts):
    total, count = counts
    trailing = [round(Fraction(i * total, count)) for i in range(count, 0, -1)]
    assert trailing_timesteps(total, count).tolist() == trailing
    if count > 1:
        step = Fraction(total - 1, count - 1)
        assert linspace_timesteps(total, count).tolist() == [
            round(total - i * step) for i in range(count)
        ]


@pytest.mark.property_id("P007")
@pytest.mark.verifies(*GRID_IDS)
def test_table_2_of_the_zero_terminal_snr_paper():
    assert leading_timesteps(1000, 10).tolist() == list(range(901, 0, -100))
    assert trailing_timesteps(1000, 10).tolist() == list(range(1000, 0, -100))
    assert linspace_timesteps(1000, 10).tolist() == list(range(1000, 0, -111))


@pytest.mark.property_id("P083")
@pytest.mark.verifies("karras2022/sigma-grid")
@given(st.integers(2, 60), st.floats(1e-3, 1.0), st.floats(1.01, 1e4), st.floats(0.5, 20))
def test_rho_grid_is_even_in_the_root(num_steps, sigma_min, ratio, rho):
    sigma_max = sigma_min * ratio
    sigmas = karras_sigmas(num_steps, sigma_min=sigma_min, sigma_max=sigma_max, rho=rho)
    assert sigmas.shape == (num_steps + 1,)
    assert sigmas[0] == sigma_max
    assert sigmas[-2] == sigma_min
    assert sigmas[-1] == 0.0
    assert (np.diff(sigmas) < 0).all()
    strides = np.diff(sigmas[:-1] ** (1 / rho))
    assert_law("P083", strides, strides.mean(), scale=1 + ratio ** (1 / rho) * num_steps)


@pytest.mark.property_id("P083")
@pytest.mark.verifies("karras2022/sigma-grid")
def test_rho_grid_ends_in_the_linear_and_the_geometric_grid():
    ends = {"sigma_min": 0.002, "sigma_max": 80.0}
    linear = karras_sigmas(18, rho=1.0, **ends)[:-1]
    assert_law("P083", linear, np.linspace(80.0, 0.002, 18), scale=40.0)
    # (a^(1/rho) + ...)^rho -> geometric, with an error of order log(ratio)^2 / rho.
    geometric = np.geomspace(80.0, 0.002, 18)
    gaps = [
        np.abs(np.log(karras_sigmas(18, rho=rho, **ends)[:-1] / geometric)).max()
        for rho in (1e3, 2e3)
    ]
    assert gaps[1] < gaps[0]
    assert_law("P051", gaps[0] / gaps[1], 2.0)


@pytest.mark.verifies("karras2022/sigma-grid")
def test_one_step_starts_at_sigma_max():
    sigmas = karras_sigmas(1, sigma_min=0.002, sigma_max=80.0)
    assert_close(sigmas, np.array([80.0, 0.0]))


@pytest.mark.property_id("P113")
@pytest.mark.parametrize("grid", GRIDS)
def test_more_steps_than_times_are_refused(grid):
    with pytest.raises(ValueError, match=r"num_steps=11 must be an integer in 1\.\.10"):
        grid(10, 11)
    with pytest.raises(ValueError, match="num_steps=0"):
        grid(10, 0)
    with pytest.raises(ValueError, match="num_train_steps=0"):
        grid(0, 1)


@pytest.mark.property_id("P113")
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"sigma_min": 0.0, "sigma_max": 1.0}, "sigma_min=0"),
        ({"sigma_min": 2.0, "sigma_max": 1.0}, "were the two swapped"),
        ({"sigma_min": 1.0, "sigma_max": float("inf")}, "must be finite"),
        ({"sigma_min": 1.0, "sigma_max": 2.0, "rho": 0.0}, "rho=0"),
    ],
)
def test_bad_noise_levels_are_refused(arguments, sentence):
    with pytest.raises(ValueError, match="must be") as refusal:
        karras_sigmas(5, **arguments)
    assert sentence in str(refusal.value)
