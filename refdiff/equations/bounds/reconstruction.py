r"""The last step of the bound for densities, and what makes densities comparable with levels."""

from __future__ import annotations

from refdiff._checks import POSITIVE, Interval, check_in
from refdiff._namespace import Array, add_log_two_pi, exp, log, to_bits
from refdiff.catalogue import implements

__all__ = ["density_bits_per_dim", "reconstruction_term"]

_LEVELS = Interval(2.0, float("inf"))


@implements("ho2020/bound-reconstruction")
def reconstruction_term(x_0: Array, mean: Array, log_variance: Array) -> Array:
    r"""Return the negative log-density of the data under a normal last step.

    .. math:: \tfrac12\left((x_0-\mu)^2\,e^{-\ell} + \ell + \ln 2\pi\right)

    Parameters
    ----------
    x_0 : array_like
        Data, any shape.
    mean, log_variance : array_like
        Mean mu and natural logarithm l of the variance of p(x_0 | x_1), same shape.

    Returns
    -------
    array_like
        Nats, elementwise; of a density, so it may be negative.

    Source
    ------
    Ho, Jain and Abbeel 2020 (arXiv:2006.11239), equation (5), the term L_0 with the density of
    the last step. Equation (13) has the probability of a grey level in its place.

    Examples
    --------
    >>> round(reconstruction_term(1.0, 1.0, 0.0), 12)
    0.918938533205
    """
    return (add_log_two_pi(log_variance) + (x_0 - mean) ** 2 * exp(-log_variance)) / 2


@implements("refdiff2026/density-bits-per-dim")
def density_bits_per_dim(nats: Array, *, num_dims: Array, levels: Array) -> Array:
    r"""Return the negative log-density of a sample on [-1, 1] in bits per component of a picture.

    .. math:: \frac{L}{D \ln 2} + \frac{1}{\ln 2} \ln\frac{k-1}{2}

    Parameters
    ----------
    nats : array_like
        Negative log-density L of the whole sample in nats, for data scaled to [-1, 1].
    num_dims : array_like
        D, the number of components, positive.
    levels : array_like
        k, the number of grey levels that [-1, 1] stands for, at least 2; 256 for eight bits.

    Returns
    -------
    array_like
        Bits per dimension, as if a level had the density times the distance 2/(k-1) of the
        levels for its probability.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Source
    ------
    A change of variables from [-1, 1] to whole levels; log2 of 127.5 for eight bits.

    Examples
    --------
    >>> import math
    >>> round(density_bits_per_dim(3 * math.log(2), num_dims=3, levels=257), 12)
    8.0
    """
    check_in(POSITIVE, "it counts the components of a sample.", num_dims=num_dims)
    check_in(_LEVELS, "eight bits have 256 levels.", levels=levels)
    return to_bits(nats / num_dims + log((levels - 1) / 2))
