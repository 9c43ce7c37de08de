"""Drawing the samples of each method, and measuring them beside real digits."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from refdiff.cli.demo.recipe import PER_CLASS, Method
from refdiff.evaluation.features import ImageClassifier, PixelPCA
from refdiff.evaluation.figures import SampleFigures, sample_figures
from refdiff.pictures import scale_pixels
from refdiff.training.data import ImageData, from_tensor
from refdiff.training.run import Run
from refdiff.training.sampling import Samples, sample_images

__all__ = ["Judge", "Measured", "measure", "nearest_distances"]

_PATH_ROWS = 10
_PATH_COLUMNS = 10


@dataclass(frozen=True, eq=False)
class Judge:
    """What samples are measured with, fitted on the training digits alone."""

    data: ImageData
    classifier: ImageClassifier
    pixels: PixelPCA

    @classmethod
    def of(cls, data: ImageData) -> Judge:
        """Fit the classifier and the principal components."""
        return cls(data, ImageClassifier(data, seed=0), PixelPCA(data))

    @property
    def held_out(self) -> ImageData:
        """The real digits that neither network nor judge has seen."""
        if self.data.test is None:
            raise ValueError(f"the data {self.data.name!r} have no held-out pictures")
        return self.data.test


@dataclass(frozen=True, eq=False)
class Measured:
    """The samples of one method with their figures.

    Attributes
    ----------
    method : Method
        How they were drawn.
    samples : Samples
        Sample i is of class i mod 10.
    figures : SampleFigures
        Accuracy and Fréchet distances.
    taken_for : ndarray of int64, (N,)
        The class that the classifier sees in each sample.
    nearest : float
        Median distance to the nearest training digit, root mean square over the pixels.
    seconds : float
        Time of drawing them.
    """

    method: Method
    samples: Samples
    figures: SampleFigures
    taken_for: NDArray[np.int64]
    nearest: float
    seconds: float


def measure(
    run: Run,
    method: Method,
    judge: Judge,
    *,
    seed: int,
    on_step: Callable[[int, int], None] | None = None,
) -> Measured:
    """Draw ten samples of each class and measure them.

    Parameters
    ----------
    run : Run
        The trained network.
    method : Method
        How to draw.
    judge : Judge
        What to measure with.
    seed : int
        Seed of the noise: sample i starts from the same noise in every method.
    on_step : callable, optional
        Called with steps done and steps in all.

    Returns
    -------
    Measured
        Samples and figures.
    """
    classes = judge.data.num_classes or 1
    began = time.perf_counter()
    samples = sample_images(
        run,
        count=PER_CLASS * classes,
        config=method.config,
        seed=seed,
        path_rows=_PATH_ROWS,
        path_columns=_PATH_COLUMNS,
        on_step=on_step,
    )
    seconds = time.perf_counter() - began
    images = from_tensor(samples.images, judge.data.levels)
    labels = None if samples.labels is None else samples.labels.numpy()
    figures = sample_figures(
        images,
        labels,
        judge.data,
        classifier=judge.classifier,
        features=(judge.classifier, judge.pixels),
    )
    return Measured(
        method=method,
        samples=samples,
        figures=figures,
        taken_for=judge.classifier.predict(images),
        nearest=float(np.median(nearest_distances(images, judge.data))),
        seconds=seconds,
    )


def nearest_distances(images: NDArray[np.uint8], data: ImageData) -> NDArray[np.float64]:
    """Measure how far each picture is from the nearest training picture.

    Parameters
    ----------
    images : ndarray of uint8, (N, H, W, C)
        Pictures with the levels of the data.
    data : ImageData
        The training pictures.

    Returns
    -------
    ndarray of float64, (N,)
        Root mean square difference of the pixels, in the scale where they run from -1 to 1.
    """
    here = scale_pixels(images, data.levels).reshape(len(images), -1).astype(np.float64)
    there = scale_pixels(data.images, data.levels).reshape(len(data), -1).astype(np.float64)
    squares = ((here[:, np.newaxis] - there[np.newaxis]) ** 2).mean(axis=2)
    nearest: NDArray[np.float64] = np.sqrt(squares.min(axis=1))
    return nearest
