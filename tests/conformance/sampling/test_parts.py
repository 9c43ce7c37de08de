"""Parts of steps give what the equations give, put together."""

from __future__ import annotations

import numpy as np
import pytest

from refdiff import equations, samplers
from refdiff.conformance.parts import Parts
from refdiff.conformance.parts.grids import Walk
from refdiff.testing import assert_close
from tests.conformance.sampling.judging import SCHEDULE

PARTS = Parts()
RNG = np.random.default_rng(0)
X, EPS_, Z = RNG.standard_normal((3, 2, 3))
TIMES = (100, 61, 20)
WALK = Walk(SCHEDULE, TIMES)


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
def test_parts_of_ddim_are_its_step(eta: float) -> None:
    level_t, level_s = PARTS.level_at(WALK, 0), PARTS.level_after(WALK, 0)
    assert (level_t, level_s) == (SCHEDULE[100], SCHEDULE[61])
    levels = {"alpha_bar_t": float(level_t), "alpha_bar_s": float(level_s), "eta": eta}
    x_0, eps = PARTS.x_0_and_eps(EPS_, X, alpha_bar_t=level_t, prediction="eps")
    moved = PARTS.ddim_update(x_0, eps, Z, **levels)
    assert_close(moved, equations.ddim_step(X, EPS_, Z, **levels), terms=np.abs(x_0) + 2.0)


@pytest.mark.parametrize("prediction", ["eps", "x_0", "v"])
def test_parts_of_predictions_are_those_of_the_samplers(prediction: str) -> None:
    level = float(SCHEDULE[61])
    expected = samplers.predictions(EPS_, X, level, prediction)
    found = PARTS.x_0_and_eps(EPS_, X, alpha_bar_t=level, prediction=prediction)
    for actual, wanted in zip(found, expected, strict=True):
        assert_close(actual, wanted, terms=np.abs(wanted) + 4.0)


def test_parts_of_ddpm_are_its_step() -> None:
    level_t, level_s = float(SCHEDULE[61]), float(SCHEDULE[20])
    levels = {"alpha_bar_t": level_t, "alpha_bar_s": level_s}
    x_0, eps = PARTS.x_0_and_eps(EPS_, X, alpha_bar_t=level_t, prediction="eps")
    mean = PARTS.ddpm_mean(x_0, eps, X, **levels)
    weight = PARTS.noise_weight(WALK, 1)
    moved = PARTS.ddpm_update(mean, Z, variance=PARTS.ddpm_variance(**levels), weight=weight)
    assert_close(moved, equations.ddpm_step(X, EPS_, Z, **levels), terms=np.abs(x_0) + 4.0)


def test_the_walk_ends_at_the_data_without_noise() -> None:
    assert PARTS.level_after(WALK, 2) == 1.0
    assert PARTS.noise_weight(WALK, 2) == 0.0
    assert [PARTS.told_time(WALK, k, time_base=0) for k in range(3)] == [99, 60, 19]
    assert PARTS.level_before(WALK, 1) == SCHEDULE[60]


def test_levels_between_two_times_interpolate_sigma() -> None:
    sigma = [PARTS.sigma_of_level(PARTS.level_of_time(WALK, t)) for t in (20, 20.25, 21)]
    assert_close(sigma[1], 0.75 * sigma[0] + 0.25 * sigma[2], terms=4.0)


def test_no_level_lies_before_the_data() -> None:
    with pytest.raises(IndexError, match="before the data"):
        PARTS.level_of_time(WALK, -1)


def test_multistep_integrates_the_polynomial_through_the_slopes() -> None:
    # Four slopes of a cubic determine it: s^3 - 2 s, whose integral is s^4 / 4 - s^2.
    nodes, end = [3.0, 3.5, 4.25, 5.0], 2.0
    slopes = [s**3 - 2 * s for s in nodes]
    expected = (end**4 / 4 - end**2) - (nodes[0] ** 4 / 4 - nodes[0] ** 2)
    found = PARTS.lms_update(1.0, slopes, nodes, sigma_to=end)
    assert_close(found, 1.0 + expected, terms=4 * max(slopes))


def test_second_order_extrapolation_is_exact_for_lines() -> None:
    # A prediction that is linear in -log sigma is extrapolated to the middle of the step.
    def line(position: float) -> float:
        return 2.0 - 3.0 * position

    found = PARTS.dpm_2m_denoised(line(1.0), line(0.6), step=0.5, last_step=0.4)
    assert_close(found, line(1.25), terms=8.0)


def test_ancestral_steps_keep_the_level() -> None:
    up = PARTS.ancestral_up(sigma_from=2.0, sigma_to=1.5, eta=0.7)
    down = PARTS.ancestral_down(sigma_to=1.5, sigma_up=up)
    assert_close(up**2 + down**2, 1.5**2, terms=8.0)
    # At eta = 1 it is the posterior of a walk whose variance grows to sigma^2.
    full = PARTS.ancestral_up(sigma_from=2.0, sigma_to=1.5, eta=1.0)
    assert_close(full**2, 1 / (1 / 1.5**2 + 1 / (2.0**2 - 1.5**2)), terms=8.0)


def test_adams_weights_sum_to_one_and_are_exact_for_cubics() -> None:
    # The next unit step of t^n from samples at 0, -1, -2, -3 is 1 / (n + 1).
    for n in range(4):
        samples = [float((-j) ** n) for j in range(4)]
        assert_close(PARTS.adams_eps(samples), 1 / (n + 1), terms=200.0)
