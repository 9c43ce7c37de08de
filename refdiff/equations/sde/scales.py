r"""Reverse means and SDE coefficients of a process with any two scales alpha_t and sigma_t.

.. math:: x_t = \alpha_t\,x_0 + \sigma_t\,\epsilon, \qquad dx = f(t)\,x\,dt + g(t)\,dw

Any pair of smooth scales whose signal-to-noise ratio falls is the kernel of one linear SDE; its
coefficients follow from the derivatives of the scales.
"""

from __future__ import annotations

from refdiff._checks import NON_NEGATIVE, POSITIVE, check_in, check_less_noisy_scales
from refdiff._cures import NO_SIGNAL, NOT_LOST_AT_S, SIGMA, TO_REMOVE
from refdiff._namespace import Array, sqrt
from refdiff.catalogue import implements
from refdiff.equations.sde._cures import RATE_OF_GAMMA

__all__ = [
    "diffusion_from_gamma_rate",
    "linear_drift",
    "reverse_mean_from_eps",
    "reverse_mean_from_score",
    "squared_diffusion",
]


@implements("kingma2021/reverse-mean-from-eps")
def reverse_mean_from_eps(
    x_t: Array, eps: Array, *, alpha_t: Array, sigma_t: Array, alpha_s: Array, sigma_s: Array
) -> Array:
    r"""Return the mean of the reverse step from t to s, from a prediction of eps.

    .. math:: \frac{x_t}{\alpha_{t|s}} - \frac{\sigma_{t|s}^2}{\alpha_{t|s}\,\sigma_t}\,\epsilon,
              \qquad \alpha_{t|s} = \frac{\alpha_t}{\alpha_s}, \quad \sigma_{t|s}^2 = \sigma_t^2 -
              \alpha_{t|s}^2 \sigma_s^2

    Parameters
    ----------
    x_t : array_like
        The state at the noisier time t, any shape.
    eps : array_like
        Noise, true or predicted, same shape as the state.
    alpha_t : array_like
        Signal scale at t, positive.
    sigma_t : array_like
        Noise scale (standard deviation) at t, positive.
    alpha_s : array_like
        Signal scale at s, positive.
    sigma_s : array_like
        Noise scale (standard deviation) at s, not negative.

    Returns
    -------
    array_like
        Same shape as the state.

    Raises
    ------
    ValueError
        If a scale is outside its domain, or s is the noisier time.

    Source
    ------
    Kingma et al. 2021 (arXiv:2107.00630), equations (26) to (28).

    Examples
    --------
    >>> reverse_mean_from_eps(1.0, 0.5, alpha_t=1.0, sigma_t=2.0, alpha_s=1.0, sigma_s=1.0)
    0.25
    """
    check_in(POSITIVE, NO_SIGNAL, alpha_t=alpha_t)
    check_in(POSITIVE, TO_REMOVE, sigma_t=sigma_t)
    check_in(POSITIVE, NOT_LOST_AT_S, alpha_s=alpha_s)
    check_in(NON_NEGATIVE, SIGMA, sigma_s=sigma_s)
    check_less_noisy_scales(alpha_t=alpha_t, sigma_t=sigma_t, alpha_s=alpha_s, sigma_s=sigma_s)
    ratio = alpha_t / alpha_s
    added = (sigma_t - ratio * sigma_s) * (sigma_t + ratio * sigma_s)
    return (x_t - added / sigma_t * eps) / ratio


