"""How large a network is: parameters, and the arithmetic of one image.

A multiply-add is one multiplication and one addition: two FLOPs. Papers often print multiply-adds
under the name FLOPs; here the two have two functions. Counted are convolutions, matrix products
and attention, which is all but a few percent; norms and activations are not.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from refdiff.models.unet import UNet

__all__ = ["count_flops", "count_multiply_adds", "count_parameters", "summary"]


def count_parameters(model: nn.Module) -> int:
    """Return the number of weights in a module, frozen ones included."""
    return sum(p.numel() for p in model.parameters())


def count_flops(model: UNet) -> int:
    """Return the FLOPs of one forward pass of one image, a multiply-add counting as two.

    A training step costs about three times as much an image. Nothing is computed: shapes alone
    decide.
    """
    config = model.config
    with torch.device("meta"):
        twin = UNet(config)
        x = torch.empty(1, config.in_channels, config.image_size, config.image_size)
        t = torch.ones(1)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        twin.eval()(x, t)
    return int(counter.get_total_flops())


def count_multiply_adds(model: UNet) -> int:
    """Return the multiply-adds of one forward pass of one image: half of `count_flops`."""
    return count_flops(model) // 2


def summary(model: UNet) -> str:
    """Describe a network in a few lines of text.

    Examples
    --------
    >>> from refdiff.models import PRESETS, UNet
    >>> print(summary(UNet(PRESETS["digits"])).splitlines()[0])
    UNet for 8x8 images with 1 channel, 10 classes
    """
    config = model.config
    channels = f"{config.in_channels} channel{'s' if config.in_channels > 1 else ''}"
    classes = "unconditional" if config.num_classes is None else f"{config.num_classes} classes"
    levels = ", ".join(
        f"{resolution}x{resolution} ({width}{' + attention' if attends else ''})"
        for resolution, width, attends in zip(
            config.resolutions,
            config.widths,
            (r in config.attention_resolutions for r in config.resolutions),
            strict=True,
        )
    )
    return "\n".join(
        (
            f"UNet for {config.image_size}x{config.image_size} images with {channels}, {classes}",
            f"  levels         {levels}",
            f"  blocks         {config.blocks_per_level} a level down, "
            f"{config.blocks_per_level + 1} up",
            f"  parameters     {count_parameters(model):,}",
            f"  multiply-adds  {count_multiply_adds(model):,} an image "
            f"({count_flops(model):,} FLOPs)",
        )
    )
