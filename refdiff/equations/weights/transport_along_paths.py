r"""How a loss weight changes when a score or a velocity is predicted, for any pair of scales.

At a given state the errors are proportional,

.. math:: \|\nabla-\hat\nabla\|^2 = \|\epsilon-\hat\epsilon\|^2 / \sigma_t^2, \qquad
          \|u-\hat u\|^2
          = \left(\frac{\alpha_t\dot\sigma_t - \sigma_t\dot\alpha_t}{\sigma_t}\right)^2
            \|x_0-\hat x_0\|^2,

so a weight on one error is another weight on another error.
"""

from __future__ import annotations

from refdiff._checks import NON_NEGATIVE, POSITIVE, check_in
from refdiff._cures import ALPHA, NO_NOISE, SIGMA
from refdiff._namespace import Array
from refdiff.catalogue import implements

__all__ = [
    "weight_eps_from_score",
    "weight_score_from_eps",
    "weight_velocity_from_x_0",
    "weight_x_0_from_velocity",
]


_FALLS = "the signal-to-noise ratio must fall as t grows; were the two rates swapped?"


@implements("dhariwal2021/weight-eps-from-score")
def weight_eps_from_score(weight: Array, *, sigma_t: Array) -> Array:
    r"""Return the weight of the error of eps that a weight of the error of the score amounts to.

    .. math:: \lambda_{\epsilon} = \frac{\lambda_{s}}{\sigma_t^2}

    Parameters
    ----------
    weight : array_like
        Weight of a squared error, any shape.
    sigma_t : array_like
        Noise scale (standard deviation) at t, positive.

    Returns
    -------
    array_like
        Same objective, shape of the broadcast.

    Raises
    ------
    ValueError
        If ``sigma_t`` is not positive.

    Source
    ------
    Dhariwal and Nichol 2021 (arXiv:2105.05233), a consequence of equation (11): the score is -eps
    over the noise scale.

    Examples
    --------
    >>> weight_eps_from_score(2.0, sigma_t=2.0)
    0.5
    """
    check_in(POSITIVE, NO_NOISE, sigma_t=sigma_t)
    return weight / (sigma_t * sigma_t)


@implements("dhariwal2021/weight-score-from-eps")
def weight_score_from_eps(weight: Array, *, sigma_t: Array) -> Array:
    r"""Return the weight of the error of the score that a weight of the error of eps amounts to.

    .. math:: \lambda_{s} = \sigma_t^2\,\lambda_{\epsilon}

    Parameters
    ----------
    weight : array_like
        Weight of a squared error, any shape.
    sigma_t : array_like
        Noise scale (standard deviation) at t, not negative.

    Returns
    -------
    array_like
        Same objective, shape of the broadcast.

    Raises
    ------
    ValueError
        If ``sigma_t`` is negative.

    Source
    ------
    Dhariwal and Nichol 2021 (arXiv:2105.05233), a consequence of equation (11). The uniform
    weight on eps is the weight sigma_t^2 of denoising score matching.

    Examples
    --------
    >>> weight_score_from_eps(0.5, sigma_t=2.0)
    2.0
    """
    check_in(NON_NEGATIVE, SIGMA, sigma_t=sigma_t)
    return weight * (sigma_t * sigma_t)


@implements("lipman2023/weight-x-0-from-velocity")
def weight_x_0_from_velocity(
    weight: Array, *, alpha_t: Array, sigma_t: Array, alpha_rate: Array, sigma_rate: Array
) -> Array:
    r"""Return the weight of the error of x_0 that a weight of the error of the velocity amounts to.

    .. math:: \lambda_{x} = \left(\frac{\alpha_t\dot\sigma_t -
              \sigma_t\dot\alpha_t}{\sigma_t}\right)^2 \lambda_{u}

    Parameters
    ----------
    weight : array_like
        Weight of a squared error, any shape.
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
        Same objective, shape of the broadcast. On the straight path the factor is 1 / t^2.

    Raises
    ------
    ValueError
        If a scale is outside its domain.

    Source
    ------
    Lipman et al. 2023 (arXiv:2210.02747v2), a consequence of equation (15): the slope of the
    field in the data, squared.

    Examples
    --------
    >>> weight_x_0_from_velocity(
    ...     0.5, alpha_t=0.5, sigma_t=0.5, alpha_rate=-1.0, sigma_rate=1.0
    ... )
    2.0
    """
    check_in(NON_NEGATIVE, ALPHA, alpha_t=alpha_t)
    check_in(POSITIVE, NO_NOISE, sigma_t=sigma_t)
    return weight * (alpha_t * sigma_rate / sigma_t - alpha_rate) ** 2


@implements("lipman2023/weight-velocity-from-x-0")
def weight_velocity_from_x_0(
    weight: Array, *, alpha_t: Array, sigma_t: Array, alpha_rate: Array, sigma_rate: Array
) -> Array:
    r"""Return the weight of the error of the velocity that a weight of the error of x_0 amounts to.

    .. math:: \lambda_{u} = \left(\frac{\sigma_t}{\alpha_t\dot\sigma_t -
              \sigma_t\dot\alpha_t}\right)^2 \lambda_{x}

    Parameters
    ----------
    weight : array_like
        Weight of a squared error, any shape.
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
        Same objective, shape of the broadcast.

    Raises
    ------
    ValueError
        If a scale is outside its domain, or the signal-to-noise ratio does not fall as t grows.

    Source
    ------
    Lipman et al. 2023 (arXiv:2210.02747v2), a consequence of equation (15).

    Examples
    --------
    >>> weight_velocity_from_x_0(
    ...     2.0, alpha_t=0.5, sigma_t=0.5, alpha_rate=-1.0, sigma_rate=1.0
    ... )
    0.5
    """
    check_in(NON_NEGATIVE, ALPHA, alpha_t=alpha_t)
    check_in(NON_NEGATIVE, SIGMA, sigma_t=sigma_t)
    turning = alpha_t * sigma_rate - sigma_t * alpha_rate
    check_in(POSITIVE, _FALLS, **{"alpha_t*sigma_rate-sigma_t*alpha_rate": turning})
    return weight * (sigma_t / turning) ** 2
