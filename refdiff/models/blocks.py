"""The convolutional parts: residual blocks, halving, doubling, and a block with its attention."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from refdiff.models.attention import SelfAttention
from refdiff.models.norm import GroupNorm

__all__ = ["Downsample", "ResidualBlock", "Stage", "Upsample", "zero_conv"]


def zero_conv(in_channels: int, out_channels: int) -> nn.Conv2d:
    """Return a 3x3 convolution whose output is zero until it is trained."""
    conv = nn.Conv2d(in_channels, out_channels, 3, padding=1)
    for parameter in conv.parameters():
        nn.init.zeros_(parameter)
    return conv


class ResidualBlock(nn.Module):
    """Two convolutions around which the features pass unchanged.

    The embedding enters at the second norm. With `scale_shift` that norm has no weights of its
    own: the embedding's bias terms already are a learned scale and shift. At initialisation the
    block is its shortcut.

    Parameters
    ----------
    in_channels, out_channels : int
        Feature channels before and after.
    embedding_channels : int
        Width of the embedding.
    norm_groups : int
        Groups of both norms.
    dropout : float
        Probability of dropping a feature before the second convolution.
    scale_shift : bool
        Scale and shift the second norm by the embedding, rather than adding it before the norm.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        embedding_channels: int,
        norm_groups: int,
        dropout: float,
        scale_shift: bool,
    ) -> None:
        super().__init__()
        self.scale_shift = scale_shift
        self.first_norm = GroupNorm(norm_groups, in_channels)
        self.first_conv = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.condition = nn.Linear(embedding_channels, out_channels * (2 if scale_shift else 1))
        self.second_norm = GroupNorm(norm_groups, out_channels, affine=not scale_shift)
        self.dropout = nn.Dropout(dropout)
        self.second_conv = zero_conv(out_channels, out_channels)
        self.shortcut = (
            nn.Identity()
            if in_channels == out_channels
            else nn.Conv2d(in_channels, out_channels, 1)
        )

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        """Map features (B, C, H, W) and activated embeddings (B, E) to (B, C', H, W)."""
        h = self.first_conv(nn.functional.silu(self.first_norm(x)))
        condition = self.condition(embedding)[:, :, None, None]
        if self.scale_shift:
            scale, shift = condition.chunk(2, dim=1)
            h = torch.addcmul(shift, self.second_norm(h), 1 + scale)
        else:
            h = self.second_norm(h + condition)
        return self.shortcut(x) + self.second_conv(self.dropout(nn.functional.silu(h)))


class Downsample(nn.Conv2d):
    """Halve height and width by a 3x3 convolution of stride 2."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, channels, 3, stride=2, padding=1)


class Upsample(nn.Conv2d):
    """Double height and width: a 3x3 convolution, then every pixel is repeated.

    The convolution comes first because it costs a quarter there; the next block smooths.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Map features (B, C, H, W) to (B, C', 2H, 2W)."""
        return nn.functional.interpolate(super().forward(x), scale_factor=2.0, mode="nearest")


class Stage(nn.Module):
    """A residual block, followed by attention where the resolution asks for it."""

    def __init__(self, block: ResidualBlock, attention: SelfAttention | None) -> None:
        super().__init__()
        self.block = block
        self.attention = nn.Identity() if attention is None else attention

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        """Map features (B, C, H, W) and activated embeddings (B, E) to (B, C', H, W)."""
        return self.attention(self.block(x, embedding))
