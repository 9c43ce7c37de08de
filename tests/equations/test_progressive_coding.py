"""Rate and distortion, the hybrid loss, and times drawn by importance."""

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from refdiff.closed_form import Gaussian, exact_bound
from refdiff.equations import normal_kl, simple_loss, x_0_from_eps
from refdiff.equations.bounds import (
    hybrid_loss,
    importance_probabilities,
    importance_weighted_loss,
    progressive_distortion,
    progressive_rates,
    score_mean_square,
)
from refdiff.testing import assert_close, assert_law, assert_within_budget
from refdiff.testing import strategies as own
from tests.support.cases import every_dtype
from tests.support.trajectories import sigma_points

TABLE = np.array([1.0, 0.96, 0.8, 0.45, 0.12, 0.02])
batches = st.tuples(st.integers(1, 3), st.integers(1, 9))
losses = st.lists(st.floats(0.01, 100.0), min_size=1, max_size=30)


def mean_square(row):
    return mpmath.fsum(value**2 for value in row) / len(row)


@pytest.mark.verifies("ho2020/progressive-distortion", kind="oracle")
@every_dtype
@given(data=st.data())
def test_distortion_of_a_batch(dtype, data):
    shape = data.draw(batches)
    x_0, other = (data.draw(own.images(shape, dtype=dtype)) for _ in range(2))

    def textbook(x_0, x_0_pred):
        return [
            mpmath.sqrt(mean_square([a - b for a, b in zip(*rows, strict=True)]))
            for rows in zip(x_0, x_0_pred, strict=True)
        ]

    # A root of rounding noise has no budget.
    other = np.where(np.abs(x_0 - other) < np.float32(1e-2), x_0 + np.float32(1.0), other)
    assert_within_budget(
        progressive_distortion, x_0, other, dtype=dtype, oracle=textbook, elementwise=False
    )


@pytest.mark.verifies("bao2022/gamma", kind="oracle")
@every_dtype
@given(data=st.data())
def test_mean_square_of_a_batch(dtype, data):
    score = data.draw(own.images(data.draw(batches), dtype=dtype))

    def textbook(score):
        return [mean_square(row) for row in score]

    assert_within_budget(score_mean_square, score, dtype=dtype, oracle=textbook, elementwise=False)


@pytest.mark.verifies("ho2020/progressive-distortion", kind="closed-form")
@pytest.mark.parametrize("level", [0.9, 0.45, 0.02])
def test_least_distortion_of_normal_data_is_the_spread_that_x_t_leaves(level):
    data = Gaussian([0.3, -0.6], np.array([0.5, 0.2]))
    points = sigma_points(4)
    x_0 = data.mean + np.sqrt([0.5, 0.2]) * points[:, :2]
    eps = points[:, 2:]
    x_t = level**0.5 * x_0 + (1 - level) ** 0.5 * eps
    guess = x_0_from_eps(x_t, data.optimal_eps(x_t, alpha_bar_t=level), alpha_bar_t=level)
    squares = progressive_distortion(x_0, guess) ** 2
    spread = data.x_0_posterior(x_t, alpha_bar_t=level).covariance
    assert_law("P030", squares.mean(), np.mean(spread), scale=100)


@pytest.mark.verifies("ho2020/progressive-rate", kind="closed-form")
@pytest.mark.parametrize("variance", ["beta", "beta-tilde"])
def test_rates_of_normal_data_end_at_the_bound(variance):
    """L_T first, L_0 last; a receiver with the data has paid the whole bound."""
    bound = exact_bound(Gaussian([0.2], 0.7), TABLE, variance=variance)
    terms = [bound.L_0, *bound.L_between, bound.L_T]
    rates = progressive_rates(terms)
    assert_law("P041", rates[0], bound.total)
    assert_law("P041", rates[0] - rates[1], bound.L_0)
    assert rates[-1] == bound.L_T
    assert (np.diff(rates[1:]) < 0).all()  # the more noise, the fewer bits received


@pytest.mark.verifies("ho2020/progressive-rate")
@given(st.lists(st.tuples(st.floats(0, 9), st.floats(0, 9)), min_size=1, max_size=9))
def test_rates_add_up_from_the_noisy_end(terms):
    rates = progressive_rates(terms)
    assert rates.shape == (len(terms), 2)
    for t in range(len(terms)):
        assert_close(rates[t], np.sum(terms[t:], axis=0), units=16)


def test_rates_without_a_time_or_with_an_infinite_term_are_refused():
    for terms in (1.0, [], [np.inf, 1.0], [[1.0, np.nan]]):
        with pytest.raises(ValueError, match="must be finite numbers, one row for each time"):
            progressive_rates(terms)


@pytest.mark.property_id("P040")
@pytest.mark.verifies("nichol2021/hybrid-loss", kind="autograd")
def test_hybrid_loss_passes_the_bound_on_to_the_variance_alone():
    rng = np.random.default_rng(2)
    eps, target = (torch.as_tensor(v) for v in rng.normal(size=(2, 3, 5)))
    mean, log_variance = (torch.as_tensor(v).requires_grad_() for v in rng.normal(size=(2, 3, 5)))
    bound = normal_kl(target, torch.zeros(3, 5), mean.detach(), log_variance).sum(1)
    hybrid_loss(simple_loss(eps, mean), bound, weight=0.001).sum().backward()
    together = mean.grad.clone(), log_variance.grad.clone()
    mean.grad = log_variance.grad = None
    simple_loss(eps, mean).sum().backward()
    assert_law("P040", together[0], mean.grad)
    normal_kl(target, torch.zeros(3, 5), mean.detach(), log_variance).sum().backward()
    assert_close(together[1], 0.001 * log_variance.grad, terms=0.1)


@pytest.mark.property_id("P109")
@pytest.mark.verifies("nichol2021/importance-weighted-loss", "nichol2021/importance-probabilities")
@given(losses, st.integers(0, 2**32 - 1))
def test_drawing_by_importance_is_unbiased_and_least_noisy(values, seed):
    """Enumerate the times. By Cauchy-Schwarz no probabilities have a smaller second moment."""
    values = np.array(values)
    best = importance_probabilities(values**2)
    assert_close(best, values / values.sum(), units=len(values) + 8)
    rng = np.random.default_rng(seed)
    other = rng.random(len(values)) + 0.01
    moments = []
    for probability in (best, other / other.sum()):
        weighted = importance_weighted_loss(values, probability=probability)
        assert_law("P109", (probability * weighted).sum(), values.sum())
        moments.append((probability * weighted**2).sum())
    assert_law("P109", moments[0], values.sum() ** 2)
    assert moments[1] >= moments[0] * (1 - 64 * np.finfo(float).eps)


def test_times_without_any_loss_have_no_probabilities():
    for bad in ([0.0, 0.0], [1.0, -1.0], [np.inf], [], 1.0, [[1.0]]):
        with pytest.raises(ValueError, match=r"mean_squares=.* must be finite numbers >= 0"):
            importance_probabilities(bad)
