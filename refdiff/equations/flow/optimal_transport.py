r"""The optimal-transport path of flow matching: data and noise joined by a straight line.

.. math:: x_t = (1-t)\,x_0 + \left(t + \sigma_{\min}(1-t)\right)\epsilon

Time runs from data (t = 0, with a little noise sigma_min) to noise (t = 1). The paper runs it the
other way and calls the noise x_0 and the data x_1: its t is 1 - t here, its velocity minus this
one. With sigma_min = 0 the path is that of rectified flow, `refdiff.equations.flow.straight`.
"""

from __future__ import annotations

from refdiff._checks import CLOSED_UNIT, NON_NEGATIVE, POSITIVE, check_in
from refdiff._namespace import Array
from refdiff.catalogue import implements
from refdiff.equations.flow._cures import LEFT, TIME

__all__ = [
    "optimal_transport_alpha",
    "optimal_transport_field",
    "optimal_transport_sample",
    "optimal_transport_sigma",
    "optimal_transport_velocity",
]


@implements("lipman2023/ot-mean-scale")
def optimal_transport_alpha(*, t: Array) -> Array:
    r"""Return the signal scale of the optimal-transport path.

    .. math:: \alpha_t = 1 - t

    Parameters
    ----------
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
    Lipman et al. 2023 (arXiv:2210.02747v2), equation (20): the mean is t x_1 in the paper's time.

    Examples
    --------
    >>> optimal_transport_alpha(t=0.25)
    0.75
    """
    check_in(CLOSED_UNIT, TIME, t=t)
    return 1 - t


@implements("lipman2023/ot-noise-scale")
def optimal_transport_sigma(*, t: Array, sigma_min: Array) -> Array:
    r"""Return the noise scale of the optimal-transport path.

    .. math:: \sigma_t = t + \sigma_{\min}\,(1 - t)

    Parameters
    ----------
    t : array_like
        Time in [0, 1]: 0 is data and 1 is noise. The papers' time is 1 - t.
    sigma_min : array_like
        Noise scale left at t = 0, not negative.

    Returns
    -------
    array_like
        Shape of the broadcast; ``sigma_min`` at t = 0 and 1 at t = 1.

    Raises
    ------
    ValueError
        If ``t`` is outside [0, 1] or ``sigma_min`` negative.

    Source
    ------
    Lipman et al. 2023 (arXiv:2210.02747v2), equation (20): 1 - (1 - sigma_min) t in the paper's
    time.

    Examples
    --------
    >>> optimal_transport_sigma(t=0.5, sigma_min=0.5)
    0.75
    """
    check_in(CLOSED_UNIT, TIME, t=t)
    check_in(NON_NEGATIVE, LEFT, sigma_min=sigma_min)
    return t + sigma_min * (1 - t)


@implements("lipman2023/ot-flow")
def optimal_transport_sample(x_0: Array, eps: Array, *, t: Array, sigma_min: Array) -> Array:
    r"""Return x_t on the optimal-transport path between data and noise.

    .. math:: x_t = (1 - t)\,x_0 + \left(t + \sigma_{\min}\,(1 - t)\right)\epsilon

    Parameters
    ----------
    x_0 : array_like
        Data, any shape.
    eps : array_like
        Noise, true or predicted, same shape as the data or the state.
    t : array_like
        Time in [0, 1]: 0 is data and 1 is noise. The papers' time is 1 - t.
    sigma_min : array_like
        Noise scale left at t = 0, not negative.

    Returns
    -------
    array_like
        Same shape: a straight line in t.

    Raises
    ------
    ValueError
        If ``t`` is outside [0, 1] or ``sigma_min`` negative.

    Source
    ------
    Lipman et al. 2023 (arXiv:2210.02747v2), equation (22); the paper's x_0 is the noise and its
    x_1 the data.

    Examples
    --------
    >>> optimal_transport_sample(2.0, 4.0, t=0.5, sigma_min=0.0)
    3.0
    """
    check_in(CLOSED_UNIT, TIME, t=t)
    check_in(NON_NEGATIVE, LEFT, sigma_min=sigma_min)
    return (1 - t) * x_0 + (t + sigma_min * (1 - t)) * eps


@implements("lipman2023/ot-target")
def optimal_transport_velocity(x_0: Array, eps: Array, *, sigma_min: Array) -> Array:
    r"""Return the velocity of the optimal-transport path, the same at every time.

    .. math:: u = (1 - \sigma_{\min})\,\epsilon - x_0

    Parameters
    ----------
    x_0 : array_like
        Data, any shape.
    eps : array_like
        Noise, true or predicted, same shape as the data or the state.
    sigma_min : array_like
        Noise scale left at t = 0, not negative.

    Returns
    -------
    array_like
        dx_t/dt, same shape.

    Raises
    ------
    ValueError
        If ``sigma_min`` is negative.

    Source
    ------
    Lipman et al. 2023 (arXiv:2210.02747v2), the target of the loss for the flow of equation (22);
    minus that, for time is reversed.

    Examples
    --------
    >>> optimal_transport_velocity(2.0, 4.0, sigma_min=0.25)
    1.0
    """
    check_in(NON_NEGATIVE, LEFT, sigma_min=sigma_min)
    return (1 - sigma_min) * eps - x_0


@implements("lipman2023/ot-field")
def optimal_transport_field(x_t: Array, x_0: Array, *, t: Array, sigma_min: Array) -> Array:
    r"""Return the velocity field of the optimal-transport path towards one data point.

    .. math:: u_t(x \mid x_0) = \frac{(1 - \sigma_{\min})\,x_t - x_0}{t + \sigma_{\min}\,(1 - t)}

    Parameters
    ----------
    x_t : array_like
        The noisy state, any shape.
    x_0 : array_like
        Data, any shape.
    t : array_like
        Time in [0, 1]: 0 is data and 1 is noise. The papers' time is 1 - t.
    sigma_min : array_like
        Noise scale left at t = 0, positive.

    Returns
    -------
    array_like
        Same shape. Near t = 0 the difference cancels and is divided by about ``sigma_min``.

    Raises
    ------
    ValueError
        If ``t`` is outside [0, 1] or ``sigma_min`` not positive.

    Source
    ------
    Lipman et al. 2023 (arXiv:2210.02747v2), equation (21), in reversed time.

    Examples
    --------
    >>> optimal_transport_field(4.0, 2.0, t=1.0, sigma_min=0.25)
    1.0
    """
    check_in(CLOSED_UNIT, TIME, t=t)
    check_in(POSITIVE, "at 0 the field is infinite at t=0.", sigma_min=sigma_min)
    # (1 - sigma_min) x_t - x_0, without rounding 1 - sigma_min where x_t is close to x_0.
    return (x_t - x_0 - sigma_min * x_t) / (t + sigma_min * (1 - t))
