"""The network: an encoder, a middle and a decoder joined by skip connections.

It maps a noisy image, its time and its class to a prediction of the image's shape, and does not
know what the prediction means: eps, x_0 or v is the business of training and sampling. Each
sample is computed by itself; nothing is normalised over the batch.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from refdiff.models.attention import SelfAttention
from refdiff.models.blocks import Downsample, ResidualBlock, Stage, Upsample, zero_conv
from refdiff.models.config import UNetConfig
from refdiff.models.embeddings import ClassEmbedding, TimeEmbedding
from refdiff.models.norm import GroupNorm

__all__ = ["UNet"]


class UNet(nn.Module):
    """A UNet of the DDPM/ADM family.

    The output is zero at initialisation. Weights are drawn from torch's global generator, so
    ``torch.manual_seed`` before the construction decides them.

    Parameters
    ----------
    config : UNetConfig
        Every choice that decides the parameters.

    Examples
    --------
    >>> import torch
    >>> from refdiff.models import PRESETS, UNet
    >>> unet = UNet(PRESETS["digits"])
    >>> unet(torch.zeros(2, 1, 8, 8), 1000, torch.tensor([3, 7])).shape
    torch.Size([2, 1, 8, 8])
    """

    def __init__(self, config: UNetConfig) -> None:
        super().__init__()
        self.config = config
        self.time_embedding = TimeEmbedding(config.time_channels, config.embedding_channels)
        self.class_embedding = (
            None
            if config.num_classes is None
            else ClassEmbedding(config.num_classes, config.embedding_channels)
        )
        widths = config.widths
        self.stem = nn.Conv2d(config.in_channels, widths[0], 3, padding=1)

        # Every feature map that the encoder makes, the stem's included, is used once on the way
        # back; `skips` keeps their widths in the order in which they are stacked.
        width, skips = widths[0], [widths[0]]
        self.encoder = nn.ModuleList()
        for level in range(config.levels):
            if level > 0:
                self.encoder.append(Downsample(width))
                skips.append(width)
            for _ in range(config.blocks_per_level):
                self.encoder.append(self._stage(width, widths[level], level))
                width = widths[level]
                skips.append(width)

        bottom = config.levels - 1
        self.middle = nn.ModuleList(
            [self._stage(width, width, bottom), Stage(self._block(width, width), None)]
        )

        self.decoder = nn.ModuleList()
        for level in reversed(range(config.levels)):
            for _ in range(config.blocks_per_level + 1):
                self.decoder.append(self._stage(width + skips.pop(), widths[level], level))
                width = widths[level]
            if level > 0:
                self.decoder.append(Upsample(width, widths[level - 1]))
                width = widths[level - 1]

        self.head_norm = GroupNorm(config.norm_groups, width)
        self.head = zero_conv(width, config.out_channels)

    def _block(self, in_channels: int, out_channels: int) -> ResidualBlock:
        return ResidualBlock(
            in_channels,
            out_channels,
            embedding_channels=self.config.embedding_channels,
            norm_groups=self.config.norm_groups,
            dropout=self.config.dropout,
            scale_shift=self.config.scale_shift,
        )

    def _stage(self, in_channels: int, out_channels: int, level: int) -> Stage:
        config = self.config
        attends = config.resolutions[level] in config.attention_resolutions
        attention = (
            SelfAttention(out_channels, config.head_channels, config.norm_groups)
            if attends
            else None
        )
        return Stage(self._block(in_channels, out_channels), attention)

    def forward(self, x: Tensor, t: int | Tensor, y: Tensor | None = None) -> Tensor:
        """Predict from noisy images.

        Parameters
        ----------
        x : Tensor of shape (B, in_channels, image_size, image_size)
            Noisy images, in the dtype of the weights (any floating dtype under autocast).
        t : int or Tensor of shape () or (B,)
            Training time of each image, 1..T.
        y : Tensor of shape (B,), int64, optional
            Class labels in 0..num_classes, of which the last is the null class. None means the
            null class for all.

        Returns
        -------
        Tensor of shape (B, out_channels, image_size, image_size), dtype of `x`
            The prediction; with `learned_variance` the prediction, then the raw variance
            coordinate, which is in [-1, 1] between the two variances that bound it.

        Raises
        ------
        ValueError
            If a shape or dtype does not fit, or a label on the CPU is out of range.
        """
        self._check_images(x)
        embedding = self.time_embedding(self._times(t, x))
        if self.class_embedding is not None:
            embedding = embedding + self.class_embedding(
                self._labels(y, x, self.class_embedding.null_label)
            )
        elif y is not None:
            raise ValueError("y was given to an unconditional network (num_classes is None)")
        # Every block begins with the same activation of the embedding.
        embedding = nn.functional.silu(embedding)

        h = self.stem(x)
        skips = [h]
        for layer in self.encoder:
            h = layer(h, embedding) if isinstance(layer, Stage) else layer(h)
            skips.append(h)
        for layer in self.middle:
            h = layer(h, embedding)
        for layer in self.decoder:
            if isinstance(layer, Stage):
                h = layer(torch.cat((h, skips.pop()), dim=1), embedding)
            else:
                h = layer(h)
        return self.head(nn.functional.silu(self.head_norm(h))).to(x.dtype)

    def _check_images(self, x: Tensor) -> None:
        config = self.config
        expected = (config.in_channels, config.image_size, config.image_size)
        if x.ndim != 4 or tuple(x.shape[1:]) != expected:
            raise ValueError(
                f"x has shape {tuple(x.shape)}, and this network takes (B, "
                f"{', '.join(map(str, expected))}): batch, channels, height, width"
            )
        dtype = self.stem.weight.dtype
        if not x.is_floating_point():
            raise ValueError(f"x has dtype {x.dtype}, and images must be floating, as {dtype}")
        if x.dtype != dtype and not torch.is_autocast_enabled(x.device.type):
            raise ValueError(
                f"x has dtype {x.dtype}, and the weights have {dtype}: convert one, or use autocast"
            )

    @staticmethod
    def _times(t: int | Tensor, x: Tensor) -> Tensor:
        batch = x.shape[0]
        if not isinstance(t, Tensor):
            return torch.full((batch,), float(t), dtype=torch.float32, device=x.device)
        if t.ndim > 1 or (t.ndim == 1 and t.shape[0] != batch):
            raise ValueError(
                f"t has shape {tuple(t.shape)}, and must be a number or one time an image: "
                f"({batch},)"
            )
        return t.to(x.device).expand(batch)

    @staticmethod
    def _labels(y: Tensor | None, x: Tensor, null: int) -> Tensor:
        batch = x.shape[0]
        if y is None:
            return torch.full((batch,), null, dtype=torch.int64, device=x.device)
        if tuple(y.shape) != (batch,) or y.dtype not in (torch.int64, torch.int32):
            raise ValueError(
                f"y has shape {tuple(y.shape)} and dtype {y.dtype}, and must hold one int64 label "
                f"an image: ({batch},)"
            )
        # Reading a label of another device would wait for it, and tracing cannot branch on one.
        if y.device.type == "cpu" and not torch.compiler.is_compiling():
            wrong = y[(y < 0) | (y > null)]
            if wrong.numel():
                raise ValueError(
                    f"y holds the label {int(wrong[0])}, and labels are in 0..{null}, of which "
                    f"{null} is the null class"
                )
        return y.to(x.device)
