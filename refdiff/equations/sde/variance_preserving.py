r"""The variance-preserving SDE, the limit of DDPM's chain for many small steps.

.. math:: dx = -\tfrac12 \beta(t)\,x\,dt + \sqrt{\beta(t)}\,dw

Data of variance 1 keep variance 1. With :math:`B(t) = \int_0^t \beta(u)\,du` the state at t given
x_0 is normal with mean :math:`e^{-B/2} x_0` and variance :math:`1 - e^{-B}`, so
:math:`\bar\alpha_t = e^{-B(t)}`. The usual rate grows linearly from beta_min to beta_max. The
sub-variance-preserving SDE has the same drift and less noise: its variance is the square,
:math:`(1 - e^{-B})^2`.
"""

from __future__ import annotations

from refdiff._checks import CLOSED_UNIT, NON_NEGATIVE, check_in, check_order
from refdiff._namespace import Array, exp, expm1, sqrt
from refdiff.catalogue import implements
from refdiff.equations.sde._cures import BETAS_SWAPPED, INTEGRAL, RATE, TIME

__all__ = [
    "sub_vp_diffusion",
    "sub_vp_variance",
    "vp_beta",
    "vp_beta_integral",
    "vp_diffusion",
    "vp_drift",
    "vp_mean_scale",
    "vp_variance",
]


@implements("song2021sde/vp-linear-beta")
def vp_beta(*, t: Array, beta_min: Array, beta_max: Array) -> Array:
    r"""Return the rate beta(t) that grows linearly.

    .. math:: \beta(t) = \beta_{\min} + t\,(\beta_{\max} - \beta_{\min})

    Parameters
    ----------
    t : array_like
        Time in [0, 1], data at 0, any shape.
    beta_min : array_like
        beta(0), not negative; 0.1 in the paper.
    beta_max : array_like
        beta(1), at least beta_min; 20 in the paper.

    Returns
    -------
    array_like
        The rate at t, in units of one over time.

    Raises
    ------
    ValueError
        If a value is outside its domain, or beta_max is below beta_min.

    Source
    ------
    Song et al. 2021 (arXiv:2011.13456), equation (32).

    Examples
    --------
    >>> vp_beta(t=0.5, beta_min=1.0, beta_max=3.0)
    2.0
    """
    check_in(CLOSED_UNIT, TIME, t=t)
    check_in(NON_NEGATIVE, RATE, beta_min=beta_min, beta_max=beta_max)
    check_order(BETAS_SWAPPED, beta_min=beta_min, beta_max=beta_max)
    return beta_min + t * (beta_max - beta_min)


@implements("song2021sde/vp-linear-integral")
def vp_beta_integral(*, t: Array, beta_min: Array, beta_max: Array) -> Array:
    r"""Return the integral of the linear rate from 0 to t.

    .. math:: B(t) = \tfrac12 t^2 (\beta_{\max} - \beta_{\min}) + t\,\beta_{\min}

    Parameters
    ----------
    t : array_like
        Time in [0, 1], data at 0, any shape.
    beta_min : array_like
        beta(0), not negative; 0.1 in the paper.
    beta_max : array_like
        beta(1), at least beta_min; 20 in the paper.

    Returns
    -------
    array_like
        B(t), without a unit.

    Raises
    ------
    ValueError
        If a value is outside its domain, or beta_max is below beta_min.

    Source
    ------
    Song et al. 2021 (arXiv:2011.13456), equation (33), minus the exponent of the variance.

    Examples
    --------
    >>> vp_beta_integral(t=0.5, beta_min=1.0, beta_max=3.0)
    0.75
    """
    check_in(CLOSED_UNIT, TIME, t=t)
    check_in(NON_NEGATIVE, RATE, beta_min=beta_min, beta_max=beta_max)
    check_order(BETAS_SWAPPED, beta_min=beta_min, beta_max=beta_max)
    return t * (beta_min + t * (beta_max - beta_min) / 2)


@implements("song2021sde/vp-drift", "song2021sde/sub-vp-drift")
def vp_drift(x_t: Array, *, beta_t: Array) -> Array:
    r"""Return the drift of the VP and of the sub-VP process.

    .. math:: -\tfrac12 \beta(t)\,x_t

    Parameters
    ----------
    x_t : array_like
        The state at the noisier time t, any shape.
    beta_t : array_like
        The rate beta(t), not negative.

    Returns
    -------
    array_like
        Same shape as the state.

    Raises
    ------
    ValueError
        If a value is outside its domain.

    Source
    ------
    Song et al. 2021 (arXiv:2011.13456), equations (11) and (12).

    Examples
    --------
    >>> vp_drift(3.0, beta_t=2.0)
    -3.0
    """
    check_in(NON_NEGATIVE, RATE, beta_t=beta_t)
    return -beta_t * x_t / 2


