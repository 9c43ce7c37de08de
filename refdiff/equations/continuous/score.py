r"""The score for a general signal and noise scale, and its conversions to noise and data."""

from __future__ import annotations

from refdiff._checks import NON_NEGATIVE, POSITIVE, check_in
from refdiff._cures import ALPHA, NO_NOISE, NO_SIGNAL, SIGMA
from refdiff._namespace import Array
from refdiff.catalogue import implements

__all__ = [
    "eps_from_score",
    "score_from_eps",
    "score_from_x_0",
    "x_0_from_score",
]


@implements("kingma2021/score-from-eps")
def score_from_eps(eps: Array, *, sigma_t: Array) -> Array:
    r"""Return the score implied by the noise.

    .. math:: -\frac{\epsilon}{\sigma_t}

    Parameters
    ----------
    eps : array_like
        Noise, true or predicted, same shape as the state.
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
    Kingma et al. 2021 (arXiv:2107.00630), equations (26) to (28), between the
    noise and score forms.

    Examples
    --------
    >>> score_from_eps(3.0, sigma_t=0.5)
    -6.0
    """
    check_in(POSITIVE, NO_NOISE, sigma_t=sigma_t)
    return -eps / sigma_t


@implements("kingma2021/eps-from-score")
def eps_from_score(score: Array, *, sigma_t: Array) -> Array:
    r"""Return the noise implied by the score.

    .. math:: -\sigma_t\,\nabla \log q(x_t)

    Parameters
    ----------
    score : array_like
        Gradient of log q(x_t), any shape.
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
    Kingma et al. 2021 (arXiv:2107.00630), equations (26) to (28), between the
    noise and score forms.

    Examples
    --------
    >>> eps_from_score(-6.0, sigma_t=0.5)
    3.0
    """
    check_in(NON_NEGATIVE, SIGMA, sigma_t=sigma_t)
    return -sigma_t * score


@implements("kingma2021/score-from-x-0")
def score_from_x_0(x_t: Array, x_0: Array, *, alpha_t: Array, sigma_t: Array) -> Array:
    r"""Return the score implied by x_t and the data.

    .. math:: \frac{\alpha_t\,x_0 - x_t}{\sigma_t^2}

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
        Same shape. With the posterior mean for x_0 this is the score of q(x_t).

    Raises
    ------
    ValueError
        If a scale is outside its domain.

    Source
    ------
    Kingma et al. 2021 (arXiv:2107.00630), equation (30).

    Examples
    --------
    >>> score_from_x_0(3.0, 1.0, alpha_t=1.0, sigma_t=2.0)
    -0.5
    """
    check_in(NON_NEGATIVE, ALPHA, alpha_t=alpha_t)
    check_in(POSITIVE, NO_NOISE, sigma_t=sigma_t)
    return (alpha_t * x_0 - x_t) / (sigma_t * sigma_t)


@implements("kingma2021/x-0-from-score")
def x_0_from_score(x_t: Array, score: Array, *, alpha_t: Array, sigma_t: Array) -> Array:
    r"""Return the data implied by x_t and the score (Tweedie's formula).

    .. math:: \frac{x_t + \sigma_t^2\,\nabla \log q(x_t)}{\alpha_t}

    Parameters
    ----------
    x_t : array_like
        The noisy state, any shape.
    score : array_like
        Gradient of log q(x_t), any shape.
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
    Kingma et al. 2021 (arXiv:2107.00630), equation (30) solved for the data.

    Examples
    --------
    >>> x_0_from_score(3.0, -0.5, alpha_t=1.0, sigma_t=2.0)
    1.0
    """
    check_in(POSITIVE, NO_SIGNAL, alpha_t=alpha_t)
    check_in(NON_NEGATIVE, SIGMA, sigma_t=sigma_t)
    return (x_t + sigma_t * sigma_t * score) / alpha_t
