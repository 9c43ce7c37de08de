"""Loss weights: one objective in every parameterization, published kinds, trained noise levels."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from refdiff.equations import (
    continuous,
    edm_loss_weight,
    flow,
    min_snr_weight_eps,
    min_snr_weight_v,
    min_snr_weight_x_0,
    p2_weight_eps,
    shifted_log_snr,
    simple_loss,
    snr,
    vlb_weight_eps,
    weights,
)
from refdiff.testing import assert_close, assert_law, strategies

PICTURES = strategies.images((2, 3))
RATIOS = st.floats(1e-4, 1e4)
ON_V = ("salimans2022/weight-x-0-from-v", "salimans2022/weight-v-from-x-0")
ON_EPS = ("salimans2022/weight-x-0-from-eps", "salimans2022/weight-eps-from-x-0")


def preserving(ratio):
    return {"alpha_t": math.sqrt(ratio / (1 + ratio)), "sigma_t": math.sqrt(1 / (1 + ratio))}


@pytest.mark.property_id("P024")
@pytest.mark.verifies(
    *ON_EPS,
    *ON_V,
    "salimans2022/weight-eps-from-v",
    "salimans2022/weight-v-from-eps",
    "dhariwal2021/weight-eps-from-score",
    "dhariwal2021/weight-score-from-eps",
    "hang2023/simple-losses",
    "lin2024/v-loss",
    "saharia2022/training-loss",
)
@given(RATIOS, st.floats(0.1, 4), PICTURES, PICTURES, st.floats(0.1, 2))
def test_a_moved_weight_gives_the_same_loss(ratio, weight, x_t, x_0, gap):
    """The losses themselves, of two predictions that are converted: no formula of the weights."""
    at = preserving(ratio)
    guess = x_0 + gap
    losses = {"x_0": simple_loss(x_0, guess)}
    for name in ("eps", "v", "score"):
        convert = getattr(continuous, f"{name}_from_x_0")
        losses[name] = simple_loss(convert(x_t, x_0, **at), convert(x_t, guess, **at))
    cancels = (1 + np.abs(x_t).max() + np.abs(x_0).max() + gap) ** 2 / gap**2

    def same(moved, onto, of):
        size = weight * losses[of]
        assert_close(
            moved * losses[onto], size, terms=size * cancels * (2 + ratio + 1 / ratio), units=64
        )

    by_ratio = {"snr_t": ratio}
    same(weights.weight_x_0_from_eps(weight, **by_ratio), "x_0", "eps")
    same(weights.weight_eps_from_x_0(weight, **by_ratio), "eps", "x_0")
    same(weights.weight_x_0_from_v(weight, **by_ratio), "x_0", "v")
    same(weights.weight_v_from_x_0(weight, **by_ratio), "v", "x_0")
    same(weights.weight_eps_from_v(weight, **by_ratio), "eps", "v")
    same(weights.weight_v_from_eps(weight, **by_ratio), "v", "eps")
    same(weights.weight_eps_from_score(weight, sigma_t=at["sigma_t"]), "eps", "score")
    same(weights.weight_score_from_eps(weight, sigma_t=at["sigma_t"]), "score", "eps")


@pytest.mark.verifies("lipman2023/weight-x-0-from-velocity", "lipman2023/weight-velocity-from-x-0")
@given(st.floats(0.02, 0.98), st.floats(0.1, 4), PICTURES, PICTURES, st.floats(0.1, 2))
def test_a_weight_moves_to_the_velocity_of_any_path(t, weight, x_t, x_0, gap):
    guess = x_0 + gap
    angle = math.pi / 2 * t
    paths = (
        ({"alpha_t": 1 - t, "sigma_t": t, "alpha_rate": -1.0, "sigma_rate": 1.0}, t**-2),
        (
            {
                "alpha_t": math.cos(angle),
                "sigma_t": math.sin(angle),
                "alpha_rate": -math.pi / 2 * math.sin(angle),
                "sigma_rate": math.pi / 2 * math.cos(angle),
            },
            # v per radian, at a quarter turn in unit time.
            (math.pi / 2 / math.sin(angle)) ** 2,
        ),
    )
    for path, factor in paths:
        truth = flow.velocity_from_x_0(x_t, x_0, **path)
        error = simple_loss(truth, flow.velocity_from_x_0(x_t, guess, **path))
        cancels = (1 + np.abs(x_t).max() + np.abs(x_0).max() + gap) ** 2 / gap**2
        on_x_0 = weights.weight_x_0_from_velocity(weight, **path)
        assert_close(on_x_0, weight * factor, units=16)
        assert_close(weight * error, on_x_0 * gap**2, terms=on_x_0 * gap**2 * cancels, units=64)
        back = weights.weight_velocity_from_x_0(on_x_0, **path)
        assert_close(back, weight, units=32)


def test_a_weight_on_the_velocity_of_a_standing_path_is_refused():
    path = {"alpha_t": 0.5, "sigma_t": 0.5, "alpha_rate": 1.0, "sigma_rate": 1.0}
    with pytest.raises(ValueError, match="must fall as t grows"):
        weights.weight_velocity_from_x_0(1.0, **path)


@pytest.mark.property_id("P105")
@pytest.mark.verifies(*ON_EPS, *ON_V, "hang2023/weight-eps", "hang2023/weight-v")
@given(RATIOS, st.floats(0.5, 20))
def test_min_snr_is_one_weight_moved(ratio, gamma):
    on_x_0 = min_snr_weight_x_0(snr_t=ratio, gamma=gamma)
    on_eps = weights.weight_eps_from_x_0(on_x_0, snr_t=ratio)
    on_v = weights.weight_v_from_x_0(on_x_0, snr_t=ratio)
    assert_law("P105", min_snr_weight_eps(snr_t=ratio, gamma=gamma), on_eps)
    assert_law("P105", min_snr_weight_v(snr_t=ratio, gamma=gamma), on_v)


@pytest.mark.property_id("P024")
@pytest.mark.verifies("salimans2022/truncated-snr", "salimans2022/snr-plus-one", "hang2023/max-snr")
@given(RATIOS, PICTURES, PICTURES, PICTURES)
def test_weights_of_distillation_are_those_of_its_losses(ratio, x_t, x_0, guess):
    """The larger of two losses, and the loss of v, each as a weight on the loss of x_0."""
    at = preserving(ratio)
    losses = {"x_0": (x_0 - guess) ** 2}
    for name in ("eps", "v"):
        convert = getattr(continuous, f"{name}_from_x_0")
        losses[name] = (convert(x_t, x_0, **at) - convert(x_t, guess, **at)) ** 2
    terms = (1 + ratio) * (1 + np.abs(x_t) + np.abs(x_0) + np.abs(guess)) ** 2
    truncated = weights.truncated_snr_weight_x_0(snr_t=ratio)
    larger = np.maximum(losses["x_0"], losses["eps"])
    assert_close(truncated * losses["x_0"], larger, terms=terms, units=32)
    plus_one = weights.snr_plus_one_weight_x_0(snr_t=ratio)
    assert_close(plus_one * losses["x_0"], losses["v"], terms=terms, units=32)
    assert truncated <= plus_one <= 2 * truncated
    assert weights.max_snr_weight_x_0(snr_t=ratio, gamma=1.0) == truncated


@pytest.mark.verifies("hang2023/max-snr", "hang2023/weight-x-0")
@given(st.floats(0, 1e4), st.floats(0.1, 20))
def test_the_larger_and_the_smaller_make_up_both(ratio, gamma):
    at = {"snr_t": ratio, "gamma": gamma}
    assert weights.max_snr_weight_x_0(**at) + min_snr_weight_x_0(**at) == ratio + gamma
    assert weights.max_snr_weight_x_0(snr_t=np.inf, gamma=gamma) == np.inf
    assert weights.truncated_snr_weight_x_0(snr_t=0.0) == 1.0


@pytest.mark.verifies("crowson2024/soft-min-snr", "hang2023/weight-x-0")
@given(RATIOS, st.floats(0.1, 20))
def test_the_soft_weight_joins_two_resistors(ratio, gamma):
    """Reciprocals add, so it lies within a factor of 2 of Min-SNR and below it."""
    found = weights.soft_min_snr_weight_x_0(snr_t=ratio, gamma=gamma)
    assert_close(1 / found, 1 / ratio + 1 / gamma, units=8)
    hard = min_snr_weight_x_0(snr_t=ratio, gamma=gamma)
    assert hard / 2 * (1 - 1e-12) <= found <= hard
    assert weights.soft_min_snr_weight_x_0(snr_t=0.0, gamma=gamma) == 0.0
    # With gamma = 1 the error of v has the weight SNR / (1 + SNR)^2, largest where SNR is 1.
    on_v = weights.weight_v_from_x_0(
        weights.soft_min_snr_weight_x_0(snr_t=ratio, gamma=1.0), snr_t=ratio
    )
    assert_close(on_v, ratio / (1 + ratio) ** 2, units=16)


@pytest.mark.verifies("karras2022/loss-weight", *ON_V)
@given(st.floats(0.01, 80), st.floats(0.1, 2))
def test_edms_weight_is_the_snr_and_the_precision_of_the_data(sigma, sigma_data):
    found = edm_loss_weight(sigma=sigma, sigma_data=sigma_data)
    ratio = continuous.snr(alpha_t=1.0, sigma_t=sigma)
    assert_close(found, ratio + sigma_data**-2, units=16)
    # For data of unit variance it is the uniform weight on v.
    unit = edm_loss_weight(sigma=sigma, sigma_data=1.0)
    assert_close(weights.weight_v_from_x_0(unit, snr_t=ratio), 1.0, units=16)


@pytest.mark.property_id("P106")
@pytest.mark.verifies("choi2022/weight-eps", "salimans2022/weight-x-0-from-eps")
@given(st.floats(0.01, 0.99))
def test_p2_on_the_data_error_is_alpha_bar(alpha_bar_t):
    """k = gamma = 1: (1 - alpha_bar) on the noise error is alpha_bar on the data error."""
    ratio = snr(alpha_bar_t=alpha_bar_t)
    on_eps = p2_weight_eps(snr_t=ratio, k=1.0, gamma=1.0)
    found = weights.weight_x_0_from_eps(on_eps, snr_t=ratio)
    assert_law("P106", found, alpha_bar_t, scale=16.0)
    on_v = weights.weight_v_from_eps(on_eps, snr_t=ratio)
    assert_law("P106", on_v, alpha_bar_t * (1 - alpha_bar_t), scale=16.0)


@pytest.mark.verifies("choi2022/simple-loss-weight", "ho2020/vlb-weight-eps", kind="proof")
@given(st.floats(0.05, 0.95), st.floats(0.2, 5))
def test_the_simple_loss_weighs_the_bound_by_the_fall_of_the_log_snr(alpha_bar, speed):
    """The bound's weight of one short step, times lambda_t, is a half of the step."""
    # alpha_bar = logistic(-speed t): the log-SNR falls with that speed, d SNR/dt = -speed SNR.
    ratio = alpha_bar / (1 - alpha_bar)
    found = weights.simple_loss_weight(snr_t=ratio, snr_rate=-speed * ratio)
    assert_close(found, 1 / speed, units=8)
    step = 1e-5
    before = ratio * math.exp(speed * step)
    levels = {"alpha_bar_t": alpha_bar, "alpha_bar_s": before / (1 + before)}
    bound = vlb_weight_eps(**levels, variance=1 - alpha_bar / levels["alpha_bar_s"])
    assert_law("P048", bound / step * found, 0.5)


