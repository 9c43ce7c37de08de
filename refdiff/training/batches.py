"""Which images a step sees, and where its random numbers come from.

Both are functions of the seed and the step alone, and not of what happened before: the images are
read from an endless row of shuffled epochs, and each step seeds its own generators. So a resumed
run continues bit for bit with no generator state to restore, and every number of processes sees the
same global batch and the same noise.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from refdiff.training.data import ImageData

__all__ = [
    "Batch",
    "ImageStore",
    "entropy",
    "epoch_and_position",
    "fingerprint",
    "seeded",
    "stream_indices",
]

STREAMS = {"order": 0, "noise": 1, "flip": 2, "dropout": 3, "weights": 4}
"""Independent streams of random numbers that a run draws from. The numbers must never change."""

# A data set up to this size lives on the accelerator as a whole, which spares a copy per step.
_RESIDENT_BYTES = 4 * 2**30


def entropy(seed: int, stream: str, *counters: int) -> int:
    """Seed for one purpose at one step, as `seeded` uses it.

    Returns
    -------
    int
        63 bits.
    """
    sequence = np.random.SeedSequence([seed, STREAMS[stream], *counters])
    return int(sequence.generate_state(1, np.uint64)[0] >> np.uint64(1))


def seeded(
    seed: int, stream: str, *counters: int, device: torch.device | str = "cpu"
) -> torch.Generator:
    """Generator for one purpose at one step.

    Parameters
    ----------
    seed : int
        Seed of the run.
    stream : str
        Key of `STREAMS`: what the numbers are for.
    counters : int
        Step, process ...: whatever the numbers may depend on.
    device : torch.device or str
        Device of the generator.

    Returns
    -------
    torch.Generator
        Freshly seeded.
    """
    return torch.Generator(device).manual_seed(entropy(seed, stream, *counters))


def epoch_and_position(step: int, batch_size: int, num_images: int) -> tuple[int, int]:
    """Where the step after `step` steps begins in the row of epochs.

    Returns
    -------
    tuple of int
        Number of whole epochs seen, and images seen of the current one.
    """
    return divmod(step * batch_size, num_images)


def stream_indices(seed: int, start: int, count: int, num_images: int) -> npt.NDArray[np.int64]:
    """Images `start` to `start + count` of the endless row of shuffled epochs.

    Parameters
    ----------
    seed : int
        Seed of the run.
    start, count : int
        Which part of the row.
    num_images : int
        Images of the data set; each epoch holds each of them once.

    Returns
    -------
    ndarray of shape (count,), int64
        Indices into the data set. A batch may run over the end of an epoch into the next.
    """
    parts, position = [], start
    while position < start + count:
        epoch, offset = divmod(position, num_images)
        part = _epoch_order(seed, epoch, num_images)[offset : offset + start + count - position]
        parts.append(part)
        position += len(part)
    return np.concatenate(parts)


@lru_cache(maxsize=2)  # a batch needs two epochs at most times
def _epoch_order(seed: int, epoch: int, num_images: int) -> npt.NDArray[np.int64]:
    return torch.randperm(num_images, generator=seeded(seed, "order", epoch)).numpy()


def fingerprint(data: ImageData) -> str:
    """Short checksum of pixels and labels, to notice that a folder of images has changed.

    Returns
    -------
    str
        Eight hexadecimal digits.
    """
    checksum = zlib.crc32(np.ascontiguousarray(data.images).data)
    if data.labels is not None:
        checksum = zlib.crc32(np.ascontiguousarray(data.labels).data, checksum)
    return f"{checksum:08x}"


@dataclass(frozen=True)
class Batch:
    """Images and classes of one step, on the device.

    Parameters
    ----------
    x_0 : Tensor of shape (B, C, H, W), float32
        Images in [-1, 1].
    labels : Tensor of shape (B,), int64, or None
        Classes.
    """

    x_0: Tensor
    labels: Tensor | None


class ImageStore:
    """The data set as tensors, kept as pixel levels and scaled when a batch is taken.

    Parameters
    ----------
    data : ImageData
        The images.
    device : torch.device
        Where batches are wanted.
    channels_last : bool
        Memory format of the batches.
    """

    def __init__(
        self, data: ImageData, *, device: torch.device | str, channels_last: bool = False
    ) -> None:
        self.device = torch.device(device)
        self._levels = data.levels
        self._format = torch.channels_last if channels_last else torch.contiguous_format
        home = self.device if data.images.nbytes <= _RESIDENT_BYTES else torch.device("cpu")
        # (N, H, W, C) as it came; a batch is turned into (B, C, H, W) as a view.
        self._images = torch.from_numpy(np.ascontiguousarray(data.images)).to(home)
        self._labels = None if data.labels is None else torch.from_numpy(data.labels).to(home)

    def __len__(self) -> int:
        return len(self._images)

    def batch(self, indices: npt.NDArray[np.int64], *, mirrored: Tensor | None = None) -> Batch:
        """Take a batch.

        Parameters
        ----------
        indices : ndarray of shape (B,), int64
            Which images.
        mirrored : Tensor of shape (B,), bool, optional
            Which of them to turn left to right.

        Returns
        -------
        Batch
            On the device.
        """
        where = torch.from_numpy(indices).to(self._images.device)
        pixels = self._images[where].to(self.device, non_blocking=True)
        # The operations of `refdiff.pictures.scale_pixels`, in its order.
        x_0 = pixels.permute(0, 3, 1, 2).to(torch.float32) * 2.0 / (self._levels - 1) - 1.0
        if mirrored is not None:
            x_0 = torch.where(mirrored.view(-1, 1, 1, 1), x_0.flip(3), x_0)
        labels = None if self._labels is None else self._labels[where].to(self.device)
        return Batch(x_0=x_0.contiguous(memory_format=self._format), labels=labels)
