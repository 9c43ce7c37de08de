"""Progressive distillation: DDIM's forms, rotations, targets, two heads; its SNR weights."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from refdiff.equations import continuous, ddim_step, flow, learned_range_variance, x_0_from_eps
from refdiff.testing import assert_close, assert_law, strategies

PICTURES = strategies.images((2, 3))
ANGLES = st.floats(0.05, math.pi / 2 - 0.05)


def scales(angle_t, angle_s):
    return {
        "alpha_t": math.cos(angle_t),
        "sigma_t": math.sin(angle_t),
        "alpha_s": math.cos(angle_s),
        "sigma_s": math.sin(angle_s),
    }


@pytest.mark.property_id("P058")
@pytest.mark.verifies("salimans2022/ddim-step", "salimans2022/angle-step")
@given(ANGLES, st.floats(0, 1), PICTURES, PICTURES)
def test_a_ddim_step_is_a_rotation(angle_t, part, x_t, x_0):
    """(7), (8) in log-SNRs, the angle form and DDIM in alpha_bar are one step."""
    angle_s = max(part * angle_t, 0.02)
    at = scales(angle_t, angle_s)
    found = flow.ddim_step_from_x_0(x_t, x_0, **at)
    size = 64 / at["sigma_t"] / at["alpha_t"]
    level = {"alpha_t": at["alpha_t"], "sigma_t": at["sigma_t"]}
    v = continuous.v_from_x_0(x_t, x_0, **level)
    assert_law("P058", found, flow.angle_step(x_t, v, step_angle=angle_t - angle_s), scale=size)
    half = math.log(math.tan(angle_s) / math.tan(angle_t))
    ratio = at["alpha_s"] / at["alpha_t"]
    eighth = math.exp(half) * ratio * x_t - math.expm1(half) * at["alpha_s"] * x_0
    assert_law("P058", found, eighth, scale=size)
    eps = continuous.eps_from_x_0(x_t, x_0, **level)
    signal = {"alpha_bar_t": math.cos(angle_t) ** 2, "alpha_bar_s": math.cos(angle_s) ** 2}
    assert_law("P058", found, ddim_step(x_t, eps, 0.0 * eps, **signal, eta=0.0), scale=50 * size)
    # No step at all, and the step to clean data.
    assert_close(flow.ddim_step_from_x_0(x_t, x_0, **scales(angle_t, angle_t)), x_t, terms=size)
    assert (flow.ddim_step_from_x_0(x_t, x_0, **scales(angle_t, 0.0)) == x_0).all()


@pytest.mark.verifies("salimans2022/ddim-step", "salimans2022/angle-step")
@given(ANGLES, PICTURES, PICTURES)
def test_steps_are_defined_without_signal(angle_s, x_t, x_0):
    """At zero terminal SNR v = -x_0, and the state is the noise."""
    at = scales(math.pi / 2, angle_s) | {"alpha_t": 0.0, "sigma_t": 1.0}
    expected = math.cos(angle_s) * x_0 + math.sin(angle_s) * x_t
    assert_law("P058", flow.ddim_step_from_x_0(x_t, x_0, **at), expected)
    assert_law("P058", flow.angle_step(x_t, -x_0, step_angle=math.pi / 2 - angle_s), expected)


@pytest.mark.verifies("salimans2022/angular-velocity", "salimans2022/v-from-eps")
@given(st.floats(-3, 3), PICTURES, PICTURES)
def test_v_is_the_derivative_of_the_state_in_the_angle(angle, x_0, eps):
    data, noise = torch.as_tensor(x_0), torch.as_tensor(eps)

    def state(phi):
        return torch.cos(phi) * data + torch.sin(phi) * noise

    phi = torch.tensor(angle, dtype=torch.float64)
    x_t, expected = torch.autograd.functional.jvp(state, phi, torch.ones_like(phi))
    found = flow.angular_velocity(x_0, eps, angle=angle)
    assert_close(found, expected, terms=16.0)
    if math.cos(angle) > 0.05 and math.sin(angle) > 0.05:
        level = {"alpha_t": math.cos(angle), "sigma_t": math.sin(angle)}
        v = continuous.v_from_eps(x_t.numpy(), eps, **level)
        assert_close(found, v, terms=64 / math.cos(angle))


@pytest.mark.verifies("salimans2022/distillation-target", "salimans2022/ddim-step")
@given(
    ANGLES, st.floats(0.1, 0.9), st.floats(0, 0.9), PICTURES, PICTURES, PICTURES, st.floats(0.2, 5)
)
def test_one_step_to_the_target_is_two_steps_of_the_teacher(
    angle_t, first, second, x_t, guess, other, length
):
    """Whatever the teacher predicts; at any lengths alpha^2 + sigma^2, too."""
    middle = first * angle_t
    angle_s = second * middle
    between = flow.ddim_step_from_x_0(x_t, guess, **scales(angle_t, middle))
    x_s = flow.ddim_step_from_x_0(between, other, **scales(middle, angle_s))
    at = scales(angle_t, angle_s)
    size = 64 / math.sin(angle_t - angle_s) / at["sigma_t"] / math.sin(middle)
    target = flow.distillation_target(x_t, x_s, **at)
    assert_close(flow.ddim_step_from_x_0(x_t, target, **at), x_s, terms=8 * size)
    # A teacher that is right twice teaches the truth.
    steady = flow.ddim_step_from_x_0(x_t, guess, **at)
    assert_close(flow.distillation_target(x_t, steady, **at), guess, terms=8 * size)
    # Coordinates stretched at t leave the target alone.
    stretched = at | {name: length * at[name] for name in ("alpha_t", "sigma_t")}
    again = flow.distillation_target(length * x_t, x_s, **stretched)
    assert_close(again, target, terms=8 * size * (length + 1 / length))
    clean = scales(angle_t, 0.0)
    assert_close(flow.distillation_target(x_t, x_s, **clean), x_s, terms=size)


def test_a_target_needs_a_less_noisy_time():
    at = {"alpha_t": 0.6, "sigma_t": 0.8, "alpha_s": 0.6, "sigma_s": 0.8}
    with pytest.raises(ValueError, match="strictly less noisy"):
        flow.distillation_target(1.0, 1.0, **at)
    with pytest.raises(ValueError, match="strictly less noisy"):
        flow.distillation_target(1.0, 1.0, **(at | {"alpha_s": 0.5, "sigma_s": 0.9}))


@pytest.mark.verifies("salimans2022/merged-heads")
@given(strategies.alpha_bar(), PICTURES, PICTURES, PICTURES)
def test_two_heads_that_agree_give_the_data_back(alpha_bar_t, x_0, eps, wrong):
    level = {"alpha_bar_t": alpha_bar_t}
    signal, noise = alpha_bar_t**0.5, (1 - alpha_bar_t) ** 0.5
    x_t = signal * x_0 + noise * eps
    assert_close(flow.merged_x_0(x_t, x_0, eps, **level), x_0, terms=32.0)
    # The weights of the two predictions of x_0 are sigma^2 and alpha^2.
    found = flow.merged_x_0(x_t, wrong, eps, **level) - x_0
    assert_close(found, (1 - alpha_bar_t) * (wrong - x_0), terms=32.0)
    through_eps = x_0_from_eps(x_t, wrong, **level)
    found = flow.merged_x_0(x_t, x_0, wrong, **level) - x_0
    assert_close(found, alpha_bar_t * (through_eps - x_0), terms=32.0)
    # At the ends one head is not heard.
    assert (flow.merged_x_0(x_t, x_0, wrong, alpha_bar_t=0.0) == x_0).all()
    assert (flow.merged_x_0(x_t, wrong, eps, alpha_bar_t=1.0) == x_t).all()


@pytest.mark.verifies("salimans2022/posterior", "ho2022cfg/posterior", "ho2022cfg/forward")
@given(ANGLES, st.floats(0.02, 0.95), PICTURES, PICTURES)
def test_forward_and_posterior_in_log_snrs(angle_t, part, x_0, x_t):
    at = scales(angle_t, part * angle_t)
    # e^(lambda_t - lambda_s), a ratio of SNRs.
    ratio = (math.tan(part * angle_t) / math.tan(angle_t)) ** 2
    share = -math.expm1(2 * math.log(math.tan(part * angle_t) / math.tan(angle_t)))
    step = at["alpha_s"] / at["alpha_t"]
    mean = ratio * step * x_t + share * at["alpha_s"] * x_0
    size = 64 * (1 + step) / at["sigma_t"] ** 2
    assert_close(continuous.posterior_mean(x_0, x_t, **at), mean, terms=size)
    spread = continuous.posterior_variance(**at)
    assert_close(spread, share * at["sigma_s"] ** 2, terms=size)
    passed = continuous.transition_variance(**at)
    assert_close(passed, share * at["sigma_t"] ** 2, terms=size)


@pytest.mark.verifies("salimans2022/ancestral", "ho2022cfg/reverse-transition")
@given(ANGLES, st.floats(0.02, 0.95), strategies.etas())
def test_the_ancestral_variance_is_interpolated_in_the_logarithm(angle_t, part, v):
    """The power form with exponents 1 - v and v is the learned range of variances."""
    at = scales(angle_t, part * angle_t)
    low, high = continuous.posterior_variance(**at), continuous.transition_variance(**at)
    signal = {"alpha_bar_t": at["alpha_t"] ** 2, "alpha_bar_s": at["alpha_s"] ** 2}
    found = learned_range_variance(v, **signal)
    # beta of a step is the transition's variance where alpha^2 + sigma^2 = 1.
    conditioning = 64 / at["sigma_s"] ** 2 / math.sin(angle_t * (1 - part))
    assert_close(found, low ** (1 - v) * high**v, terms=conditioning * found)
    assert low <= found * (1 + 1e-9)
    assert found <= high * (1 + 1e-9)


@pytest.mark.verifies("salimans2022/probability-flow", kind="proof")
@given(ANGLES, PICTURES, PICTURES)
def test_the_probability_flow_turns_the_state_with_speed_v(angle, x_t, score):
    """At one radian per time f = -tan and g^2 = 2 tan, so that f x - g^2 score / 2 is v."""
    level = {"alpha_t": math.cos(angle), "sigma_t": math.sin(angle)}
    tangent = math.tan(angle)
    drift = -tangent * x_t - tangent * score
    rates = {"alpha_rate": -math.sin(angle), "sigma_rate": math.cos(angle)}
    size = 64 * (1 + tangent) ** 2
    assert_close(flow.velocity_from_score(x_t, score, **level, **rates), drift, terms=size)
    eps = continuous.eps_from_score(score, sigma_t=level["sigma_t"])
    assert_close(continuous.v_from_eps(x_t, eps, **level), drift, terms=size)
