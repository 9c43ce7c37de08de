r"""Converting between x_0, eps and v for a general signal and noise scale.

.. math:: x_t = \alpha_t\,x_0 + \sigma_t\,\epsilon, \qquad v = \alpha_t\,\epsilon - \sigma_t\,x_0

v is orthogonal to x_t in the plane of (x_0, eps). Where alpha_t^2 + sigma_t^2 = 1 the plane is
turned rigidly and the factors alpha_t^2 + sigma_t^2 below are 1; elsewhere they undo the stretch.
"""

from __future__ import annotations

from refdiff._checks import NON_NEGATIVE, POSITIVE, check_in
from refdiff._cures import ALPHA, NO_NOISE, NO_SIGNAL, SIGMA
from refdiff._namespace import Array
from refdiff.catalogue import implements

__all__ = [
    "eps_from_v",
    "eps_from_x_0",
    "v_from_eps",
    "v_from_x_0",
    "x_0_from_eps",
    "x_0_from_v",
]


@implements("kingma2021/x-0-from-eps")
def x_0_from_eps(x_t: Array, eps: Array, *, alpha_t: Array, sigma_t: Array) -> Array:
    r"""Return the data implied by x_t and the noise.

    .. math:: \frac{x_t - \sigma_t\,\epsilon}{\alpha_t}

    Parameters
    ----------
    x_t : array_like
        The noisy state, any shape.
    eps : array_like
        Noise, true or predicted, same shape as the state.
    alpha_t : array_like
        Signal scale at t, positive.
    sigma_t : array_like
        Noise scale (standard deviation) at t, not negative.

    Returns
    -------
    array_like
        Same shape.

    Raises
    ------
    ValueError
        If a scale is outside its domain.

    Source
    ------
    Kingma et al. 2021 (arXiv:2107.00630), equation (10).

    Examples
    --------
    >>> x_0_from_eps(5.0, 1.0, alpha_t=2.0, sigma_t=1.0)
    2.0
    """
    check_in(POSITIVE, NO_SIGNAL, alpha_t=alpha_t)
    check_in(NON_NEGATIVE, SIGMA, sigma_t=sigma_t)
    return (x_t - sigma_t * eps) / alpha_t


@implements("kingma2021/eps-from-x-0")
def eps_from_x_0(x_t: Array, x_0: Array, *, alpha_t: Array, sigma_t: Array) -> Array:
    r"""Return the noise implied by x_t and the data.

    .. math:: \frac{x_t - \alpha_t\,x_0}{\sigma_t}

    Parameters
    ----------
    x_t : array_like
        The noisy state, any shape.
    x_0 : array_like
        Data, any shape.
    alpha_t : array_like
        Signal scale at t, not negative.
    sigma_t : array_like
        Noise scale (standard deviation) at t, positive.

    Returns
    -------
    array_like
        Same shape.

    Raises
    ------
    ValueError
        If a scale is outside its domain.

    Source
    ------
    Kingma et al. 2021 (arXiv:2107.00630), equation (29).

    Examples
    --------
    >>> eps_from_x_0(5.0, 1.0, alpha_t=1.0, sigma_t=2.0)
    2.0
    """
    check_in(NON_NEGATIVE, ALPHA, alpha_t=alpha_t)
    check_in(POSITIVE, NO_NOISE, sigma_t=sigma_t)
    return (x_t - alpha_t * x_0) / sigma_t


@implements("salimans2022/v-from-eps")
def v_from_eps(x_t: Array, eps: Array, *, alpha_t: Array, sigma_t: Array) -> Array:
    r"""Return the velocity implied by x_t and the noise.

    .. math:: \frac{(\alpha_t^2+\sigma_t^2)\,\epsilon - \sigma_t\,x_t}{\alpha_t}

    Parameters
    ----------
    x_t : array_like
        The noisy state, any shape.
    eps : array_like
        Noise, true or predicted, same shape as the state.
    alpha_t : array_like
        Signal scale at t, positive.
    sigma_t : array_like
        Noise scale (standard deviation) at t, not negative.

    Returns
    -------
    array_like
        Same shape.

    Raises
    ------
    ValueError
        If a scale is outside its domain.

    Source
    ------
    Salimans and Ho 2022 (arXiv:2202.00512), section 4, the definition of v with x_0
    eliminated.

    Examples
    --------
    >>> v_from_eps(2.0, 1.0, alpha_t=1.0, sigma_t=0.0)
    1.0
    """
    check_in(POSITIVE, NO_SIGNAL, alpha_t=alpha_t)
    check_in(NON_NEGATIVE, SIGMA, sigma_t=sigma_t)
    return ((alpha_t * alpha_t + sigma_t * sigma_t) * eps - sigma_t * x_t) / alpha_t


