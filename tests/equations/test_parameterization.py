"""Conversions among x_0, eps, v and score: rotations, ends of the chain, losses, mixtures."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refdiff.equations import (
    alpha_bar_from_log_snr,
    continuous,
    eps_from_score,
    eps_from_v,
    eps_from_x_0,
    forward_sample,
    guidance_from_scale,
    log_snr,
    score_from_eps,
    score_from_x_0,
    shifted_log_snr,
    snr,
    v_from_eps,
    v_from_x_0,
    x_0_from_eps,
    x_0_from_score,
    x_0_from_v,
)
from refdiff.testing import assert_close, assert_law, strategies

LEVELS = strategies.alpha_bar()
PICTURES = strategies.images((2, 3))

# What is wanted, from what is given; eps and score need no x_t.
CONVERSIONS = {
    ("x_0", "eps"): x_0_from_eps,
    ("x_0", "v"): x_0_from_v,
    ("x_0", "score"): x_0_from_score,
    ("eps", "x_0"): eps_from_x_0,
    ("eps", "v"): eps_from_v,
    ("eps", "score"): lambda x_t, score, **level: eps_from_score(score, **level),
    ("v", "eps"): v_from_eps,
    ("v", "x_0"): v_from_x_0,
    ("score", "eps"): lambda x_t, eps, **level: score_from_eps(eps, **level),
    ("score", "x_0"): score_from_x_0,
}
IDS = (
    "ho2020/x-0-from-eps",
    "song2021ddim/predicted-x-0",
    "song2021ddim/eps-from-x-0",
    "lin2024/v-from-eps",
    "lin2024/v-from-x-0",
    "lin2024/x-0-from-v",
    "lin2024/eps-from-v",
    "dhariwal2021/score-from-eps",
    "dhariwal2021/eps-from-score",
    "dhariwal2021/score-from-x-0",
    "bao2022/x-0-from-score",
)


def truth(x_0, eps, alpha_bar_t):
    """All four quantities from their definitions, none through a conversion."""
    signal, noise = alpha_bar_t**0.5, (1 - alpha_bar_t) ** 0.5
    x_t = signal * x_0 + noise * eps
    return x_t, {
        "x_0": x_0,
        "eps": eps,
        "v": signal * eps - noise * x_0,
        "score": -(x_t - signal * x_0) / (1 - alpha_bar_t),
    }


@pytest.mark.property_id("P021")
@pytest.mark.verifies(*IDS)
@given(LEVELS, PICTURES, PICTURES)
def test_every_conversion_agrees_with_the_definitions(alpha_bar_t, x_0, eps):
    x_t, known = truth(x_0, eps, alpha_bar_t)
    signal, noise = alpha_bar_t**0.5, (1 - alpha_bar_t) ** 0.5
    gain = (1 + signal / noise) * (1 + noise / signal) * (1 + 1 / noise)
    for (wanted, given_name), convert in CONVERSIONS.items():
        found = convert(x_t, known[given_name], alpha_bar_t=alpha_bar_t)
        assert_law("P021", found, known[wanted], scale=4 * (1 + gain))


@pytest.mark.property_id("P021")
@pytest.mark.verifies(*IDS)
@given(LEVELS, PICTURES, PICTURES)
def test_round_trips(alpha_bar_t, x_t, given_value):
    signal, noise = alpha_bar_t**0.5, (1 - alpha_bar_t) ** 0.5
    gain = max(signal / noise, noise / signal) / min(1.0, noise)
    for (wanted, given_name), convert in CONVERSIONS.items():
        back = CONVERSIONS.get((given_name, wanted))
        if back is None:
            continue
        there = convert(x_t, given_value, alpha_bar_t=alpha_bar_t)
        found = back(x_t, there, alpha_bar_t=alpha_bar_t)
        assert_law("P021", found, given_value, scale=8 * (1 + gain))


@pytest.mark.property_id("P022")
@pytest.mark.verifies("lin2024/v-from-eps", "lin2024/x-0-from-v", "lin2024/eps-from-v")
@given(LEVELS, PICTURES, PICTURES)
def test_v_is_a_rotation(alpha_bar_t, x_0, eps):
    level = {"alpha_bar_t": alpha_bar_t}
    x_t = forward_sample(x_0, eps, **level)
    v = alpha_bar_t**0.5 * eps - (1 - alpha_bar_t) ** 0.5 * x_0
    lengths = (x_t**2).sum() + (v**2).sum(), (x_0**2).sum() + (eps**2).sum()
    assert_law("P022", *lengths, scale=1 + lengths[1])
    # The inverse rotation is the transpose: the same two functions at the mirrored pair.
    assert_law("P022", x_0_from_v(x_t, v, **level), x_0, scale=8.0)
    assert_law("P022", eps_from_v(x_t, v, **level), eps, scale=8.0)


@pytest.mark.property_id("P023")
@pytest.mark.verifies("lin2024/v-from-eps", "lin2024/v-from-x-0", "lin2024/x-0-from-v")
@given(PICTURES, PICTURES)
def test_v_at_the_ends_of_the_chain(x_t, prediction):
    assert (v_from_eps(x_t, prediction, alpha_bar_t=1.0) == prediction).all()
    assert (v_from_x_0(x_t, prediction, alpha_bar_t=0.0) == -prediction).all()
    assert (x_0_from_v(x_t, prediction, alpha_bar_t=0.0) == -prediction).all()
    assert (eps_from_v(x_t, prediction, alpha_bar_t=0.0) == x_t).all()


@pytest.mark.property_id("P024")
@pytest.mark.verifies("lin2024/snr", "lin2024/v-from-x-0", "song2021ddim/eps-from-x-0")
@given(LEVELS, PICTURES, PICTURES, PICTURES)
def test_errors_of_the_three_predictions_are_proportional(alpha_bar_t, x_t, x_0, guess):
    level = {"alpha_bar_t": alpha_bar_t}
    ratio = snr(**level)
    error_x_0 = (x_0 - guess) ** 2
    error_eps = (eps_from_x_0(x_t, x_0, **level) - eps_from_x_0(x_t, guess, **level)) ** 2
    error_v = (v_from_x_0(x_t, x_0, **level) - v_from_x_0(x_t, guess, **level)) ** 2
    size = np.abs(x_t).max() + np.abs(x_0).max() + np.abs(guess).max()
    terms = (1 + ratio) * (1 + size) ** 2
    assert_close(error_eps, ratio * error_x_0, terms=terms, units=32)
    assert_close(error_v, (1 + ratio) * error_x_0, terms=terms, units=32)
    # The truncated weight is the larger of the two errors.
    truncated = np.maximum(error_x_0, error_eps)
    assert_close(truncated, np.maximum(ratio, 1) * error_x_0, terms=terms, units=32)


@pytest.mark.property_id("P025")
@pytest.mark.verifies("ho2020/x-0-from-eps", "lin2024/v-from-eps", "lin2024/x-0-from-v")
@given(st.floats(0.01, 0.99), PICTURES, PICTURES, PICTURES, st.floats(-3, 8))
def test_conversion_commutes_with_affine_combinations(alpha_bar_t, x_t, cond, uncond, scale):
    level = {"alpha_bar_t": alpha_bar_t}
    for convert in (x_0_from_eps, v_from_eps, x_0_from_v, eps_from_x_0, x_0_from_score):
        mixed = guidance_from_scale(cond, uncond, scale=scale)
        first = convert(x_t, mixed, **level)
        second = guidance_from_scale(
            convert(x_t, cond, **level), convert(x_t, uncond, **level), scale=scale
        )
        assert_law("P025", first, second, scale=1e3)
        # Weights that do not sum to 1 do not commute: the x_t term is counted wrongly.
        doubled = convert(x_t, 2 * mixed, **level)
        if np.abs(x_t).max() > 0.5 and convert is x_0_from_eps:
            assert np.abs(doubled - 2 * first).max() > 0.1


@pytest.mark.verifies(
    "kingma2021/x-0-from-eps",
    "kingma2021/eps-from-x-0",
    "kingma2021/score-from-eps",
    "kingma2021/eps-from-score",
    "kingma2021/score-from-x-0",
    "kingma2021/x-0-from-score",
    "salimans2022/v-from-eps",
    "salimans2022/v-from-x-0",
    "salimans2022/x-0-from-v",
    "salimans2022/eps-from-v",
    "kingma2021/marginal-sample",
)
@given(st.floats(0.05, 20), st.floats(0.05, 20), PICTURES, PICTURES)
def test_conversions_of_two_scales_agree_with_the_definitions(alpha_t, sigma_t, x_0, eps):
    scales = {"alpha_t": alpha_t, "sigma_t": sigma_t}
    x_t = continuous.forward_sample(x_0, eps, **scales)
    v = alpha_t * eps - sigma_t * x_0
    score = -eps / sigma_t
    size = 1 + np.abs(x_0).max() + np.abs(eps).max()
    gain = size * (1 + alpha_t / sigma_t) * (1 + sigma_t / alpha_t) * (1 + alpha_t + sigma_t)
    gain *= 1 + 1 / sigma_t

    def close(found, expected):
        assert_close(found, expected, terms=gain, units=16)

    close(continuous.x_0_from_eps(x_t, eps, **scales), x_0)
    close(continuous.x_0_from_v(x_t, v, **scales), x_0)
    close(continuous.x_0_from_score(x_t, score, **scales), x_0)
    close(continuous.eps_from_x_0(x_t, x_0, **scales), eps)
    close(continuous.eps_from_v(x_t, v, **scales), eps)
    close(continuous.eps_from_score(score, sigma_t=sigma_t), eps)
    close(continuous.v_from_eps(x_t, eps, **scales), v)
    close(continuous.v_from_x_0(x_t, x_0, **scales), v)
    close(continuous.score_from_eps(eps, sigma_t=sigma_t), score)
    close(continuous.score_from_x_0(x_t, x_0, **scales), score)


@pytest.mark.verifies("dhariwal2021/score-from-eps", "dhariwal2021/score-from-x-0")
@given(LEVELS, st.floats(-3, 3), st.floats(-3, 3))
def test_score_is_the_gradient_of_the_conditional_log_density(alpha_bar_t, x_0, eps):
    """Exact for a quadratic: the central difference of log N has no remainder."""
    x_t = forward_sample(x_0, eps, alpha_bar_t=alpha_bar_t)
    variance = 1 - alpha_bar_t
    h = variance**0.5

    def log_density(x):
        return -((x - alpha_bar_t**0.5 * x_0) ** 2) / (2 * variance)

    slope = (log_density(x_t + h) - log_density(x_t - h)) / (2 * h)
    terms = (1 + abs(x_0) + abs(eps)) ** 2 / variance
    assert_close(score_from_eps(eps, alpha_bar_t=alpha_bar_t), slope, terms=terms, units=16)
    found = score_from_x_0(x_t, x_0, alpha_bar_t=alpha_bar_t)
    assert_close(found, slope, terms=terms, units=16)


@pytest.mark.property_id("P010")
@pytest.mark.verifies("kingma2021/alpha-bar-from-log-snr", "kingma2021/log-snr")
@given(strategies.log_snrs())
def test_logistic_function_and_its_inverse(log_snr_t):
    signal = alpha_bar_from_log_snr(log_snr_t=log_snr_t)
    assert_law("P010", signal + alpha_bar_from_log_snr(log_snr_t=-log_snr_t), 1.0, scale=2.0)
    back = log_snr(alpha_bar_t=signal)
    # d lambda / d alpha_bar = 1 / (alpha_bar (1 - alpha_bar)).
    assert_close(back, log_snr_t, terms=1 / (1 - signal) + abs(log_snr_t), units=4)


@pytest.mark.verifies("kingma2021/log-snr", "kingma2021/alpha-bar-from-log-snr", "lin2024/snr")
def test_signal_to_noise_at_the_ends():
    ends = np.array([0.0, 0.5, 1.0])
    assert snr(alpha_bar_t=ends).tolist() == [0.0, 1.0, np.inf]
    assert log_snr(alpha_bar_t=ends).tolist() == [-np.inf, 0.0, np.inf]
    assert alpha_bar_from_log_snr(log_snr_t=log_snr(alpha_bar_t=ends)).tolist() == ends.tolist()
    assert [snr(alpha_bar_t=float(a)) for a in ends] == [0.0, 1.0, np.inf]
    assert continuous.snr(alpha_t=1.0, sigma_t=0.0) == np.inf


@pytest.mark.verifies("kingma2021/snr", "salimans2022/log-snr")
@given(LEVELS)
def test_signal_to_noise_of_two_scales(alpha_bar_t):
    scales = {"alpha_t": alpha_bar_t**0.5, "sigma_t": (1 - alpha_bar_t) ** 0.5}
    assert_close(continuous.snr(**scales), snr(alpha_bar_t=alpha_bar_t), units=8)
    found = continuous.log_snr(**scales)
    assert_close(found, log_snr(alpha_bar_t=alpha_bar_t), terms=1 + abs(found), units=8)


@pytest.mark.property_id("P009")
@pytest.mark.verifies("hoogeboom2023/shifted-schedule")
@given(strategies.log_snrs(), st.integers(1, 2048), st.integers(1, 2048), st.integers(1, 2048))
def test_resolution_shift_composes_and_follows_pooling(log_snr_t, d, middle, r):
    direct = shifted_log_snr(log_snr_t=log_snr_t, resolution=d, reference_resolution=r)
    first = shifted_log_snr(log_snr_t=log_snr_t, resolution=middle, reference_resolution=r)
    second = shifted_log_snr(log_snr_t=first, resolution=d, reference_resolution=middle)
    assert_law("P009", second + 100.0, direct + 100.0)  # near 0 only the sum has digits
    same = shifted_log_snr(log_snr_t=log_snr_t, resolution=d, reference_resolution=d)
    assert same == log_snr_t
    # Averaging blocks of (d/r)^2 pixels divides the noise variance by that number.
    pooled = np.exp(direct) * (d / r) ** 2
    assert_close(pooled, np.exp(log_snr_t), units=64)
