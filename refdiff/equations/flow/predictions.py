r"""Data, noise, v and score from the velocity of a path x_t = alpha_t x_0 + sigma_t eps.

State and velocity are two linear equations for (x_0, eps) with the determinant

.. math:: \alpha_t\dot\sigma_t - \sigma_t\dot\alpha_t
          = -\tfrac12\,\alpha_t\,\sigma_t\,\frac{d}{dt}\ln\frac{\alpha_t^2}{\sigma_t^2},

positive wherever the signal-to-noise ratio falls with time: then nothing is lost, at the ends
neither. A path that stands still at some time tells nothing there and is refused.
"""

from __future__ import annotations

from refdiff._checks import NON_NEGATIVE, POSITIVE, check_in
from refdiff._cures import ALPHA, NO_NOISE, SIGMA
from refdiff._namespace import Array
from refdiff.catalogue import implements

__all__ = [
    "eps_from_velocity",
    "score_from_velocity",
    "v_from_velocity",
    "x_0_from_velocity",
]


_FALLS = "the signal-to-noise ratio must fall as t grows; were the two rates swapped?"


def _turning(alpha_t: Array, sigma_t: Array, alpha_rate: Array, sigma_rate: Array) -> Array:
    """Return the determinant of (x_0, eps) -> (x_t, velocity), or refuse a path that stands."""
    turning = alpha_t * sigma_rate - sigma_t * alpha_rate
    check_in(POSITIVE, _FALLS, **{"alpha_t*sigma_rate-sigma_t*alpha_rate": turning})
    return turning


@implements("lipman2023/x-0-from-velocity")
def x_0_from_velocity(
    x_t: Array,
    velocity: Array,
    *,
    alpha_t: Array,
    sigma_t: Array,
    alpha_rate: Array,
    sigma_rate: Array,
) -> Array:
    r"""Return the data implied by x_t and its velocity.

    .. math:: x_0 = \frac{\dot\sigma_t\,x_t - \sigma_t\,u_t}{\alpha_t\dot\sigma_t -
              \sigma_t\dot\alpha_t}

    Parameters
    ----------
    x_t : array_like
        The noisy state, any shape.
    velocity : array_like
        dx_t/dt, true or predicted, same shape. Time runs from data to noise; the papers' velocity
        is minus this.
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
        Same shape; defined at both ends of a path.

    Raises
    ------
    ValueError
        If a scale is outside its domain, or the signal-to-noise ratio does not fall as t grows.

    Source
    ------
    Lipman et al. 2023 (arXiv:2210.02747v2), a consequence of equation (15), solved for the data.

    Examples
    --------
    >>> x_0_from_velocity(
    ...     2.5, 2.0, alpha_t=0.75, sigma_t=0.25, alpha_rate=-1.0, sigma_rate=1.0
    ... )
    2.0
    """
    check_in(NON_NEGATIVE, ALPHA, alpha_t=alpha_t)
    check_in(NON_NEGATIVE, SIGMA, sigma_t=sigma_t)
    turning = _turning(alpha_t, sigma_t, alpha_rate, sigma_rate)
    return (sigma_rate * x_t - sigma_t * velocity) / turning


@implements("lipman2023/eps-from-velocity")
def eps_from_velocity(
    x_t: Array,
    velocity: Array,
    *,
    alpha_t: Array,
    sigma_t: Array,
    alpha_rate: Array,
    sigma_rate: Array,
) -> Array:
    r"""Return the noise implied by x_t and its velocity.

    .. math:: \epsilon = \frac{\alpha_t\,u_t - \dot\alpha_t\,x_t}{\alpha_t\dot\sigma_t -
              \sigma_t\dot\alpha_t}

    Parameters
    ----------
    x_t : array_like
        The noisy state, any shape.
    velocity : array_like
        dx_t/dt, true or predicted, same shape. Time runs from data to noise; the papers' velocity
        is minus this.
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
        Same shape; defined at both ends of a path.

    Raises
    ------
    ValueError
        If a scale is outside its domain, or the signal-to-noise ratio does not fall as t grows.

    Source
    ------
    Lipman et al. 2023 (arXiv:2210.02747v2), a consequence of equation (15), solved for the noise.

    Examples
    --------
    >>> eps_from_velocity(
    ...     2.5, 2.0, alpha_t=0.75, sigma_t=0.25, alpha_rate=-1.0, sigma_rate=1.0
    ... )
    4.0
    """
    check_in(NON_NEGATIVE, ALPHA, alpha_t=alpha_t)
    check_in(NON_NEGATIVE, SIGMA, sigma_t=sigma_t)
    turning = _turning(alpha_t, sigma_t, alpha_rate, sigma_rate)
    return (alpha_t * velocity - alpha_rate * x_t) / turning


