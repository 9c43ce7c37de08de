"""Guidance between two Gaussians: the density c(x)^w u(x)^(1-w), normalised.

Its score is w times the score of c plus 1 - w times the score of u, which is what classifier-free
guidance adds up at one noise level. The exponents multiply the two quadratic forms, so precisions
add with these weights, and so do the precision-weighted means. For w > 1 the precision can stop
being positive: then no such density exists, although the guided score does.
"""

from __future__ import annotations

import numpy as np

from refdiff.closed_form import _arguments
from refdiff.closed_form.gaussian import Gaussian

__all__ = ["guided_gaussian"]


def guided_gaussian(conditional: Gaussian, unconditional: Gaussian, *, scale: float) -> Gaussian:
    """Return the Gaussian proportional to conditional^scale unconditional^(1 - scale).

    Parameters
    ----------
    conditional, unconditional : Gaussian
        Two laws on one event shape, neither singular.
    scale : float
        1 gives the conditional law, 0 the unconditional one.

    Returns
    -------
    Gaussian
        The guided law, with a (d, d) covariance over the event's elements if either has one.

    Raises
    ------
    ValueError
        If the shapes differ, a law is singular, or the combined precision is not positive.
    """
    weight = _arguments.scalar("scale", scale)
    laws = ((weight, conditional), (1.0 - weight, unconditional))
    if conditional.event_shape != unconditional.event_shape:
        raise ValueError(
            f"conditional of event shape {conditional.event_shape} must have the shape "
            f"{unconditional.event_shape} of unconditional"
        )
    if any(np.any(law.eigenvalues == 0.0) for _, law in laws):
        raise ValueError("a singular covariance has no precision; give every direction a variance")
    dense = any(law.eigenvectors is not None for _, law in laws)
    if dense:
        precisions = [share * np.linalg.inv(law.covariance_matrix()) for share, law in laws]
        precision = precisions[0] + precisions[1]
        smallest = float(np.linalg.eigvalsh(precision)[0])
        pulls = [matrix @ law.mean for matrix, (_, law) in zip(precisions, laws, strict=True)]
    else:
        precisions = [np.asarray(share / law.eigenvalues) for share, law in laws]
        precision = precisions[0] + precisions[1]
        smallest = float(np.min(precision))
        pulls = [matrix * law.mean for matrix, (_, law) in zip(precisions, laws, strict=True)]
    if smallest <= 0.0:
        raise ValueError(
            f"scale={weight!r} makes a precision of {smallest!r}, must be > 0: no such density "
            "exists; lower the scale"
        )
    if not dense:
        return Gaussian((pulls[0] + pulls[1]) / precision, 1.0 / precision)
    covariance = np.linalg.inv(precision)
    return Gaussian(covariance @ (pulls[0] + pulls[1]), (covariance + covariance.T) / 2)
