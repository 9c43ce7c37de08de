r"""One objective in several parameterizations: how a loss weight changes with what is predicted.

At a given state the errors of x_0, eps and v are proportional,

.. math:: \|\epsilon-\hat\epsilon\|^2 = \mathrm{SNR}\,\|x_0-\hat x_0\|^2, \qquad
          \|v-\hat v\|^2 = (1+\mathrm{SNR})\,\|x_0-\hat x_0\|^2,

so a weight on one error is another weight on another error. v is that of alpha^2 + sigma^2 = 1.
"""

from __future__ import annotations

from refdiff._checks import NON_NEGATIVE, POSITIVE, check_in
from refdiff._namespace import Array
from refdiff.catalogue import implements
from refdiff.equations.weights._cures import ENDLESS, FINITE, SIGNAL, SNR

__all__ = [
    "weight_eps_from_v",
    "weight_eps_from_x_0",
    "weight_v_from_eps",
    "weight_v_from_x_0",
    "weight_x_0_from_eps",
    "weight_x_0_from_v",
]


@implements("salimans2022/weight-x-0-from-eps")
def weight_x_0_from_eps(weight: Array, *, snr_t: Array) -> Array:
    r"""Return the weight of the error of x_0 that a weight of the error of eps amounts to.

    .. math:: \lambda_{x} = \mathrm{SNR}_t\,\lambda_{\epsilon}

    Parameters
    ----------
    weight : array_like
        Weight of a squared error, any shape.
    snr_t : array_like
        Signal-to-noise ratio, in [0, inf].

    Returns
    -------
    array_like
        Same objective, shape of the broadcast.

    Raises
    ------
    ValueError
        If ``snr_t`` is negative.

    Source
    ------
    Salimans and Ho 2022 (arXiv:2202.00512), equation (9): the error of eps is SNR times that of
    x_0.

    Examples
    --------
    >>> weight_x_0_from_eps(0.5, snr_t=4.0)
    2.0
    """
    check_in(NON_NEGATIVE, SNR, snr_t=snr_t)
    return weight * snr_t


@implements("salimans2022/weight-eps-from-x-0")
def weight_eps_from_x_0(weight: Array, *, snr_t: Array) -> Array:
    r"""Return the weight of the error of eps that a weight of the error of x_0 amounts to.

    .. math:: \lambda_{\epsilon} = \frac{\lambda_{x}}{\mathrm{SNR}_t}

    Parameters
    ----------
    weight : array_like
        Weight of a squared error, any shape.
    snr_t : array_like
        Signal-to-noise ratio, positive: without signal the error of the noise says nothing of the
        data.

    Returns
    -------
    array_like
        Same objective, shape of the broadcast.

    Raises
    ------
    ValueError
        If ``snr_t`` is not positive.

    Source
    ------
    Salimans and Ho 2022 (arXiv:2202.00512), equation (9): the error of eps is SNR times that of
    x_0.

    Examples
    --------
    >>> weight_eps_from_x_0(2.0, snr_t=4.0)
    0.5
    """
    check_in(POSITIVE, SIGNAL, snr_t=snr_t)
    return weight / snr_t


@implements("salimans2022/weight-x-0-from-v")
def weight_x_0_from_v(weight: Array, *, snr_t: Array) -> Array:
    r"""Return the weight of the error of x_0 that a weight of the error of v amounts to.

    .. math:: \lambda_{x} = (1 + \mathrm{SNR}_t)\,\lambda_{v}

    Parameters
    ----------
    weight : array_like
        Weight of a squared error, any shape.
    snr_t : array_like
        Signal-to-noise ratio, in [0, inf].

    Returns
    -------
    array_like
        Same objective, shape of the broadcast.

    Raises
    ------
    ValueError
        If ``snr_t`` is negative.

    Source
    ------
    Salimans and Ho 2022 (arXiv:2202.00512), section 4: the error of v is 1 + SNR times that of
    x_0.

    Examples
    --------
    >>> weight_x_0_from_v(0.5, snr_t=3.0)
    2.0
    """
    check_in(NON_NEGATIVE, SNR, snr_t=snr_t)
    return weight * (1 + snr_t)


@implements("salimans2022/weight-v-from-x-0")
def weight_v_from_x_0(weight: Array, *, snr_t: Array) -> Array:
    r"""Return the weight of the error of v that a weight of the error of x_0 amounts to.

    .. math:: \lambda_{v} = \frac{\lambda_{x}}{1 + \mathrm{SNR}_t}

    Parameters
    ----------
    weight : array_like
        Weight of a squared error, any shape.
    snr_t : array_like
        Signal-to-noise ratio, in [0, inf].

    Returns
    -------
    array_like
        Same objective, shape of the broadcast.

    Raises
    ------
    ValueError
        If ``snr_t`` is negative.

    Source
    ------
    Salimans and Ho 2022 (arXiv:2202.00512), section 4: the error of v is 1 + SNR times that of
    x_0.

    Examples
    --------
    >>> weight_v_from_x_0(2.0, snr_t=3.0)
    0.5
    """
    check_in(NON_NEGATIVE, SNR, snr_t=snr_t)
    return weight / (1 + snr_t)


@implements("salimans2022/weight-eps-from-v")
def weight_eps_from_v(weight: Array, *, snr_t: Array) -> Array:
    r"""Return the weight of the error of eps that a weight of the error of v amounts to.

    .. math:: \lambda_{\epsilon} = \left(1 + \frac{1}{\mathrm{SNR}_t}\right) \lambda_{v}

    Parameters
    ----------
    weight : array_like
        Weight of a squared error, any shape.
    snr_t : array_like
        Signal-to-noise ratio, positive: without signal the error of the noise says nothing of the
        data.

    Returns
    -------
    array_like
        Same objective, shape of the broadcast.

    Raises
    ------
    ValueError
        If ``snr_t`` is not positive.

    Source
    ------
    Salimans and Ho 2022 (arXiv:2202.00512), a consequence of equation (9) and of the error of v
    in section 4.

    Examples
    --------
    >>> weight_eps_from_v(2.0, snr_t=4.0)
    2.5
    """
    check_in(POSITIVE, SIGNAL, snr_t=snr_t)
    return weight * (1 + 1 / snr_t)


@implements("salimans2022/weight-v-from-eps")
def weight_v_from_eps(weight: Array, *, snr_t: Array) -> Array:
    r"""Return the weight of the error of v that a weight of the error of eps amounts to.

    .. math:: \lambda_{v} = \frac{\mathrm{SNR}_t}{1 + \mathrm{SNR}_t}\,\lambda_{\epsilon}

    Parameters
    ----------
    weight : array_like
        Weight of a squared error, any shape.
    snr_t : array_like
        Signal-to-noise ratio, in [0, inf).

    Returns
    -------
    array_like
        Same objective, shape of the broadcast. 0 without signal.

    Raises
    ------
    ValueError
        If ``snr_t`` is negative or infinite.

    Source
    ------
    Salimans and Ho 2022 (arXiv:2202.00512), a consequence of equation (9) and of the error of v
    in section 4.

    Examples
    --------
    >>> weight_v_from_eps(2.5, snr_t=4.0)
    2.0
    """
    check_in(FINITE, ENDLESS, snr_t=snr_t)
    return weight * (snr_t / (1 + snr_t))
