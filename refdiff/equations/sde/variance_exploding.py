r"""The variance-exploding SDE, the limit of score matching with growing noise (SMLD).

.. math:: dx = \sqrt{\frac{d\,\sigma^2(t)}{dt}}\,dw

The data are not scaled; noise is added until it drowns them. The usual noise scale is geometric,
:math:`\sigma(t) = \sigma_{\min} (\sigma_{\max}/\sigma_{\min})^t`. At t = 0 it is sigma_min and not
0, so the paper's kernel, of variance sigma(t)^2, has sigma_min^2 more than the SDE has added since
0: the two are `ve_variance` and `ve_added_variance`.
"""

from __future__ import annotations

from refdiff._checks import CLOSED_UNIT, NON_NEGATIVE, POSITIVE, check_in, check_order
from refdiff._cures import SIGMA, TO_REMOVE
from refdiff._namespace import Array, exp, expm1, log, sqrt
from refdiff.catalogue import implements
from refdiff.equations.sde._cures import GEOMETRIC, S_NOISIER, SIGMAS_SWAPPED, TIME

__all__ = [
    "ve_added_variance",
    "ve_diffusion",
    "ve_posterior_mean",
    "ve_posterior_variance",
    "ve_sigma",
    "ve_transition_variance",
    "ve_variance",
]


@implements("song2021sde/ve-geometric-sigma")
def ve_sigma(*, t: Array, sigma_min: Array, sigma_max: Array) -> Array:
    r"""Return the geometric noise scale.

    .. math:: \sigma(t) = \sigma_{\min} \left(\frac{\sigma_{\max}}{\sigma_{\min}}\right)^t

    Parameters
    ----------
    t : array_like
        Time in [0, 1], data at 0, any shape.
    sigma_min : array_like
        Noise scale that the geometric schedule starts from, positive; 0.01 in the paper.
    sigma_max : array_like
        Noise scale at t = 1, at least sigma_min.

    Returns
    -------
    array_like
        A standard deviation, from sigma_min at 0 to sigma_max at 1.

    Raises
    ------
    ValueError
        If a value is outside its domain, or sigma_max is below sigma_min.

    Source
    ------
    Song et al. 2021 (arXiv:2011.13456), equations (30) and (31). The paper sets sigma(0) = 0
    apart; here it is the limit.

    Examples
    --------
    >>> round(ve_sigma(t=0.5, sigma_min=1.0, sigma_max=9.0), 12)
    3.0
    """
    check_in(CLOSED_UNIT, TIME, t=t)
    check_in(POSITIVE, GEOMETRIC, sigma_min=sigma_min, sigma_max=sigma_max)
    check_order(SIGMAS_SWAPPED, sigma_min=sigma_min, sigma_max=sigma_max)
    return sigma_min * exp(t * log(sigma_max / sigma_min))


@implements("song2021sde/ve-diffusion")
def ve_diffusion(*, t: Array, sigma_min: Array, sigma_max: Array) -> Array:
    r"""Return the diffusion coefficient of the geometric VE process.

    .. math:: \sigma_{\min} \left(\frac{\sigma_{\max}}{\sigma_{\min}}\right)^t \sqrt{2
              \ln\frac{\sigma_{\max}}{\sigma_{\min}}}

    Parameters
    ----------
    t : array_like
        Time in [0, 1], data at 0, any shape.
    sigma_min : array_like
        Noise scale that the geometric schedule starts from, positive; 0.01 in the paper.
    sigma_max : array_like
        Noise scale at t = 1, at least sigma_min.

    Returns
    -------
    array_like
        g(t), the root of the derivative of sigma^2.

    Raises
    ------
    ValueError
        If a value is outside its domain, or sigma_max is below sigma_min.

    Source
    ------
    Song et al. 2021 (arXiv:2011.13456), equation (30); the drift is 0.

    Examples
    --------
    >>> import math
    >>> round(ve_diffusion(t=0.0, sigma_min=2.0, sigma_max=2.0 * math.exp(2.0)), 12)
    4.0
    """
    check_in(CLOSED_UNIT, TIME, t=t)
    check_in(POSITIVE, GEOMETRIC, sigma_min=sigma_min, sigma_max=sigma_max)
    check_order(SIGMAS_SWAPPED, sigma_min=sigma_min, sigma_max=sigma_max)
    growth = log(sigma_max / sigma_min)
    return sigma_min * exp(t * growth) * sqrt(2 * growth)


