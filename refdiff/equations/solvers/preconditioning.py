r"""Denoisers made of networks: EDM's form of them, its loss, and the ideal denoiser of a data set.

The coefficients of the paper's own column of Table 1 are `refdiff.equations.edm_c_skip` and its
neighbours; those of the other columns stand here. VP, VE and iDDPM networks predict noise, so
they skip all of the input (c_skip = 1) and have c_out = -sigma, or +sigma for VE, whose network
predicts the negative.
"""

from __future__ import annotations

from refdiff._checks import NON_NEGATIVE, POSITIVE, check_in
from refdiff._namespace import Array, exp, log, maximum, sqrt
from refdiff.catalogue import implements
from refdiff.equations.shapes import flat_per_sample
from refdiff.equations.solvers.edm import LEVEL, LEVEL_TO_REMOVE

__all__ = [
    "eps_network_c_in",
    "eps_network_c_out",
    "eps_network_weight",
    "ideal_denoiser",
    "network_target",
    "network_weight",
    "preconditioned",
    "ve_c_noise",
]

_WEIGHT = "it is the weight of the squared error of the denoised output."


@implements("karras2022/preconditioning")
def preconditioned(x_t: Array, network_output: Array, *, c_skip: Array, c_out: Array) -> Array:
    r"""Return the denoised state from a network's output.

    .. math:: D = c_{skip}\,x_t + c_{out}\,F

    The network is shown c_in x_t and told c_noise.

    Parameters
    ----------
    x_t : array_like
        State at the noise level, any shape.
    network_output : array_like
        What the raw network returned for ``c_in x_t``, same shape.
    c_skip : array_like
        Weight of the noisy input in the denoised output.
    c_out : array_like
        Scale of the network's output, not 0.

    Returns
    -------
    array_like
        Same shape.

    Source
    ------
    Karras et al. 2022 (arXiv:2206.00364), equation (7).

    Examples
    --------
    >>> preconditioned(2.0, 4.0, c_skip=0.5, c_out=0.25)
    2.0
    """
    return c_skip * x_t + c_out * network_output


@implements("karras2022/effective-target")
def network_target(x_0: Array, x_t: Array, *, c_skip: Array, c_out: Array) -> Array:
    r"""Return what the network inside a denoiser has to predict.

    .. math:: \frac{1}{c_{out}}\left(x_0 - c_{skip}\,x_t\right)

    Parameters
    ----------
    x_0 : array_like
        Data, true or predicted (the denoiser's output), same shape.
    x_t : array_like
        State at the noise level, any shape.
    c_skip : array_like
        Weight of the noisy input in the denoised output.
    c_out : array_like
        Scale of the network's output, not 0.

    Returns
    -------
    array_like
        Same shape.

    Source
    ------
    Karras et al. 2022 (arXiv:2206.00364), equation (8).

    Examples
    --------
    >>> network_target(2.0, 3.0, c_skip=0.5, c_out=0.25)
    2.0
    """
    return (x_0 - c_skip * x_t) / c_out


@implements("karras2022/effective-weight")
def network_weight(*, weight: Array, c_out: Array) -> Array:
    r"""Return the weight of the squared error of the network inside a denoiser.

    .. math:: \lambda\,c_{out}^2

    Parameters
    ----------
    weight : array_like
        Loss weight lambda of the denoised output, not negative.
    c_out : array_like
        Scale of the network's output, not 0.

    Returns
    -------
    array_like
        Shape of the broadcast, not negative.

    Raises
    ------
    ValueError
        If a value is outside its domain.

    Source
    ------
    Karras et al. 2022 (arXiv:2206.00364), equation (8).

    Examples
    --------
    >>> network_weight(weight=4.0, c_out=-0.5)
    1.0
    """
    check_in(NON_NEGATIVE, _WEIGHT, weight=weight)
    return weight * c_out * c_out


@implements("karras2022/vp-c-in")
def eps_network_c_in(*, sigma: Array) -> Array:
    r"""Return the scale of the input of VP and iDDPM networks.

    .. math:: c_{in} = \frac{1}{\sqrt{\sigma^2+1}}

    Parameters
    ----------
    sigma : array_like
        Noise level of x_t / alpha_t, a standard deviation, not negative.

    Returns
    -------
    array_like
        Same shape: the signal scale of the variance-preserving state.

    Raises
    ------
    ValueError
        If a value is outside its domain.

    Source
    ------
    Karras et al. 2022 (arXiv:2206.00364), Table 1, columns "VP" and "iDDPM + DDIM".

    Examples
    --------
    >>> round(eps_network_c_in(sigma=0.75), 12)
    0.8
    """
    check_in(NON_NEGATIVE, LEVEL, sigma=sigma)
    return 1 / sqrt(sigma * sigma + 1)


