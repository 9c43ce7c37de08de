r"""Scales and transitions of a variance-preserving process in terms of gamma, minus the log-SNR.

.. math:: \gamma_t = -\ln \frac{\alpha_t^2}{\sigma_t^2}, \qquad \alpha_t^2 + \sigma_t^2 = 1

Differences of gamma are small numbers known to all their digits, where differences of variances
cancel: the forms with expm1 below keep the digits that `refdiff.equations.continuous` would lose.
"""

from __future__ import annotations

from refdiff._checks import check_order
from refdiff._namespace import Array, exp, expm1, sqrt
from refdiff.catalogue import implements
from refdiff.equations.sde._cures import S_NOISIER

__all__ = [
    "alpha_from_gamma",
    "posterior_variance_from_gamma",
    "reverse_mean_from_gamma",
    "sigma_from_gamma",
    "snr_from_gamma",
    "transition_variance_from_gamma",
]


@implements("kingma2021/alpha-from-gamma")
def alpha_from_gamma(*, gamma_t: Array) -> Array:
    r"""Return the signal scale at a given gamma.

    .. math:: \alpha_t = \sqrt{\mathrm{sigmoid}(-\gamma_t)} = \frac{1}{\sqrt{1 + e^{\gamma_t}}}

    Parameters
    ----------
    gamma_t : array_like
        Minus the log signal-to-noise ratio at t, any real number.

    Returns
    -------
    array_like
        In [0, 1].

    Source
    ------
    Kingma et al. 2021 (arXiv:2107.00630), equations (3) to (5).

    Examples
    --------
    >>> import math
    >>> alpha_from_gamma(gamma_t=math.log(3.0))
    0.5
    """
    return 1 / sqrt(1 + exp(gamma_t))


@implements("kingma2021/sigma-from-gamma")
def sigma_from_gamma(*, gamma_t: Array) -> Array:
    r"""Return the noise scale at a given gamma.

    .. math:: \sigma_t = \sqrt{\mathrm{sigmoid}(\gamma_t)} = \frac{1}{\sqrt{1 + e^{-\gamma_t}}}

    Parameters
    ----------
    gamma_t : array_like
        Minus the log signal-to-noise ratio at t, any real number.

    Returns
    -------
    array_like
        A standard deviation, in [0, 1].

    Source
    ------
    Kingma et al. 2021 (arXiv:2107.00630), equations (3) to (5).

    Examples
    --------
    >>> import math
    >>> sigma_from_gamma(gamma_t=-math.log(3.0))
    0.5
    """
    return 1 / sqrt(1 + exp(-gamma_t))


@implements("kingma2021/snr-from-gamma")
def snr_from_gamma(*, gamma_t: Array) -> Array:
    r"""Return the signal-to-noise ratio at a given gamma.

    .. math:: \mathrm{SNR}_t = e^{-\gamma_t}

    Parameters
    ----------
    gamma_t : array_like
        Minus the log signal-to-noise ratio at t, any real number.

    Returns
    -------
    array_like
        A ratio of variances.

    Source
    ------
    Kingma et al. 2021 (arXiv:2107.00630), equations (3) to (5).

    Examples
    --------
    >>> snr_from_gamma(gamma_t=0.0)
    1.0
    """
    return exp(-gamma_t)


@implements("kingma2021/transition-variance-from-gamma")
def transition_variance_from_gamma(*, gamma_t: Array, gamma_s: Array) -> Array:
    r"""Return the variance of x_t given a less noisy x_s.

    .. math:: \sigma_{t|s}^2 = -\mathrm{expm1}(\gamma_s - \gamma_t)\,\mathrm{sigmoid}(\gamma_t)

    Parameters
    ----------
    gamma_t : array_like
        Minus the log signal-to-noise ratio at t, any real number.
    gamma_s : array_like
        The same at the less noisy time s, at most gamma_t.

    Returns
    -------
    array_like
        A variance; 0 for equal gammas.

    Raises
    ------
    ValueError
        If s is the noisier time.

    Source
    ------
    Kingma et al. 2021 (arXiv:2107.00630), equation (22) in terms of gamma.

    Numerics
    --------
    The printed difference sigma_t^2 - (alpha_t/alpha_s)^2 sigma_s^2 cancels as s tends to t; this
    does not.

    Examples
    --------
    >>> import math
    >>> transition_variance_from_gamma(gamma_t=0.0, gamma_s=-math.log(2.0))
    0.25
    """
    check_order(S_NOISIER, gamma_s=gamma_s, gamma_t=gamma_t)
    return -expm1(gamma_s - gamma_t) / (1 + exp(-gamma_t))


@implements("kingma2021/posterior-variance-from-gamma")
def posterior_variance_from_gamma(*, gamma_t: Array, gamma_s: Array) -> Array:
    r"""Return the variance of x_s given x_t and the data.

    .. math:: \sigma_Q^2 = -\mathrm{expm1}(\gamma_s - \gamma_t)\,\mathrm{sigmoid}(\gamma_s)

    Parameters
    ----------
    gamma_t : array_like
        Minus the log signal-to-noise ratio at t, any real number.
    gamma_s : array_like
        The same at the less noisy time s, at most gamma_t.

    Returns
    -------
    array_like
        A variance; 0 for equal gammas.

    Raises
    ------
    ValueError
        If s is the noisier time.

    Source
    ------
    Kingma et al. 2021 (arXiv:2107.00630), equations (31) to (33).

    Examples
    --------
    >>> import math
    >>> round(posterior_variance_from_gamma(gamma_t=math.log(2.0), gamma_s=0.0), 12)
    0.25
    """
    check_order(S_NOISIER, gamma_s=gamma_s, gamma_t=gamma_t)
    return -expm1(gamma_s - gamma_t) / (1 + exp(-gamma_s))


@implements("kingma2021/reverse-mean-from-gamma")
def reverse_mean_from_gamma(x_t: Array, eps: Array, *, gamma_t: Array, gamma_s: Array) -> Array:
    r"""Return the mean of the reverse step from t to s, in the stable form.

    .. math:: \sqrt{\frac{1 + e^{\gamma_t}}{1 + e^{\gamma_s}}} \left(x_t +
              \frac{\mathrm{expm1}(\gamma_s - \gamma_t)}{\sqrt{1 +
              e^{-\gamma_t}}}\,\epsilon\right)

    Parameters
    ----------
    x_t : array_like
        The state at the noisier time t, any shape.
    eps : array_like
        Noise, true or predicted, same shape as the state.
    gamma_t : array_like
        Minus the log signal-to-noise ratio at t, any real number.
    gamma_s : array_like
        The same at the less noisy time s, at most gamma_t.

    Returns
    -------
    array_like
        Same shape as the state.

    Raises
    ------
    ValueError
        If s is the noisier time.

    Source
    ------
    Kingma et al. 2021 (arXiv:2107.00630), equations (31) to (33): alpha_s/alpha_t times x_t +
    sigma_t expm1(gamma_s - gamma_t) eps. A copy of the paper's display leaves sigma_t out, which
    is an error.

    Examples
    --------
    >>> round(reverse_mean_from_gamma(1.0, 1.0, gamma_t=0.0, gamma_s=0.0), 12)
    1.0
    """
    check_order(S_NOISIER, gamma_s=gamma_s, gamma_t=gamma_t)
    rescaling = sqrt((1 + exp(gamma_t)) / (1 + exp(gamma_s)))
    removed = expm1(gamma_s - gamma_t) / sqrt(1 + exp(-gamma_t))
    return rescaling * (x_t + removed * eps)
