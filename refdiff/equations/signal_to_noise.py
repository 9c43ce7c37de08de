r"""The signal-to-noise ratio of a noise level, and its logarithm.

A level with signal variance alpha_bar and noise variance 1 - alpha_bar has

.. math:: \mathrm{SNR} = \frac{\bar\alpha}{1-\bar\alpha}, \qquad \lambda = \ln \mathrm{SNR},

both falling as time goes on: infinite for clean data, and 0 and minus infinity for pure noise. The
logarithm is the natural coordinate of a noise level; schedules differ only in how fast they run
along it.
"""

from __future__ import annotations

from refdiff._checks import CLOSED_UNIT, POSITIVE, check_in
from refdiff._cures import ALPHA_BAR
from refdiff._namespace import Array, divide, exp, log
from refdiff.catalogue import implements

__all__ = ["alpha_bar_from_log_snr", "log_snr", "shifted_log_snr", "snr"]


@implements("lin2024/snr")
def snr(*, alpha_bar_t: Array) -> Array:
    r"""Return the signal-to-noise ratio, a ratio of variances.

    .. math:: \mathrm{SNR}_t = \frac{\bar\alpha_t}{1 - \bar\alpha_t}

    Parameters
    ----------
    alpha_bar_t : array_like
        In [0, 1], any shape.

    Returns
    -------
    array_like
        Same shape; 0 at ``alpha_bar_t`` = 0 and ``inf`` at 1.

    Raises
    ------
    ValueError
        If ``alpha_bar_t`` is outside [0, 1].

    Source
    ------
    Lin et al. 2024 (arXiv:2305.08891), equation (5). Some code calls the ratio of standard
    deviations by this name; that is the square root.

    Examples
    --------
    >>> snr(alpha_bar_t=0.75), snr(alpha_bar_t=1.0)
    (3.0, inf)
    """
    check_in(CLOSED_UNIT, ALPHA_BAR, alpha_bar_t=alpha_bar_t)
    return divide(alpha_bar_t, 1 - alpha_bar_t)


@implements("kingma2021/log-snr")
def log_snr(*, alpha_bar_t: Array) -> Array:
    r"""Return the natural logarithm of the signal-to-noise ratio.

    .. math:: \lambda_t = \ln \frac{\bar\alpha_t}{1 - \bar\alpha_t}

    Parameters
    ----------
    alpha_bar_t : array_like
        In [0, 1], any shape.

    Returns
    -------
    array_like
        Same shape, in nats; ``-inf`` at 0 and ``inf`` at 1.

    Raises
    ------
    ValueError
        If ``alpha_bar_t`` is outside [0, 1].

    Source
    ------
    Kingma et al. 2021 (arXiv:2107.00630), equations (3) to (5), where gamma = -lambda. The
    DPM-Solver papers call *half* of this lambda.

    Examples
    --------
    >>> log_snr(alpha_bar_t=0.5), log_snr(alpha_bar_t=0.0)
    (0.0, -inf)
    """
    check_in(CLOSED_UNIT, ALPHA_BAR, alpha_bar_t=alpha_bar_t)
    return log(divide(alpha_bar_t, 1 - alpha_bar_t))


@implements("kingma2021/alpha-bar-from-log-snr")
def alpha_bar_from_log_snr(*, log_snr_t: Array) -> Array:
    r"""Return alpha_bar at a given log signal-to-noise ratio: the logistic function.

    .. math:: \bar\alpha_t = \frac{1}{1 + \exp(-\lambda_t)}

    Parameters
    ----------
    log_snr_t : array_like
        Any real number or infinity, any shape.

    Returns
    -------
    array_like
        Same shape, in [0, 1].

    Source
    ------
    Kingma et al. 2021 (arXiv:2107.00630), equations (3) to (5), with gamma = -lambda.

    Examples
    --------
    >>> alpha_bar_from_log_snr(log_snr_t=0.0), alpha_bar_from_log_snr(log_snr_t=float("-inf"))
    (0.5, 0.0)
    """
    return 1 / (1 + exp(-log_snr_t))


@implements("hoogeboom2023/shifted-schedule")
def shifted_log_snr(*, log_snr_t: Array, resolution: float, reference_resolution: float) -> Array:
    r"""Return the log-SNR that gives a larger image the noise seen at a smaller one.

    .. math:: \lambda_t' = \lambda_t + 2 \ln \frac{r}{d}

    Averaging a d x d image down to r x r pixels divides the noise variance by (d/r)^2, so the
    schedule designed at r is shifted by that much.

    Parameters
    ----------
    log_snr_t : array_like
        The log-SNR of the schedule designed at the reference resolution.
    resolution, reference_resolution : float
        d, the image's side, and r, the side for which the schedule was made; both positive.

    Returns
    -------
    array_like
        Same shape as ``log_snr_t``.

    Raises
    ------
    ValueError
        If a resolution is not positive.

    Source
    ------
    Hoogeboom, Heek and Salimans 2023 (arXiv:2301.11093), equation (5), there for r = 64.

    Examples
    --------
    >>> shifted_log_snr(log_snr_t=0.0, resolution=64, reference_resolution=64)
    0.0
    """
    check_in(
        POSITIVE,
        "it counts the pixels along one side.",
        resolution=resolution,
        reference_resolution=reference_resolution,
    )
    return log_snr_t + 2 * log(divide(reference_resolution, resolution))
