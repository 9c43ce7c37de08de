"""Variants of methods of a GaussianDiffusion class that a check recognises by itself."""

from __future__ import annotations

from refdiff.conformance.variants import observed

__all__ = ["AT_X_T", "FROM_ONE"]

AT_X_T = observed(
    "approximation",
    "classifier-gradient-at-x-t",
    "The classifier's gradient is taken at the state and not at the predicted mean.",
    cure="take it at the mean; both agree to first order in beta",
    links=("https://github.com/lucidrains/denoising-diffusion-pytorch/issues/276",),
)
FROM_ONE = observed(
    "convention",
    "model-told-times-from-one",
    "The model is told 1 at the first noisy time, index 0.",
)