@implements("kingma2021/reverse-mean-from-score")
def reverse_mean_from_score(
    x_t: Array, score: Array, *, alpha_t: Array, sigma_t: Array, alpha_s: Array, sigma_s: Array
) -> Array:
    r"""Return the mean of the reverse step from t to s, from the score.

    .. math:: \frac{x_t + \sigma_{t|s}^2\,\nabla \ln q(x_t)}{\alpha_{t|s}}, \qquad \alpha_{t|s} =
              \frac{\alpha_t}{\alpha_s}, \quad \sigma_{t|s}^2 = \sigma_t^2 - \alpha_{t|s}^2
              \sigma_s^2

    Parameters
    ----------
    x_t : array_like
        The state at the noisier time t, any shape.
    score : array_like
        Gradient of the log-density at x_t, same shape as the state.
    alpha_t : array_like
        Signal scale at t, positive.
    sigma_t : array_like
        Noise scale (standard deviation) at t, not negative.
    alpha_s : array_like
        Signal scale at s, positive.
    sigma_s : array_like
        Noise scale (standard deviation) at s, not negative.

    Returns
    -------
    array_like
        Same shape as the state.

    Raises
    ------
    ValueError
        If a scale is outside its domain, or s is the noisier time.

    Source
    ------
    Kingma et al. 2021 (arXiv:2107.00630), equations (26) to (28).

    Examples
    --------
    >>> reverse_mean_from_score(1.0, -0.25, alpha_t=1.0, sigma_t=2.0, alpha_s=1.0, sigma_s=1.0)
    0.25
    """
    check_in(POSITIVE, NO_SIGNAL, alpha_t=alpha_t)
    check_in(NON_NEGATIVE, SIGMA, sigma_t=sigma_t, sigma_s=sigma_s)
    check_in(POSITIVE, NOT_LOST_AT_S, alpha_s=alpha_s)
    check_less_noisy_scales(alpha_t=alpha_t, sigma_t=sigma_t, alpha_s=alpha_s, sigma_s=sigma_s)
    ratio = alpha_t / alpha_s
    added = (sigma_t - ratio * sigma_s) * (sigma_t + ratio * sigma_s)
    return (x_t + added * score) / ratio


@implements("kingma2021/sde-drift")
def linear_drift(x_t: Array, *, log_alpha_rate: Array) -> Array:
    r"""Return the drift of the SDE that has the given signal scale.

    .. math:: \frac{d \ln \alpha_t}{dt}\,x_t

    Parameters
    ----------
    x_t : array_like
        The state at the noisier time t, any shape.
    log_alpha_rate : array_like
        Derivative of ln alpha_t in t, any real number.

    Returns
    -------
    array_like
        Same shape as the state.

    Source
    ------
    Kingma et al. 2021 (arXiv:2107.00630), appendix D, equation (35).

    Examples
    --------
    >>> linear_drift(3.0, log_alpha_rate=-0.5)
    -1.5
    """
    return log_alpha_rate * x_t


@implements("kingma2021/sde-squared-diffusion")
def squared_diffusion(*, sigma_t: Array, variance_rate: Array, log_alpha_rate: Array) -> Array:
    r"""Return the squared diffusion coefficient of the SDE that has the given scales.

    .. math:: g(t)^2 = \frac{d \sigma_t^2}{dt} - 2\,\frac{d \ln \alpha_t}{dt}\,\sigma_t^2

    Parameters
    ----------
    sigma_t : array_like
        Noise scale (standard deviation) at t, not negative.
    variance_rate : array_like
        Derivative of sigma_t^2 in t, any real number.
    log_alpha_rate : array_like
        Derivative of ln alpha_t in t, any real number.

    Returns
    -------
    array_like
        A variance per unit of time; negative only where the SNR grows, which no SDE does.

    Raises
    ------
    ValueError
        If a value is outside its domain.

    Source
    ------
    Kingma et al. 2021 (arXiv:2107.00630), appendix D, equation (36).

    Examples
    --------
    >>> squared_diffusion(sigma_t=2.0, variance_rate=1.0, log_alpha_rate=-0.5)
    5.0
    """
    check_in(NON_NEGATIVE, SIGMA, sigma_t=sigma_t)
    return variance_rate - 2 * log_alpha_rate * sigma_t * sigma_t


@implements("kingma2021/sde-diffusion-from-gamma")
def diffusion_from_gamma_rate(*, sigma_t: Array, gamma_rate: Array) -> Array:
    r"""Return the diffusion coefficient from the rate at which the log-SNR falls.

    .. math:: g(t) = \sigma_t \sqrt{\gamma'(t)}

    Parameters
    ----------
    sigma_t : array_like
        Noise scale (standard deviation) at t, not negative.
    gamma_rate : array_like
        Derivative of gamma in t, not negative.

    Returns
    -------
    array_like
        A coefficient, not its square.

    Raises
    ------
    ValueError
        If a value is outside its domain.

    Source
    ------
    Kingma et al. 2021 (arXiv:2107.00630), appendix D, equation (36) with the derivatives of both
    scales gathered in gamma = -ln(alpha^2/sigma^2). No difference is left in it.

    Examples
    --------
    >>> diffusion_from_gamma_rate(sigma_t=3.0, gamma_rate=4.0)
    6.0
    """
    check_in(NON_NEGATIVE, SIGMA, sigma_t=sigma_t)
    check_in(NON_NEGATIVE, RATE_OF_GAMMA, gamma_rate=gamma_rate)
    return sigma_t * sqrt(gamma_rate)
