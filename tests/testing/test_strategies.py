"""The strategies stay in their domain, and really reach the edges that they promise."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from refdiff.testing import assert_close
from refdiff.testing import strategies as own

T = 30


def draws(strategy, count=400):
    """Collect examples of a strategy, the same ones every time.

    They are drawn in lists, since Hypothesis draws no whole example twice.
    """
    found = []

    @settings(
        max_examples=count // 20,
        phases=[Phase.generate],
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(strategy, min_size=20, max_size=20))
    def collect(values):
        found.extend(values)

    collect()
    return found


def share(values, condition):
    return sum(map(condition, values)) / len(values)


def test_alpha_bar_stays_inside_in_both_precisions():
    for value in draws(own.alpha_bar()):
        assert 0 < value < 1
        assert 0 < np.float32(value) < 1


def test_alpha_bar_comes_near_both_ends():
    values = draws(own.alpha_bar())
    assert share(values, lambda v: v < 1e-4) > 0.05
    assert share(values, lambda v: v > 1 - 1e-4) > 0.05
    assert share(values, lambda v: 0.1 < v < 0.9) > 0.1


def test_alpha_bar_meets_the_ends_when_asked_and_only_then():
    both = draws(own.alpha_bar(include_low=True, include_high=True))
    assert 0.0 in both
    assert 1.0 in both
    assert not {0.0, 1.0} & set(draws(own.alpha_bar()))


@given(ends=st.tuples(st.floats(0, 0.4), st.floats(0.5, 1)), data=st.data())
def test_alpha_bar_keeps_to_its_bounds(ends, data):
    low, high = ends
    assert low < data.draw(own.alpha_bar(low=low, high=high)) < high


@pytest.mark.parametrize(("low", "high"), [(0.5, 0.5), (0.7, 0.2), (-0.1, 1.0), (0.0, 1.1)])
def test_alpha_bar_refuses_bounds_out_of_order(low, high):
    with pytest.raises(ValueError, match="0 <= low < high <= 1"):
        own.alpha_bar(low=low, high=high)


def test_pairs_have_t_noisier_than_s_in_both_precisions():
    for t, s in draws(own.alpha_bar_pairs(include_zero=True)):
        assert 0 <= t < s <= 1
        assert np.float32(t) < np.float32(s)


def test_pairs_reach_the_last_step_neighbours_and_long_strides():
    pairs = draws(own.alpha_bar_pairs(include_zero=True))
    assert share(pairs, lambda p: p[1] == 1.0) > 0.1
    assert share(pairs, lambda p: p[0] == 0.0) > 0.02
    assert share(pairs, lambda p: p[0] > 0 and 1e-6 < 1 - p[0] / p[1] < 1e-2) > 0.05
    assert share(pairs, lambda p: p[0] < 1e-3 and p[1] > 0.5) > 0.03


def test_pairs_leave_out_what_is_not_asked_for():
    pairs = draws(own.alpha_bar_pairs(include_clean=False))
    assert all(0 < t < s < 1 for t, s in pairs)
    assert any(t == s for t, s in draws(own.alpha_bar_pairs(strict=False)))


def test_betas_and_log_snrs_keep_their_domain_and_meet_their_ends():
    values = draws(own.betas())
    assert all(0 < v < 1 for v in values)
    assert {1e-4, 0.02, 0.999} <= set(values)
    values = draws(own.log_snrs(limit=15.0))
    assert all(-15 <= v <= 15 for v in values)
    assert {-15.0, 0.0, 15.0} <= set(values)


def test_schedules_are_tables_from_one_that_fall():
    tables = draws(own.schedules(max_steps=50), count=200)
    for table in tables:
        assert table.dtype == np.float64
        assert table[0] == 1
        assert np.all(np.diff(table) < 0)
        assert table[-1] >= 0
    lengths = {len(table) for table in tables}
    assert {3, 51} <= lengths
    assert any(table[-1] == 0 for table in tables)
    assert not any(t[-1] == 0 for t in draws(own.schedules(zero_terminal=False), count=60))


def test_named_schedules_all_occur_beside_random_ones():
    from refdiff import equations as eq

    tables = draws(own.schedules(min_steps=10, max_steps=10), count=300)
    named = [
        eq.alpha_bars_from_betas(eq.linear_betas(10)),
        eq.alpha_bars_from_betas(eq.scaled_linear_betas(10)),
        eq.alpha_bars_from_betas(eq.cosine_betas(10)),
        eq.sigmoid_alpha_bars(10),
        eq.zero_terminal_snr(eq.alpha_bars_from_betas(eq.linear_betas(10))),
    ]
    met = [any(np.array_equal(table, name) for table in tables) for name in named]
    assert met == [True] * 5
    assert any(not any(np.array_equal(table, name) for name in named) for table in tables)


@pytest.mark.parametrize("total", [1, 2, T])
def test_timestep_lists_fall_strictly_within_the_training_times(total):
    for times in draws(own.timestep_lists(total), count=200):
        assert times
        assert all(isinstance(t, int) for t in times)
        assert 1 <= times[-1] <= times[0] <= total
        assert all(a > b for a, b in pairwise(times))


def test_timestep_lists_reach_one_all_and_counts_that_do_not_divide():
    lists = draws(own.timestep_lists(T))
    assert share(lists, lambda x: len(x) == 1) > 0.05
    assert [1] in lists
    assert [T] in lists
    assert share(lists, lambda x: len(x) == T) > 0.05
    assert share(lists, lambda x: T % len(x) != 0) > 0.05
    assert share(lists, lambda x: x[0] != T) > 0.05
    assert share(lists, lambda x: len({a - b for a, b in pairwise(x)}) > 1) > 0.05


def test_etas_reach_both_ends_and_between():
    values = draws(own.etas())
    assert all(0 <= v <= 1 for v in values)
    assert share(values, lambda v: v == 0) > 0.03
    assert share(values, lambda v: v == 1) > 0.03
    assert share(values, lambda v: 0.01 < v < 0.99) > 0.1


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_images_have_the_shape_dtype_and_special_pixels(dtype):
    values = draws(own.images((2, 3), dtype=dtype, limit=3.0), count=200)
    assert all(v.shape == (2, 3) for v in values)
    assert all(str(v.dtype) == dtype for v in values)
    pixels = np.concatenate([v.ravel() for v in values])
    assert np.all(np.abs(pixels) <= 3.0)
    inside = pixels[pixels != 0]
    assert np.abs(inside).min() >= np.float32(1e-6)
    assert {-1.0, 1.0} <= set(pixels.tolist())
    zeros = pixels[pixels == 0]
    assert np.signbit(zeros).any()
    assert not np.signbit(zeros).all()
    assert share(inside.tolist(), lambda v: abs(v) not in (0.0, 1.0)) > 0.1


def test_guidance_weights_reach_both_pure_predictions_and_extrapolate():
    values = draws(own.guidance_weights())
    assert {-1.0, 0.0} <= set(values)
    assert share(values, lambda v: v > 1) > 0.1
    assert share(values, lambda v: -1 < v < 0) > 0.01
    assert all(math.isfinite(v) for v in values)


def test_sigmas_spread_over_the_decades():
    values = draws(own.sigmas())
    assert all(0.002 <= v <= 80 for v in values)
    assert {0.002, 0.5, 80.0} <= set(values)
    assert share(values, lambda v: v < 0.1) > 0.1
    assert share(values, lambda v: v > 2) > 0.1
    assert 0.5 not in draws(own.sigmas(low=1.0, high=2.0), count=50)


@pytest.mark.parametrize("levels", [256, 17])
def test_pixel_levels_are_levels_and_meet_both_ends(levels):
    values = draws(own.pixel_levels(levels=levels))
    index = (np.array(values) + 1) * (levels - 1) / 2
    assert_close(index, np.rint(index), terms=levels)
    assert {-1.0, 1.0} <= set(values)
    assert len(set(values)) > min(levels, 40) / 2
