"""The one shape in which every data set arrives: pixels, labels, and what was left out."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["ImageData"]


@dataclass(frozen=True, eq=False)
class ImageData:
    """Pictures of one size with their labels.

    Attributes
    ----------
    images : ndarray of uint8, (N, H, W, C)
        Pixel levels 0 .. levels-1; C is 1 (grey) or 3 (colour).
    labels : ndarray of int64, (N,), or None
        Class of each picture, 0 .. num_classes-1; None for data without classes.
    class_names : tuple of str, or None
        Name of each class; None for data without classes.
    name : str
        What the data are called, in reports.
    levels : int
        Number of pixel levels: 256, or 17 for scikit-learn's digits.
    test : ImageData or None
        Held-out pictures with the same size and classes, where the data have such.
    skipped : tuple of str
        One message for each picture that could not be used.
    ignored : int
        How many files were passed over because they are no pictures.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64] | None
    class_names: tuple[str, ...] | None
    name: str
    levels: int = 256
    test: ImageData | None = None
    skipped: tuple[str, ...] = ()
    ignored: int = 0

    def __post_init__(self) -> None:
        images, labels = self.images, self.labels
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] not in (1, 3):
            raise ValueError(
                f"images are {images.dtype} of shape {images.shape}; "
                "expected uint8 (N, H, W, C) with C = 1 or 3"
            )
        if (labels is None) != (self.class_names is None):
            raise ValueError("labels and class_names come together: give both or neither")
        if labels is not None and self.class_names is not None:
            if labels.dtype != np.int64 or labels.shape != (len(images),):
                raise ValueError(
                    f"labels are {labels.dtype} of shape {labels.shape}; "
                    f"expected int64 of shape ({len(images)},)"
                )
            if labels.size and not 0 <= labels.min() <= labels.max() < len(self.class_names):
                raise ValueError(
                    f"labels run from {labels.min()} to {labels.max()}; "
                    f"{len(self.class_names)} classes allow 0..{len(self.class_names) - 1}"
                )
        if self.test is not None and self.test.shape != self.shape:
            raise ValueError(f"test images are {self.test.shape}, the others {self.shape}")

    def __len__(self) -> int:
        return len(self.images)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of one picture."""
        height, width, channels = self.images.shape[1:]
        return height, width, channels

    @property
    def num_classes(self) -> int | None:
        """Number of classes, or None for data without classes."""
        return None if self.class_names is None else len(self.class_names)

    def joined(self) -> ImageData:
        """Join the held-out pictures to the others, for a run that needs every one of them.

        Returns
        -------
        ImageData
            All pictures, those held out last, and no `test`. Figures that compare with held-out
            pictures mean nothing after training on these.
        """
        if self.test is None:
            return self
        both = (self.labels, self.test.labels)
        labels = None if both[0] is None or both[1] is None else np.concatenate([both[0], both[1]])
        return dataclasses.replace(
            self,
            images=np.concatenate([self.images, self.test.images]),
            labels=labels,
            class_names=None if labels is None else self.class_names,
            test=None,
        )
