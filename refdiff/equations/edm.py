r"""EDM's preconditioning: keeping a network's inputs and targets at unit variance.

In EDM's coordinates x = x_0 + sigma n, with n standard normal, and the denoiser is

.. math:: D(x;\sigma) = c_{skip}\,x + c_{out}\,F(c_{in}\,x;\ c_{noise}).

The coefficients follow from asking that F see inputs of variance 1, be trained on targets of
variance 1, and be multiplied by as small a c_out as possible; the loss weight makes every noise
level count the same at the start.
"""

from __future__ import annotations

from refdiff._checks import NON_NEGATIVE, POSITIVE, check_in
from refdiff._namespace import Array, log, sqrt
from refdiff.catalogue import implements

__all__ = ["edm_c_in", "edm_c_noise", "edm_c_out", "edm_c_skip", "edm_loss_weight"]

_SIGMA = "it is the standard deviation of the noise."
_SIGMA_DATA = "it is the standard deviation of the data; the paper uses 0.5."


def _check(sigma: Array, sigma_data: Array) -> None:
    check_in(NON_NEGATIVE, _SIGMA, sigma=sigma)
    check_in(POSITIVE, _SIGMA_DATA, sigma_data=sigma_data)


@implements("karras2022/c-skip")
def edm_c_skip(*, sigma: Array, sigma_data: Array) -> Array:
    r"""Return the weight of the noisy input in the denoised output.

    .. math:: c_{skip} = \frac{\sigma_d^2}{\sigma^2+\sigma_d^2}

    Parameters
    ----------
    sigma : array_like
        Noise level, not negative.
    sigma_data : array_like
        Standard deviation of the data, positive.

    Returns
    -------
    array_like
        Shape of the broadcast; 1 without noise.

    Raises
    ------
    ValueError
        If ``sigma`` is negative or ``sigma_data`` not positive.

    Source
    ------
    Karras et al. 2022 (arXiv:2206.00364), Table 1, column "Ours".

    Examples
    --------
    >>> edm_c_skip(sigma=0.5, sigma_data=0.5)
    0.5
    """
    _check(sigma, sigma_data)
    return sigma_data * sigma_data / (sigma * sigma + sigma_data * sigma_data)


@implements("karras2022/c-out")
def edm_c_out(*, sigma: Array, sigma_data: Array) -> Array:
    r"""Return the scale of the network's output.

    .. math:: c_{out} = \frac{\sigma\,\sigma_d}{\sqrt{\sigma^2+\sigma_d^2}}

    Parameters
    ----------
    sigma : array_like
        Noise level, not negative.
    sigma_data : array_like
        Standard deviation of the data, positive.

    Returns
    -------
    array_like
        Shape of the broadcast; 0 without noise.

    Raises
    ------
    ValueError
        If ``sigma`` is negative or ``sigma_data`` not positive.

    Source
    ------
    Karras et al. 2022 (arXiv:2206.00364), Table 1, column "Ours".

    Examples
    --------
    >>> edm_c_out(sigma=3.0, sigma_data=4.0)
    2.4
    """
    _check(sigma, sigma_data)
    return sigma * sigma_data / sqrt(sigma * sigma + sigma_data * sigma_data)


@implements("karras2022/c-in")
def edm_c_in(*, sigma: Array, sigma_data: Array) -> Array:
    r"""Return the scale of the network's input.

    .. math:: c_{in} = \frac{1}{\sqrt{\sigma^2+\sigma_d^2}}

    Parameters
    ----------
    sigma : array_like
        Noise level, not negative.
    sigma_data : array_like
        Standard deviation of the data, positive.

    Returns
    -------
    array_like
        Shape of the broadcast.

    Raises
    ------
    ValueError
        If ``sigma`` is negative or ``sigma_data`` not positive.

    Source
    ------
    Karras et al. 2022 (arXiv:2206.00364), Table 1, column "Ours".

    Examples
    --------
    >>> edm_c_in(sigma=3.0, sigma_data=4.0)
    0.2
    """
    _check(sigma, sigma_data)
    return 1 / sqrt(sigma * sigma + sigma_data * sigma_data)


@implements("karras2022/c-noise")
def edm_c_noise(*, sigma: Array) -> Array:
    r"""Return the number by which the network is told the noise level.

    .. math:: c_{noise} = \tfrac14 \ln \sigma

    Parameters
    ----------
    sigma : array_like
        Noise level, positive.

    Returns
    -------
    array_like
        Same shape: what the network is told of the noise level.

    Raises
    ------
    ValueError
        If ``sigma`` is not positive.

    Source
    ------
    Karras et al. 2022 (arXiv:2206.00364), Table 1, column "Ours".

    Examples
    --------
    >>> edm_c_noise(sigma=1.0)
    0.0
    """
    check_in(POSITIVE, _SIGMA, sigma=sigma)
    return log(sigma) / 4


@implements("karras2022/loss-weight")
def edm_loss_weight(*, sigma: Array, sigma_data: Array) -> Array:
    r"""Return the weight that makes every noise level count the same at the start of training.

    .. math:: \lambda = \frac{\sigma^2+\sigma_d^2}{(\sigma\,\sigma_d)^2}

    Parameters
    ----------
    sigma : array_like
        Noise level, positive.
    sigma_data : array_like
        Standard deviation of the data, positive.

    Returns
    -------
    array_like
        Shape of the broadcast; the weight of the squared error of the denoised output, equal to
        1 / c_out^2.

    Raises
    ------
    ValueError
        If ``sigma`` or ``sigma_data`` is not positive.

    Source
    ------
    Karras et al. 2022 (arXiv:2206.00364), Table 1, column "Ours".

    Examples
    --------
    >>> edm_loss_weight(sigma=1.0, sigma_data=1.0)
    2.0
    """
    check_in(POSITIVE, _SIGMA, sigma=sigma)
    check_in(POSITIVE, _SIGMA_DATA, sigma_data=sigma_data)
    return (sigma * sigma + sigma_data * sigma_data) / (sigma * sigma_data) ** 2
