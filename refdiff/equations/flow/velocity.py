r"""The velocity of a path x_t = alpha_t x_0 + sigma_t eps, from each of the usual predictions.

.. math:: u_t = \frac{dx_t}{dt} = \dot\alpha_t\,x_0 + \dot\sigma_t\,\epsilon

Time runs as everywhere here, from data at t = 0 to noise at t = 1. Flow matching and rectified
flow run it the other way, so their velocity is minus this one at 1 - t. Conditional expectation
given x_t commutes with each formula (the coefficients of x_0 and eps are known), so what holds for
the true quantities holds for the optimal predictions. `refdiff.equations.flow.predictions` goes
back.
"""

from __future__ import annotations

from refdiff._checks import NON_NEGATIVE, POSITIVE, check_in
from refdiff._cures import ALPHA, NO_NOISE, NO_SIGNAL, SIGMA
from refdiff._namespace import Array
from refdiff.catalogue import implements

__all__ = [
    "velocity",
    "velocity_from_eps",
    "velocity_from_score",
    "velocity_from_v",
    "velocity_from_x_0",
]


@implements("lipman2023/conditional-velocity")
def velocity(x_0: Array, eps: Array, *, alpha_rate: Array, sigma_rate: Array) -> Array:
    r"""Return how fast x_t moves for a fixed pair of data and noise.

    .. math:: u_t = \dot\alpha_t\,x_0 + \dot\sigma_t\,\epsilon

    Parameters
    ----------
    x_0 : array_like
        Data, any shape.
    eps : array_like
        Noise, true or predicted, same shape as the data or the state.
    alpha_rate : array_like
        Derivative of the signal scale in t, any number.
    sigma_rate : array_like
        Derivative of the noise scale in t, any number.

    Returns
    -------
    array_like
        dx_t/dt, same shape: what flow matching trains a network to predict.

    Source
    ------
    Lipman et al. 2023 (arXiv:2210.02747v2), equations (13) and (14): the derivative of the
    conditional flow, in reversed time.

    Examples
    --------
    >>> velocity(3.0, 1.0, alpha_rate=-1.0, sigma_rate=1.0)
    -2.0
    """
    return alpha_rate * x_0 + sigma_rate * eps


@implements("lipman2023/velocity-from-x-0")
def velocity_from_x_0(
    x_t: Array, x_0: Array, *, alpha_t: Array, sigma_t: Array, alpha_rate: Array, sigma_rate: Array
) -> Array:
    r"""Return the velocity implied by x_t and the data.

    .. math:: u_t = \frac{\dot\sigma_t}{\sigma_t}\,(x_t - \alpha_t\,x_0) + \dot\alpha_t\,x_0

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
    alpha_rate : array_like
        Derivative of the signal scale in t, any number.
    sigma_rate : array_like
        Derivative of the noise scale in t, any number.

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
    Lipman et al. 2023 (arXiv:2210.02747v2), equation (15) (Theorem 3) with the mean alpha_t x_0,
    in reversed time.

    Examples
    --------
    >>> velocity_from_x_0(
    ...     2.5, 2.0, alpha_t=0.75, sigma_t=0.25, alpha_rate=-1.0, sigma_rate=1.0
    ... )
    2.0
    """
    check_in(NON_NEGATIVE, ALPHA, alpha_t=alpha_t)
    check_in(POSITIVE, NO_NOISE, sigma_t=sigma_t)
    return sigma_rate / sigma_t * (x_t - alpha_t * x_0) + alpha_rate * x_0


@implements("lipman2023/velocity-from-eps")
def velocity_from_eps(
    x_t: Array, eps: Array, *, alpha_t: Array, sigma_t: Array, alpha_rate: Array, sigma_rate: Array
) -> Array:
    r"""Return the velocity implied by x_t and the noise.

    .. math:: u_t = \frac{\dot\alpha_t}{\alpha_t}\,(x_t - \sigma_t\,\epsilon) +
              \dot\sigma_t\,\epsilon

    Parameters
    ----------
    x_t : array_like
        The noisy state, any shape.
    eps : array_like
        Noise, true or predicted, same shape as the data or the state.
    alpha_t : array_like
        Signal scale at t, positive.
    sigma_t : array_like
        Noise scale (standard deviation) at t, not negative.
    alpha_rate : array_like
        Derivative of the signal scale in t, any number.
    sigma_rate : array_like
        Derivative of the noise scale in t, any number.

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
    Lipman et al. 2023 (arXiv:2210.02747v2), a consequence of equation (15): the data eliminated
    instead of the noise.

    Examples
    --------
    >>> velocity_from_eps(
    ...     2.5, 4.0, alpha_t=0.75, sigma_t=0.25, alpha_rate=-1.0, sigma_rate=1.0
    ... )
    2.0
    """
    check_in(POSITIVE, NO_SIGNAL, alpha_t=alpha_t)
    check_in(NON_NEGATIVE, SIGMA, sigma_t=sigma_t)
    return alpha_rate / alpha_t * (x_t - sigma_t * eps) + sigma_rate * eps


