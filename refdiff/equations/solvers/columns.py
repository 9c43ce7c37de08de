r"""The schedules of the other columns of EDM's Table 1: VP and VE.

Each gives the noise level of x / s, s the signal scale, as a function of a time t. In the VP column
s^2 = 1 / (sigma^2 + 1), so the states preserve the variance; in the others s = 1.
"""

from __future__ import annotations

from refdiff._checks import NON_NEGATIVE, POSITIVE, check_in
from refdiff._namespace import Array, exp, expm1, log1p, sqrt
from refdiff.catalogue import implements
from refdiff.equations.solvers.edm import LEVEL

__all__ = [
    "ve_sigma",
    "vp_c_noise",
    "vp_scale",
    "vp_sigma",
    "vp_time",
]

_BETA = "beta grows from beta_min to beta_min + beta_d; the paper uses 0.1 and 19.9."
_TIME = "it is the time of the schedule, 0 at the data."
_COUNT = "it counts the network's training times; the paper uses 1000."


@implements("karras2022/vp-sigma")
def vp_sigma(*, t: Array, beta_d: Array, beta_min: Array) -> Array:
    r"""Return the noise level of the VP column at a time.

    .. math:: \sigma(t) = \sqrt{e^{\frac12\beta_d t^2+\beta_{min} t} - 1}

    Parameters
    ----------
    t : array_like
        Time, not negative.
    beta_d : array_like
        Growth of beta over t in 0..1, positive; 19.9 in the paper.
    beta_min : array_like
        beta at t = 0, positive; 0.1 in the paper.

    Returns
    -------
    array_like
        Shape of the broadcast; 0 at t = 0.

    Raises
    ------
    ValueError
        If a value is outside its domain.

    Source
    ------
    Karras et al. 2022 (arXiv:2206.00364), Table 1, column "VP".

    Examples
    --------
    >>> round(vp_sigma(t=1.0, beta_d=19.9, beta_min=0.1), 4)
    152.167
    """
    check_in(NON_NEGATIVE, _TIME, t=t)
    check_in(POSITIVE, _BETA, beta_d=beta_d, beta_min=beta_min)
    integral = (beta_d * t / 2 + beta_min) * t
    # The root of expm1(integral) overflows where sigma does not yet.
    return exp(integral / 2) * sqrt(-expm1(-integral))


@implements("karras2022/vp-scale")
def vp_scale(*, t: Array, beta_d: Array, beta_min: Array) -> Array:
    r"""Return the signal scale of the VP column at a time.

    .. math:: s(t) = 1\Big/\sqrt{e^{\frac12\beta_d t^2+\beta_{min} t}}

    Parameters
    ----------
    t : array_like
        Time, not negative.
    beta_d : array_like
        Growth of beta over t in 0..1, positive; 19.9 in the paper.
    beta_min : array_like
        beta at t = 0, positive; 0.1 in the paper.

    Returns
    -------
    array_like
        Shape of the broadcast; 1 at t = 0.

    Raises
    ------
    ValueError
        If a value is outside its domain.

    Source
    ------
    Karras et al. 2022 (arXiv:2206.00364), Table 1, column "VP".

    Examples
    --------
    >>> vp_scale(t=0.0, beta_d=19.9, beta_min=0.1)
    1.0
    """
    check_in(NON_NEGATIVE, _TIME, t=t)
    check_in(POSITIVE, _BETA, beta_d=beta_d, beta_min=beta_min)
    return exp(-(beta_d * t / 2 + beta_min) * t / 2)


@implements("karras2022/vp-time")
def vp_time(*, sigma: Array, beta_d: Array, beta_min: Array) -> Array:
    r"""Return the time at which the VP column has a given noise level.

    .. math:: \sigma^{-1}(\sigma)
              = \frac{2\,\ell}{\beta_{min}+\sqrt{\beta_{min}^2+2\,\beta_d\,\ell}},
              \qquad \ell = \ln(1+\sigma^2)

    Written without the difference of the usual solution of the quadratic equation, which cancels
    for little noise.

    Parameters
    ----------
    sigma : array_like
        Noise level of x_t / alpha_t, a standard deviation, not negative.
    beta_d : array_like
        Growth of beta over t in 0..1, positive; 19.9 in the paper.
    beta_min : array_like
        beta at t = 0, positive; 0.1 in the paper.

    Returns
    -------
    array_like
        Shape of the broadcast; 0 at sigma = 0.

    Raises
    ------
    ValueError
        If a value is outside its domain.

    Source
    ------
    Karras et al. 2022 (arXiv:2206.00364), Table 1, column "VP"; the inverse of its sigma(t).

    Examples
    --------
    >>> vp_time(sigma=0.0, beta_d=19.9, beta_min=0.1)
    0.0
    """
    check_in(NON_NEGATIVE, LEVEL, sigma=sigma)
    check_in(POSITIVE, _BETA, beta_d=beta_d, beta_min=beta_min)
    needed = log1p(sigma * sigma)
    return 2 * needed / (beta_min + sqrt(beta_min * beta_min + 2 * beta_d * needed))


@implements("karras2022/vp-c-noise")
def vp_c_noise(*, sigma: Array, beta_d: Array, beta_min: Array, num_train_steps: Array) -> Array:
    r"""Return the number by which VP networks are told the noise level.

    .. math:: c_{noise} = (M-1)\,\sigma^{-1}(\sigma), \qquad \sigma^{-1}(\sigma)
              = \frac{2\,\ell}{\beta_{min}+\sqrt{\beta_{min}^2+2\,\beta_d\,\ell}},
              \quad \ell = \ln(1+\sigma^2)

    Parameters
    ----------
    sigma : array_like
        Noise level of x_t / alpha_t, a standard deviation, not negative.
    beta_d : array_like
        Growth of beta over t in 0..1, positive; 19.9 in the paper.
    beta_min : array_like
        beta at t = 0, positive; 0.1 in the paper.
    num_train_steps : array_like
        Number M of the training times of the network, positive; 1000 in the paper.

    Returns
    -------
    array_like
        Shape of the broadcast; M - 1 at the noise level of time 1.

    Raises
    ------
    ValueError
        If a value is outside its domain.

    Source
    ------
    Karras et al. 2022 (arXiv:2206.00364), Table 1, column "VP".

    Examples
    --------
    >>> vp_c_noise(sigma=0.0, beta_d=19.9, beta_min=0.1, num_train_steps=1000.0)
    0.0
    """
    check_in(POSITIVE, _COUNT, num_train_steps=num_train_steps)
    time = vp_time(sigma=sigma, beta_d=beta_d, beta_min=beta_min)
    return (num_train_steps - 1) * time


@implements("karras2022/ve-sigma")
def ve_sigma(*, t: Array) -> Array:
    r"""Return the noise level of the VE column at a time.

    .. math:: \sigma(t) = \sqrt{t}

    Parameters
    ----------
    t : array_like
        Time, not negative.

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
    >>> ve_sigma(t=9.0)
    3.0
    """
    check_in(NON_NEGATIVE, _TIME, t=t)
    return sqrt(t)
