r"""Loss weights that papers propose, each on the squared error that its suffix names.

Min-SNR and P2 stand in `refdiff.equations`, EDM's weight there too: with SNR = 1 / sigma^2
it is SNR + 1 / sigma_data^2. `refdiff.equations.weights.transport` turns a weight on one error into
that on another. They differ at the ends: as the SNR grows without limit, the weight of x_0 grows
with it in the uniform weight on eps or v, and stays finite in Min-SNR and its soft form.
"""

from __future__ import annotations

from refdiff._checks import NON_NEGATIVE, POSITIVE, Interval, check_in
from refdiff._namespace import Array, maximum
from refdiff.catalogue import implements
from refdiff.equations.weights._cures import ENDLESS, FINITE, SNR

__all__ = [
    "max_snr_weight_x_0",
    "simple_loss_weight",
    "snr_plus_one_weight_x_0",
    "soft_min_snr_weight_x_0",
    "truncated_snr_weight_x_0",
]


NEGATIVE = Interval(-float("inf"), 0.0, has_high=False)


@implements("salimans2022/truncated-snr")
def truncated_snr_weight_x_0(*, snr_t: Array) -> Array:
    r"""Return the truncated-SNR weight of the squared error of x_0.

    .. math:: \max(\mathrm{SNR}_t, 1)

    Parameters
    ----------
    snr_t : array_like
        Signal-to-noise ratio, in [0, inf].

    Returns
    -------
    array_like
        Same shape: the larger of the errors of x_0 and of eps counts.

    Raises
    ------
    ValueError
        If ``snr_t`` is negative.

    Source
    ------
    Salimans and Ho 2022 (arXiv:2202.00512), section 4. A maximum; Min-SNR takes the minimum.

    Examples
    --------
    >>> truncated_snr_weight_x_0(snr_t=0.25), truncated_snr_weight_x_0(snr_t=4.0)
    (1.0, 4.0)
    """
    check_in(NON_NEGATIVE, SNR, snr_t=snr_t)
    return maximum(snr_t, 1.0)


@implements("salimans2022/snr-plus-one")
def snr_plus_one_weight_x_0(*, snr_t: Array) -> Array:
    r"""Return the weight of the squared error of x_0 that equals the uniform weight on v.

    .. math:: 1 + \mathrm{SNR}_t

    Parameters
    ----------
    snr_t : array_like
        Signal-to-noise ratio, in [0, inf].

    Returns
    -------
    array_like
        Same shape.

    Raises
    ------
    ValueError
        If ``snr_t`` is negative.

    Source
    ------
    Salimans and Ho 2022 (arXiv:2202.00512), section 4.

    Examples
    --------
    >>> snr_plus_one_weight_x_0(snr_t=3.0)
    4.0
    """
    check_in(NON_NEGATIVE, SNR, snr_t=snr_t)
    return 1 + snr_t


@implements("hang2023/max-snr")
def max_snr_weight_x_0(*, snr_t: Array, gamma: Array) -> Array:
    r"""Return the Max-SNR weight of the squared error of x_0.

    .. math:: \max(\mathrm{SNR}_t, \gamma)

    Parameters
    ----------
    snr_t : array_like
        Signal-to-noise ratio, in [0, inf].
    gamma : array_like
        Positive; 1 gives the truncated SNR.

    Returns
    -------
    array_like
        Shape of the broadcast.

    Raises
    ------
    ValueError
        If ``snr_t`` is negative or ``gamma`` not positive.

    Source
    ------
    Hang et al. 2023 (arXiv:2303.09556), section 3.4, where gamma = 1.

    Examples
    --------
    >>> max_snr_weight_x_0(snr_t=0.25, gamma=1.0)
    1.0
    """
    check_in(NON_NEGATIVE, SNR, snr_t=snr_t)
    check_in(POSITIVE, "the paper compares with 1.", gamma=gamma)
    return maximum(snr_t, gamma)


@implements("crowson2024/soft-min-snr")
def soft_min_snr_weight_x_0(*, snr_t: Array, gamma: Array) -> Array:
    r"""Return the soft Min-SNR weight of the squared error of x_0.

    .. math:: \frac{\mathrm{SNR}_t\,\gamma}{\mathrm{SNR}_t + \gamma}

    Parameters
    ----------
    snr_t : array_like
        Signal-to-noise ratio, in [0, inf).
    gamma : array_like
        Positive; the paper uses 4.

    Returns
    -------
    array_like
        Shape of the broadcast: half the harmonic mean of SNR and gamma, below both and smooth.

    Raises
    ------
    ValueError
        If ``snr_t`` is negative or infinite, or ``gamma`` not positive.

    Source
    ------
    Crowson et al. 2024 (arXiv:2401.11605): 1 / (sigma^2 + 1 / gamma) at a noise level sigma =
    SNR^(-1/2).

    Examples
    --------
    >>> soft_min_snr_weight_x_0(snr_t=4.0, gamma=4.0)
    2.0
    """
    check_in(FINITE, ENDLESS, snr_t=snr_t)
    check_in(POSITIVE, "the paper uses 4.", gamma=gamma)
    return snr_t * (gamma / (snr_t + gamma))


@implements("choi2022/simple-loss-weight")
def simple_loss_weight(*, snr_t: Array, snr_rate: Array) -> Array:
    r"""Return the weight by which the simple loss departs from the variational bound.

    .. math:: \lambda_t = -\frac{\mathrm{SNR}_t}{\dot{\mathrm{SNR}}_t}

    Parameters
    ----------
    snr_t : array_like
        Signal-to-noise ratio, in [0, inf].
    snr_rate : array_like
        Derivative of the signal-to-noise ratio in time, negative.

    Returns
    -------
    array_like
        Shape of the broadcast: the reciprocal of the rate at which the log-SNR falls. The bound
        weighs the error of eps by half that rate, so this turns it into a uniform weight (of a
        half).

    Raises
    ------
    ValueError
        If ``snr_t`` is negative or ``snr_rate`` not negative.

    Source
    ------
    Choi et al. 2022 (arXiv:2204.00227), the weight lambda_t of the simple loss.

    Examples
    --------
    >>> simple_loss_weight(snr_t=3.0, snr_rate=-6.0)
    0.5
    """
    check_in(NON_NEGATIVE, SNR, snr_t=snr_t)
    check_in(NEGATIVE, "the signal-to-noise ratio falls with time.", snr_rate=snr_rate)
    return -snr_t / snr_rate
