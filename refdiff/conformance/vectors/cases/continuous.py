"""Functions of a general signal and noise scale (alpha_t, sigma_t)."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from refdiff.conformance.vectors.cases.case import Case
from refdiff.conformance.vectors.cases.levels import TENSORS
from refdiff.conformance.vectors.levels import single
from refdiff.equations import continuous

__all__ = ["cases"]

# alpha_t, sigma_t, alpha_s, sigma_s
_SCALES = (
    ("round", 0.5, 0.75, 0.75, 0.5, "neither scale is tied to the other"),
    ("variance-preserving", single(0.6), single(0.8), single(0.8), single(0.6), ""),
    ("exploding", 1.0, 3.0, 1.0, 1.25, "the signal is not scaled"),
    ("exploding-far", 1.0, 80.0, 1.0, 52.5, "the beginning of EDM's grid"),
    ("straight", 0.25, 0.75, 0.375, 0.625, "alpha + sigma = 1"),
    ("little-noise", single(0.9999), single(0.01), single(0.99995), single(0.007), ""),
    ("little-signal", single(0.006), single(0.99998), single(0.009), single(0.99996), ""),
    ("to-data", 0.5, 1.5, 1.0, 0.0, "s is clean data"),
)


def cases() -> Iterator[Case]:
    """Yield each function with all scales that it has a value for."""
    for name in continuous.__all__:
        arguments = inspect.signature(getattr(continuous, name)).parameters
        for number, (slug, alpha_t, sigma_t, alpha_s, sigma_s, comment) in enumerate(_SCALES):
            values = {
                **TENSORS[number % 2],
                "x_s": TENSORS[number % 2]["x_t"],
                "alpha_t": alpha_t,
                "sigma_t": sigma_t,
                "alpha_s": alpha_s,
                "sigma_s": sigma_s,
            }
            inputs = {argument: values[argument] for argument in arguments}
            yield Case(f"continuous.{name}", slug, inputs, comment)
    for function in ("snr", "log_snr"):
        for slug, alpha, sigma in (("clean", 1.0, 0.0), ("noise", 0.0, 1.0)):
            yield Case(f"continuous.{function}", slug, {"alpha_t": alpha, "sigma_t": sigma})
