r"""Deterministic steps of the probability flow, and what progressive distillation makes of them.

A student is trained so that one of its steps lands where two of its teacher's steps do. With
alpha = cos(phi) and sigma = sin(phi) the flow turns the state in the plane of data and noise, v is
its velocity per radian, and a DDIM step is a rotation by the angle between two times.
"""

from __future__ import annotations

from refdiff._checks import CLOSED_UNIT, NON_NEGATIVE, POSITIVE, check_in
from refdiff._cures import ALPHA, ALPHA_BAR, SIGMA, TO_REMOVE
from refdiff._namespace import Array, cos, sin, sqrt
from refdiff.catalogue import implements

__all__ = [
    "angle_step",
    "angular_velocity",
    "ddim_step_from_x_0",
    "distillation_target",
    "merged_x_0",
]


_APART = "s must be strictly less noisy than t; were the two swapped?"


@implements("salimans2022/ddim-step")
def ddim_step_from_x_0(
    x_t: Array, x_0: Array, *, alpha_t: Array, sigma_t: Array, alpha_s: Array, sigma_s: Array
) -> Array:
    r"""Return the deterministic step to s, from predicted data.

    .. math:: x_s = \alpha_s\,x_0 + \frac{\sigma_s}{\sigma_t}\,(x_t - \alpha_t\,x_0)

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
    alpha_s : array_like
        Signal scale at s, not negative.
    sigma_s : array_like
        Noise scale (standard deviation) at s, not negative.

    Returns
    -------
    array_like
        x_s, same shape. Defined without signal at t, and in both directions of time.

    Raises
    ------
    ValueError
        If a scale is outside its domain.

    Source
    ------
    Salimans and Ho 2022 (arXiv:2202.00512), equations (7) and (8); the second needs alpha_t > 0.

    Examples
    --------
    >>> ddim_step_from_x_0(5.0, 1.0, alpha_t=1.0, sigma_t=2.0, alpha_s=1.0, sigma_s=1.0)
    3.0
    """
    check_in(NON_NEGATIVE, ALPHA, alpha_t=alpha_t, alpha_s=alpha_s)
    check_in(POSITIVE, TO_REMOVE, sigma_t=sigma_t)
    check_in(NON_NEGATIVE, SIGMA, sigma_s=sigma_s)
    return alpha_s * x_0 + sigma_s / sigma_t * (x_t - alpha_t * x_0)


@implements("salimans2022/angular-velocity")
def angular_velocity(x_0: Array, eps: Array, *, angle: Array) -> Array:
    r"""Return v as the derivative of the state in the angle between data and noise.

    .. math:: v = \cos(\phi)\,\epsilon - \sin(\phi)\,x_0

    Parameters
    ----------
    x_0 : array_like
        Data, any shape.
    eps : array_like
        Noise, true or predicted, same shape as the data or the state.
    angle : array_like
        phi in radians: 0 is data and pi/2 is noise.

    Returns
    -------
    array_like
        Same shape.

    Source
    ------
    Salimans and Ho 2022 (arXiv:2202.00512), appendix D, where alpha = cos(phi) and sigma =
    sin(phi).

    Examples
    --------
    >>> angular_velocity(2.0, 3.0, angle=0.0)
    3.0
    """
    return cos(angle) * eps - sin(angle) * x_0


@implements("salimans2022/angle-step")
def angle_step(x_t: Array, v: Array, *, step_angle: Array) -> Array:
    r"""Return the deterministic step that turns the state towards data by an angle.

    .. math:: x_s = \cos(\delta)\,x_t - \sin(\delta)\,v

    Parameters
    ----------
    x_t : array_like
        The noisy state, any shape.
    v : array_like
        v at t, true or predicted, same shape.
    step_angle : array_like
        delta = phi_t - phi_s in radians, positive towards data.

    Returns
    -------
    array_like
        x_s, same shape; DDIM's step for alpha = cos(phi) and sigma = sin(phi), without signal at
        t too.

    Source
    ------
    Salimans and Ho 2022 (arXiv:2202.00512), appendix D.

    Examples
    --------
    >>> angle_step(2.0, 3.0, step_angle=0.0)
    2.0
    """
    return cos(step_angle) * x_t - sin(step_angle) * v


