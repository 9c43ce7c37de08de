r"""Rectified flow: straight lines between data and noise, and the flow that follows their mean.

.. math:: x_t = (1-t)\,x_0 + t\,\epsilon, \qquad
          u_t(x) = \operatorname{E}[\epsilon - x_0 \mid x_t = x]
                 = \hat\epsilon(x) - \hat x_0(x)

Time runs from data (t = 0) to noise (t = 1). The paper runs it the other way, from X_0 (noise) to
X_1 (data): its t is 1 - t here and its velocity minus this one. The two predicted ends lie on a
line through the state, x = (1 - t) x_0 + t eps, so one of three quantities gives the others.
"""

from __future__ import annotations

from refdiff._checks import CLOSED_UNIT, HALF_OPEN_AT_0, HALF_OPEN_AT_1, check_in
from refdiff._namespace import Array
from refdiff.catalogue import implements
from refdiff.equations.flow._cures import NOT_CLEAN, NOT_NOISE, TIME

__all__ = [
    "euler_step",
    "straight_eps_from_velocity",
    "straight_sample",
    "straight_velocity",
    "straight_velocity_from_eps",
    "straight_velocity_from_x_0",
    "straight_x_0_from_velocity",
]


@implements("liu2023/interpolation")
def straight_sample(x_0: Array, eps: Array, *, t: Array) -> Array:
    r"""Return the point between data and noise at time t.

    .. math:: x_t = (1 - t)\,x_0 + t\,\epsilon

    Parameters
    ----------
    x_0 : array_like
        Data, any shape.
    eps : array_like
        Noise, true or predicted, same shape as the data or the state.
    t : array_like
        Time in [0, 1]: 0 is data and 1 is noise. The papers' time is 1 - t.

    Returns
    -------
    array_like
        Same shape.

    Raises
    ------
    ValueError
        If ``t`` is outside [0, 1].

    Source
    ------
    Liu, Gong and Liu 2023 (arXiv:2209.03003), the linear interpolation inside equation (1); its
    X_0 is the noise and its X_1 the data.

    Examples
    --------
    >>> straight_sample(2.0, 4.0, t=0.25)
    2.5
    """
    check_in(CLOSED_UNIT, TIME, t=t)
    return (1 - t) * x_0 + t * eps


@implements("liu2023/target")
def straight_velocity(x_0: Array, eps: Array) -> Array:
    r"""Return the velocity of the straight line from data to noise.

    .. math:: u = \epsilon - x_0

    Parameters
    ----------
    x_0 : array_like
        Data, any shape.
    eps : array_like
        Noise, true or predicted, same shape as the data or the state.

    Returns
    -------
    array_like
        dx_t/dt, same shape and the same at every time: the target of the regression.

    Source
    ------
    Liu, Gong and Liu 2023 (arXiv:2209.03003), equation (1), where the target is minus this (X_1 -
    X_0, data less noise).

    Examples
    --------
    >>> straight_velocity(2.0, 4.0)
    2.0
    """
    return eps - x_0


@implements("liu2023/velocity-from-x-0")
def straight_velocity_from_x_0(x_t: Array, x_0: Array, *, t: Array) -> Array:
    r"""Return the velocity at x_t towards predicted data.

    .. math:: u_t = \frac{x_t - x_0}{t}

    Parameters
    ----------
    x_t : array_like
        The noisy state, any shape.
    x_0 : array_like
        Data, any shape.
    t : array_like
        Time in (0, 1]: 0 is data and 1 is noise.

    Returns
    -------
    array_like
        Same shape.

    Raises
    ------
    ValueError
        If ``t`` is outside (0, 1].

    Source
    ------
    Liu, Gong and Liu 2023 (arXiv:2209.03003), a consequence of equation (2): with the data's
    conditional mean for ``x_0`` it is the rectified flow.

    Examples
    --------
    >>> straight_velocity_from_x_0(2.5, 2.0, t=0.25)
    2.0
    """
    check_in(HALF_OPEN_AT_0, NOT_CLEAN, t=t)
    return (x_t - x_0) / t


