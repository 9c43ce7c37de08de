"""The parts of the network against their formulas."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from refdiff.models.attention import SelfAttention, attend
from refdiff.models.blocks import Downsample, ResidualBlock, Upsample
from refdiff.models.norm import GroupNorm
from refdiff.testing import assert_close


def draw(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def softmax_average(query: np.ndarray, key: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Attention of one head, row by row, as the formula reads."""
    scores = query @ key.T / np.sqrt(query.shape[1])
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True) @ value


def test_attention_is_the_softmax_average_of_each_head():
    layer = SelfAttention(8, 4, 2).double()
    nn.init.normal_(layer.out.weight, generator=torch.Generator().manual_seed(2))
    x = draw(2, 8, 3, 5)
    normed = layer.norm(x).detach().numpy()
    weight, bias = (p.detach().numpy() for p in layer.query_key_value.parameters())
    expected = x.numpy().copy()
    for sample in range(2):
        tokens = normed[sample].reshape(8, 15).T
        query, key, value = np.split(tokens @ weight.T + bias, 3, axis=1)
        heads = [
            softmax_average(query[:, part], key[:, part], value[:, part])
            for part in (slice(0, 4), slice(4, 8))
        ]
        mixed = np.concatenate(heads, axis=1) @ layer.out.weight.detach().numpy().T
        expected[sample] += mixed.T.reshape(8, 3, 5)
    assert_close(layer(x), expected, terms=np.abs(expected).max(), units=32)


def test_attention_commutes_with_a_reordering_of_the_pixels():
    layer = SelfAttention(8, 4, 2).double()
    nn.init.normal_(layer.out.weight, generator=torch.Generator().manual_seed(2))
    x = draw(1, 8, 4, 4)
    order = torch.randperm(16, generator=torch.Generator().manual_seed(3))
    shuffled = x.flatten(2)[:, :, order].view_as(x)
    expected = layer(x).flatten(2)[:, :, order].view_as(x)
    assert_close(layer(shuffled), expected, terms=float(expected.detach().abs().max()), units=32)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_attention_in_half_precision(dtype: torch.dtype):
    query, key, value = (draw(2, 3, 7, 4, seed=s).to(dtype) for s in range(3))
    expected = attend(query.double(), key.double(), value.double())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        actual = attend(query, key, value)
    assert actual.dtype == dtype
    # The average is formed in float32 and rounded once: half a unit of each number.
    assert_close(actual, expected, units=1)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
@pytest.mark.parametrize("affine", [True, False])
def test_group_norm(layout: torch.memory_format, dtype: torch.dtype, *, affine: bool):
    norm = GroupNorm(2, 6, affine=affine)
    if affine:
        norm.weight.data, norm.bias.data = draw(6, seed=1).float(), draw(6, seed=2).float()
    norm = norm.to(dtype)
    x = (3 + 2 * draw(4, 6, 5, 3)).to(dtype).contiguous(memory_format=layout)
    groups = x.double().numpy().reshape(4, 2, -1)
    centred = groups - groups.mean(axis=2, keepdims=True)
    expected = (centred / np.sqrt((centred**2).mean(axis=2, keepdims=True) + 1e-5)).reshape(x.shape)
    if affine:
        weight, bias = (p.detach().double().numpy() for p in (norm.weight, norm.bias))
        expected = expected * weight[:, None, None] + bias[:, None, None]
    actual = norm(x)
    assert actual.dtype == dtype
    assert actual.is_contiguous(memory_format=layout)
    # Going through float32 rounds once; the native kernels round a few intermediates.
    assert_close(actual, expected, terms=np.abs(expected).max(), units=8)


def test_group_norm_gradients_do_not_depend_on_the_layout():
    norm = GroupNorm(2, 6)
    gradients = []
    for layout in (torch.contiguous_format, torch.channels_last):
        x = draw(4, 6, 5, 3).bfloat16().contiguous(memory_format=layout).requires_grad_()
        (norm(x) * draw(4, 6, 5, 3, seed=1).bfloat16()).sum().backward()
        gradients.append(x.grad)
    assert_close(gradients[1], gradients[0], terms=float(gradients[0].abs().max()), units=4)


def block(*, scale_shift: bool, channels: int = 8, **changes) -> ResidualBlock:
    choices = {"embedding_channels": 5, "norm_groups": 2, "dropout": 0.0, **changes}
    return ResidualBlock(channels, 8, scale_shift=scale_shift, **choices).double()


@pytest.mark.parametrize("scale_shift", [True, False])
def test_a_fresh_block_is_its_shortcut(*, scale_shift: bool):
    x, embedding = draw(2, 8, 4, 4), draw(2, 5, seed=1)
    assert torch.equal(block(scale_shift=scale_shift)(x, embedding), x)
    wider = block(scale_shift=scale_shift, channels=6)
    assert torch.equal(wider(x[:, :6], embedding), wider.shortcut(x[:, :6]))


@pytest.mark.parametrize("scale_shift", [True, False])
def test_where_the_embedding_enters(*, scale_shift: bool):
    layer = block(scale_shift=scale_shift)
    nn.init.normal_(layer.second_conv.weight, generator=torch.Generator().manual_seed(2))
    x, embedding = draw(2, 8, 4, 4), draw(2, 5, seed=1)
    silu = nn.functional.silu
    h = layer.first_conv(silu(nn.functional.group_norm(x, 2)))
    condition = layer.condition(embedding)[:, :, None, None]
    if scale_shift:
        h = nn.functional.group_norm(h, 2) * (1 + condition[:, :8]) + condition[:, 8:]
    else:
        h = nn.functional.group_norm(h + condition, 2)
    expected = x + layer.second_conv(silu(h))
    assert_close(
        layer(x, embedding), expected, terms=float(expected.detach().abs().max()), units=16
    )


def test_dropout_acts_while_training_only():
    layer = block(scale_shift=True, dropout=0.5)
    nn.init.normal_(layer.second_conv.weight, generator=torch.Generator().manual_seed(2))
    x, embedding = draw(2, 8, 4, 4), draw(2, 5, seed=1)
    torch.manual_seed(0)
    assert not torch.equal(layer(x, embedding), layer(x, embedding))
    layer.eval()
    assert torch.equal(layer(x, embedding), layer(x, embedding))


def test_halving_and_doubling():
    x = draw(2, 4, 6, 6)
    assert Downsample(4).double()(x).shape == (2, 4, 3, 3)
    double = Upsample(4, 3).double()
    small = nn.functional.conv2d(x, double.weight, double.bias, padding=1)
    # Each pixel becomes a square of four.
    expected = np.kron(small.detach().numpy(), np.ones((1, 1, 2, 2)))
    assert_close(double(x), expected, terms=float(small.detach().abs().max()))
