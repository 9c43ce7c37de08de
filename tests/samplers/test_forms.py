"""Single steps of the samplers: equal to the papers' steps and to their other printed forms."""

import itertools

import numpy as np
import pytest
import torch

from refdiff import equations as eq
from refdiff.samplers import ddim, ddpm, last, predictions
from refdiff.testing import assert_close, assert_law
from tests.samplers.worlds import TABLES

TIMES = [40, 39, 25, 12, 3, 1]
TABLE = TABLES[40]
X_T = np.random.default_rng(1).standard_normal((3, 2, 4, 4))


def curved(x, t):
    """Predict noise by a rule that is not linear, so that no error can hide in symmetry."""
    return np.sin(1.3 * x + 0.1 * t) + 0.2


def fresh(t, s, like):
    return np.random.default_rng([t, s]).standard_normal(like.shape)


def states(steps, x_T):
    """Return (pair of levels, state before, step) of each step."""
    before, found = x_T, []
    for step in steps:
        found.append((float(TABLE[step.t]), float(TABLE[step.s]), before, step))
        before = step.x
    return found


@pytest.mark.verifies("song2021ddim/step", kind="composition")
@pytest.mark.parametrize("eta", [0.0, 0.4, 1.0])
def test_a_ddim_step_is_the_equation_bit_for_bit(eta):
    steps = ddim(curved, X_T, alpha_bars=TABLE, timesteps=TIMES, eta=eta, noise=fresh)
    for level_t, level_s, before, step in states(steps, X_T):
        wanted = eq.ddim_step(
            before,
            curved(before, step.t),
            fresh(step.t, step.s, before),
            alpha_bar_t=level_t,
            alpha_bar_s=level_s,
            eta=eta,
        )
        np.testing.assert_array_equal(step.x, wanted)


@pytest.mark.verifies(
    "ho2020/ancestral-step", "ho2020/ancestral-step-fixed-large", kind="composition"
)
@pytest.mark.parametrize("variance", ["fixed-small", "fixed-large"])
def test_a_ddpm_step_is_the_equation(variance):
    equation = {"fixed-small": eq.ddpm_step, "fixed-large": eq.ddpm_step_fixed_large}[variance]
    steps = ddpm(curved, X_T, alpha_bars=TABLE, timesteps=TIMES, variance=variance, noise=fresh)
    for level_t, level_s, before, step in states(steps, X_T):
        noise = fresh(step.t, step.s, before) if step.s > 0 else 0.0
        wanted = equation(
            before, curved(before, step.t), noise, alpha_bar_t=level_t, alpha_bar_s=level_s
        )
        # Both forms pass through terms of the size of the predicted x_0.
        assert_close(step.x, wanted, terms=np.abs(before) + np.abs(step.x_0) + 1.0, units=8)


@pytest.mark.property_id("P058")
@pytest.mark.verifies("song2021ddim/step", "salimans2022/v-from-eps", kind="other-form")
def test_the_deterministic_step_equals_its_other_printed_forms():
    steps = ddim(curved, X_T, alpha_bars=TABLE, timesteps=TIMES, eta=0.0)
    for level_t, level_s, x, step in states(steps, X_T):
        eps = curved(x, step.t)
        a_t, b_t = np.sqrt(level_t), np.sqrt(1.0 - level_t)
        a_s, b_s = np.sqrt(level_s), np.sqrt(1.0 - level_s)
        x_0 = (x - b_t * eps) / a_t
        angle_t, angle_s = np.arctan2(b_t, a_t), np.arctan2(b_s, a_s)
        turn = angle_s - angle_t
        transfer = a_t * (b_s * a_t + b_t * a_s)
        forms = {
            "transfer of PNDM": a_s / a_t * x - (level_s - level_t) / transfer * eps,
            "Euler step in x / a": a_s * (x / a_t + (b_s / a_s - b_t / a_t) * eps),
            "rotation": np.cos(turn) * x + np.sin(turn) * (a_t * eps - b_t * x_0),
            "progressive distillation": a_s * x_0 + b_s / b_t * (x - a_t * x_0),
        }
        if step.s > 0:  # half the log-SNR, infinite at the data
            h = np.log(a_s / b_s) - np.log(a_t / b_t)
            forms["DPM-Solver-1"] = a_s / a_t * x - b_s * np.expm1(h) * eps
            forms["DPM-Solver++(1)"] = b_s / b_t * x - a_s * np.expm1(-h) * x_0
        for form in forms.values():
            assert_law("P058", step.x, form, scale=np.abs(x) + np.abs(x_0))


