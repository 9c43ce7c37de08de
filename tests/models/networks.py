"""Networks for the tests: small ones, in which no weight is zero."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from refdiff.models import UNet, UNetConfig
from refdiff.testing import assert_close

CONDITIONAL = UNetConfig(
    image_size=12,
    in_channels=2,
    channels=8,
    channel_multipliers=(1, 2, 3),
    blocks_per_level=1,
    attention_resolutions=(6, 3),
    head_channels=4,
    num_classes=5,
    norm_groups=4,
    time_channels=16,
    embedding_channels=32,
)


def awake(config: UNetConfig, seed: int = 0, dtype: torch.dtype = torch.float32) -> UNet:
    """Return a network with the weights of a trained one: of ordinary size, and none zero.

    A fresh network answers zero to everything, and a test of it would pass whatever it does.
    """
    model = UNet(config).to(dtype)
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        fan_in = max(1, math.prod(parameter.shape[1:]))
        noise = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
        if parameter.ndim > 1:
            noise = noise / math.sqrt(fan_in)
        else:
            noise = 0.2 * noise + (1 if name.endswith("norm.weight") else 0)
        parameter.data.copy_(noise)
    return model.eval()


def images(config: UNetConfig, batch: int, seed: int = 1, dtype: torch.dtype = torch.float32):
    """Return noisy images, times and labels; the last label is the null class."""
    generator = torch.Generator().manual_seed(seed)
    shape = (batch, config.in_channels, config.image_size, config.image_size)
    x = torch.randn(shape, generator=generator, dtype=dtype)
    t = torch.randint(1, 1001, (batch,), generator=generator)
    if config.num_classes is None:
        return x, t, None
    y = torch.randint(0, config.num_classes, (batch,), generator=generator)
    y[-1] = config.num_classes
    return x, t, y


def assert_same_prediction(actual: Tensor, expected: Tensor) -> None:
    """Assert that two orders of the same arithmetic gave these predictions.

    Kernels for other batch sizes and layouts add in another order. Through some twenty layers
    the rounding grows to a few tens of units of the largest number of the image.
    """
    assert_close(actual, expected, terms=float(expected.detach().abs().max()), units=64)


def largest_change(actual: Tensor, expected: Tensor) -> float:
    """Return the largest difference in units of the largest expected number."""
    actual, expected = actual.detach(), expected.detach()
    return float((actual - expected).abs().max() / expected.abs().max())
