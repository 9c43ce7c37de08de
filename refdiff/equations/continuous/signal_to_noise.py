r"""The signal-to-noise ratio of a signal and a noise scale, and its logarithm."""

from __future__ import annotations

from refdiff._checks import NON_NEGATIVE, check_in
from refdiff._cures import ALPHA, SIGMA
from refdiff._namespace import Array, divide, log
from refdiff.catalogue import implements

__all__ = [
    "log_snr",
    "snr",
]


@implements("kingma2021/snr")
def snr(*, alpha_t: Array, sigma_t: Array) -> Array:
    r"""Return the signal-to-noise ratio, a ratio of variances.

    .. math:: \mathrm{SNR}_t = \frac{\alpha_t^2}{\sigma_t^2}

    Parameters
    ----------
    alpha_t : array_like
        Signal scale at t, not negative.
    sigma_t : array_like
        Noise scale (standard deviation) at t, not negative.

    Returns
    -------
    array_like
        ``inf`` where there is no noise.

    Raises
    ------
    ValueError
        If a scale is outside its domain.

    Source
    ------
    Kingma et al. 2021 (arXiv:2107.00630), equation (2).

    Examples
    --------
    >>> snr(alpha_t=1.0, sigma_t=0.5)
    4.0
    """
    check_in(NON_NEGATIVE, ALPHA, alpha_t=alpha_t)
    check_in(NON_NEGATIVE, SIGMA, sigma_t=sigma_t)
    return divide(alpha_t * alpha_t, sigma_t * sigma_t)


@implements("salimans2022/log-snr")
def log_snr(*, alpha_t: Array, sigma_t: Array) -> Array:
    r"""Return the natural logarithm of the signal-to-noise ratio.

    .. math:: \lambda_t = 2 \ln \frac{\alpha_t}{\sigma_t}

    Parameters
    ----------
    alpha_t : array_like
        Signal scale at t, not negative.
    sigma_t : array_like
        Noise scale (standard deviation) at t, not negative.

    Returns
    -------
    array_like
        ``inf`` without noise, ``-inf`` without signal.

    Raises
    ------
    ValueError
        If a scale is outside its domain.

    Source
    ------
    Salimans and Ho 2022 (arXiv:2202.00512), section 2. The DPM-Solver papers call half of this
    lambda.

    Examples
    --------
    >>> log_snr(alpha_t=0.6, sigma_t=0.6)
    0.0
    """
    check_in(NON_NEGATIVE, ALPHA, alpha_t=alpha_t)
    check_in(NON_NEGATIVE, SIGMA, sigma_t=sigma_t)
    return 2 * log(divide(alpha_t, sigma_t))
