"""The averaged weights against their closed form."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from refdiff.models import ExponentialAverage
from refdiff.testing import assert_close
from tests.models.networks import CONDITIONAL, awake, images


def train(average: ExponentialAverage, model: nn.Linear, weights: list[float]) -> None:
    for weight in weights:
        nn.init.constant_(model.weight, weight)
        average.update(model)


def network() -> nn.Linear:
    return nn.Linear(1, 1, bias=False).double()


@given(
    decay=st.floats(0, 1, exclude_max=True),
    warm_up=st.booleans(),
    weights=st.lists(st.floats(-4, 4), min_size=1, max_size=40),
)
def test_closed_form(*, decay: float, warm_up: bool, weights: list[float]):
    model = network()
    average = ExponentialAverage(model, decay=decay, warm_up=warm_up)
    train(average, model, weights)
    # Unrolled: weight k enters with (1 - d_k) and is then damped by every later decay; the first
    # enters whole.
    n = np.arange(1, len(weights))
    decays = np.minimum(decay, (1 + n) / (10 + n)) if warm_up else np.full(len(n), decay)
    shares = np.concatenate(([1.0], 1 - decays))
    shares[:-1] *= np.cumprod(decays[::-1])[::-1]
    expected = shares @ np.array(weights)
    terms = shares @ np.abs(weights) + max(map(abs, weights))
    assert_close(average.model.weight.item(), expected, terms=terms, units=8)
    assert average.num_updates == len(weights)


def test_the_warm_up_never_overwrites_the_decay():
    model = network()
    average = ExponentialAverage(model, decay=0.99)
    train(average, model, [0.0] * 2000)
    assert average.decay == 0.99
    assert average.decay_at(2000) == 0.99
    train(average, model, [1.0] * 20)
    # With the long memory restored, twenty updates move it by 1 - 0.99**20 and no further.
    assert_close(average.model.weight.item(), 1 - 0.99**20, terms=20)


def test_warm_up_begins_with_short_memory():
    average = ExponentialAverage(network(), decay=0.9999)
    assert [average.decay_at(n) for n in (1, 8, 90)] == [2 / 11, 0.5, 0.91]
    assert ExponentialAverage(network(), decay=0.5, warm_up=False).decay_at(0) == 0.5


def test_until_the_first_update_it_is_a_copy():
    model = awake(CONDITIONAL)
    average = ExponentialAverage(model, decay=0.9)
    for ours, theirs in zip(average.model.parameters(), model.parameters(), strict=True):
        assert torch.equal(ours, theirs)
        assert ours.data_ptr() != theirs.data_ptr()
    assert average.num_updates == 0


def test_evaluation_leaves_the_raw_weights_bit_identical():
    model = awake(CONDITIONAL).train()
    average = ExponentialAverage(model, decay=0.5)
    average.update(model)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1.5)
    average.update(model)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    x, t, y = images(CONDITIONAL, 2)
    averaged = average.model(x, t, y)
    assert not averaged.requires_grad
    assert not average.model.training
    assert model.training
    assert not torch.equal(averaged, model(x, t, y))
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_a_stopped_average_continues_bit_for_bit():
    weights = list(np.linspace(-1, 1, 30))
    model = network()
    whole = ExponentialAverage(model, decay=0.9)
    train(whole, model, weights)
    first, second = (ExponentialAverage(network(), decay=0.9) for _ in range(2))
    train(first, model, weights[:13])
    state = first.state_dict()
    assert all(isinstance(value, torch.Tensor) for value in state.values())
    train(first, model, [7.0])  # what was handed out must not change any more
    second.load_state_dict(state)
    train(second, model, weights[13:])
    assert torch.equal(second.model.weight, whole.model.weight)
    assert second.num_updates == 30


def test_states_of_other_networks_are_refused():
    average = ExponentialAverage(network(), decay=0.9)
    state = average.state_dict()
    with pytest.raises(ValueError, match="num_updates"):
        average.load_state_dict({"weight": state["weight"]})
    with pytest.raises(ValueError, match="another network"):
        average.load_state_dict({**state, "bias": torch.zeros(1)})
    with pytest.raises(ValueError, match="another network"):
        average.load_state_dict({**state, "weight": torch.zeros(2, 2)})


@pytest.mark.parametrize("decay", [1.0, -0.1, float("nan")])
def test_the_decay_has_a_domain(decay: float):
    with pytest.raises(ValueError, match=r"decay=.*\[0, 1\)"):
        ExponentialAverage(network(), decay=decay)