@implements("song2021sde/vp-diffusion")
def vp_diffusion(*, beta_t: Array) -> Array:
    r"""Return the diffusion coefficient of the VP process.

    .. math:: \sqrt{\beta(t)}

    Parameters
    ----------
    beta_t : array_like
        The rate beta(t), not negative.

    Returns
    -------
    array_like
        g(t), a coefficient and not its square.

    Raises
    ------
    ValueError
        If a value is outside its domain.

    Source
    ------
    Song et al. 2021 (arXiv:2011.13456), equation (11).

    Examples
    --------
    >>> vp_diffusion(beta_t=4.0)
    2.0
    """
    check_in(NON_NEGATIVE, RATE, beta_t=beta_t)
    return sqrt(beta_t)


@implements("song2021sde/vp-mean-scale")
def vp_mean_scale(*, beta_integral: Array) -> Array:
    r"""Return the factor of x_0 in the mean of x_t, for VP and sub-VP.

    .. math:: e^{-\frac12 B(t)}

    Parameters
    ----------
    beta_integral : array_like
        B(t), the integral of beta from 0 to t, not negative.

    Returns
    -------
    array_like
        In (0, 1]; its square is alpha_bar_t.

    Raises
    ------
    ValueError
        If a value is outside its domain.

    Source
    ------
    Song et al. 2021 (arXiv:2011.13456), equation (29), appendix B.

    Examples
    --------
    >>> vp_mean_scale(beta_integral=0.0)
    1.0
    """
    check_in(NON_NEGATIVE, INTEGRAL, beta_integral=beta_integral)
    return exp(-beta_integral / 2)


@implements("song2021sde/vp-kernel-variance")
def vp_variance(*, beta_integral: Array) -> Array:
    r"""Return the variance of x_t given x_0 in the VP process.

    .. math:: 1 - e^{-B(t)}

    Parameters
    ----------
    beta_integral : array_like
        B(t), the integral of beta from 0 to t, not negative.

    Returns
    -------
    array_like
        In [0, 1).

    Raises
    ------
    ValueError
        If a value is outside its domain.

    Source
    ------
    Song et al. 2021 (arXiv:2011.13456), equation (29), appendix B.

    Numerics
    --------
    Computed by expm1, so that small times keep all digits.

    Examples
    --------
    >>> vp_variance(beta_integral=1e-20)
    1e-20
    """
    check_in(NON_NEGATIVE, INTEGRAL, beta_integral=beta_integral)
    return -expm1(-beta_integral)


@implements("song2021sde/sub-vp-diffusion")
def sub_vp_diffusion(*, beta_t: Array, beta_integral: Array) -> Array:
    r"""Return the diffusion coefficient of the sub-VP process.

    .. math:: \sqrt{\beta(t)\left(1 - e^{-2 B(t)}\right)}

    Parameters
    ----------
    beta_t : array_like
        The rate beta(t), not negative.
    beta_integral : array_like
        B(t), the integral of beta from 0 to t, not negative.

    Returns
    -------
    array_like
        g(t), never above that of the VP process; 0 at t = 0.

    Raises
    ------
    ValueError
        If a value is outside its domain.

    Source
    ------
    Song et al. 2021 (arXiv:2011.13456), equation (12).

    Numerics
    --------
    Computed by expm1.

    Examples
    --------
    >>> sub_vp_diffusion(beta_t=4.0, beta_integral=0.0)
    0.0
    """
    check_in(NON_NEGATIVE, RATE, beta_t=beta_t)
    check_in(NON_NEGATIVE, INTEGRAL, beta_integral=beta_integral)
    return sqrt(-beta_t * expm1(-2 * beta_integral))


@implements("song2021sde/sub-vp-kernel-variance")
def sub_vp_variance(*, beta_integral: Array) -> Array:
    r"""Return the variance of x_t given x_0 in the sub-VP process.

    .. math:: \left(1 - e^{-B(t)}\right)^2

    Parameters
    ----------
    beta_integral : array_like
        B(t), the integral of beta from 0 to t, not negative.

    Returns
    -------
    array_like
        In [0, 1), never above that of the VP process.

    Raises
    ------
    ValueError
        If a value is outside its domain.

    Source
    ------
    Song et al. 2021 (arXiv:2011.13456), equation (29), appendix B. The standard deviation is 1 -
    exp(-B), without a square root.

    Numerics
    --------
    Computed by expm1.

    Examples
    --------
    >>> import math
    >>> round(sub_vp_variance(beta_integral=math.log(2.0)), 12)
    0.25
    """
    check_in(NON_NEGATIVE, INTEGRAL, beta_integral=beta_integral)
    std = -expm1(-beta_integral)
    return std * std