def test_a_rising_snr_is_refused():
    with pytest.raises(ValueError, match=r"snr_rate=0\.5 must be in .*falls with time"):
        weights.simple_loss_weight(snr_t=1.0, snr_rate=0.5)


@pytest.mark.verifies("hang2023/pareto-weights", kind="proof")
@given(st.integers(0, 2**32 - 1), st.floats(0, 2))
def test_pareto_weights_of_two_times_in_closed_form(seed, penalty):
    """w = (<g_2 - g_1, g_2> + lambda) / (|g_1 - g_2|^2 + 2 lambda), kept within [0, 1]."""
    first, second = np.random.default_rng(seed).normal(size=(2, 3))

    def objective(w):
        mixed = w * first + (1 - w) * second
        return mixed @ mixed + penalty * (w**2 + (1 - w) ** 2)

    gap = second - first
    w = np.clip((gap @ second + penalty) / (gap @ gap + 2 * penalty), 0.0, 1.0)
    found = minimize_scalar(objective, bounds=(0.0, 1.0), method="bounded")
    assert objective(w) <= found.fun * (1 + 1e-9)
    # Without penalty an inner minimum is orthogonal to the gap: both losses fall alike.
    if penalty == 0 and 0 < w < 1:
        mixed = w * first + (1 - w) * second
        assert_close(mixed @ first, mixed @ second, terms=16 + mixed @ mixed)
    assert objective(w) <= min(objective(0.0), objective(1.0))


