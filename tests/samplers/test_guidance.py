"""Guided models: weights, calls, intervals, and Gaussian closed forms."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from refdiff import equations as eq
from refdiff.closed_form import Gaussian, guided_gaussian, optimal_model, output_moments
from refdiff.samplers import classifier_free, ddim, ddpm, guided, last
from refdiff.testing import assert_close, assert_law
from tests.samplers.worlds import TABLES, exact, rounding

TABLE = TABLES[40]
COND = Gaussian([2.0, -1.0], [0.25, 0.5])
UNCOND = Gaussian([0.3, 0.4], [1.5, 0.8])
X = np.random.default_rng(4).standard_normal((6, 2))
weights = st.floats(-3.0, 20.0)


class Counted:
    """A model that counts its calls."""

    def __init__(self, model):
        self.model, self.calls = model, 0

    def __call__(self, *arguments):
        self.calls += 1
        return self.model(*arguments)


def pair():
    return Counted(optimal_model(COND, TABLE)), Counted(optimal_model(UNCOND, TABLE))


@pytest.mark.property_id("P062")
@pytest.mark.verifies("ho2022cfg/guided-eps")
@pytest.mark.parametrize(("w", "calls"), [(0.0, (1, 0)), (-1.0, (0, 1)), (1.5, (1, 1))])
def test_only_the_models_with_a_share_are_called(w, calls):
    cond, uncond = pair()
    got = guided(cond, uncond, w=w)(X, 7)
    assert (cond.calls, uncond.calls) == calls
    wanted = (1.0 + w) * cond.model(X, 7) - w * uncond.model(X, 7)
    assert_law("P062", got, wanted, scale=4.0 * np.abs(wanted) + 1.0)
    if 0 in calls:
        np.testing.assert_array_equal(got, (uncond if w else cond).model(X, 7))


@pytest.mark.property_id("P062")
@given(w=weights, other=weights, share=st.floats(0.0, 1.0))
def test_guidance_is_affine_in_its_weight(w, other, share):
    cond, uncond = pair()
    between = guided(cond, uncond, w=share * w + (1.0 - share) * other)(X, 7)
    ends = [guided(cond, uncond, w=each)(X, 7) for each in (w, other)]
    wanted = share * ends[0] + (1.0 - share) * ends[1]
    assert_law("P062", between, wanted, scale=200.0)  # weights to 20, predictions to 5


@pytest.mark.property_id("P063")
@pytest.mark.verifies("saharia2022/guidance", "lin2024/guidance", "karras2024/autoguidance")
@given(w=weights)
def test_the_scale_of_other_papers_is_the_weight_and_1(w):
    cond, uncond = pair()
    got = guided(cond, uncond, w=w)(X, 7)
    wanted = eq.guidance_from_scale(cond(X, 7), uncond(X, 7), scale=w + 1.0)
    assert_law("P063", got, wanted, scale=50.0)  # weights to 20


@pytest.mark.property_id("P064")
@given(w=st.floats(-1000.0, 1000.0), t=st.integers(1, 40))
def test_equal_models_are_left_alone_by_every_weight(w, t):
    model = optimal_model(COND, TABLE)
    for interval in (None, (0.5, 3.0)):
        got = guided(model, model, w=w, interval=interval, alpha_bars=TABLE)(X, t)
        assert_law("P064", got, model(X, t), scale=10.0)


@pytest.mark.property_id("P068")
@pytest.mark.verifies("ho2022cfg/guided-eps", kind="closed-form")
@pytest.mark.parametrize("w", [-0.5, 0.5, 2.0])
@pytest.mark.parametrize("t", [1, 7, 40])
def test_guiding_two_gaussians_gives_the_score_of_their_geometric_mean(w, t):
    level = float(TABLE[t])
    law = guided_gaussian(
        COND.marginal(alpha_bar_t=level), UNCOND.marginal(alpha_bar_t=level), scale=1.0 + w
    )
    eps = guided(optimal_model(COND, TABLE), optimal_model(UNCOND, TABLE), w=w)(X, t)
    wanted = np.sqrt(1.0 - level) * (X - law.mean) / law.covariance
    # Relative to the parts that are subtracted, since the score passes through 0.
    size = (1.0 + 2.0 * abs(w)) * (np.abs(X) + np.abs(law.mean) + 2.0)
    assert_law("P068", (eps - wanted) / size + 1.0, np.ones_like(eps))


def guided_chain(w, times, eta):
    """Mean and variance of guided DDIM, from a recursion written for two Gaussians."""
    mean, variance = np.zeros(2), np.ones(2)
    for t, s in zip(times, [*times[1:], 0], strict=True):
        a_t, b_t = np.sqrt(TABLE[t]), np.sqrt(1.0 - TABLE[t])
        a_s, b_s = np.sqrt(TABLE[s]), np.sqrt(1.0 - TABLE[s])
        slope, offset = 0.0, 0.0
        for share, law in ((1.0 + w, COND), (-w, UNCOND)):
            each = b_t / (a_t**2 * law.covariance + b_t**2)
            slope, offset = slope + share * each, offset - share * each * a_t * law.mean
        sigma = eta * b_s / b_t * np.sqrt(1.0 - (a_t / a_s) ** 2)
        along = np.sqrt(b_s**2 - sigma**2) - a_s * b_t / a_t
        gain = a_s / a_t + along * slope
        mean, variance = gain * mean + along * offset, gain**2 * variance + sigma**2
    return mean, variance


@pytest.mark.property_id("P068")
@pytest.mark.verifies("ho2022cfg/guided-eps", "song2021ddim/step", kind="closed-form")
@pytest.mark.parametrize("w", [-1.0, -0.5, 0.0, 0.7, 3.0])
@pytest.mark.parametrize("eta", [0.0, 0.6])
@pytest.mark.parametrize("prediction", ["eps", "x_0", "v"])
def test_a_guided_chain_has_the_moments_of_its_own_recursion(w, eta, prediction):
    # Guidance is affine and so are the conversions: it may be applied to any prediction.
    times = [40, 29, 13, 4, 1]
    model = guided(exact(COND, TABLE, prediction), exact(UNCOND, TABLE, prediction), w=w)

    def run(x_T, noise):
        return ddim(
            model,
            x_T,
            alpha_bars=TABLE,
            timesteps=times,
            eta=eta,
            prediction=prediction,
            noise=noise,
        )

    mean, covariance = output_moments(run, COND)
    wanted_mean, wanted_variance = guided_chain(w, times, eta)
    size = (1.0 + abs(w)) ** 2 / TABLE[40]
    assert_close(mean, wanted_mean, terms=size, units=rounding(times))
    assert_close(covariance, np.diag(wanted_variance), terms=size, units=rounding(times))


@pytest.mark.property_id("P069")
@pytest.mark.verifies("lin2024/rescaled-guidance")
@pytest.mark.parametrize("phi", [0.0, 0.7, 1.0])
def test_rescaling_brings_the_spread_of_the_conditional_prediction_back(phi):
    cond, uncond = pair()
    plain = guided(cond, uncond, w=4.0)(X, 20)
    got = guided(cond, uncond, w=4.0, rescale=phi)(X, 20)
    spreads = [each.std(axis=1) for each in (cond(X, 20), plain, got)]
    assert_law("P069", spreads[2], phi * spreads[0] + (1.0 - phi) * spreads[1], scale=10.0)
    if phi == 0.0:
        np.testing.assert_array_equal(got, plain)


@pytest.mark.property_id("P071")
@pytest.mark.verifies("kynkaanniemi2024/interval")
def test_an_interval_over_all_levels_is_ordinary_guidance():
    cond, uncond = pair()
    always = guided(cond, uncond, w=2.0, interval=(0.0, np.inf), alpha_bars=TABLE)
    plain = guided(cond, uncond, w=2.0)
    for t in range(1, 41):
        np.testing.assert_array_equal(always(X, t), plain(X, t))


@pytest.mark.property_id("P071")
@pytest.mark.verifies("kynkaanniemi2024/interval")
def test_outside_an_interval_the_conditional_model_answers_alone():
    # Noise levels 1/3, 1, 3; the interval is open below and closed above.
    table = [1.0, 0.9, 0.5, 0.1]
    levels = [np.sqrt((1.0 - level) / level) for level in table]
    cond, uncond = Counted(lambda x, t: 3.0 * x), Counted(lambda x, t: x)
    model = guided(cond, uncond, w=1.0, interval=(levels[1], levels[2]), alpha_bars=table)
    assert [model(1.0, t) for t in (1, 2, 3)] == [3.0, 5.0, 3.0]
    assert (cond.calls, uncond.calls) == (3, 1)


def test_an_interval_may_hold_a_level_without_signal():
    model = guided(
        lambda x, t: 3.0,
        lambda x, t: 1.0,
        w=1.0,
        interval=(0.0, np.inf),
        alpha_bars=[1.0, 0.5, 0.0],
    )
    assert model(0.0, 2) == 5.0


def network(x, t, y):
    """Answer each sample by its own label, and only by it."""
    y = y.reshape((-1,) + (1,) * (x.ndim - 1))
    return (x * (0.1 + y) + 0.01 * t) / (2.0 + y)


@pytest.mark.verifies("ho2022cfg/guided-eps")
@pytest.mark.parametrize("kind", ["numpy", "torch"])
@pytest.mark.parametrize("learned", [False, True])
@pytest.mark.parametrize("w", [-1.0, 0.0, 2.5])
def test_classifier_free_equals_two_separate_calls(kind, learned, w):
    x = np.random.default_rng(5).standard_normal((3, 1, 4, 4))
    labels = np.array([0, 4, 2])
    if kind == "torch":
        x, labels = torch.from_numpy(x), torch.from_numpy(labels)
    seen = []

    def answering(x, t, y):
        seen.append((tuple(x.shape), t, y.tolist()))
        answer = network(x, t, y)
        return (answer, 0.1 * y) if learned else answer

    def alone(y):
        return lambda x, t: answering(x, t, y)

    got = classifier_free(answering, labels, null_label=9, w=w)(x, 5)
    doubled = (6, 1, 4, 4), 5, [0, 4, 2, 9, 9, 9]
    single = {0.0: ((3, 1, 4, 4), 5, [0, 4, 2]), -1.0: ((3, 1, 4, 4), 5, [9, 9, 9])}
    assert seen == [single.get(w, doubled)]
    wanted = guided(alone(labels), alone(labels * 0 + 9), w=w)(x, 5)
    if learned:
        assert_close(got[1], wanted[1])
        got, wanted = got[0], wanted[0]
    assert_close(got, wanted, terms=np.abs(np.asarray(wanted)) + 10.0)


@pytest.mark.verifies("nichol2021/learned-range-variance", "ho2022cfg/guided-eps")
def test_of_a_learned_variance_the_conditional_one_is_used():
    cond, uncond = exact(COND, TABLE), exact(UNCOND, TABLE)
    model = guided(lambda x, t: (cond(x, t), 0.25), lambda x, t: (uncond(x, t), 1.0), w=1.5)
    prediction, v = model(X, 9)
    assert v == 0.25
    np.testing.assert_array_equal(prediction, guided(cond, uncond, w=1.5)(X, 9))
    steps = ddpm(
        model,
        X,
        alpha_bars=TABLE,
        timesteps=[9, 4],
        variance="learned-range",
        noise=lambda t, s, like: np.ones_like(like),
    )
    pair_of_levels = {"alpha_bar_t": float(TABLE[9]), "alpha_bar_s": float(TABLE[4])}
    mean = eq.posterior_mean_from_eps(X, prediction, **pair_of_levels)
    spread = np.sqrt(eq.learned_range_variance(0.25, **pair_of_levels))
    assert_close(next(steps).x, mean + spread, terms=np.abs(X) + 4.0, units=8)


def test_a_guided_torch_chain_runs_and_its_null_label_matters():
    x_T, labels = torch.randn(2, 1, 4, 4, dtype=torch.float64), torch.tensor([1, 3])
    outputs = [
        last(
            ddim(
                classifier_free(network, labels, null_label=null, w=1.0),
                x_T,
                alpha_bars=TABLE,
                timesteps=[40, 20],
                eta=0.0,
            )
        )
        for null in (5, 6)
    ]
    assert not torch.equal(*outputs)


def nothing(*arguments):
    return None


@pytest.mark.parametrize(
    ("own", "sentence"),
    [
        ({"w": np.nan}, "w=nan must be finite"),
        ({"w": 1.0, "rescale": 1.5}, r"rescale=1.5 must be in \[0, 1\]"),
        ({"w": 1.0, "interval": (0.1, 2.0)}, "interval needs alpha_bars"),
        (
            {"w": 1.0, "interval": (2.0, 0.1), "alpha_bars": TABLE},
            r"interval=\(2.0, 0.1\) must have its lower end first",
        ),
        (
            {"w": 1.0, "interval": (-1.0, 0.1), "alpha_bars": TABLE},
            r"sigma_lo=-1 must be in \[0, inf\]",
        ),
        (
            {"w": 1.0, "interval": (0.1, 2.0), "alpha_bars": TABLE[1:]},
            r"alpha_bars\[0\]=0.996 must be 1",
        ),
    ],
)
def test_bad_arguments_are_refused_at_once(own, sentence):
    with pytest.raises(ValueError, match=sentence):
        guided(nothing, nothing, **own)
    with pytest.raises(ValueError, match=sentence):
        classifier_free(nothing, np.array([1]), null_label=2, **own)


def test_labels_must_fit_the_batch():
    model = classifier_free(network, np.array([1, 2]), null_label=9, w=1.0)
    with pytest.raises(ValueError, match="x holds 3 samples and labels 2"):
        model(np.zeros((3, 1, 2, 2)), 5)
    with pytest.raises(ValueError, match=r"labels must be a tensor or an array of shape \(B,\)"):
        classifier_free(network, 3, null_label=9, w=1.0)