@implements("salimans2022/distillation-target")
def distillation_target(
    x_t: Array, x_s: Array, *, alpha_t: Array, sigma_t: Array, alpha_s: Array, sigma_s: Array
) -> Array:
    r"""Return the data for which one deterministic step from t lands on x_s.

    .. math:: \tilde x = \frac{\sigma_t\,x_s - \sigma_s\,x_t}{\alpha_s\,\sigma_t -
              \alpha_t\,\sigma_s}

    Parameters
    ----------
    x_t : array_like
        The noisy state, any shape.
    x_s : array_like
        The state at the less noisy time s, where the teacher's two steps ended, any shape.
    alpha_t : array_like
        Signal scale at t, not negative.
    sigma_t : array_like
        Noise scale (standard deviation) at t, positive.
    alpha_s : array_like
        Signal scale at s, not negative.
    sigma_s : array_like
        Noise scale (standard deviation) at s, not negative.

    Returns
    -------
    array_like
        The student's target, same shape; x_s / alpha_s at ``sigma_s`` = 0.

    Raises
    ------
    ValueError
        If a scale is outside its domain, or s is not strictly less noisy than t.

    Source
    ------
    Salimans and Ho 2022 (arXiv:2202.00512), Algorithm 2 and appendix G, with numerator and
    denominator multiplied by sigma_t.

    Examples
    --------
    >>> distillation_target(5.0, 3.0, alpha_t=1.0, sigma_t=2.0, alpha_s=1.0, sigma_s=1.0)
    1.0
    """
    check_in(NON_NEGATIVE, ALPHA, alpha_t=alpha_t, alpha_s=alpha_s)
    check_in(POSITIVE, TO_REMOVE, sigma_t=sigma_t)
    check_in(NON_NEGATIVE, SIGMA, sigma_s=sigma_s)
    gap = alpha_s * sigma_t - alpha_t * sigma_s
    check_in(POSITIVE, _APART, **{"alpha_s*sigma_t-alpha_t*sigma_s": gap})
    return (sigma_t * x_s - sigma_s * x_t) / gap


@implements("salimans2022/merged-heads")
def merged_x_0(x_t: Array, x_0: Array, eps: Array, *, alpha_bar_t: Array) -> Array:
    r"""Return the data predicted by a network with one head for x_0 and one for eps.

    .. math:: \hat x_0 = (1 - \bar\alpha_t)\,x_0 + \sqrt{\bar\alpha_t}\left(x_t - \sqrt{1 -
              \bar\alpha_t}\;\epsilon\right)

    Parameters
    ----------
    x_t : array_like
        The noisy state, any shape.
    x_0 : array_like
        Output of the head for the data, same shape.
    eps : array_like
        Output of the head for the noise, same shape.
    alpha_bar_t : array_like
        In [0, 1].

    Returns
    -------
    array_like
        Same shape: the first head where there is only noise, the second where there is none.

    Raises
    ------
    ValueError
        If ``alpha_bar_t`` is outside [0, 1].

    Source
    ------
    Salimans and Ho 2022 (arXiv:2202.00512), section 4, for alpha_t^2 + sigma_t^2 = 1; elsewhere
    consistent heads would not give x_0 back.

    Examples
    --------
    >>> merged_x_0(5.0, 1.0, 7.0, alpha_bar_t=0.0)
    1.0
    """
    check_in(CLOSED_UNIT, ALPHA_BAR, alpha_bar_t=alpha_bar_t)
    of_eps = sqrt(alpha_bar_t) * (x_t - sqrt(1 - alpha_bar_t) * eps)
    return (1 - alpha_bar_t) * x_0 + of_eps