@implements("karras2022/vp-c-out")
def eps_network_c_out(*, sigma: Array) -> Array:
    r"""Return the scale of the output of VP and iDDPM networks.

    .. math:: c_{out} = -\sigma

    Parameters
    ----------
    sigma : array_like
        Noise level of x_t / alpha_t, a standard deviation, not negative.

    Returns
    -------
    array_like
        Same shape. VE networks predict the negative of the noise and have c_out = sigma.

    Raises
    ------
    ValueError
        If a value is outside its domain.

    Source
    ------
    Karras et al. 2022 (arXiv:2206.00364), Table 1, columns "VP" and "iDDPM + DDIM".

    Examples
    --------
    >>> eps_network_c_out(sigma=0.75)
    -0.75
    """
    check_in(NON_NEGATIVE, LEVEL, sigma=sigma)
    return -sigma


@implements("karras2022/inverse-variance-weight")
def eps_network_weight(*, sigma: Array) -> Array:
    r"""Return the loss weight under which networks that predict noise were trained.

    .. math:: \lambda = \frac{1}{\sigma^2}

    Parameters
    ----------
    sigma : array_like
        Noise level of x_t / alpha_t, a standard deviation, positive.

    Returns
    -------
    array_like
        Same shape: the squared error of the noise itself has weight 1.

    Raises
    ------
    ValueError
        If a value is outside its domain.

    Source
    ------
    Karras et al. 2022 (arXiv:2206.00364), Table 1, columns "VP", "VE" and "iDDPM + DDIM".

    Examples
    --------
    >>> eps_network_weight(sigma=0.5)
    4.0
    """
    check_in(POSITIVE, LEVEL_TO_REMOVE, sigma=sigma)
    return 1 / (sigma * sigma)


@implements("karras2022/ve-c-noise")
def ve_c_noise(*, sigma: Array) -> Array:
    r"""Return the number by which VE networks are told the noise level.

    .. math:: c_{noise} = \ln\left(\tfrac12\sigma\right)

    Parameters
    ----------
    sigma : array_like
        Noise level of x_t / alpha_t, a standard deviation, positive.

    Returns
    -------
    array_like
        Same shape.

    Raises
    ------
    ValueError
        If a value is outside its domain.

    Source
    ------
    Karras et al. 2022 (arXiv:2206.00364), Table 1, column "VE".

    Examples
    --------
    >>> ve_c_noise(sigma=2.0)
    0.0
    """
    check_in(POSITIVE, LEVEL_TO_REMOVE, sigma=sigma)
    return log(sigma / 2)


@implements("karras2022/ideal-denoiser")
def ideal_denoiser(x_t: Array, x_0: Array, *, sigma: Array) -> Array:
    r"""Return the mean of the data points given a noisy one, for data that are a finite set.

    .. math:: D(x;\sigma) = \frac{\sum_i \mathcal N(x;\,y_i,\,\sigma^2 I)\,y_i}
              {\sum_i \mathcal N(x;\,y_i,\,\sigma^2 I)}

    Parameters
    ----------
    x_t : array_like
        Noisy states, shape (B, ...).
    x_0 : array_like
        The data set, shape (N, ...).
    sigma : array_like
        One noise level, positive.

    Returns
    -------
    array_like
        Shape of ``x_t``; a point of the convex hull of the data.

    Raises
    ------
    ValueError
        If ``sigma`` is not positive or an argument has no batch axis.

    Source
    ------
    Karras et al. 2022 (arXiv:2206.00364), equation (57), appendix B.3.

    Examples
    --------
    >>> import numpy as np
    >>> ideal_denoiser(np.array([[1.0], [9.0]]), np.array([[0.0], [2.0]]), sigma=0.1)
    array([[1.],
           [2.]])
    """
    check_in(POSITIVE, LEVEL_TO_REMOVE, sigma=sigma)
    points, data = flat_per_sample(x_t), flat_per_sample(x_0)
    two_variances = 2 * sigma * sigma
    # A running softmax: the largest exponent so far is taken out, so that none overflows.
    top = -((points - data[0]) ** 2).sum(1) / two_variances
    total, mean = exp(0 * top), points * 0 + data[0]
    for datum in data[1:]:
        exponent = -((points - datum) ** 2).sum(1) / two_variances
        raised = maximum(top, exponent)
        kept, added = total * exp(top - raised), exp(exponent - raised)
        total, top = kept + added, raised
        mean = mean + (added / total)[:, None] * (datum - mean)
    return mean.reshape(x_t.shape)
