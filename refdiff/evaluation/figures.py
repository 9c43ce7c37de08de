"""The figures of a set of samples, each beside the same figure of real pictures that no one trained
on.

A figure alone says little: a classifier is wrong on real pictures too, and a Fréchet distance from
a hundred samples is large for real pictures too. So the held-out pictures are measured in the same
way, in draws of as many pictures with the same classes as the samples.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from refdiff.evaluation.features import Features, ImageClassifier
from refdiff.evaluation.frechet import frechet_distance
from refdiff.training.data.image_data import ImageData

__all__ = ["FrechetFigure", "SampleFigures", "sample_figures"]

_Pixels = NDArray[np.uint8]
_Labels = NDArray[np.int64]
_Array = NDArray[np.float64]
_Indices = NDArray[np.intp]


@dataclass(frozen=True)
class FrechetFigure:
    """Squared Fréchet distances to the training pictures, in one kind of features.

    Attributes
    ----------
    features : str
        Name of the features.
    count : int
        How many pictures each distance was measured from.
    samples : float
        The samples' distance; the mean over the draws where there are more samples than `count`.
    held_out : float
        The mean distance of real held-out pictures, over the draws.
    held_out_spread : float
        Standard deviation of the held-out distances over the draws: differences of this size mean
        nothing.
    """

    features: str
    count: int
    samples: float
    held_out: float
    held_out_spread: float


@dataclass(frozen=True)
class SampleFigures:
    """How good samples are, beside real held-out pictures.

    Attributes
    ----------
    count : int
        Number of samples.
    accuracy : float or None
        Share of the samples that the classifier gives the class that was asked for; None without
        labels.
    class_accuracy : tuple of float
        The same for each class; NaN for a class without samples; empty without labels.
    held_out_accuracy : float or None
        Share of the real held-out pictures that the classifier gets right.
    frechet : tuple of FrechetFigure
        One for each kind of features.
    """

    count: int
    accuracy: float | None
    class_accuracy: tuple[float, ...]
    held_out_accuracy: float | None
    frechet: tuple[FrechetFigure, ...]


def sample_figures(
    images: _Pixels,
    labels: _Labels | None,
    data: ImageData,
    *,
    classifier: ImageClassifier | None = None,
    features: Sequence[Features] = (),
    draws: int = 20,
    seed: int = 0,
) -> SampleFigures:
    """Measure samples and, in the same way, real held-out pictures.

    Parameters
    ----------
    images : ndarray of uint8, (N, H, W, C)
        The samples, with the levels of the data (see `refdiff.training.data.from_tensor`).
    labels : ndarray of int64, (N,), or None
        The class that was asked for of each sample.
    data : ImageData
        The real pictures, with held-out pictures in `test`.
    classifier : ImageClassifier, optional
        Judges the classes; without it the accuracies are None.
    features : sequence of Features
        Kinds of features to measure Fréchet distances in.
    draws : int
        How many random draws of held-out pictures are measured.
    seed : int
        Seed of the draws.

    Returns
    -------
    SampleFigures
        The figures.

    Raises
    ------
    ValueError
        If the data have no held-out pictures, or the samples do not fit the data.
    """
    if data.test is None:
        raise ValueError(f"the data {data.name!r} have no held-out pictures to compare with")
    if labels is not None and np.shape(labels) != (len(images),):
        raise ValueError(f"labels have shape {np.shape(labels)} for {len(images)} images")
    if draws < 1:
        raise ValueError(f"draws={draws} must be at least 1")
    accuracy: float | None = None
    per_class: tuple[float, ...] = ()
    if classifier is not None and labels is not None:
        right = classifier.predict(images) == labels
        accuracy = float(right.mean())
        per_class = tuple(
            float(right[labels == number].mean()) if np.any(labels == number) else float("nan")
            for number in range(data.num_classes or 0)
        )
    return SampleFigures(
        count=len(images),
        accuracy=accuracy,
        class_accuracy=per_class,
        held_out_accuracy=None if classifier is None else classifier.accuracy,
        frechet=tuple(
            _frechet(images, labels, data, data.test, extractor, draws, seed)
            for extractor in features
        ),
    )


def _frechet(
    images: _Pixels,
    labels: _Labels | None,
    data: ImageData,
    held_out: ImageData,
    extractor: Features,
    draws: int,
    seed: int,
) -> FrechetFigure:
    real = extractor(data.images)
    generator = np.random.default_rng(seed)

    def distances(pictures: _Pixels, chosen: Iterable[_Indices]) -> _Array:
        vectors = extractor(pictures)
        return np.array(
            [
                frechet_distance(vectors[draw], real, features=extractor.name).squared
                for draw in chosen
            ]
        )

    sampled_pools, unseen_pools = _pools(labels, held_out.labels, len(images), len(held_out))
    sampled = distances(images, _draw(sampled_pools, draws, generator))
    unseen = distances(held_out.images, _draw(unseen_pools, draws, generator))
    count = sum(many for _, many in unseen_pools)
    return FrechetFigure(
        extractor.name, count, float(sampled.mean()), float(unseen.mean()), float(unseen.std())
    )


def _pools(
    asked: _Labels | None, there: _Labels | None, samples: int, held_out: int
) -> tuple[list[tuple[_Indices, int]], list[tuple[_Indices, int]]]:
    """Say which samples and held-out pictures to draw from, and how many: of each class as many.

    The share of each class moves the distance, so with labels both sides are drawn with as many of
    a class as the side has that has fewer.
    """
    if asked is not None and there is not None:
        classes = [
            (np.flatnonzero(asked == number), np.flatnonzero(there == number))
            for number in np.unique(asked)
        ]
        alike = [(ours, real, min(len(ours), len(real))) for ours, real in classes]
        if sum(many for _, _, many in alike) >= 2:
            return (
                [(ours, many) for ours, _, many in alike],
                [(real, many) for _, real, many in alike],
            )
    count = min(samples, held_out)
    return [(np.arange(samples), count)], [(np.arange(held_out), count)]


def _draw(
    pools: list[tuple[_Indices, int]], draws: int, generator: np.random.Generator
) -> list[_Indices]:
    """Draw from each pool without replacement, `draws` times; once where nothing is left to
    chance.
    """
    if all(len(pool) == many for pool, many in pools):
        return [np.concatenate([pool for pool, _ in pools])]
    return [
        np.concatenate([generator.choice(pool, many, replace=False) for pool, many in pools])
        for _ in range(draws)
    ]