# ------------------------------------------------------------------ levels


@pytest.mark.verifies("ho2022cfg/log-snr-sampling")
@given(st.floats(0, 1), st.floats(-20, -1), st.floats(1, 20))
def test_the_angle_of_a_sampled_level_is_uniform(u, low, high):
    ends = {"log_snr_min": low, "log_snr_max": high}
    found = weights.log_snr_from_uniform(u=u, **ends)
    # alpha = cos and sigma = sin of an angle that goes evenly from one end to the other.
    first, last = (math.acos(math.sqrt(1 / (1 + math.exp(-value)))) for value in (high, low))
    angle = first + u * (last - first)
    sigma = math.sqrt(1 / (1 + math.exp(found)))
    assert_law("P098", sigma, math.sin(angle))
    assert_law("P098", math.sqrt(1 / (1 + math.exp(-found))), math.cos(angle))
    for share, end in ((0.0, high), (1.0, low)):
        at_end = weights.log_snr_from_uniform(u=share, **ends)
        assert_close(at_end, end, terms=8 + 8 * math.exp(abs(end) / 2))


@pytest.mark.verifies("ho2022cfg/log-snr-sampling")
def test_the_sampling_of_levels_refuses_swapped_ends_and_shares_beyond_1():
    with pytest.raises(ValueError, match="was their order swapped"):
        weights.log_snr_from_uniform(u=0.5, log_snr_min=5.0, log_snr_max=-5.0)
    with pytest.raises(ValueError, match=r"u=1\.5 must be in"):
        weights.log_snr_from_uniform(u=1.5, log_snr_min=-5.0, log_snr_max=5.0)