@implements("song2021sde/ve-geometric-kernel")
def ve_variance(*, t: Array, sigma_min: Array, sigma_max: Array) -> Array:
    r"""Return the variance of x_t given x_0 as the paper's kernel has it.

    .. math:: \sigma_{\min}^2 \left(\frac{\sigma_{\max}}{\sigma_{\min}}\right)^{2t}

    Parameters
    ----------
    t : array_like
        Time in [0, 1], data at 0, any shape.
    sigma_min : array_like
        Noise scale that the geometric schedule starts from, positive; 0.01 in the paper.
    sigma_max : array_like
        Noise scale at t = 1, at least sigma_min.

    Returns
    -------
    array_like
        A variance; the mean is x_0.

    Raises
    ------
    ValueError
        If a value is outside its domain, or sigma_max is below sigma_min.

    Source
    ------
    Song et al. 2021 (arXiv:2011.13456), equation (31). It is `ve_added_variance` plus
    sigma_min^2: the data carry that noise already at t = 0.

    Examples
    --------
    >>> round(ve_variance(t=0.5, sigma_min=1.0, sigma_max=9.0), 12)
    9.0
    """
    check_in(CLOSED_UNIT, TIME, t=t)
    check_in(POSITIVE, GEOMETRIC, sigma_min=sigma_min, sigma_max=sigma_max)
    check_order(SIGMAS_SWAPPED, sigma_min=sigma_min, sigma_max=sigma_max)
    return sigma_min * sigma_min * exp(2 * t * log(sigma_max / sigma_min))


@implements("song2021sde/ve-geometric-added-variance")
def ve_added_variance(*, t: Array, sigma_min: Array, sigma_max: Array) -> Array:
    r"""Return the variance that the geometric VE process has added since time 0.

    .. math:: \int_0^t g(u)^2\,du = \sigma_{\min}^2
              \left(\left(\frac{\sigma_{\max}}{\sigma_{\min}}\right)^{2t} - 1\right)

    Parameters
    ----------
    t : array_like
        Time in [0, 1], data at 0, any shape.
    sigma_min : array_like
        Noise scale that the geometric schedule starts from, positive; 0.01 in the paper.
    sigma_max : array_like
        Noise scale at t = 1, at least sigma_min.

    Returns
    -------
    array_like
        A variance; 0 at t = 0.

    Raises
    ------
    ValueError
        If a value is outside its domain, or sigma_max is below sigma_min.

    Source
    ------
    Song et al. 2021 (arXiv:2011.13456), equation (30) integrated; equation (29) with sigma(0) =
    sigma_min.

    Numerics
    --------
    Computed by expm1, so that small times keep all digits.

    Examples
    --------
    >>> round(ve_added_variance(t=0.5, sigma_min=1.0, sigma_max=9.0), 12)
    8.0
    """
    check_in(CLOSED_UNIT, TIME, t=t)
    check_in(POSITIVE, GEOMETRIC, sigma_min=sigma_min, sigma_max=sigma_max)
    check_order(SIGMAS_SWAPPED, sigma_min=sigma_min, sigma_max=sigma_max)
    return sigma_min * sigma_min * expm1(2 * t * log(sigma_max / sigma_min))


