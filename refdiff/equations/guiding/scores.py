r"""Guidance as a change of the density: scores add where densities multiply.

.. math:: \nabla \log \left(p_0 \left[\frac{p_1}{p_0}\right]^w\right)
          = w\,\nabla\log p_1 + (1-w)\,\nabla\log p_0

With a classifier the ratio is its probability. The guided density at one noise level is not the
noisy version of a guided density of the data, so guided sampling only follows it approximately.
"""

from __future__ import annotations

from refdiff._checks import POSITIVE, check_in
from refdiff._cures import NO_NOISE
from refdiff._namespace import Array
from refdiff.catalogue import implements

__all__ = [
    "extrapolated_score",
    "guided_log_density",
    "guided_score",
    "implicit_classifier_gradient",
]


@implements("dhariwal2021/guided-score")
def guided_score(score: Array, gradient: Array, *, scale: Array) -> Array:
    r"""Return the score of the data among those that a classifier assigns to a class.

    .. math:: \nabla \log q(x_t) + s\,\nabla \log p(y \mid x_t)

    Parameters
    ----------
    score : array_like
        Score without the class, any shape.
    gradient : array_like
        Gradient at x_t of the classifier's log-probability, same shape.
    scale : array_like
        Any real number; 0 changes nothing, 1 is Bayes' rule.

    Returns
    -------
    array_like
        Same shape; with scale 1 and the Bayes classifier the score given the class.

    Source
    ------
    Dhariwal and Nichol 2021 (arXiv:2105.05233), equations (12) and (13), with the scale of
    Algorithms 1 and 2.

    Examples
    --------
    >>> guided_score(1.0, 2.0, scale=3.0)
    7.0
    """
    return score + scale * gradient


@implements("ho2022cfg/implicit-classifier")
def implicit_classifier_gradient(eps_cond: Array, eps_uncond: Array, *, sigma_t: Array) -> Array:
    r"""Return the gradient of the classifier that two noise predictions imply.

    .. math:: \nabla \log p(c \mid x_t) = -\frac{\epsilon_c - \epsilon_u}{\sigma_t}

    Parameters
    ----------
    eps_cond : array_like
        Noise predicted with the condition, any shape.
    eps_uncond : array_like
        Noise predicted without it, same shape.
    sigma_t : array_like
        Noise scale (standard deviation) at t, positive.

    Returns
    -------
    array_like
        Same shape. With a minus sign: the score is minus the noise over its scale.

    Raises
    ------
    ValueError
        If ``sigma_t`` is not positive.

    Source
    ------
    Ho and Salimans 2022 (arXiv:2207.12598), section 3.2, where the minus sign is missing.

    Examples
    --------
    >>> implicit_classifier_gradient(3.0, 1.0, sigma_t=0.5)
    -4.0
    """
    check_in(POSITIVE, NO_NOISE, sigma_t=sigma_t)
    return -(eps_cond - eps_uncond) / sigma_t


@implements("karras2024/guided-score")
def extrapolated_score(cond: Array, uncond: Array, *, scale: Array) -> Array:
    r"""Return the score guided away from a weaker model's.

    .. math:: \nabla \log p_1 + (w - 1)\,(\nabla \log p_1 - \nabla \log p_0)

    Parameters
    ----------
    cond : array_like
        Score of the main model (or with the condition), any shape.
    uncond : array_like
        Score of the weaker model (or without the condition), same shape.
    scale : array_like
        Any real number: 1 gives the main model, 0 the weaker one.

    Returns
    -------
    array_like
        Same shape.

    Source
    ------
    Karras et al. 2024 (arXiv:2406.02507), equation (5); w is called ``scale`` here.

    Examples
    --------
    >>> extrapolated_score(3.0, 1.0, scale=1.5)
    4.0
    """
    # Not cond + (scale - 1) (cond - uncond), which loses the digits of a small result.
    return scale * cond - (scale - 1) * uncond


@implements("karras2024/guided-density")
def guided_log_density(log_density_1: Array, log_density_0: Array, *, scale: Array) -> Array:
    r"""Return the logarithm of the density that guidance follows, without its normalization.

    .. math:: \log p_0 + w\,(\log p_1 - \log p_0)

    Parameters
    ----------
    log_density_1 : array_like
        Log-density of the main model at x, any shape.
    log_density_0 : array_like
        Log-density of the weaker one, same shape.
    scale : array_like
        w, any real number: 1 gives the main density, 0 the weaker one.

    Returns
    -------
    array_like
        Nats, same shape. Its integral may be infinite: for normal laws the precision w / S_1 + (1
        - w) / S_0 must be positive.

    Source
    ------
    Karras et al. 2024 (arXiv:2406.02507), equation (4).

    Examples
    --------
    >>> guided_log_density(-1.0, -3.0, scale=2.0)
    1.0
    """
    return log_density_0 + scale * (log_density_1 - log_density_0)
