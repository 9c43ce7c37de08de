"""Parameters and arithmetic of networks small enough to count by hand."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from refdiff.models import (
    PRESETS,
    UNet,
    UNetConfig,
    count_flops,
    count_multiply_adds,
    count_parameters,
    summary,
)

TINY = UNetConfig(
    image_size=4,
    in_channels=1,
    channels=2,
    channel_multipliers=(1, 2),
    blocks_per_level=1,
    attention_resolutions=(2,),
    head_channels=2,
    num_classes=3,
    norm_groups=2,
    time_channels=4,
    embedding_channels=5,
)


def conv(inside: int, outside: int, width: int = 3) -> int:
    return outside * (inside * width * width + 1)


def linear(inside: int, outside: int) -> int:
    return outside * (inside + 1)


def block(inside: int, outside: int) -> int:
    shortcut = 0 if inside == outside else conv(inside, outside, 1)
    body = conv(inside, outside) + conv(outside, outside)
    return 2 * inside + body + linear(5, 2 * outside) + shortcut


def attention(width: int) -> int:
    return 2 * width + linear(width, 3 * width) + linear(width, width)


def test_parameters_of_a_tiny_network_by_hand():
    embeddings = linear(4, 5) + linear(5, 5) + (3 + 1) * 5
    encoder = block(2, 2) + conv(2, 2) + block(2, 4) + attention(4)
    middle = block(4, 4) + attention(4) + block(4, 4)
    # Skips, last first: 4 and 2 at the lower level, 2 and 2 (the stem's) at the upper.
    lower = block(4 + 4, 4) + block(4 + 2, 4) + 2 * attention(4) + conv(4, 2)
    upper = block(2 + 2, 2) + block(2 + 2, 2)
    ends = conv(1, 2) + 2 * 2 + conv(2, 1)
    expected = embeddings + encoder + middle + lower + upper + ends
    assert count_parameters(UNet(TINY)) == expected


def test_multiply_adds_of_a_tiny_network_by_hand():
    def conv(inside: int, outside: int, size: int, width: int = 3) -> int:
        return inside * outside * width * width * size * size

    def block(inside: int, outside: int, size: int) -> int:
        shortcut = 0 if inside == outside else conv(inside, outside, size, 1)
        body = conv(inside, outside, size) + conv(outside, outside, size)
        return body + 5 * 2 * outside + shortcut

    # Four pixels attend to four: the linear layers, then scores and averages of both heads.
    attention = 4 * (4 * 12 + 4 * 4) + 2 * (4 * 4 * 4)
    encoder = block(2, 2, 4) + conv(2, 2, 2) + block(2, 4, 2) + attention
    middle = 2 * block(4, 4, 2) + attention
    lower = block(8, 4, 2) + block(6, 4, 2) + 2 * attention + conv(4, 2, 2)
    upper = 2 * block(4, 2, 4)
    ends = conv(1, 2, 4) + conv(2, 1, 4)
    expected = 4 * 5 + 5 * 5 + encoder + middle + lower + upper + ends
    assert count_multiply_adds(UNet(TINY)) == expected
    assert count_flops(UNet(TINY)) == 2 * expected


def test_a_frozen_network_has_as_many_weights():
    model = UNet(TINY)
    expected = count_parameters(model)
    assert count_parameters(model.requires_grad_(False)) == expected > 0


def test_counting_leaves_the_random_generator_alone():
    model = UNet(TINY)
    before = torch.get_rng_state()
    count_flops(model)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_a_network_that_runs(name: str):
    config = PRESETS[name]
    with torch.device("meta"):
        model = UNet(config)
        x = torch.empty(2, config.in_channels, config.image_size, config.image_size)
        out = model(x, torch.ones(2))
    assert out.shape == (2, config.out_channels, config.image_size, config.image_size)
    # Of the order of the networks that the papers trained at that size.
    millions = count_parameters(model) / 1e6
    low, high = {8: (0.5, 1.5), 28: (1, 4), 32: (30, 60), 64: (200, 350)}.get(
        config.image_size, (300, 600)
    )
    assert low < millions < high


def test_the_summary_tells_the_counts():
    model = UNet(dataclasses.replace(TINY, num_classes=None))
    text = summary(model)
    assert f"{count_parameters(model):,}" in text
    assert f"{count_multiply_adds(model):,} an image ({count_flops(model):,} FLOPs)" in text
    assert "unconditional" in text
    assert "4x4 (2), 2x2 (4 + attention)" in text
