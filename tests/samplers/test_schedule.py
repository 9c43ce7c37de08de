"""Schedules over real times: their tables, their inverses and their defining equations."""

import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from refdiff.equations import alpha_bars_from_betas, cosine_betas, zero_terminal_snr
from refdiff.samplers import schedule as schedules
from refdiff.testing import assert_close, assert_law
from tests.samplers.worlds import TABLES

TABLE = TABLES[40]
SCHEDULES = {
    "discrete": schedules.discrete(TABLE),
    "discrete to no signal": schedules.discrete(zero_terminal_snr(TABLE)),
    "vp_linear": schedules.vp_linear(),
    "vp_linear constant": schedules.vp_linear(2.0, 2.0),
    "vp_cosine": schedules.vp_cosine(),
    "vp_cosine without offset": schedules.vp_cosine(0.0),
    "variance_exploding": schedules.variance_exploding(),
    "edm": schedules.edm(),
    "straight": schedules.straight(),
}
PRESERVING = [name for name in SCHEDULES if name.startswith(("discrete", "vp"))]
every = pytest.mark.parametrize("name", SCHEDULES)


def times(schedule):
    last = min(schedule.t_max, 80.0)
    return [last * share for share in (1e-4, 0.01, 0.1234, 0.5, 0.75, 0.98)]


@every
def test_the_inverse_gives_back_the_time(name):
    schedule = SCHEDULES[name]
    for t in times(schedule):
        ratio = schedule.log_snr(t)
        # One rounding of the log-SNR moves the time by dt / d(log-SNR).
        slope = (schedule.log_snr(t * (1 - 1e-6)) - schedule.log_snr(t * (1 + 1e-6))) / (2e-6 * t)
        moved = (1.0 + abs(ratio)) / slope
        assert_close(schedule.time_at(ratio), t, terms=abs(t) + moved, units=8.0)


@every
def test_time_falls_as_the_ratio_grows_and_the_ends_are_exact(name):
    schedule = SCHEDULES[name]
    ratios = [schedule.log_snr(t) for t in times(schedule)]
    assert ratios == sorted(ratios, reverse=True)
    if schedule.sigma(0.0) == 0.0:
        assert schedule.log_snr(0.0) == math.inf
        assert schedule.time_at(math.inf) == 0.0
        assert schedule.alpha(0.0) == 1.0
    if schedule.t_max < math.inf and schedule.alpha(schedule.t_max) == 0.0:
        assert schedule.log_snr(schedule.t_max) == -math.inf
        assert_close(schedule.time_at(-math.inf), schedule.t_max)
    assert schedule.half_log_snr(times(schedule)[2]) == schedule.log_snr(times(schedule)[2]) / 2


@pytest.mark.parametrize("name", PRESERVING)
def test_the_variance_is_preserved(name):
    schedule = SCHEDULES[name]
    for t in [0.0, *times(schedule), schedule.t_max]:
        assert_close(schedule.alpha(t) ** 2 + schedule.sigma(t) ** 2, 1.0, units=8.0)


@pytest.mark.parametrize("table", [TABLE, zero_terminal_snr(TABLE)], ids=["table", "no signal"])
def test_whole_times_of_a_table_are_the_table_itself(table):
    schedule = schedules.discrete(table)
    np.testing.assert_array_equal([schedule.alpha(t) for t in range(41)], np.sqrt(table))
    np.testing.assert_array_equal([schedule.sigma(t) for t in range(41)], np.sqrt(1 - table))
    ratios = [schedule.log_snr(t) for t in range(41)]
    assert [round(schedule.time_at(ratio), 9) for ratio in ratios] == list(range(41))
    assert schedule.counts


def test_between_whole_times_the_log_snr_is_linear_and_continuous():
    schedule = schedules.discrete(TABLE)
    here, following = schedule.log_snr(7), schedule.log_snr(8)
    assert_close(schedule.log_snr(7.25), 0.75 * here + 0.25 * following, units=8.0)
    assert_close(schedule.time_at(0.75 * here + 0.25 * following), 7.25, units=8.0)
    first = schedule.sigma(1) / schedule.alpha(1)
    assert_close(schedule.sigma(0.25) / schedule.alpha(0.25), 0.25 * first, units=8.0)
    ended = schedules.discrete(zero_terminal_snr(TABLE))
    before = ended.alpha(39) / ended.sigma(39)
    assert_close(ended.alpha(39.75) / ended.sigma(39.75), 0.25 * before, units=8.0)