@implements("liu2023/velocity-from-eps")
def straight_velocity_from_eps(x_t: Array, eps: Array, *, t: Array) -> Array:
    r"""Return the velocity at x_t towards predicted noise.

    .. math:: u_t = \frac{\epsilon - x_t}{1 - t}

    Parameters
    ----------
    x_t : array_like
        The noisy state, any shape.
    eps : array_like
        Noise, true or predicted, same shape as the data or the state.
    t : array_like
        Time in [0, 1): 0 is data and 1 is noise.

    Returns
    -------
    array_like
        Same shape.

    Raises
    ------
    ValueError
        If ``t`` is outside [0, 1).

    Source
    ------
    Liu, Gong and Liu 2023 (arXiv:2209.03003), a consequence of equation (2): with the noise's
    conditional mean for ``eps`` it is the rectified flow.

    Examples
    --------
    >>> straight_velocity_from_eps(2.5, 4.0, t=0.25)
    2.0
    """
    check_in(HALF_OPEN_AT_1, NOT_NOISE, t=t)
    return (eps - x_t) / (1 - t)


@implements("liu2023/x-0-from-velocity")
def straight_x_0_from_velocity(x_t: Array, velocity: Array, *, t: Array) -> Array:
    r"""Return the data at the end of the line through x_t.

    .. math:: x_0 = x_t - t\,u_t

    Parameters
    ----------
    x_t : array_like
        The noisy state, any shape.
    velocity : array_like
        dx_t/dt, true or predicted, same shape. Time runs from data to noise; the papers' velocity
        is minus this.
    t : array_like
        Time in [0, 1]: 0 is data and 1 is noise. The papers' time is 1 - t.

    Returns
    -------
    array_like
        Same shape; defined at all times.

    Raises
    ------
    ValueError
        If ``t`` is outside [0, 1].

    Source
    ------
    Liu, Gong and Liu 2023 (arXiv:2209.03003), a consequence of equation (2).

    Examples
    --------
    >>> straight_x_0_from_velocity(2.5, 2.0, t=0.25)
    2.0
    """
    check_in(CLOSED_UNIT, TIME, t=t)
    return x_t - t * velocity


@implements("liu2023/eps-from-velocity")
def straight_eps_from_velocity(x_t: Array, velocity: Array, *, t: Array) -> Array:
    r"""Return the noise at the end of the line through x_t.

    .. math:: \epsilon = x_t + (1 - t)\,u_t

    Parameters
    ----------
    x_t : array_like
        The noisy state, any shape.
    velocity : array_like
        dx_t/dt, true or predicted, same shape. Time runs from data to noise; the papers' velocity
        is minus this.
    t : array_like
        Time in [0, 1]: 0 is data and 1 is noise. The papers' time is 1 - t.

    Returns
    -------
    array_like
        Same shape; defined at all times.

    Raises
    ------
    ValueError
        If ``t`` is outside [0, 1].

    Source
    ------
    Liu, Gong and Liu 2023 (arXiv:2209.03003), a consequence of equation (2).

    Examples
    --------
    >>> straight_eps_from_velocity(2.5, 2.0, t=0.25)
    4.0
    """
    check_in(CLOSED_UNIT, TIME, t=t)
    return x_t + (1 - t) * velocity


@implements("liu2023/euler-step")
def euler_step(x_t: Array, velocity: Array, *, t: Array, s: Array) -> Array:
    r"""Return the state at time s, by one straight step from time t.

    .. math:: x_s = x_t + (s - t)\,u_t

    Parameters
    ----------
    x_t : array_like
        The noisy state, any shape.
    velocity : array_like
        dx_t/dt, true or predicted, same shape. Time runs from data to noise; the papers' velocity
        is minus this.
    t : array_like
        Time in [0, 1]: 0 is data and 1 is noise. The papers' time is 1 - t.
    s : array_like
        Time of the result, in [0, 1]; below ``t`` to generate, above it to encode.

    Returns
    -------
    array_like
        Same shape. From t = 1 to s = 0 it is one-step generation, exact where the flow is
        straight.

    Raises
    ------
    ValueError
        If a time is outside [0, 1].

    Source
    ------
    Liu, Gong and Liu 2023 (arXiv:2209.03003), the Euler method on the rectified flow;
    its steps run towards data in increasing time.

    Examples
    --------
    >>> euler_step(2.5, 2.0, t=0.25, s=0.0)
    2.0
    """
    check_in(CLOSED_UNIT, TIME, t=t)
    check_in(CLOSED_UNIT, TIME, s=s)
    return x_t + (s - t) * velocity
