"""Features of pictures: the numbers in which samples and real pictures are compared.

An extractor is anything with a name, a number of features and a call; `PixelPCA` keeps the
directions in which the real pixels vary most, `ImageClassifier` learns the classes of the real
pictures and gives its last hidden layer. Both are fitted on the training pictures alone and are the
same in every run.
"""

from __future__ import annotations

import warnings
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from refdiff._extras import require
from refdiff.pictures.pixels import scale_pixels
from refdiff.training.data.image_data import ImageData

__all__ = ["Features", "ImageClassifier", "PixelPCA"]

_Pixels = NDArray[np.uint8]
_Array = NDArray[np.float64]

# Enough to fit either extractor; more would only take longer.
_MOST_IMAGES = 10_000


@runtime_checkable
class Features(Protocol):
    """What can measure pictures: a name, a number of features, and a call."""

    @property
    def name(self) -> str:
        """Name that a report shows beside every figure."""

    @property
    def dim(self) -> int:
        """Number of features."""

    def __call__(self, images: _Pixels) -> _Array:
        """Measure pictures: uint8 (N, H, W, C) to float64 (N, dim)."""


def _spread(data: ImageData) -> slice:
    """Choose at most `_MOST_IMAGES` pictures, evenly, as files are often sorted by class."""
    return slice(None, None, max(1, -(-len(data) // _MOST_IMAGES)))


def _flat(images: _Pixels, shape: tuple[int, int, int], levels: int) -> _Array:
    if np.shape(images)[1:] != shape:
        raise ValueError(
            f"images have shape {np.shape(images)}; these features were fitted on (N, "
            f"{', '.join(map(str, shape))})"
        )
    return scale_pixels(images, levels).reshape(len(images), -1).astype(np.float64)


class PixelPCA:
    """Projection of the pixels on the directions in which the real pictures vary most.

    Parameters
    ----------
    data : ImageData
        The real pictures.
    dim : int
        Number of directions, at most the number of pixels.

    Attributes
    ----------
    name : str
        As "32 principal components of digits pixels".
    dim : int
        Number of features.
    explained : float
        Share of the pixels' variance in these directions, 0 .. 1.

    Raises
    ------
    ValueError
        If `dim` is not in 1 .. number of pixels.
    """

    def __init__(self, data: ImageData, dim: int = 32) -> None:
        pixels = int(np.prod(data.shape))
        if not 1 <= dim <= pixels:
            raise ValueError(f"dim={dim} must be in 1..{pixels}, the number of pixels")
        self.name = f"{dim} principal components of {data.name} pixels"
        self.dim = dim
        self._shape, self._levels = data.shape, data.levels
        flat = _flat(data.images[_spread(data)], data.shape, data.levels)
        self._mean: _Array = flat.mean(axis=0)
        centred = flat - self._mean
        values, vectors = np.linalg.eigh(centred.T @ centred)
        self._directions: _Array = vectors[:, ::-1][:, :dim]
        total = float(values.sum())
        self.explained = float(values[::-1][:dim].sum()) / total if total > 0 else 1.0

    def __call__(self, images: _Pixels) -> _Array:
        """Measure pictures.

        Parameters
        ----------
        images : ndarray of uint8, (N, H, W, C)
            Pictures with the size and the levels of the data.

        Returns
        -------
        ndarray of float64, (N, dim)
            Coordinates, in the scale where pixels run from -1 to 1.

        Raises
        ------
        ValueError
            If size or levels do not fit.
        """
        return (_flat(images, self._shape, self._levels) - self._mean) @ self._directions


class ImageClassifier:
    """A small neural network that knows the classes of the real pictures, and its last hidden layer
    as features.

    It learns the training pictures and the same moved by half a pixel up, down, left and right,
    which about halves its errors on scikit-learn's digits.

    Parameters
    ----------
    data : ImageData
        The real pictures with labels; at most 10,000 of them, evenly chosen, are learned.
    seed : int
        Seed of the network's first weights and of the order of the pictures.

    Attributes
    ----------
    name : str
        As "32 hidden units of a digits classifier".
    dim : int
        Number of features, 32.
    accuracy : float or None
        Share of the data's held-out pictures that it gets right; None without held-out pictures.

    Raises
    ------
    ValueError
        If the data have no labels or only one class.
    UserError
        If scikit-learn is not installed.
    """

    def __init__(self, data: ImageData, *, seed: int = 0) -> None:
        if data.labels is None or len(np.unique(data.labels)) < 2:
            raise ValueError(f"the data {data.name!r} need labels of two classes or more")
        networks = require("sklearn.neural_network", extra="images", purpose="the classifier")
        problems = require("sklearn.exceptions", extra="images", purpose="the classifier")
        self.dim = 32
        self.name = f"{self.dim} hidden units of a {data.name} classifier"
        self._shape, self._levels = data.shape, data.levels
        chosen = _spread(data)
        pixels = scale_pixels(data.images[chosen], data.levels)
        moved = np.concatenate([pixels, *_half_pixel_moves(pixels)])
        network = networks.MLPClassifier(
            (128, self.dim), alpha=0.01, batch_size=64, max_iter=25, random_state=seed
        )
        with warnings.catch_warnings():
            # Twenty-five rounds are by choice; the network need not come to rest.
            warnings.simplefilter("ignore", problems.ConvergenceWarning)
            network.fit(moved.reshape(len(moved), -1), np.tile(data.labels[chosen], 5))
        self._classes: NDArray[np.int64] = network.classes_
        self._weights: list[_Array] = [part.astype(np.float64) for part in network.coefs_]
        self._biases: list[_Array] = [part.astype(np.float64) for part in network.intercepts_]
        self.accuracy: float | None = None
        if data.test is not None and data.test.labels is not None:
            self.accuracy = float(np.mean(self.predict(data.test.images) == data.test.labels))

    def __call__(self, images: _Pixels) -> _Array:
        """Measure pictures.

        Parameters
        ----------
        images : ndarray of uint8, (N, H, W, C)
            Pictures with the size and the levels of the data.

        Returns
        -------
        ndarray of float64, (N, 32)
            Activations of the last hidden layer, none below zero.

        Raises
        ------
        ValueError
            If size or levels do not fit.
        """
        values: Any = _flat(images, self._shape, self._levels)
        for weights, biases in zip(self._weights[:-1], self._biases[:-1], strict=True):
            values = np.maximum(values @ weights + biases, 0.0)
        return np.asarray(values, dtype=np.float64)

    def predict(self, images: _Pixels) -> NDArray[np.int64]:
        """Name the class of each picture.

        Parameters
        ----------
        images : ndarray of uint8, (N, H, W, C)
            Pictures with the size and the levels of the data.

        Returns
        -------
        ndarray of int64, (N,)
            Classes, numbered as in the data's labels.

        Raises
        ------
        ValueError
            If size or levels do not fit.
        """
        scores = self(images) @ self._weights[-1] + self._biases[-1]
        if scores.shape[1] == 1:  # two classes share one output
            return self._classes[(scores[:, 0] > 0).astype(np.int64)]
        return self._classes[np.argmax(scores, axis=1)]


def _half_pixel_moves(pixels: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Move pictures (N, H, W, C) by half a pixel four ways; what comes in from outside is black."""
    padded = np.pad(pixels, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=-1)
    height, width = pixels.shape[1:3]
    neighbours = [
        padded[:, 1 + down : 1 + down + height, 1 + across : 1 + across + width]
        for down, across in ((0, 1), (0, -1), (1, 0), (-1, 0))
    ]
    return [(pixels + neighbour) * np.float32(0.5) for neighbour in neighbours]