@implements("lipman2023/velocity-from-v")
def velocity_from_v(
    x_t: Array, v: Array, *, alpha_t: Array, sigma_t: Array, alpha_rate: Array, sigma_rate: Array
) -> Array:
    r"""Return the velocity implied by x_t and v.

    .. math:: u_t = \frac{(\alpha_t\dot\alpha_t + \sigma_t\dot\sigma_t)\,x_t +
              (\alpha_t\dot\sigma_t - \sigma_t\dot\alpha_t)\,v}{\alpha_t^2 + \sigma_t^2}

    Parameters
    ----------
    x_t : array_like
        The noisy state, any shape.
    v : array_like
        v = alpha_t eps - sigma_t x_0, true or predicted, same shape.
    alpha_t : array_like
        Signal scale at t, not negative.
    sigma_t : array_like
        Noise scale (standard deviation) at t, not negative.
    alpha_rate : array_like
        Derivative of the signal scale in t, any number.
    sigma_rate : array_like
        Derivative of the noise scale in t, any number.

    Returns
    -------
    array_like
        Same shape. Where alpha_t^2 + sigma_t^2 = 1 the first term is 0 and v is the velocity per
        radian.

    Raises
    ------
    ValueError
        If a scale is outside its domain.

    Source
    ------
    Lipman et al. 2023 (arXiv:2210.02747v2), a consequence of equation (15); v as in Salimans and
    Ho 2022 (arXiv:2202.00512), section 4.

    Examples
    --------
    >>> velocity_from_v(
    ...     2.5, 2.5, alpha_t=0.75, sigma_t=0.25, alpha_rate=-1.0, sigma_rate=1.0
    ... )
    2.0
    """
    check_in(NON_NEGATIVE, ALPHA, alpha_t=alpha_t)
    check_in(NON_NEGATIVE, SIGMA, sigma_t=sigma_t)
    along = alpha_t * alpha_rate + sigma_t * sigma_rate
    across = alpha_t * sigma_rate - sigma_t * alpha_rate
    return (along * x_t + across * v) / (alpha_t * alpha_t + sigma_t * sigma_t)


@implements("lipman2023/velocity-from-score")
def velocity_from_score(
    x_t: Array,
    score: Array,
    *,
    alpha_t: Array,
    sigma_t: Array,
    alpha_rate: Array,
    sigma_rate: Array,
) -> Array:
    r"""Return the velocity of the probability flow, from the score.

    .. math:: u_t = \frac{\dot\alpha_t}{\alpha_t}\,x_t +
              \sigma_t\left(\frac{\dot\alpha_t}{\alpha_t}\,\sigma_t - \dot\sigma_t\right) \nabla
              \log q(x_t)

    Parameters
    ----------
    x_t : array_like
        The noisy state, any shape.
    score : array_like
        Gradient of log q(x_t), same shape.
    alpha_t : array_like
        Signal scale at t, positive.
    sigma_t : array_like
        Noise scale (standard deviation) at t, not negative.
    alpha_rate : array_like
        Derivative of the signal scale in t, any number.
    sigma_rate : array_like
        Derivative of the noise scale in t, any number.

    Returns
    -------
    array_like
        Same shape. With f = dlog(alpha_t)/dt and g^2 = 2 sigma_t (dsigma_t/dt - f sigma_t) this
        is f x_t - g^2 score / 2.

    Raises
    ------
    ValueError
        If a scale is outside its domain.

    Source
    ------
    Lipman et al. 2023 (arXiv:2210.02747v2), a consequence of equation (15) with eps = -sigma_t
    times the score.

    Examples
    --------
    >>> velocity_from_score(
    ...     2.5, -16.0, alpha_t=0.75, sigma_t=0.25, alpha_rate=-1.0, sigma_rate=1.0
    ... )
    2.0
    """
    check_in(POSITIVE, NO_SIGNAL, alpha_t=alpha_t)
    check_in(NON_NEGATIVE, SIGMA, sigma_t=sigma_t)
    decay = alpha_rate / alpha_t
    return decay * x_t + sigma_t * (decay * sigma_t - sigma_rate) * score