@implements("song2021sde/ve-kernel-variance")
def ve_transition_variance(*, sigma_t: Array, sigma_s: Array) -> Array:
    r"""Return the variance of x_t given x_s, for any growing noise scale.

    .. math:: \sigma_t^2 - \sigma_s^2

    Parameters
    ----------
    sigma_t : array_like
        Noise scale (standard deviation) at t, not negative.
    sigma_s : array_like
        Noise scale (standard deviation) at s, not negative and at most that at t.

    Returns
    -------
    array_like
        A variance; the mean is x_s.

    Raises
    ------
    ValueError
        If a value is outside its domain, or s is the noisier time.

    Source
    ------
    Song et al. 2021 (arXiv:2011.13456), equation (29), appendix B, there from s = 0; equation (8)
    has its root.

    Numerics
    --------
    Computed as a product of sum and difference.

    Examples
    --------
    >>> ve_transition_variance(sigma_t=5.0, sigma_s=4.0)
    9.0
    """
    check_in(NON_NEGATIVE, SIGMA, sigma_t=sigma_t, sigma_s=sigma_s)
    check_order(S_NOISIER, sigma_s=sigma_s, sigma_t=sigma_t)
    return (sigma_t - sigma_s) * (sigma_t + sigma_s)


@implements("song2021sde/ve-posterior-mean")
def ve_posterior_mean(x_0: Array, x_t: Array, *, sigma_t: Array, sigma_s: Array) -> Array:
    r"""Return the mean of x_s given x_t and the data, without scaling of the data.

    .. math:: \frac{\sigma_s^2}{\sigma_t^2}\,x_t + \left(1 - \frac{\sigma_s^2}{\sigma_t^2}\right)
              x_0

    Parameters
    ----------
    x_0 : array_like
        Data, any shape.
    x_t : array_like
        The state at the noisier time t, any shape.
    sigma_t : array_like
        Noise scale (standard deviation) at t, positive.
    sigma_s : array_like
        Noise scale (standard deviation) at s, not negative and at most that at t.

    Returns
    -------
    array_like
        Same shape as the state.

    Raises
    ------
    ValueError
        If a value is outside its domain, or s is the noisier time.

    Source
    ------
    Song et al. 2021 (arXiv:2011.13456), appendix F, the posterior before the ancestral sampler.

    Examples
    --------
    >>> ve_posterior_mean(0.0, 4.0, sigma_t=2.0, sigma_s=1.0)
    1.0
    """
    check_in(POSITIVE, TO_REMOVE, sigma_t=sigma_t)
    check_in(NON_NEGATIVE, SIGMA, sigma_s=sigma_s)
    check_order(S_NOISIER, sigma_s=sigma_s, sigma_t=sigma_t)
    kept = sigma_s / sigma_t
    return kept * kept * x_t + (1 - kept) * (1 + kept) * x_0


@implements("song2021sde/ve-posterior-variance")
def ve_posterior_variance(*, sigma_t: Array, sigma_s: Array) -> Array:
    r"""Return the variance of x_s given x_t and the data, without scaling of the data.

    .. math:: \frac{\sigma_s^2 (\sigma_t^2 - \sigma_s^2)}{\sigma_t^2}

    Parameters
    ----------
    sigma_t : array_like
        Noise scale (standard deviation) at t, positive.
    sigma_s : array_like
        Noise scale (standard deviation) at s, not negative and at most that at t.

    Returns
    -------
    array_like
        A variance, below sigma_s^2; 0 for sigma_s = 0.

    Raises
    ------
    ValueError
        If a value is outside its domain, or s is the noisier time.

    Source
    ------
    Song et al. 2021 (arXiv:2011.13456), appendix F, the posterior before the ancestral sampler.

    Examples
    --------
    >>> ve_posterior_variance(sigma_t=2.0, sigma_s=1.0)
    0.75
    """
    check_in(POSITIVE, TO_REMOVE, sigma_t=sigma_t)
    check_in(NON_NEGATIVE, SIGMA, sigma_s=sigma_s)
    check_order(S_NOISIER, sigma_s=sigma_s, sigma_t=sigma_t)
    kept = sigma_s / sigma_t
    return kept * kept * (sigma_t - sigma_s) * (sigma_t + sigma_s)
