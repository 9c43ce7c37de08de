"""The recording model: what it is told, how it understands it, and how it answers."""

import numpy as np
import pytest
import torch

from refdiff.conformance.probe.data import WORLDS
from refdiff.conformance.probe.model import ProbeModel, level_of_time, scripted
from refdiff.equations import alpha_bars_from_betas, linear_betas
from refdiff.testing import assert_close

ALPHA_BARS = alpha_bars_from_betas(linear_betas(50, beta_start=0.002, beta_end=0.4))
X = np.random.default_rng(0).standard_normal((2, 3, 2, 2))


def model(**known):
    return ProbeModel(WORLDS["gaussian"].eps, alpha_bars=ALPHA_BARS, **known)


@pytest.mark.parametrize(
    "t",
    [
        7,
        7.0,
        np.int64(7),
        np.array(7),
        np.array([7, 7]),
        torch.tensor(7),
        torch.tensor([7, 7]),
        torch.tensor([7]),
        torch.full((2, 1, 1, 1), 7.0),
    ],
)
def test_times_may_come_in_any_form(t):
    asked = model()
    got = asked(X, t)
    np.testing.assert_array_equal(asked.calls[0].t, [7.0, 7.0])
    wanted = WORLDS["gaussian"].eps(X, np.sqrt(ALPHA_BARS[8]), np.sqrt(1 - ALPHA_BARS[8]))
    np.testing.assert_array_equal(got, wanted)


def test_the_base_and_the_unit_of_told_times():
    counted_from_one = model(time_base=1)(X, 8)
    np.testing.assert_array_equal(counted_from_one, model()(X, 7))
    as_fractions = model(time_base=1, unit=1 / 64)(X, 8 / 64)
    np.testing.assert_array_equal(as_fractions, model()(X, 7))


def test_samples_may_be_told_different_times():
    got = model()(X, torch.tensor([3, 40]))
    np.testing.assert_array_equal(got[0], model()(X, 3)[0])
    np.testing.assert_array_equal(got[1], model()(X, 40)[1])


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_answers_come_in_the_dtype_of_the_question(dtype):
    asked = model()
    x = torch.from_numpy(X).to(dtype)
    answer = asked(x, 5)
    assert answer.dtype == dtype
    assert answer.shape == x.shape
    # What is recorded is what the target got, after its rounding.
    np.testing.assert_array_equal(asked.calls[0].output, answer.to(torch.float64).numpy())
    np.testing.assert_array_equal(asked.calls[0].x, x.to(torch.float64).numpy())


def test_recorded_arrays_are_copies():
    asked, x = model(), torch.from_numpy(X.copy())
    answer = asked(x, 5)
    x.zero_()
    answer.zero_()
    np.testing.assert_array_equal(asked.calls[0].x, X)
    assert np.all(asked.calls[0].output != 0)


@pytest.mark.parametrize("how", ["y", "class_labels", "third"])
def test_conditions_may_come_under_any_name(how):
    asked = ProbeModel(WORLDS["classes"].x_0, alpha_bars=ALPHA_BARS)
    labels = torch.tensor([0, 2])
    got = asked(X, 30, labels) if how == "third" else asked(X, 30, **{how: labels}, other=1)
    np.testing.assert_array_equal(asked.calls[0].condition, [0, 2])
    alpha, sigma = np.sqrt(ALPHA_BARS[31]), np.sqrt(1 - ALPHA_BARS[31])
    np.testing.assert_array_equal(got, WORLDS["classes"].x_0(X, alpha, sigma, np.array([0, 2])))
    np.testing.assert_array_equal(
        asked(X, 30), asked(X, 30, torch.tensor([3, 3]))
    )  # none, and the null class


def test_sigmas_are_understood_as_noise_beside_unscaled_data():
    asked = ProbeModel(WORLDS["gaussian"].x_0, tells="sigma")
    np.testing.assert_array_equal(asked(X, 2.5), WORLDS["gaussian"].x_0(X, 1.0, 2.5))


def test_levels_between_times_interpolate_log_snr():
    between = float(level_of_time(10.25, ALPHA_BARS))

    def logit(level):
        return np.log(level / (1 - level))

    wanted = 0.75 * logit(ALPHA_BARS[10]) + 0.25 * logit(ALPHA_BARS[11])
    assert_close(logit(between), wanted, terms=4.0)
    np.testing.assert_array_equal(level_of_time(np.arange(51), ALPHA_BARS), ALPHA_BARS)
    assert level_of_time(-3, ALPHA_BARS) == 1.0
    assert level_of_time(900, ALPHA_BARS) == ALPHA_BARS[-1]
    ended = np.append(ALPHA_BARS, 0.0)  # no signal at the last time: no infinite numbers
    assert level_of_time(50.5, ended) == ALPHA_BARS[-1] / 2
    assert level_of_time(0.5, ended) == (1 + ALPHA_BARS[1]) / 2


def test_scripts_depend_on_call_and_sample_and_not_on_the_batch():
    one, other = scripted(3), scripted(3)
    first, alone = one(X, None, None), other(X[:1], None, None)
    np.testing.assert_array_equal(first[:1], alone)
    assert np.max(np.abs(first[0] - first[1])) > 0.1
    assert np.max(np.abs(one(X, None, None) - first)) > 0.1
    assert np.max(np.abs(scripted(4)(X, None, None) - first)) > 0.1


def test_a_model_of_times_needs_a_schedule():
    with pytest.raises(ValueError, match="alpha_bars=None"):
        ProbeModel(WORLDS["gaussian"].eps)
    with pytest.raises(ValueError, match="3 times for a batch of 2"):
        model()(X, [1, 2, 3])
