"""Rows of `refdiff.equations.guiding`; see `tests.support.cases`."""

from refdiff.testing import strategies as own
from tests.support.case import row
from tests.support.inputs import joined, only, scales

scale = joined(scale=own.guidance_weights())

ROWS = [
    row("guiding.extrapolated_score", 2, scale, "karras2024/guided-score"),
    row("guiding.guided_log_density", 2, scale, "karras2024/guided-density"),
    row("guiding.guided_score", 2, scale, "dhariwal2021/guided-score"),
    row(
        "guiding.implicit_classifier_gradient",
        2,
        only(scales(), "sigma_t"),
        "ho2022cfg/implicit-classifier",
    ),
    row("guiding.static_threshold", 1, joined(), "saharia2022/static-threshold"),
]
