r"""Denoising score matching: the loss that makes a network's output the score of the noised data.

The regression target is the score of the kernel of x_t given the data, which is known; the
minimizer is its mean given x_t, which is the score of the marginal. Each function gives the term of
one component: sum over a sample, and average over data, noise and times.
"""

from __future__ import annotations

from refdiff._checks import HALF_OPEN_AT_1, NON_NEGATIVE, POSITIVE, check_in
from refdiff._cures import ALPHA, NO_NOISE, NO_NOISE_AT_1
from refdiff._namespace import Array, sqrt
from refdiff.catalogue import implements
from refdiff.equations.sde._cures import LOSS_WEIGHT

__all__ = [
    "ddpm_score_loss",
    "score_matching_loss",
    "smld_loss",
]


@implements("song2021sde/score-matching-loss")
def score_matching_loss(
    score_pred: Array, x_t: Array, x_0: Array, *, alpha_t: Array, sigma_t: Array, weight: Array
) -> Array:
    r"""Return the weighted squared error of a score against that of the kernel.

    .. math:: \lambda(t) \left(s_\theta(x_t, t) + \frac{x_t - \alpha_t\,x_0}{\sigma_t^2}\right)^2

    Parameters
    ----------
    score_pred : array_like
        The model's score at x_t, same shape as the state.
    x_t : array_like
        The state at the noisier time t, any shape.
    x_0 : array_like
        Data, any shape.
    alpha_t : array_like
        Signal scale at t, not negative.
    sigma_t : array_like
        Noise scale (standard deviation) at t, positive.
    weight : array_like
        Weight of this noise level, not negative.

    Returns
    -------
    array_like
        Same shape: the term of each component.

    Raises
    ------
    ValueError
        If a value is outside its domain.

    Source
    ------
    Song et al. 2021 (arXiv:2011.13456), equation (7), for a kernel of mean alpha_t x_0 and
    variance sigma_t^2.

    Examples
    --------
    >>> score_matching_loss(0.5, 3.0, 1.0, alpha_t=1.0, sigma_t=2.0, weight=4.0)
    4.0
    """
    check_in(NON_NEGATIVE, ALPHA, alpha_t=alpha_t)
    check_in(POSITIVE, NO_NOISE, sigma_t=sigma_t)
    check_in(NON_NEGATIVE, LOSS_WEIGHT, weight=weight)
    error = score_pred + (x_t - alpha_t * x_0) / (sigma_t * sigma_t)
    return weight * error * error


@implements("song2021sde/smld-loss")
def smld_loss(score_pred: Array, x_t: Array, x_0: Array, *, sigma_t: Array) -> Array:
    r"""Return the score-matching term of SMLD, weighted by the noise variance.

    .. math:: \sigma_t^2 \left(s_\theta(x_t, \sigma_t) + \frac{x_t - x_0}{\sigma_t^2}\right)^2

    The weight makes the target -z, of one size at every noise level.

    Parameters
    ----------
    score_pred : array_like
        The model's score at x_t, same shape as the state.
    x_t : array_like
        The state at the noisier time t, any shape.
    x_0 : array_like
        Data, any shape.
    sigma_t : array_like
        Noise scale (standard deviation) at t, positive.

    Returns
    -------
    array_like
        Same shape: the term of each component.

    Raises
    ------
    ValueError
        If a value is outside its domain.

    Source
    ------
    Song et al. 2021 (arXiv:2011.13456), equation (1).

    Examples
    --------
    >>> smld_loss(0.5, 3.0, 1.0, sigma_t=2.0)
    4.0
    """
    check_in(POSITIVE, NO_NOISE, sigma_t=sigma_t)
    error = sigma_t * score_pred + (x_t - x_0) / sigma_t
    return error * error


@implements("song2021sde/ddpm-score-loss")
def ddpm_score_loss(score_pred: Array, x_t: Array, x_0: Array, *, alpha_bar_t: Array) -> Array:
    r"""Return DDPM's simple loss in terms of the score.

    .. math:: (1 - \bar\alpha_t) \left(s_\theta(x_t, t) + \frac{x_t - \sqrt{\bar\alpha_t}\,x_0}{1
              - \bar\alpha_t}\right)^2

    Parameters
    ----------
    score_pred : array_like
        The model's score at x_t, same shape as the state.
    x_t : array_like
        The state at the noisier time t, any shape.
    x_0 : array_like
        Data, any shape.
    alpha_bar_t : array_like
        Signal fraction at t, in [0, 1).

    Returns
    -------
    array_like
        Same shape: the term of each component.

    Raises
    ------
    ValueError
        If a value is outside its domain.

    Source
    ------
    Song et al. 2021 (arXiv:2011.13456), equation (3). With score = -eps / sqrt(1 - alpha_bar_t)
    it is the squared error of eps.

    Examples
    --------
    >>> ddpm_score_loss(2.0, 1.0, 1.0, alpha_bar_t=0.0)
    9.0
    """
    check_in(HALF_OPEN_AT_1, NO_NOISE_AT_1, alpha_bar_t=alpha_bar_t)
    sigma_t = sqrt(1 - alpha_bar_t)
    error = sigma_t * score_pred + (x_t - sqrt(alpha_bar_t) * x_0) / sigma_t
    return error * error
