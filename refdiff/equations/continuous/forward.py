r"""The forward process for a general signal and noise scale.

.. math:: x_t = \alpha_t\,x_0 + \sigma_t\,\epsilon

Nothing links the two scales: alpha_t^2 + sigma_t^2 = 1 is the variance-preserving case (DDPM with
alpha_t = sqrt(alpha_bar_t)), alpha_t = 1 the variance-exploding one (EDM), alpha_t = 1 - sigma_t a
straight path. A time s is less noisy than t if its signal-to-noise ratio alpha^2 / sigma^2 is at
least as large.
"""

from __future__ import annotations

from refdiff._checks import NON_NEGATIVE, POSITIVE, check_in, check_less_noisy_scales
from refdiff._cures import ALPHA, NOT_LOST_AT_S, SIGMA
from refdiff._namespace import Array
from refdiff.catalogue import implements

__all__ = [
    "forward_mean",
    "forward_sample",
    "forward_variance",
    "transition_mean",
    "transition_variance",
]


@implements("kingma2021/marginal-mean")
def forward_mean(x_0: Array, *, alpha_t: Array) -> Array:
    r"""Return the mean of x_t given x_0.

    .. math:: \alpha_t\,x_0

    Parameters
    ----------
    x_0 : array_like
        Data, any shape.
    alpha_t : array_like
        Signal scale at t, not negative.

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
    Kingma et al. 2021 (arXiv:2107.00630), equation (1).

    Examples
    --------
    >>> forward_mean(2.0, alpha_t=0.5)
    1.0
    """
    check_in(NON_NEGATIVE, ALPHA, alpha_t=alpha_t)
    return alpha_t * x_0


@implements("kingma2021/marginal-variance")
def forward_variance(*, sigma_t: Array) -> Array:
    r"""Return the variance of every component of x_t given x_0.

    .. math:: \sigma_t^2

    Parameters
    ----------
    sigma_t : array_like
        Noise scale (standard deviation) at t, not negative.

    Returns
    -------
    array_like
        A variance, same shape.

    Raises
    ------
    ValueError
        If a scale is outside its domain.

    Source
    ------
    Kingma et al. 2021 (arXiv:2107.00630), equation (1).

    Examples
    --------
    >>> forward_variance(sigma_t=3.0)
    9.0
    """
    check_in(NON_NEGATIVE, SIGMA, sigma_t=sigma_t)
    return sigma_t * sigma_t


@implements("kingma2021/marginal-sample")
def forward_sample(x_0: Array, eps: Array, *, alpha_t: Array, sigma_t: Array) -> Array:
    r"""Return x_t, data mixed with the given noise.

    .. math:: \alpha_t\,x_0 + \sigma_t\,\epsilon

    Parameters
    ----------
    x_0 : array_like
        Data, any shape.
    eps : array_like
        Noise, true or predicted, same shape as the state.
    alpha_t : array_like
        Signal scale at t, not negative.
    sigma_t : array_like
        Noise scale (standard deviation) at t, not negative.

    Returns
    -------
    array_like
        x_t, same shape.

    Raises
    ------
    ValueError
        If a scale is outside its domain.

    Source
    ------
    Kingma et al. 2021 (arXiv:2107.00630), equation (1), reparameterized.

    Examples
    --------
    >>> forward_sample(2.0, 1.0, alpha_t=1.0, sigma_t=3.0)
    5.0
    """
    check_in(NON_NEGATIVE, ALPHA, alpha_t=alpha_t)
    check_in(NON_NEGATIVE, SIGMA, sigma_t=sigma_t)
    return alpha_t * x_0 + sigma_t * eps


@implements("kingma2021/transition-mean")
def transition_mean(x_s: Array, *, alpha_t: Array, alpha_s: Array) -> Array:
    r"""Return the mean of x_t given a less noisy x_s.

    .. math:: \frac{\alpha_t}{\alpha_s}\,x_s

    Parameters
    ----------
    x_s : array_like
        The state at the less noisy time s, any shape.
    alpha_t : array_like
        Signal scale at t, not negative.
    alpha_s : array_like
        Signal scale at s, positive.

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
    Kingma et al. 2021 (arXiv:2107.00630), equations (20) to (22).

    Examples
    --------
    >>> transition_mean(3.0, alpha_t=0.25, alpha_s=0.75)
    1.0
    """
    check_in(NON_NEGATIVE, ALPHA, alpha_t=alpha_t)
    check_in(POSITIVE, NOT_LOST_AT_S, alpha_s=alpha_s)
    return alpha_t / alpha_s * x_s


@implements("kingma2021/transition-variance")
def transition_variance(*, alpha_t: Array, sigma_t: Array, alpha_s: Array, sigma_s: Array) -> Array:
    r"""Return the variance of every component of x_t given a less noisy x_s.

    .. math:: \sigma_t^2 - \left(\frac{\alpha_t}{\alpha_s}\,\sigma_s\right)^2

    Parameters
    ----------
    alpha_t : array_like
        Signal scale at t, not negative.
    sigma_t : array_like
        Noise scale (standard deviation) at t, not negative.
    alpha_s : array_like
        Signal scale at s, positive.
    sigma_s : array_like
        Noise scale (standard deviation) at s, not negative.

    Returns
    -------
    array_like
        A variance, shape of the broadcast.

    Raises
    ------
    ValueError
        If a scale is outside its domain, or s is the noisier time.

    Source
    ------
    Kingma et al. 2021 (arXiv:2107.00630), equations (20) to (22).

    Examples
    --------
    >>> transition_variance(alpha_t=1.0, sigma_t=5.0, alpha_s=1.0, sigma_s=4.0)
    9.0
    """
    check_in(NON_NEGATIVE, ALPHA, alpha_t=alpha_t)
    check_in(NON_NEGATIVE, SIGMA, sigma_t=sigma_t, sigma_s=sigma_s)
    check_in(POSITIVE, NOT_LOST_AT_S, alpha_s=alpha_s)
    check_less_noisy_scales(alpha_t=alpha_t, sigma_t=sigma_t, alpha_s=alpha_s, sigma_s=sigma_s)
    passed_on = alpha_t / alpha_s * sigma_s
    return (sigma_t - passed_on) * (sigma_t + passed_on)