@implements("lipman2023/v-from-velocity")
def v_from_velocity(
    x_t: Array,
    velocity: Array,
    *,
    alpha_t: Array,
    sigma_t: Array,
    alpha_rate: Array,
    sigma_rate: Array,
) -> Array:
    r"""Return v implied by x_t and its velocity.

    .. math:: v = \frac{(\alpha_t^2 + \sigma_t^2)\,u_t - (\alpha_t\dot\alpha_t +
              \sigma_t\dot\sigma_t)\,x_t}{\alpha_t\dot\sigma_t - \sigma_t\dot\alpha_t}

    Parameters
    ----------
    x_t : array_like
        The noisy state, any shape.
    velocity : array_like
        dx_t/dt, true or predicted, same shape. Time runs from data to noise; the papers' velocity
        is minus this.
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
        v = alpha_t eps - sigma_t x_0, same shape; defined at both ends of a path.

    Raises
    ------
    ValueError
        If a scale is outside its domain, or the signal-to-noise ratio does not fall as t grows.

    Source
    ------
    Lipman et al. 2023 (arXiv:2210.02747v2), a consequence of equation (15); v as in Salimans and
    Ho 2022 (arXiv:2202.00512), section 4.

    Examples
    --------
    >>> v_from_velocity(
    ...     2.5, 2.0, alpha_t=0.75, sigma_t=0.25, alpha_rate=-1.0, sigma_rate=1.0
    ... )
    2.5
    """
    check_in(NON_NEGATIVE, ALPHA, alpha_t=alpha_t)
    check_in(NON_NEGATIVE, SIGMA, sigma_t=sigma_t)
    turning = _turning(alpha_t, sigma_t, alpha_rate, sigma_rate)
    along = alpha_t * alpha_rate + sigma_t * sigma_rate
    return ((alpha_t * alpha_t + sigma_t * sigma_t) * velocity - along * x_t) / turning


@implements("lipman2023/score-from-velocity")
def score_from_velocity(
    x_t: Array,
    velocity: Array,
    *,
    alpha_t: Array,
    sigma_t: Array,
    alpha_rate: Array,
    sigma_rate: Array,
) -> Array:
    r"""Return the score of q(x_t) from the velocity of its flow.

    .. math:: \nabla \log q(x_t) = \frac{\dot\alpha_t\,x_t -
              \alpha_t\,u_t}{\sigma_t\,(\alpha_t\dot\sigma_t - \sigma_t\dot\alpha_t)}

    Parameters
    ----------
    x_t : array_like
        The noisy state, any shape.
    velocity : array_like
        dx_t/dt, true or predicted, same shape. Time runs from data to noise; the papers' velocity
        is minus this.
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
        If a scale is outside its domain, or the signal-to-noise ratio does not fall as t grows.

    Source
    ------
    Lipman et al. 2023 (arXiv:2210.02747v2), a consequence of equation (15) with eps = -sigma_t
    times the score.

    Examples
    --------
    >>> score_from_velocity(
    ...     2.5, 2.0, alpha_t=0.75, sigma_t=0.25, alpha_rate=-1.0, sigma_rate=1.0
    ... )
    -16.0
    """
    check_in(NON_NEGATIVE, ALPHA, alpha_t=alpha_t)
    check_in(POSITIVE, NO_NOISE, sigma_t=sigma_t)
    turning = _turning(alpha_t, sigma_t, alpha_rate, sigma_rate)
    return (alpha_rate * x_t - alpha_t * velocity) / (sigma_t * turning)
