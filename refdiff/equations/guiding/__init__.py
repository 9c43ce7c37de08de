"""Guidance seen as densities and scores, and static thresholding.

The formulas of predictions and of the weight stand in `refdiff.equations` itself.
"""

from __future__ import annotations

from refdiff.equations.guiding.scores import (
    extrapolated_score,
    guided_log_density,
    guided_score,
    implicit_classifier_gradient,
)
from refdiff.equations.guiding.thresholds import (
    static_threshold,
)

__all__ = [
    "extrapolated_score",
    "guided_log_density",
    "guided_score",
    "implicit_classifier_gradient",
    "static_threshold",
]