@pytest.mark.property_id("P061")
@pytest.mark.verifies("song2021ddim/step-mean", "ho2020/posterior-mean")
@pytest.mark.parametrize("prediction", ["eps", "x_0", "v"])
def test_the_last_step_returns_the_predicted_data(prediction):
    common = {"alpha_bars": TABLE, "timesteps": TIMES, "prediction": prediction, "noise": fresh}
    for steps in (
        ddim(curved, X_T, eta=0.0, **common),
        ddim(curved, X_T, eta=1.0, **common),
        ddpm(curved, X_T, variance="fixed-small", **common),
        ddpm(curved, X_T, variance="fixed-large", **common),
    ):
        *_, (level, _, before, step) = states(steps, X_T)
        x_0, _ = predictions(curved(before, step.t), before, level, prediction)
        assert step.s == 0
        assert_law("P061", step.x, x_0)
        assert_law("P061", step.x, step.x_0)


@pytest.mark.verifies(
    "ho2020/x-0-from-eps", "kingma2021/eps-from-x-0", "salimans2022/x-0-from-v",
    "salimans2022/eps-from-v",
)  # fmt: skip
@pytest.mark.parametrize("eta", [0.0, 0.7])
def test_a_model_of_eps_x_0_or_v_gives_the_same_samples(eta):
    def as_x_0(x, t):
        return eq.x_0_from_eps(x, curved(x, t), alpha_bar_t=float(TABLE[t]))

    def as_v(x, t):
        return eq.v_from_eps(x, curved(x, t), alpha_bar_t=float(TABLE[t]))

    outputs = [
        last(
            ddim(
                model,
                X_T,
                alpha_bars=TABLE,
                timesteps=TIMES,
                eta=eta,
                prediction=name,
                noise=fresh,
            )
        )
        for name, model in (("eps", curved), ("x_0", as_x_0), ("v", as_v))
    ]
    # The first step divides by the signal that is left; the model's slope passes the rest on.
    size = 1.0 / np.sqrt(TABLE[40]) * (1.0 + np.abs(outputs[0]))
    assert_close(outputs[1], outputs[0], terms=size, units=64)
    assert_close(outputs[2], outputs[0], terms=size, units=64)


@pytest.mark.verifies("song2021ddim/step", "ho2020/posterior-mean")
@pytest.mark.parametrize("sampler", ["ddim", "ddpm"])
def test_torch_and_numpy_agree_and_torch_keeps_its_dtype(sampler):
    def run(x_T, model, noise):
        common = {"alpha_bars": TABLE, "timesteps": TIMES, "noise": noise}
        if sampler == "ddim":
            return last(ddim(model, x_T, eta=0.5, **common))
        return last(ddpm(model, x_T, **common))

    def model(x, t):
        return (1.3 * x + 0.1 * t).sin() + 0.2

    def noise(t, s, like):
        return torch.from_numpy(fresh(t, s, like)).to(like.dtype)

    wanted = run(X_T, curved, fresh)
    size = 1.0 / np.sqrt(TABLE[40]) * (1.0 + np.abs(wanted))
    for dtype in (torch.float64, torch.float32):
        got = run(torch.from_numpy(X_T).to(dtype), model, noise)
        assert got.dtype == dtype
        assert_close(got, wanted, terms=size, units=64)


@pytest.mark.property_id("P059")
@pytest.mark.parametrize("sampler", [ddim, ddpm])
def test_the_first_state_is_not_written_to(sampler):
    x_T = X_T.copy()
    own = {"eta": 0.5} if sampler is ddim else {}
    last(sampler(curved, x_T, alpha_bars=TABLE, timesteps=TIMES, noise=fresh, **own))
    np.testing.assert_array_equal(x_T, X_T)


@pytest.mark.property_id("P059")
def test_eta_0_asks_for_no_noise_and_repeats_itself_bit_for_bit():
    def forbidden(t, s, like):
        raise AssertionError("a deterministic step asked for noise")

    torch.manual_seed(3)
    np.random.seed(3)  # noqa: NPY002 - the global state is what must stay untouched
    untouched = torch.get_rng_state().clone(), np.random.get_state()[1].copy()  # noqa: NPY002
    x_T = torch.from_numpy(X_T)
    first, second = (
        last(
            ddim(
                lambda x, t: x.sin(),
                x_T,
                alpha_bars=TABLE,
                timesteps=TIMES,
                eta=0.0,
                noise=forbidden,
            )
        )
        for _ in range(2)
    )
    assert torch.equal(first, second)
    assert torch.equal(torch.get_rng_state(), untouched[0])
    np.testing.assert_array_equal(np.random.get_state()[1], untouched[1])  # noqa: NPY002


@pytest.mark.parametrize(("sampler", "own"), [(ddim, {"eta": 0.2}), (ddpm, {})])
def test_noise_is_asked_for_once_by_every_step_but_the_last(sampler, own):
    asked = []

    def noise(t, s, like):
        asked.append((t, s, like.shape))
        return fresh(t, s, like)

    last(sampler(curved, X_T, alpha_bars=TABLE, timesteps=TIMES, noise=noise, **own))
    assert asked == [(t, s, X_T.shape) for t, s in itertools.pairwise(TIMES)]
    # A single step goes to the data at once: no noise, and so none has to be given.
    assert last(sampler(curved, X_T, alpha_bars=TABLE, timesteps=[40], **own)).shape == X_T.shape