@implements("salimans2022/v-from-x-0")
def v_from_x_0(x_t: Array, x_0: Array, *, alpha_t: Array, sigma_t: Array) -> Array:
    r"""Return the velocity implied by x_t and the data.

    .. math:: \frac{\alpha_t\,x_t - (\alpha_t^2+\sigma_t^2)\,x_0}{\sigma_t}

    Parameters
    ----------
    x_t : array_like
        The noisy state, any shape.
    x_0 : array_like
        Data, any shape.
    alpha_t : array_like
        Signal scale at t, not negative.
    sigma_t : array_like
        Noise scale (standard deviation) at t, positive.

    Returns
    -------
    array_like
        Same shape.

    Raises
    ------
    ValueError
        If a scale is outside its domain.

    Source
    ------
    Salimans and Ho 2022 (arXiv:2202.00512), section 4, the definition of v with eps
    eliminated.

    Examples
    --------
    >>> v_from_x_0(2.0, 1.0, alpha_t=0.0, sigma_t=1.0)
    -1.0
    """
    check_in(NON_NEGATIVE, ALPHA, alpha_t=alpha_t)
    check_in(POSITIVE, NO_NOISE, sigma_t=sigma_t)
    return (alpha_t * x_t - (alpha_t * alpha_t + sigma_t * sigma_t) * x_0) / sigma_t


@implements("salimans2022/x-0-from-v")
def x_0_from_v(x_t: Array, v: Array, *, alpha_t: Array, sigma_t: Array) -> Array:
    r"""Return the data implied by x_t and the velocity.

    .. math:: \frac{\alpha_t\,x_t - \sigma_t\,v}{\alpha_t^2+\sigma_t^2}

    Parameters
    ----------
    x_t : array_like
        The noisy state, any shape.
    v : array_like
        Velocity, true or predicted, same shape.
    alpha_t : array_like
        Signal scale at t, not negative.
    sigma_t : array_like
        Noise scale (standard deviation) at t, not negative.

    Returns
    -------
    array_like
        Same shape; undefined where both scales are 0.

    Raises
    ------
    ValueError
        If a scale is outside its domain.

    Source
    ------
    Salimans and Ho 2022 (arXiv:2202.00512), section 4, where alpha_t^2 + sigma_t^2 = 1.

    Examples
    --------
    >>> x_0_from_v(1.0, -2.0, alpha_t=0.0, sigma_t=1.0)
    2.0
    """
    check_in(NON_NEGATIVE, ALPHA, alpha_t=alpha_t)
    check_in(NON_NEGATIVE, SIGMA, sigma_t=sigma_t)
    return (alpha_t * x_t - sigma_t * v) / (alpha_t * alpha_t + sigma_t * sigma_t)


@implements("salimans2022/eps-from-v")
def eps_from_v(x_t: Array, v: Array, *, alpha_t: Array, sigma_t: Array) -> Array:
    r"""Return the noise implied by x_t and the velocity.

    .. math:: \frac{\sigma_t\,x_t + \alpha_t\,v}{\alpha_t^2+\sigma_t^2}

    Parameters
    ----------
    x_t : array_like
        The noisy state, any shape.
    v : array_like
        Velocity, true or predicted, same shape.
    alpha_t : array_like
        Signal scale at t, not negative.
    sigma_t : array_like
        Noise scale (standard deviation) at t, not negative.

    Returns
    -------
    array_like
        Same shape; undefined where both scales are 0.

    Raises
    ------
    ValueError
        If a scale is outside its domain.

    Source
    ------
    Salimans and Ho 2022 (arXiv:2202.00512), appendix D, where alpha_t^2 + sigma_t^2 = 1.

    Examples
    --------
    >>> eps_from_v(1.0, -2.0, alpha_t=0.0, sigma_t=1.0)
    1.0
    """
    check_in(NON_NEGATIVE, ALPHA, alpha_t=alpha_t)
    check_in(NON_NEGATIVE, SIGMA, sigma_t=sigma_t)
    return (sigma_t * x_t + alpha_t * v) / (alpha_t * alpha_t + sigma_t * sigma_t)
