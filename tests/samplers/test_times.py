"""Lists of times: exact ends, even spacing in what they are even in."""

import numpy as np
import pytest

from refdiff.equations import karras_sigmas, trailing_timesteps
from refdiff.samplers import schedule as schedules
from refdiff.samplers import times
from refdiff.testing import assert_close
from tests.samplers.worlds import TABLES

DISCRETE = schedules.discrete(TABLES[40])


def test_uniform_times_are_even_in_t_and_quadratic_ones_in_its_root():
    np.testing.assert_array_equal(times.uniform_times(4, start=2.0), [2.0, 1.5, 1.0, 0.5, 0.0])
    assert times.uniform_times(1, start=0.7, end=0.1) == [0.7, 0.1]
    roots = np.sqrt(times.quadratic_times(7, start=0.9, end=0.1))
    assert_close(np.diff(roots), np.full(7, (np.sqrt(0.1) - np.sqrt(0.9)) / 7), terms=1.0)
    assert times.quadratic_times(7, start=0.9, end=0.1)[::7] == [0.9, 0.1]


@pytest.mark.verifies("lu2022/uniform-log-snr")
@pytest.mark.parametrize(
    ("schedule", "start", "end"),
    [
        (DISCRETE, 40, 1),
        (schedules.vp_linear(), 1.0, 1e-3),
        (schedules.vp_cosine(), 0.99, 1e-3),
        (schedules.edm(), 80.0, 0.002),
        (schedules.straight(), 0.999, 0.001),
        (schedules.variance_exploding(), 1.0, 0.0),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_log_snr_times_are_even_in_the_log_snr_with_exact_ends(schedule, start, end):
    chosen = times.log_snr_times(schedule, 9, start=start, end=end)
    assert (chosen[0], chosen[-1], len(chosen)) == (start, end, 10)
    ratios = np.array([schedule.log_snr(t) for t in chosen])
    step = (ratios[-1] - ratios[0]) / 9
    assert_close(np.diff(ratios), np.full(9, step), terms=np.abs(ratios).max(), units=64.0)


@pytest.mark.parametrize("schedule", [DISCRETE, schedules.vp_linear(), schedules.edm()])
def test_karras_times_have_the_papers_ratios_of_noise_to_signal(schedule):
    chosen = times.karras_times(schedule, 6, sigma_min=0.02, sigma_max=5.0)
    ratios = [schedule.sigma(t) / schedule.alpha(t) for t in chosen]
    expected = karras_sigmas(6, sigma_min=0.02, sigma_max=5.0)
    assert_close(ratios, expected, units=64.0)
    assert chosen[-1] == 0.0


def test_a_list_of_training_times_goes_on_to_zero():
    assert times.to_zero(trailing_timesteps(1000, 4)) == [1000, 750, 500, 250, 0]
    assert {type(t) for t in times.to_zero(np.array([3, 1]))} == {int}


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: times.uniform_times(0, start=1.0), "num_steps=0 must be an integer >= 1"),
        (lambda: times.uniform_times(3, start=1.0, end=2.0), "start=1, end=2 must satisfy 0 <="),
        (lambda: times.quadratic_times(3, start=1.0, end=-1.0), "start=1, end=-1 must satisfy"),
        (
            lambda: times.log_snr_times(schedules.vp_linear(), 3, start=1.0, end=0.0),
            "end=0 has an infinite log-SNR, of which there are no even parts",
        ),
        (
            lambda: times.log_snr_times(schedules.straight(), 3, start=1.0, end=0.1),
            "start=1 has an infinite log-SNR",
        ),
        (lambda: times.sigma_times(schedules.edm(), [1.0, 2.0]), "must hold at least two noise-"),
        (lambda: times.sigma_times(schedules.edm(), [1.0, -2.0]), "the last >= 0"),
        (lambda: times.sigma_times(schedules.edm(), [1.0]), "at least two"),
        (lambda: times.to_zero([2.5]), "timesteps must be a list of integers"),
    ],
)
def test_bad_lists_are_refused_in_one_sentence(make, sentence):
    with pytest.raises(ValueError, match=sentence) as refused:
        make()
    assert "\n" not in str(refused.value)
