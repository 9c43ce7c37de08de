"""Measures of samples: Fréchet distances over named features, accuracy of classes, and checks of
moments.

Every distance names the features it was measured in; none is called after the Inception network,
which is not used here. `sample_figures` sets the figures of samples beside those of real held-out
pictures. `refdiff.evaluation.flow_likelihood` has exact likelihoods by the probability-flow ODE.
"""

from __future__ import annotations

from refdiff.evaluation.features import Features, ImageClassifier, PixelPCA
from refdiff.evaluation.figures import FrechetFigure, SampleFigures, sample_figures
from refdiff.evaluation.frechet import (
    FrechetResult,
    frechet_distance,
    frechet_distance_from_moments,
)
from refdiff.evaluation.moments import MomentComparison, check_moments, compare_moments

__all__ = [
    "Features",
    "FrechetFigure",
    "FrechetResult",
    "ImageClassifier",
    "MomentComparison",
    "PixelPCA",
    "SampleFigures",
    "check_moments",
    "compare_moments",
    "frechet_distance",
    "frechet_distance_from_moments",
    "sample_figures",
]
