"""The training losses against closed forms, and what randomness they use."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.stats import norm

from refdiff import equations
from refdiff.closed_form import Gaussian
from refdiff.testing import assert_close, assert_within_standard_errors
from refdiff.training.config import ObjectiveConfig
from refdiff.training.objective import Draws, Objective

T = 12
ALPHA_BARS = equations.alpha_bars_from_betas(equations.cosine_betas(T))
SHAPE = (1, 2, 2)


def objective(*, alpha_bars=ALPHA_BARS, learned_variance=False, null_label=None, **config):
    return Objective(
        ObjectiveConfig(**config),
        alpha_bars,
        null_label=null_label,
        learned_variance=learned_variance,
    )


def normal(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def draws_at(times, *, seed=1):
    t = torch.as_tensor(times)
    return Draws(t=t, eps=normal(len(t), *SHAPE, seed=seed), dropped=torch.zeros(len(t)).bool())


def from_x_0(prediction, predict_x_0):
    """Network of any kind of prediction that means the same image."""

    def network(x, t, y):
        alpha_bar_t = equations.per_sample(torch.as_tensor(ALPHA_BARS)[t], x)
        x_0 = predict_x_0(x, t)
        if prediction == "x_0":
            return x_0
        convert = {"eps": equations.eps_from_x_0, "v": equations.v_from_x_0}[prediction]
        return convert(x, x_0, alpha_bar_t=alpha_bar_t)

    return network


@pytest.mark.parametrize("t", [1, T // 2, T])
@pytest.mark.parametrize("prediction", ["eps", "x_0", "v"])
def test_exact_model_of_gaussian_data_has_the_bayes_optimal_loss(prediction, t):
    data = Gaussian(mean=np.array([0.7, -0.2, 0.4, 0.0]), covariance=np.array([0.3, 0.1, 0.8, 2.0]))
    at_t = data.at(alpha_bar_t=float(ALPHA_BARS[t]))
    images = data.sample(4000, np.random.default_rng(3))
    x_0 = torch.from_numpy(images).reshape(-1, *SHAPE)

    def network(x, times, y):
        assert (times == t).all()
        return torch.from_numpy(at_t.predict(prediction, x.flatten(1).numpy())).view_as(x)

    losses = objective(prediction=prediction).losses(network, x_0, None, draws_at([t] * len(x_0)))
    expected = at_t.minimal_loss(prediction)  # the mean over the components
    assert_within_standard_errors(losses.total, expected)


@pytest.mark.parametrize("prediction", ["eps", "x_0", "v"])
def test_min_snr_weighs_the_error_of_x_0_alike_for_every_prediction(prediction):
    x_0, guess = normal(T, *SHAPE), normal(T, *SHAPE, seed=5)
    draws = draws_at(range(1, T + 1))
    losses = objective(prediction=prediction, weighting="min-snr", gamma=2.0).losses(
        from_x_0(prediction, lambda x, t: guess), x_0, None, draws
    )
    snr = ALPHA_BARS[1:] / (1 - ALPHA_BARS[1:])
    assert snr[0] > 2 > snr[-1]  # both sides of the cut are seen
    expected = np.minimum(snr, 2.0) * ((guess - x_0) ** 2).mean(dim=(1, 2, 3)).numpy()
    # The prediction and its target are differences of numbers of the size of 1/sigma, and at T
    # the error of eps is that of x_0 times 1e-5.
    noise = 1 - ALPHA_BARS[1:]
    assert_close(
        losses.total, expected, terms=(1 + expected / noise) / np.minimum(1, snr), units=64
    )


def test_simple_weight_leaves_the_square_error_as_it_is():
    x_0, draws = normal(T, *SHAPE), draws_at(range(1, T + 1))
    losses = objective().losses(lambda x, t, y: torch.zeros_like(x), x_0, None, draws)
    assert_close(losses.total, (draws.eps**2).mean(dim=(1, 2, 3)))


def test_draws_are_uniform_in_time_and_normal_in_noise():
    draws = objective().draw((24_000, 1), torch.Generator().manual_seed(2))
    for t in range(1, T + 1):
        assert_within_standard_errors((draws.t == t).double(), 1 / T)
    assert set(draws.t.tolist()) == set(range(1, T + 1))
    assert_within_standard_errors(draws.eps[:, 0], 0.0)
    assert_within_standard_errors(draws.eps[:, 0] ** 2, 1.0)
    assert_within_standard_errors(draws.eps[:, 0] * (draws.t - (T + 1) / 2), 0.0)


def test_draws_depend_on_the_generator_alone():
    torch.manual_seed(1)
    first = objective().draw((8, *SHAPE), torch.Generator().manual_seed(7))
    torch.manual_seed(2)
    second = objective().draw((8, *SHAPE), torch.Generator().manual_seed(7))
    assert torch.equal(first.eps, second.eps)
    assert torch.equal(first.t, second.t)


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.7, 1.0])
def test_labels_are_dropped_image_by_image_at_the_rate_asked_for(rate):
    draws = objective(label_dropout=rate).draw((20_000, 1), torch.Generator().manual_seed(4))
    dropped = draws.dropped.double()
    assert_within_standard_errors(dropped, rate)
    # Neighbours are independent, and so are dropout and time.
    assert_within_standard_errors(dropped[1:] * dropped[:-1], rate**2)
    assert_within_standard_errors(dropped * (draws.t - (T + 1) / 2), 0.0)


@pytest.mark.verifies("ho2022cfg/condition-dropout")
def test_network_sees_the_null_label_exactly_where_the_label_is_dropped():
    seen = SimpleNamespace()

    def network(x, t, y):
        seen.y = y
        return x

    labels = torch.tensor([3, 1, 4, 1])
    draws = Draws(
        t=torch.tensor([1, 2, 3, 4]),
        eps=normal(4, *SHAPE),
        dropped=torch.tensor([False, True, False, True]),
    )
    objective(null_label=10).losses(network, normal(4, *SHAPE), labels, draws)
    assert seen.y.tolist() == [3, 10, 4, 10]
    objective(null_label=None).losses(network, normal(4, *SHAPE), labels, draws)
    assert seen.y is None


def hybrid(prediction="eps", **config):
    return objective(learned_variance=True, prediction=prediction, **config)


def two_heads(prediction, raw):
    return lambda x, t, y: torch.cat((prediction, raw), dim=1)


def test_the_bound_agrees_with_the_papers_formulas_written_out():
    x_0 = (torch.randint(0, 256, (T, *SHAPE), generator=torch.Generator().manual_seed(1))) / 127.5
    x_0 = x_0.double() - 1
    x_0[0, 0, 0] = torch.tensor([-1.0, 1.0])  # the open outer bins
    guess, raw = x_0 + normal(T, *SHAPE, seed=8) / 9, normal(T, *SHAPE, seed=9).tanh()
    draws = draws_at(range(1, T + 1))
    losses = hybrid("x_0").losses(two_heads(guess, raw), x_0, None, draws)

    betas = np.concatenate([[np.nan], equations.cosine_betas(T)])
    for t in range(1, T + 1):
        a, before = ALPHA_BARS[t], ALPHA_BARS[t - 1]
        x, hat = x_0[t - 1].numpy(), guess[t - 1].numpy()
        x_t = np.sqrt(a) * x + np.sqrt(1 - a) * draws.eps[t - 1].numpy()
        fraction = (raw[t - 1].numpy() + 1) / 2
        tilde = betas[t] * (1 - before) / (1 - a)
        if t == 1:
            tilde = betas[2] * (1 - ALPHA_BARS[1]) / (1 - ALPHA_BARS[2])
        variance = np.exp(fraction * np.log(betas[t]) + (1 - fraction) * np.log(tilde))
        if t == 1:
            std = np.sqrt(variance)
            upper = np.where(x > 0.999, 1.0, norm.cdf((x + 1 / 255 - hat) / std))
            lower = np.where(x < -0.999, 0.0, norm.cdf((x - 1 / 255 - hat) / std))
            nats = -np.log(upper - lower)
        else:
            mean_of = [
                np.sqrt(before) * betas[t] / (1 - a) * image
                + np.sqrt(1 - betas[t]) * (1 - before) / (1 - a) * x_t
                for image in (x, hat)
            ]
            ratio = tilde / variance
            gap = (mean_of[0] - mean_of[1]) ** 2 / variance
            nats = (ratio - 1 - np.log(ratio) + gap) / 2
        expected = T * nats.mean() / np.log(2)
        assert_close(losses.vlb[t - 1], expected, terms=T * (1 + abs(expected)), units=64)


@pytest.mark.verifies("nichol2021/learned-range-variance")
def test_learned_variance_is_the_papers_wherever_the_lower_end_is_positive():
    v, t = torch.rand(T - 1, *SHAPE, dtype=torch.float64), torch.arange(2, T + 1)
    _, log_variance = hybrid()._log_variances(v, t)
    table = torch.as_tensor(ALPHA_BARS)
    expected = equations.learned_range_variance(
        v,
        alpha_bar_t=equations.per_sample(table[t], v),
        alpha_bar_s=equations.per_sample(table[t - 1], v),
    )
    assert_close(log_variance.exp(), expected, units=32)


@pytest.mark.verifies("nichol2021/hybrid-loss")
@pytest.mark.property_id("P040")
@pytest.mark.parametrize("prediction", ["eps", "x_0", "v"])
def test_the_bound_has_exactly_no_gradient_through_the_mean(prediction):
    mean = normal(T, *SHAPE, seed=3).requires_grad_()
    raw = normal(T, *SHAPE, seed=4).requires_grad_()
    draws = draws_at(range(1, T + 1))
    weight = 2.0**-10  # a power of two, so that no product with it is rounded
    loss = hybrid(prediction, vlb_weight=weight)
    losses = loss.losses(two_heads(mean, raw), normal(T, *SHAPE), None, draws)
    by_mean, by_raw = torch.autograd.grad(
        losses.vlb.sum(), (mean, raw), retain_graph=True, allow_unused=True, materialize_grads=True
    )
    assert torch.equal(by_mean, torch.zeros_like(by_mean))
    assert torch.isfinite(by_raw).all()
    assert (by_raw != 0).all()  # the variance is learned at every time, 1 and T included
    by_mean_of_total, by_raw_of_total = torch.autograd.grad(losses.total.sum(), (mean, raw))
    by_mean_of_simple = torch.autograd.grad(
        hybrid(prediction)
        .losses(two_heads(mean, raw.detach()), normal(T, *SHAPE), None, draws)
        .simple.sum(),
        mean,
    )[0]
    assert torch.equal(by_mean_of_total, by_mean_of_simple)
    assert torch.equal(by_raw_of_total, weight * by_raw)


def test_v_is_minus_the_image_where_nothing_is_left_of_it():
    alpha_bars = equations.sigmoid_alpha_bars(T)
    x_0, draws = normal(1, *SHAPE), draws_at([T])
    losses = objective(alpha_bars=alpha_bars, prediction="v").losses(
        lambda x, t, y: -x_0, x_0, None, draws
    )
    assert losses.total.item() == 0.0


def test_eps_without_terminal_signal_is_refused():
    with pytest.raises(ValueError, match=r"alpha_bars\[-1\]=0.*predict 'v' or 'x_0'"):
        objective(alpha_bars=equations.sigmoid_alpha_bars(T), prediction="eps")


def test_float32_images_are_mixed_with_noise_at_float64_precision():
    alpha_bars = equations.alpha_bars_from_betas(equations.linear_betas(1000))
    seen = SimpleNamespace()

    def network(x, t, y):
        seen.x = x
        return x

    x_0 = torch.zeros(1, *SHAPE)
    draws = Draws(t=torch.tensor([1]), eps=torch.ones(1, *SHAPE), dropped=torch.tensor([False]))
    objective(alpha_bars=alpha_bars).losses(network, x_0, None, draws)
    assert seen.x.dtype == torch.float32
    # In float32 tables 1 - alpha_bar_1 would be off in its fourth digit.
    assert_close(seen.x, np.full((1, *SHAPE), np.sqrt(1e-4)), units=1, dtype="float32")
