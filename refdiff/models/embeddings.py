"""What tells the network the time and the class.

Times are training times: whole numbers in 1..T, with data at 0. They become sinusoids in float32
before anything is rounded to a shorter type, since bfloat16 cannot hold 999.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

__all__ = ["ClassEmbedding", "TimeEmbedding", "sinusoidal_embedding"]

_LONGEST_PERIOD = 10_000.0


def sinusoidal_embedding(t: Tensor, num_channels: int) -> Tensor:
    r"""Encode times as cosines, then sines, of falling frequency.

    .. math::

        (\cos\omega_0 t, \dots, \cos\omega_{h-1} t, \sin\omega_0 t, \dots, \sin\omega_{h-1} t),
        \quad \omega_k = 10000^{-k/h}, \quad h = \text{num\_channels} / 2

    Parameters
    ----------
    t : Tensor of shape (B,)
        Times; converted to float32, which is exact for whole numbers below 2**24.
    num_channels : int
        Even number of channels.

    Returns
    -------
    Tensor of shape (B, num_channels), float32
        The inner product of two rows depends on the difference of their times alone.

    Notes
    -----
    Public code differs in the order (sines first) and in the lowest frequency (exponent
    k/(h-1)). This is the convention of improved DDPM and ADM.
    """
    half = num_channels // 2
    k = torch.arange(half, dtype=torch.float32, device=t.device)
    angles = t.to(torch.float32)[:, None] * torch.exp(k * (-math.log(_LONGEST_PERIOD) / half))
    return torch.cat((torch.cos(angles), torch.sin(angles)), dim=1)


class TimeEmbedding(nn.Module):
    """Turn times into embedding vectors: sinusoids, then two linear layers.

    Parameters
    ----------
    time_channels : int
        Number of sinusoids, even.
    embedding_channels : int
        Width of the result.
    """

    def __init__(self, time_channels: int, embedding_channels: int) -> None:
        super().__init__()
        self.time_channels = time_channels
        self.inner = nn.Linear(time_channels, embedding_channels)
        self.outer = nn.Linear(embedding_channels, embedding_channels)

    def forward(self, t: Tensor) -> Tensor:
        """Map times (B,) to (B, embedding_channels)."""
        waves = sinusoidal_embedding(t, self.time_channels).to(self.inner.weight.dtype)
        return self.outer(nn.functional.silu(self.inner(waves)))


class ClassEmbedding(nn.Embedding):
    """A learned vector for each class, and one more for the null class.

    Parameters
    ----------
    num_classes : int
        Number of classes; the label `num_classes` itself stands for "no class".
    embedding_channels : int
        Width of the vectors.
    """

    def __init__(self, num_classes: int, embedding_channels: int) -> None:
        super().__init__(num_classes + 1, embedding_channels)
        self.null_label = num_classes
