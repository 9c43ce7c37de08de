"""A correct GaussianDiffusion class, plain and written as public code writes it.

Tables are NumPy, float64; everything else is torch. The formulas go through `Parts`, so that
`build(Parts([variant]))` is the same class with that mistake.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from refdiff.conformance.parts import Parts
from refdiff.conformance.textbook.gaussian_diffusion.losses import GaussianDiffusion
from refdiff.equations import linear_betas

__all__ = ["BUILDS", "GaussianDiffusion", "build"]

_STEPS = 25
"""Few steps, so that whole loops are cheap; the range of betas is scaled by 1000/T."""


def build(parts: Parts, **options: Any) -> GaussianDiffusion:
    """Return the class with an eps model and the smaller fixed variance.

    Parameters
    ----------
    parts : Parts
        By which it computes.
    **options
        Of `GaussianDiffusion`; the default betas are the paper's, for fewer steps.
    """
    scale = 1000 / _STEPS
    betas = linear_betas(_STEPS, beta_start=1e-4 * scale, beta_end=0.02 * scale)
    return GaussianDiffusion(parts, **{"betas": betas, **options})


BUILDS: dict[str, Callable[[Parts], GaussianDiffusion]] = {
    "eps, fixed small variance": build,
    "eps, learned range": lambda parts: build(parts, model_var_type="learned-range"),
    "v, fixed large variance": lambda parts: build(
        parts, model_mean_type="v", model_var_type="fixed-large"
    ),
}
"""Correct implementations in which variants can be planted."""
