"""Functions of whole samples: losses, rescaling, thresholds, broadcasting."""

from __future__ import annotations

from collections.abc import Iterator

from refdiff.conformance.vectors.cases.case import Case
from refdiff.conformance.vectors.levels import single

__all__ = ["cases"]

# Two samples of quite different size, so that mixing them shows; shape (2, 1, 2, 2).
_A = [[[[0.5, -1.25], [2.0, 0.125]]], [[[4.5, -3.0], [-6.25, 5.75]]]]
_B = [[[[-0.75, 0.375], [1.5, -0.25]]], [[[2.25, 1.5], [-0.5, 3.125]]]]
# One sample of three channels; shape (1, 3, 1, 2).
_C = [[[[0.875, -0.5]], [[1.625, -2.375]], [[-0.0625, 0.3125]]]]
_D = [[[[0.25, 0.75]], [[-1.125, 0.5]], [[2.0, -1.75]]]]
# Two samples with one axis; shape (2, 5).
_E = [[0.5, -0.25, 0.75, -0.875, 0.125], [1.5, -2.75, 0.5, 3.25, -1.0]]
_F = [[1.0, 0.5, -0.5, 0.25, -1.5], [-0.5, 0.25, 2.0, -1.25, 0.75]]
_BATCHES = (("two-images", _A, _B), ("three-channels", _C, _D), ("two-rows", _E, _F))


def cases() -> Iterator[Case]:
    """Yield batches."""
    for slug, first, second in _BATCHES:
        yield Case("simple_loss", slug, {"eps": first, "eps_pred": second})
        yield Case("simple_loss", f"{slug}-swapped", {"eps": second, "eps_pred": first})
        yield Case("simple_loss", f"{slug}-equal", {"eps": first, "eps_pred": first})
        for name, phi in (("0", 0.0), ("0.7", single(0.7)), ("1", 1.0)):
            yield Case(
                "rescale_guidance",
                f"{slug}-phi-{name}",
                {"guided": first, "cond": second, "phi": phi},
            )
        for percentile in (0.0, 50.0, 90.0, 99.5, 100.0):
            yield Case(
                "dynamic_threshold",
                f"{slug}-{percentile:g}",
                {"x_0": first, "percentile": percentile},
                "the quantile lies between two order statistics" if percentile == 99.5 else "",
            )
    yield Case(
        "dynamic_threshold",
        "within-range",
        {"x_0": [[0.5, -0.25, 0.75, -0.875]], "percentile": 99.5},
        "the threshold is never below 1: nothing is stretched",
    )
    yield Case(
        "simple_loss", "one-number", {"eps": [1.5], "eps_pred": [-0.25]}, "a batch of numbers"
    )
    for slug, x in (("images", _A), ("rows", _E)):
        yield Case("per_sample", slug, {"values": [0.25, 0.75], "x": x})
    yield Case("per_sample", "one-sample", {"values": [0.5], "x": _C})
    yield Case("per_sample", "numbers", {"values": [0.25, 0.75], "x": [1.5, -2.0]})
