"""Images to train on: the digits that come with scikit-learn, IDX files, CIFAR-10's batches,
folders of pictures.

`load_data` takes a name or a path and gives `ImageData`; `to_tensor` turns its pixels into what a
model is trained on. Nothing here touches the network, and no file is trusted: what it announces is
checked against what it holds before memory is set aside, and no file can make code run.
"""

from __future__ import annotations

from refdiff.pictures.pixels import from_tensor, to_tensor
from refdiff.training.data.image_data import ImageData
from refdiff.training.data.registry import KNOWN_DATA, load_data

__all__ = ["KNOWN_DATA", "ImageData", "from_tensor", "load_data", "to_tensor"]
