"""The preconditioning of EDM, by noise level."""

from __future__ import annotations

from collections.abc import Iterator

from refdiff.conformance.vectors.cases.case import Case
from refdiff.conformance.vectors.levels import single

__all__ = ["cases"]

_LEVELS = (
    ("lowest", single(0.002), 0.5),
    ("low", single(0.05), 0.5),
    ("equal", 0.5, 0.5),
    ("one", 1.0, 0.5),
    ("high", 80.0, 0.5),
    ("unit-data", 0.75, 1.0),
    ("narrow-data", 2.5, 0.0625),
    ("wide-data", 0.375, 3.25),
)


def cases() -> Iterator[Case]:
    """Yield each coefficient at low and high noise."""
    for function in ("edm_c_skip", "edm_c_out", "edm_c_in", "edm_loss_weight"):
        for slug, sigma, sigma_data in _LEVELS:
            yield Case(function, slug, {"sigma": sigma, "sigma_data": sigma_data})
        if function != "edm_loss_weight":
            yield Case(function, "no-noise", {"sigma": 0.0, "sigma_data": 0.5}, "clean data")
    for slug, sigma, _ in _LEVELS:
        yield Case("edm_c_noise", slug, {"sigma": sigma})
