r"""Which noise levels are trained: their distribution is a weight, too.

Drawing a level twice as often counts its errors twice. The distribution of the log-SNR is that of
a uniform number along a schedule; schedules are shifted with the resolution so that each image,
seen coarsely, has the noise that a smaller one would have.
"""

from __future__ import annotations

from refdiff._checks import CLOSED_UNIT, NON_NEGATIVE, POSITIVE, check_in, check_order
from refdiff._namespace import Array, arctan, cos, exp, log, sin
from refdiff.catalogue import implements
from refdiff.equations.weights._cures import SNR

__all__ = [
    "interpolated_log_snr",
    "log_snr_from_uniform",
    "pooled_snr",
]


@implements("ho2022cfg/log-snr-sampling")
def log_snr_from_uniform(*, u: Array, log_snr_min: Array, log_snr_max: Array) -> Array:
    r"""Return the log-SNR of a number drawn uniformly, on a cosine schedule cut at both ends.

    .. math:: \lambda = -2 \ln \tan\left((1 - u) \arctan(e^{-\lambda_{\max}/2}) + u
              \arctan(e^{-\lambda_{\min}/2})\right)

    Parameters
    ----------
    u : array_like
        Uniform in [0, 1], any shape.
    log_snr_min : array_like
        Log-SNR of the noisiest level; the paper uses -20.
    log_snr_max : array_like
        Log-SNR of the cleanest level; the paper uses 20.

    Returns
    -------
    array_like
        Same shape, falling from ``log_snr_max`` at 0 to ``log_snr_min`` at 1. The angle is that
        of alpha = cos and sigma = sin.

    Raises
    ------
    ValueError
        If ``u`` is outside [0, 1] or ``log_snr_min`` exceeds ``log_snr_max``.

    Source
    ------
    Ho and Salimans 2022 (arXiv:2207.12598), section 2, where b is the first angle and a the
    difference.

    Examples
    --------
    >>> round(log_snr_from_uniform(u=0.5, log_snr_min=-20.0, log_snr_max=20.0), 12) + 0.0
    0.0
    """
    check_in(CLOSED_UNIT, "it is the share of the way from clean to noisy.", u=u)
    check_order("was their order swapped?", log_snr_min=log_snr_min, log_snr_max=log_snr_max)
    clean = arctan(exp(-log_snr_max / 2))
    angle = clean + u * (arctan(exp(-log_snr_min / 2)) - clean)
    return -2 * log(sin(angle) / cos(angle))


@implements("hoogeboom2023/pooled-snr")
def pooled_snr(*, snr_t: Array, pooling: Array) -> Array:
    r"""Return the signal-to-noise ratio after averaging blocks of an image.

    .. math:: \mathrm{SNR}_t\,s^2

    Parameters
    ----------
    snr_t : array_like
        Signal-to-noise ratio, in [0, inf].
    pooling : array_like
        s, side of a block in pixels, positive.

    Returns
    -------
    array_like
        Shape of the broadcast. Averaging s x s pixels divides the variance of the noise by s^2;
        the signal is taken as constant in a block.

    Raises
    ------
    ValueError
        If ``snr_t`` is negative or ``pooling`` not positive.

    Source
    ------
    Hoogeboom, Heek and Salimans 2023 (arXiv:2301.11093), equation (4).

    Examples
    --------
    >>> pooled_snr(snr_t=0.5, pooling=2.0)
    2.0
    """
    check_in(NON_NEGATIVE, SNR, snr_t=snr_t)
    check_in(POSITIVE, "it is the side of a block in pixels.", pooling=pooling)
    return snr_t * (pooling * pooling)


@implements("hoogeboom2023/interpolated-schedule")
def interpolated_log_snr(*, t: Array, log_snr_low: Array, log_snr_high: Array) -> Array:
    r"""Return the log-SNR between two shifted schedules.

    .. math:: \lambda_t = t\,\lambda^{high}_t + (1 - t)\,\lambda^{low}_t

    Parameters
    ----------
    t : array_like
        Time in [0, 1]: 0 is data and 1 is noise.
    log_snr_low : array_like
        Log-SNR at t of the schedule shifted to the low resolution, any number.
    log_snr_high : array_like
        Log-SNR at t of the schedule shifted to the high resolution, any number.

    Returns
    -------
    array_like
        Shape of the broadcast.

    Raises
    ------
    ValueError
        If ``t`` is outside [0, 1].

    Source
    ------
    Hoogeboom, Heek and Salimans 2023 (arXiv:2301.11093), equation (6), with the shift to 256 as
    the high and the shift to 32 as the low resolution.

    Examples
    --------
    >>> interpolated_log_snr(t=0.25, log_snr_low=0.0, log_snr_high=4.0)
    1.0
    """
    check_in(CLOSED_UNIT, "0 is data and 1 is noise.", t=t)
    return t * log_snr_high + (1 - t) * log_snr_low
