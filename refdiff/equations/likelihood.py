r"""Likelihoods of 8-bit images: the discretized decoder and bits per dimension.

Pixels 0..255 are mapped to 256 levels spaced 2/255 apart on [-1, 1]. A normal distribution gives a
level the mass of the bin of half-width 1/255 around it; the two outer bins reach to infinity, so
the masses sum to 1 for every mean and standard deviation.
"""

from __future__ import annotations

from refdiff._checks import POSITIVE, check_in
from refdiff._namespace import Array, expm1, log, log_ndtr, to_bits, where
from refdiff.catalogue import implements

__all__ = ["bits_per_dim", "discretized_gaussian_log_likelihood"]


@implements("ho2020/discretized-decoder")
def discretized_gaussian_log_likelihood(x_0: Array, *, mean: Array, std: Array) -> Array:
    r"""Return the log-probability of each pixel level under a discretized normal distribution.

    .. math:: \begin{cases}
              \ln \Phi\!\left(\frac{x_0 + 1/255 - \mu}{\sigma}\right)
              & x_0 < -\frac{254}{255} \\
              \ln\left(1 - \Phi\!\left(\frac{x_0 - 1/255 - \mu}{\sigma}\right)\right)
              & x_0 > \frac{254}{255} \\
              \ln\left(\Phi\!\left(\frac{x_0 + 1/255 - \mu}{\sigma}\right)
              - \Phi\!\left(\frac{x_0 - 1/255 - \mu}{\sigma}\right)\right)
              & \text{otherwise} \end{cases}

    so that the outermost bins, those of the grey levels -1 and 1, reach to infinity.

    Parameters
    ----------
    x_0 : array_like
        Pixels on the 256 levels 2k/255 - 1.
    mean : array_like
        Mean of the decoder, any real numbers.
    std : array_like
        Standard deviation (not variance, not logarithm), positive.

    Returns
    -------
    array_like
        Nats, elementwise, at most 0; sum over a sample. Finite in the tails, where the usual
        clamp would put a floor.

    Raises
    ------
    ValueError
        If ``std`` is not positive.

    Source
    ------
    Ho, Jain and Abbeel 2020 (arXiv:2006.11239), equation (13).

    Numerics
    --------
    The exact Phi (not its tanh approximation), in logarithms, after reflecting the bin into the
    left tail: ln(Phi(b) - Phi(a)) = ln Phi(b) + ln(1 - exp(ln Phi(a) - ln Phi(b))).

    Examples
    --------
    >>> round(discretized_gaussian_log_likelihood(-1.0, mean=-1.0, std=100.0), 6)
    -0.693116
    """
    check_in(POSITIVE, "it is the decoder's standard deviation.", std=std)
    bins = 255 * std
    distance = abs(255 * (x_0 - mean))
    upper = log_ndtr((1 - distance) / bins)
    lower = log_ndtr((-1 - distance) / bins)
    inner = upper + log(-expm1(lower - upper))
    # The open bins: everything below the lowest level's upper edge, mirrored at the highest.
    lowest = log_ndtr((255 * (x_0 - mean) + 1) / bins)
    highest = log_ndtr((255 * (mean - x_0) + 1) / bins)
    return where(x_0 * 255 < -254, lowest, where(x_0 * 255 > 254, highest, inner))


@implements("nichol2021/bits-per-dim")
def bits_per_dim(nats: Array, *, num_dims: Array) -> Array:
    r"""Return a negative log-likelihood of a whole sample in bits per component.

    .. math:: \frac{L}{D \ln 2}

    Parameters
    ----------
    nats : array_like
        Negative log-likelihood or bound L, in nats, summed over the sample.
    num_dims : array_like
        D, the number of components (channels times height times width), positive.

    Returns
    -------
    array_like
        Bits per dimension, same shape as ``nats``.

    Raises
    ------
    ValueError
        If ``num_dims`` is not positive.

    Source
    ------
    The unit of the tables of Nichol and Dhariwal 2021 (arXiv:2102.09672). Eight bits a dimension
    is a uniform guess over 256 levels. A density on [-1, 1] needs log2(127.5) more per
    dimension to be compared with levels.

    Examples
    --------
    >>> import math
    >>> round(bits_per_dim(12 * math.log(256), num_dims=12), 12)
    8.0
    """
    check_in(POSITIVE, "it counts the components of a sample.", num_dims=num_dims)
    return to_bits(nats) / num_dims