@pytest.mark.verifies("ho2022cfg/noise-loss", "ho2022cfg/log-snr-sampling", kind="proof")
def test_a_distribution_of_levels_is_a_weight():
    """A uniform u has in the log-SNR the density 1 / (2 pi cosh(lambda / 2)), cut at the ends."""
    ends = {"log_snr_min": -20.0, "log_snr_max": 20.0}
    nodes, shares = np.polynomial.legendre.leggauss(200)
    u = (nodes + 1) / 2
    levels = weights.log_snr_from_uniform(u=u, **ends)
    losses = np.exp(-(levels**2))  # any loss as a function of the level
    by_levels = (shares / 2) @ losses
    lines = np.linspace(-20, 20, 4001)
    secant = 1 / (2 * np.pi * np.cosh(lines / 2))
    total = 2 / np.pi * (np.arctan(np.exp(10)) - np.arctan(np.exp(-10)))
    assert_law("P052", by_levels, (secant * np.exp(-(lines**2)) * 0.01).sum() / total, scale=100)


@pytest.mark.property_id("P009")
@pytest.mark.verifies("hoogeboom2023/pooled-snr", "hoogeboom2023/shifted-schedule", kind="proof")
@given(st.floats(0.1, 10), st.integers(2, 5), st.integers(0, 2**32 - 1))
def test_averaging_blocks_multiplies_the_snr(ratio, pooling, seed):
    """Cov(P n) = P P^T for pooling P: every entry has the variance 1 / s^2, none a covariance."""
    side = 2 * pooling
    blocks = np.kron(np.eye(2), np.ones((1, pooling)) / pooling)  # along one axis
    pool = np.kron(blocks, blocks)
    assert pool.shape == (4, side * side)
    noise = pool @ pool.T
    assert_close(noise, np.eye(4) / pooling**2, terms=1.0)
    constant = np.full(side * side, math.sqrt(ratio))
    signal = (pool @ constant)[0] ** 2
    found = weights.pooled_snr(snr_t=ratio, pooling=float(pooling))
    assert_close(found, signal / noise[0, 0], units=64)
    # Shifting the schedule back makes a large image, pooled, as noisy as the small one.
    shifted = shifted_log_snr(
        log_snr_t=math.log(ratio), resolution=64.0 * pooling, reference_resolution=64.0
    )
    assert_close(
        weights.pooled_snr(snr_t=math.exp(shifted), pooling=float(pooling)), ratio, units=64
    )


