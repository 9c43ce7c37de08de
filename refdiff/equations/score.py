r"""The score, and its conversions to noise and data.

The score is the gradient of log q(x_t) with respect to x_t. For a known data point

.. math:: \nabla_{x_t} \log q(x_t \mid x_0) = -\frac{\epsilon}{\sqrt{1-\bar\alpha_t}},

and since the gradient of a marginal is the posterior mean of these, the same conversion takes the
optimal noise prediction to the score of q(x_t), and the optimal x_0 by Tweedie's formula.
"""

from __future__ import annotations

from refdiff._checks import CLOSED_UNIT, HALF_OPEN_AT_0, HALF_OPEN_AT_1, check_in
from refdiff._cures import ALPHA_BAR, NO_NOISE_AT_1, NO_SIGNAL_AT_0
from refdiff._namespace import Array, sqrt
from refdiff.catalogue import implements

__all__ = ["eps_from_score", "score_from_eps", "score_from_x_0", "x_0_from_score"]


@implements("dhariwal2021/score-from-x-0")
def score_from_x_0(x_t: Array, x_0: Array, *, alpha_bar_t: Array) -> Array:
    r"""Return the score implied by x_t and the data.

    .. math:: \frac{\sqrt{\bar\alpha_t}\,x_0 - x_t}{1-\bar\alpha_t}

    Parameters
    ----------
    x_t : array_like
        Noisy state, any shape.
    x_0 : array_like
        Data, true or predicted, same shape.
    alpha_bar_t : array_like
        In [0, 1), broadcastable against ``x_t``.

    Returns
    -------
    array_like
        Same shape as ``x_t``.

    Raises
    ------
    ValueError
        If ``alpha_bar_t`` is outside [0, 1).

    Source
    ------
    Dhariwal and Nichol 2021 (arXiv:2105.05233), equation (11), with eps written through x_0.

    Examples
    --------
    >>> score_from_x_0(2.0, 2.0, alpha_bar_t=0.25).__round__(12)
    -1.333333333333
    """
    check_in(HALF_OPEN_AT_1, NO_NOISE_AT_1, alpha_bar_t=alpha_bar_t)
    return (sqrt(alpha_bar_t) * x_0 - x_t) / (1 - alpha_bar_t)


@implements("bao2022/x-0-from-score")
def x_0_from_score(x_t: Array, score: Array, *, alpha_bar_t: Array) -> Array:
    r"""Return the data implied by x_t and the score.

    .. math:: \frac{x_t + (1-\bar\alpha_t)\,\nabla \log q(x_t)}{\sqrt{\bar\alpha_t}}

    Parameters
    ----------
    x_t : array_like
        Noisy state, any shape.
    score : array_like
        Gradient of log q(x_t), true or predicted, same shape.
    alpha_bar_t : array_like
        In (0, 1], broadcastable against ``x_t``.

    Returns
    -------
    array_like
        Same shape as ``x_t``.

    Raises
    ------
    ValueError
        If ``alpha_bar_t`` is outside (0, 1].

    Source
    ------
    Bao et al. 2022 (arXiv:2201.06503), Theorem 1, the argument of the optimal mean (Tweedie's
    formula).

    Examples
    --------
    >>> x_0_from_score(1.0, 0.0, alpha_bar_t=0.25)
    2.0
    """
    check_in(HALF_OPEN_AT_0, NO_SIGNAL_AT_0, alpha_bar_t=alpha_bar_t)
    return (x_t + (1 - alpha_bar_t) * score) / sqrt(alpha_bar_t)


@implements("dhariwal2021/score-from-eps")
def score_from_eps(eps: Array, *, alpha_bar_t: Array) -> Array:
    r"""Return the score implied by the noise.

    .. math:: -\frac{\epsilon}{\sqrt{1-\bar\alpha_t}}

    Parameters
    ----------
    eps : array_like
        Noise, true or predicted, any shape.
    alpha_bar_t : array_like
        In [0, 1), broadcastable against ``eps``.

    Returns
    -------
    array_like
        The gradient of log q(x_t | x_0), or of log q(x_t) where ``eps`` is the posterior mean of
        the noise; same shape.

    Raises
    ------
    ValueError
        If ``alpha_bar_t`` is outside [0, 1).

    Source
    ------
    Dhariwal and Nichol 2021 (arXiv:2105.05233), equation (11).

    Examples
    --------
    >>> score_from_eps(3.0, alpha_bar_t=0.75)
    -6.0
    """
    check_in(HALF_OPEN_AT_1, NO_NOISE_AT_1, alpha_bar_t=alpha_bar_t)
    return -eps / sqrt(1 - alpha_bar_t)


@implements("dhariwal2021/eps-from-score")
def eps_from_score(score: Array, *, alpha_bar_t: Array) -> Array:
    r"""Return the noise implied by the score.

    .. math:: -\sqrt{1-\bar\alpha_t}\;\nabla \log q(x_t)

    Parameters
    ----------
    score : array_like
        Gradient of log q(x_t), any shape.
    alpha_bar_t : array_like
        In [0, 1], broadcastable against ``score``.

    Returns
    -------
    array_like
        Same shape as ``score``.

    Raises
    ------
    ValueError
        If ``alpha_bar_t`` is outside [0, 1].

    Source
    ------
    Dhariwal and Nichol 2021 (arXiv:2105.05233), equation (11) solved for the noise.

    Examples
    --------
    >>> eps_from_score(-6.0, alpha_bar_t=0.75)
    3.0
    """
    check_in(CLOSED_UNIT, ALPHA_BAR, alpha_bar_t=alpha_bar_t)
    return -sqrt(1 - alpha_bar_t) * score
