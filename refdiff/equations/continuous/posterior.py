r"""The posterior q(x_s | x_t, x_0) for a general signal and noise scale.

Bayes' rule on x_s = alpha_s x_0 + sigma_s eps and the transition from s to t. The
variance-exploding and the variance-preserving posteriors are this one in two coordinates.
"""

from __future__ import annotations

from refdiff._checks import NON_NEGATIVE, POSITIVE, check_in, check_less_noisy_scales
from refdiff._cures import ALPHA, NOT_LOST_AT_S, SIGMA, TO_REMOVE
from refdiff._namespace import Array
from refdiff.catalogue import implements

__all__ = [
    "posterior_mean",
    "posterior_variance",
]


def _check_pair(alpha_t: Array, sigma_t: Array, alpha_s: Array, sigma_s: Array) -> None:
    check_in(NON_NEGATIVE, ALPHA, alpha_t=alpha_t)
    check_in(POSITIVE, TO_REMOVE, sigma_t=sigma_t)
    check_in(NON_NEGATIVE, SIGMA, sigma_s=sigma_s)
    check_in(POSITIVE, NOT_LOST_AT_S, alpha_s=alpha_s)
    check_less_noisy_scales(alpha_t=alpha_t, sigma_t=sigma_t, alpha_s=alpha_s, sigma_s=sigma_s)


@implements("kingma2021/posterior-mean")
def posterior_mean(
    x_0: Array, x_t: Array, *, alpha_t: Array, sigma_t: Array, alpha_s: Array, sigma_s: Array
) -> Array:
    r"""Return the mean of x_s given x_t and x_0.

    .. math:: \frac{\alpha_s\,\sigma_{t|s}^2}{\sigma_t^2}\,x_0
              + \frac{(\alpha_t/\alpha_s)\,\sigma_s^2}{\sigma_t^2}\,x_t, \qquad
              \sigma_{t|s}^2 = \sigma_t^2 - \left(\frac{\alpha_t}{\alpha_s}\,\sigma_s\right)^2

    Parameters
    ----------
    x_0 : array_like
        Data, any shape.
    x_t : array_like
        The noisy state, any shape.
    alpha_t : array_like
        Signal scale at t, not negative.
    sigma_t : array_like
        Noise scale (standard deviation) at t, positive.
    alpha_s : array_like
        Signal scale at s, positive.
    sigma_s : array_like
        Noise scale (standard deviation) at s, not negative.

    Returns
    -------
    array_like
        Same shape; ``x_0`` times ``alpha_s`` at ``sigma_s`` = 0.

    Raises
    ------
    ValueError
        If a scale is outside its domain, or s is the noisier time.

    Source
    ------
    Kingma et al. 2021 (arXiv:2107.00630), equations (23) to (25).

    Examples
    --------
    >>> posterior_mean(2.0, 9.0, alpha_t=1.0, sigma_t=2.0, alpha_s=1.0, sigma_s=0.0)
    2.0
    """
    _check_pair(alpha_t, sigma_t, alpha_s, sigma_s)
    ratio = alpha_t / alpha_s
    passed_on = ratio * sigma_s
    variance_t = sigma_t * sigma_t
    of_x_0 = alpha_s * (sigma_t - passed_on) * (sigma_t + passed_on) / variance_t
    return of_x_0 * x_0 + ratio * sigma_s * sigma_s / variance_t * x_t


@implements("kingma2021/posterior-variance")
def posterior_variance(*, alpha_t: Array, sigma_t: Array, alpha_s: Array, sigma_s: Array) -> Array:
    r"""Return the variance of every component of x_s given x_t and x_0.

    .. math:: \frac{\sigma_{t|s}^2\,\sigma_s^2}{\sigma_t^2}, \qquad
              \sigma_{t|s}^2 = \sigma_t^2 - \left(\frac{\alpha_t}{\alpha_s}\,\sigma_s\right)^2

    Parameters
    ----------
    alpha_t : array_like
        Signal scale at t, not negative.
    sigma_t : array_like
        Noise scale (standard deviation) at t, positive.
    alpha_s : array_like
        Signal scale at s, positive.
    sigma_s : array_like
        Noise scale (standard deviation) at s, not negative.

    Returns
    -------
    array_like
        A variance, shape of the broadcast; 0 at ``sigma_s`` = 0.

    Raises
    ------
    ValueError
        If a scale is outside its domain, or s is the noisier time.

    Source
    ------
    Kingma et al. 2021 (arXiv:2107.00630), equations (23) to (25).

    Examples
    --------
    >>> posterior_variance(alpha_t=1.0, sigma_t=2.0, alpha_s=1.0, sigma_s=1.0)
    0.75
    """
    _check_pair(alpha_t, sigma_t, alpha_s, sigma_s)
    passed_on = alpha_t / alpha_s * sigma_s
    transition = (sigma_t - passed_on) * (sigma_t + passed_on)
    return transition * (sigma_s / sigma_t) * (sigma_s / sigma_t)
