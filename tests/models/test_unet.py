"""What the whole network promises."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import Tensor

from refdiff.models import PRESETS, UNet, UNetConfig
from tests.models.networks import (
    CONDITIONAL,
    assert_same_prediction,
    awake,
    images,
    largest_change,
)

UNCONDITIONAL = dataclasses.replace(CONDITIONAL, num_classes=None, scale_shift=False)
NETWORKS = pytest.mark.parametrize(
    "config",
    [CONDITIONAL, UNCONDITIONAL, dataclasses.replace(CONDITIONAL, learned_variance=True)],
    ids=["conditional", "unconditional", "learned-variance"],
)
# A change that a trained network would make is far above rounding, and far below this only if
# what was changed never reached the output.
VISIBLE = 0.01


def rows(index: Tensor | slice, *parts: Tensor | None) -> tuple[Tensor | None, ...]:
    return tuple(None if part is None else part[index] for part in parts)


@NETWORKS
@torch.no_grad()
def test_no_sample_sees_its_batch(config: UNetConfig):
    model = awake(config)
    x, t, y = images(config, 7)
    together = model(x, t, y)
    for i in range(7):
        assert_same_prediction(model(*rows(slice(i, i + 1), x, t, y))[0], together[i])
    # A neighbour of another size entirely changes nothing either.
    x[1:] *= 1000
    assert_same_prediction(model(x, t, y)[0], together[0])


@NETWORKS
@torch.no_grad()
def test_reordering_the_batch_reorders_the_predictions(config: UNetConfig):
    model = awake(config)
    x, t, y = images(config, 6)
    order = torch.tensor([3, 0, 5, 1, 4, 2])
    assert_same_prediction(model(*rows(order, x, t, y)), model(x, t, y)[order])


@NETWORKS
@torch.no_grad()
def test_a_forward_pass_is_deterministic(config: UNetConfig):
    model, (x, t, y) = awake(dataclasses.replace(config, dropout=0.3)), images(config, 3)
    assert torch.equal(model(x, t, y), model(x, t, y))
    assert torch.equal(awake(config)(x, t, y), model(x, t, y))


@torch.no_grad()
def test_without_a_label_every_sample_is_of_the_null_class():
    model = awake(CONDITIONAL)
    x, t, _ = images(CONDITIONAL, 3)
    null = torch.full((3,), CONDITIONAL.num_classes)
    assert torch.equal(model(x, t), model(x, t, null))
    for label in range(CONDITIONAL.num_classes):
        assert largest_change(model(x, t, torch.full((3,), label)), model(x, t)) > VISIBLE


@NETWORKS
@torch.no_grad()
def test_the_time_matters_and_may_be_given_in_three_ways(config: UNetConfig):
    model = awake(config)
    x, _, y = images(config, 3)
    at_500 = model(x, 500, y)
    assert torch.equal(at_500, model(x, torch.tensor(500), y))
    assert torch.equal(at_500, model(x, torch.full((3,), 500), y))
    assert torch.equal(at_500, model(x, torch.full((3,), 500.0), y))
    for t in (1, 499, 1000):
        assert largest_change(model(x, t, y), at_500) > VISIBLE
    mixed = model(x, torch.tensor([1, 500, 1000]), y)
    for i, t in enumerate((1, 500, 1000)):
        assert_same_prediction(mixed[i], model(x, t, y)[i])


@pytest.mark.parametrize("name", ["digits", "fashion-mnist"])
@torch.no_grad()
def test_a_fresh_network_predicts_zero(name: str):
    config = PRESETS[name]
    x, t, y = images(config, 2)
    assert not UNet(config).eval()(x, t, y).any()


@torch.no_grad()
def test_learned_variance_doubles_the_channels_and_leaves_the_first_half():
    config = dataclasses.replace(CONDITIONAL, learned_variance=True)
    plain, double = awake(CONDITIONAL), awake(config)
    shared = {k: v for k, v in double.state_dict().items() if not k.startswith("head.")}
    plain.load_state_dict(shared, strict=False)
    plain.head.weight.copy_(double.head.weight[: CONDITIONAL.in_channels])
    plain.head.bias.copy_(double.head.bias[: CONDITIONAL.in_channels])
    x, t, y = images(config, 2)
    prediction, variance = double(x, t, y).chunk(2, dim=1)
    assert_same_prediction(prediction, plain(x, t, y))
    assert largest_change(variance, prediction) > VISIBLE


@NETWORKS
def test_channels_last_changes_the_layout_alone(config: UNetConfig):
    model, (x, t, y) = awake(config), images(config, 3)
    expected = model(x, t, y)
    expected.square().sum().backward()
    gradients = {name: p.grad.clone() for name, p in model.named_parameters()}
    model = model.to(memory_format=torch.channels_last)
    model.zero_grad()
    actual = model(x.contiguous(memory_format=torch.channels_last), t, y)
    actual.square().sum().backward()
    assert actual.is_contiguous(memory_format=torch.channels_last)
    assert_same_prediction(actual, expected)
    for name, parameter in model.named_parameters():
        # Sums over all pixels and images, many of which cancel.
        assert largest_change(parameter.grad, gradients[name]) < VISIBLE / 10, name


@torch.no_grad()
def test_images_reach_every_pixel_through_the_lowest_level():
    # With attention at the lowest level one pixel in a corner is seen in the opposite one.
    model, (x, t, y) = awake(CONDITIONAL), images(CONDITIONAL, 1)
    before = model(x, t, y)
    x[0, 0, 0, 0] += 10
    assert (model(x, t, y) != before).all()


@NETWORKS
def test_every_parameter_learns(config: UNetConfig):
    model, (x, t, y) = awake(config), images(config, 4)
    weights = images(dataclasses.replace(config, in_channels=config.out_channels), 4, seed=3)[0]
    (model(x, t, y) * weights).sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        used = parameter.grad.abs().flatten(1 if name == "class_embedding.weight" else 0)
        assert bool((used > 0).any()), name
    if config.num_classes is not None:
        touched = model.class_embedding.weight.grad.abs().sum(dim=1) > 0
        assert set(touched.nonzero().flatten().tolist()) == set(y.tolist())


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_bfloat16_autocast_stays_near_float32(layout: torch.memory_format):
    model, (x, t, y) = awake(CONDITIONAL), images(CONDITIONAL, 3)
    expected = model(x, t, y)
    model = model.to(memory_format=layout)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        actual = model(x.contiguous(memory_format=layout), t, y)
    assert actual.dtype == torch.float32
    assert 0 < largest_change(actual, expected) < 10 * VISIBLE
    actual.sum().backward()
    assert all(p.grad is not None and p.grad.dtype == p.dtype for p in model.parameters())


def test_the_graph_is_captured_whole():
    # Tracing with `fullgraph` raises at anything it would have to leave to Python. The time is
    # spent in tracing, so the network is as small as one with every part can be.
    config = dataclasses.replace(
        CONDITIONAL, channel_multipliers=(1, 1), attention_resolutions=(6,), dropout=0.1
    )
    model, (x, t, y) = awake(config), images(config, 2)
    torch.compiler.reset()
    try:
        compiled = torch.compile(model, fullgraph=True, backend="eager")
        assert_same_prediction(compiled(x, t, y), model(x, t, y))
        assert_same_prediction(compiled(x, 500), model(x, 500))
    finally:
        torch.compiler.reset()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"x": torch.zeros(2, 1, 12, 12)}, ("(2, 1, 12, 12)", "(B, 2, 12, 12)")),
        ({"x": torch.zeros(2, 2, 16, 16)}, ("(2, 2, 16, 16)", "(B, 2, 12, 12)")),
        ({"x": torch.zeros(2, 12, 12)}, ("(2, 12, 12)", "batch, channels, height, width")),
        ({"x": torch.zeros(2, 2, 12, 12, dtype=torch.uint8)}, ("uint8", "floating")),
        ({"x": torch.zeros(2, 2, 12, 12).double()}, ("float64", "float32", "autocast")),
        ({"t": torch.ones(3)}, ("t has shape (3,)", "(2,)")),
        ({"t": torch.ones(2, 1)}, ("t has shape (2, 1)", "(2,)")),
        ({"y": torch.tensor([0, 6])}, ("label 6", "0..5", "5 is the null class")),
        ({"y": torch.tensor([-1, 0])}, ("label -1", "0..5")),
        ({"y": torch.tensor([0.0, 1.0])}, ("float32", "int64")),
        ({"y": torch.tensor([0])}, ("y has shape (1,)", "(2,)")),
    ],
)
def test_wrong_input_is_refused_in_a_sentence(changes: dict, words: tuple[str, ...]):
    given = {"x": torch.zeros(2, 2, 12, 12), "t": 1, "y": torch.tensor([0, 5]), **changes}
    with pytest.raises(ValueError, match=r"\w") as caught:
        UNet(CONDITIONAL)(**given)
    for word in words:
        assert word in str(caught.value)


def test_labels_for_an_unconditional_network_are_refused():
    with pytest.raises(ValueError, match="unconditional"):
        UNet(UNCONDITIONAL)(torch.zeros(1, 2, 12, 12), 1, torch.tensor([0]))