@pytest.mark.verifies("hoogeboom2023/interpolated-schedule", "hoogeboom2023/shifted-schedule")
@given(st.floats(0.01, 0.99), st.sampled_from([64.0, 128.0, 512.0]))
def test_an_interpolated_schedule_goes_from_one_shift_to_the_other(t, side):
    """A straight line of shifts in t: 2 log(32 / d) at the data, 2 log(256 / d) at the noise."""
    cosine = -2 * math.log(math.tan(math.pi / 2 * t))
    low, high = (
        shifted_log_snr(log_snr_t=cosine, resolution=side, reference_resolution=reference)
        for reference in (32.0, 256.0)
    )
    found = weights.interpolated_log_snr(t=t, log_snr_low=low, log_snr_high=high)
    shift = 2 * math.log(32 / side) + 2 * t * math.log(256 / 32)
    assert_close(found, cosine + shift, terms=32.0)
    ends = {"log_snr_low": low, "log_snr_high": high}
    assert weights.interpolated_log_snr(t=0.0, **ends) == low
    assert weights.interpolated_log_snr(t=1.0, **ends) == high


@pytest.mark.verifies("hoogeboom2023/forward", "hang2023/marginal", kind="proof")
@given(RATIOS, st.floats(0.05, 0.9), st.integers(1, 2**32 - 1))
def test_marginal_and_transition_make_one_process(ratio, part, seed):
    """z_t from z_s, which comes from x, has the marginal's mean and variance."""
    at_t = preserving(ratio)
    at_s = {name.replace("_t", "_s"): value for name, value in preserving(ratio / part).items()}
    kept = at_t["alpha_t"] / at_s["alpha_s"]
    passed = continuous.transition_variance(**at_t, **at_s)
    total = kept**2 * at_s["sigma_s"] ** 2 + passed
    assert_close(total, at_t["sigma_t"] ** 2, units=16)
    x = np.random.default_rng(seed).normal()
    through = continuous.transition_mean(
        at_s["alpha_s"] * x, alpha_t=at_t["alpha_t"], alpha_s=at_s["alpha_s"]
    )
    assert_close(through, continuous.forward_mean(x, alpha_t=at_t["alpha_t"]), units=16)