def test_a_table_of_one_time_without_signal_is_a_path_of_equal_scales_at_its_end():
    schedule = schedules.discrete([1.0, 0.0])
    assert [schedule.time_at(schedule.log_snr(t)) for t in (0.0, 1.0)] == [0.0, 1.0]


@given(st.floats(1e-6, 1.0))
def test_the_linear_vp_schedule_is_the_integral_of_beta(t):
    schedule = schedules.vp_linear(0.1, 20.0)
    area, _ = quad(lambda u: 0.1 + (20.0 - 0.1) * u, 0.0, t)
    assert_close(-2 * math.log(schedule.alpha(t)), area, terms=area + 1.0, units=8.0)
    with mp.workdps(40):
        u = mp.mpf(t)
        level = mp.exp(-(mp.mpf(0.1) * u + (20 - mp.mpf(0.1)) * u * u / 2))
        assert_close(schedule.sigma(t), float(mp.sqrt(1 - level)), units=8.0)


def test_the_cosine_schedule_is_that_of_the_table_before_its_clip():
    table, schedule = alpha_bars_from_betas(cosine_betas(50, max_beta=1.0)), schedules.vp_cosine()
    levels = [schedule.alpha(t / 50) ** 2 for t in range(51)]
    assert_close(levels, table, terms=table + 1e-12, units=400.0)
    with mp.workdps(40):
        for t in (1e-9, 1e-4, 0.3, 0.999):
            u = [(mp.mpf(x) + mp.mpf(0.008)) / (1 + mp.mpf(0.008)) * mp.pi / 2 for x in (t, 0)]
            expected = mp.sqrt(1 - (mp.cos(u[0]) / mp.cos(u[1])) ** 2)
            assert_close(schedule.sigma(t), float(expected), units=8.0)


def test_the_schedules_without_scaled_data():
    exploding = schedules.variance_exploding(0.02, 8.0)
    assert [exploding.sigma(0.0), exploding.sigma(1.0)] == [0.02, 8.0]
    assert_close(exploding.sigma(0.5), 0.4, units=8.0)  # the geometric mean
    assert_close(exploding.time_at(exploding.log_snr(0.3)), 0.3, units=16.0)
    assert (schedules.edm().alpha(3.0), schedules.edm().sigma(3.0)) == (1.0, 3.0)
    assert (schedules.straight().alpha(0.25), schedules.straight().sigma(0.25)) == (0.75, 0.25)
    assert repr(exploding) == "Schedule(variance_exploding, t_max=1)"


@pytest.mark.parametrize("name", [name for name in SCHEDULES if "discrete" not in name])
def test_the_rates_are_the_derivatives_of_the_scales(name):
    schedule = SCHEDULES[name]
    for t in times(schedule)[1:]:
        h = 1e-3 * t
        for scale, rate in zip((schedule.alpha, schedule.sigma), schedule.rates(t), strict=True):
            # Two central differences, extrapolated: the error is of fourth order in h / t.
            wide, narrow = ((scale(t + d) - scale(t - d)) / (2 * d) for d in (h, h / 2))
            assert_law("P095", rate, (4 * narrow - wide) / 3, scale=(1 + abs(rate)) * 1e3)


def test_a_table_has_no_rates():
    assert SCHEDULES["discrete"].rates is None


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: schedules.vp_linear().alpha(1.5), r"t=1.5 must be in \[0, 1\], the times of"),
        (lambda: schedules.edm().sigma(-1.0), r"t=-1 must be in \[0, inf\], the times of the"),
        (lambda: schedules.discrete([0.9, 0.5]), r"alpha_bars\[0\]=0.9 must be 1"),
        (lambda: schedules.discrete([1.0, 0.4, 0.5]), r"alpha_bars\[2\]=0.5 must be >= 0 and be"),
        (
            lambda: schedules.discrete([1.0, 0.5]).time_at(-1.0),
            r"log_snr=-1 must be at least 0, that of the table's last time 1",
        ),
        (lambda: schedules.vp_linear(5.0, 1.0), r"beta_min=5, beta_max=1 must satisfy 0 < beta_"),
        (lambda: schedules.vp_cosine(-0.1), r"offset=-0\.1\S* must be in \[0, inf\]: the usual"),
        (lambda: schedules.variance_exploding(2.0, 1.0), r"sigma_max=1 must be finite and above"),
        (lambda: schedules.variance_exploding(0.0, 1.0), r"sigma_min=0 must be in \(0, inf\]"),
    ],
)
def test_bad_schedules_are_refused_in_one_sentence(make, sentence):
    with pytest.raises(ValueError, match=sentence) as refused:
        make()
    assert "\n" not in str(refused.value)
