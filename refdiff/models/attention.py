"""Self-attention over the pixels of a feature map."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from refdiff.models.norm import GroupNorm

__all__ = ["SelfAttention", "attend"]


def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Average values with softmax weights of the scaled inner products of queries and keys.

    Parameters
    ----------
    query, key, value : Tensor of shape (B, heads, N, D)
        One row a pixel.

    Returns
    -------
    Tensor of shape (B, heads, N, D)
        The same dtype as `query`.
    """
    half = query.dtype in (torch.bfloat16, torch.float16)
    if query.device.type != "cpu" or not half:
        return nn.functional.scaled_dot_product_attention(query, key, value)
    # On the CPU the fused kernel's backward is about ten times slower in bfloat16 than in float32.
    with torch.autocast("cpu", enabled=False):
        mixed = nn.functional.scaled_dot_product_attention(
            query.float(), key.float(), value.float()
        )
    return mixed.to(query.dtype)


class SelfAttention(nn.Module):
    """Let every pixel attend to every other, head by head, and add the result.

    It is the identity at initialisation, because the last layer starts at zero.

    Parameters
    ----------
    channels : int
        Feature channels.
    head_channels : int
        Width of one head; divides `channels`.
    norm_groups : int
        Groups of the norm that comes first.
    """

    def __init__(self, channels: int, head_channels: int, norm_groups: int) -> None:
        super().__init__()
        self.head_channels = head_channels
        self.norm = GroupNorm(norm_groups, channels)
        self.query_key_value = nn.Linear(channels, 3 * channels)
        self.out = nn.Linear(channels, channels)
        for parameter in self.out.parameters():
            nn.init.zeros_(parameter)

    def forward(self, x: Tensor) -> Tensor:
        """Map features (B, C, H, W) to the same shape."""
        batch, channels, height, width = x.shape
        # Pixels as rows: free of charge in channels_last, one copy otherwise.
        tokens = self.norm(x).flatten(2).transpose(1, 2)
        query, key, value = (
            self.query_key_value(tokens)
            .view(batch, height * width, 3, channels // self.head_channels, self.head_channels)
            .permute(2, 0, 3, 1, 4)
        )
        heads = attend(query, key, value)
        mixed = self.out(heads.transpose(1, 2).reshape(batch, height * width, channels))
        return x + mixed.transpose(1, 2).reshape(batch, channels, height, width)
