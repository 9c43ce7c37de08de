r"""Training objectives: the simple loss, the terms of the variational bound, and loss weights.

A weight multiplies a squared error. The same objective has different weights on the errors of x_0,
eps and v, since

.. math:: \|\epsilon-\hat\epsilon\|^2 = \mathrm{SNR}\,\|x_0-\hat x_0\|^2, \qquad
          \|v-\hat v\|^2 = (1+\mathrm{SNR})\,\|x_0-\hat x_0\|^2,

so each weight names in its suffix the error it belongs to. Terms of the bound are in nats and per
component: sum them over a sample.
"""

from __future__ import annotations

from refdiff._checks import (
    HALF_OPEN_AT_0,
    HALF_OPEN_AT_1,
    NON_NEGATIVE,
    OPEN_UNIT,
    POSITIVE,
    check_in,
    check_less_noisy,
)
from refdiff._namespace import Array, divide, exp, log1p, minimum, phi
from refdiff.catalogue import implements
from refdiff.equations.shapes import mean_per_sample

__all__ = [
    "min_snr_weight_eps",
    "min_snr_weight_v",
    "min_snr_weight_x_0",
    "normal_kl",
    "p2_weight_eps",
    "prior_kl",
    "simple_loss",
    "vlb_weight_eps",
]

_SNR = "it is a ratio of variances, from 0 (noise) to inf (data)."
_GAMMA = "the paper uses 5."


@implements("ho2020/simple-loss")
def simple_loss(eps: Array, eps_pred: Array) -> Array:
    r"""Return the mean squared error of each sample.

    .. math:: \frac{1}{N} \sum_{n=1}^{N} (\epsilon_n - \hat\epsilon_n)^2

    Parameters
    ----------
    eps, eps_pred : array
        True and predicted noise, shape (B, ...); x_0 or v alike.

    Returns
    -------
    array
        Shape (B,): the mean over the N components of each sample, that is over all axes but the
        first. The paper writes the squared norm, N times this.

    Raises
    ------
    ValueError
        If the input has no batch axis.

    Source
    ------
    Ho, Jain and Abbeel 2020 (arXiv:2006.11239), equation (14).

    Examples
    --------
    >>> import numpy as np
    >>> simple_loss(np.array([[1.0, 3.0]]), np.array([[0.0, 0.0]]))
    array([5.])
    """
    return mean_per_sample((eps - eps_pred) ** 2)


@implements("ho2020/posterior-kl")
def normal_kl(mean_1: Array, log_variance_1: Array, mean_2: Array, log_variance_2: Array) -> Array:
    r"""Return the Kullback-Leibler divergence between two normal distributions, per component.

    .. math:: \tfrac12\left(e^{d} - 1 - d + (\mu_1-\mu_2)^2\,e^{-\ell_2}\right),
              \qquad d = \ell_1 - \ell_2

    Parameters
    ----------
    mean_1, mean_2 : array_like
        Means of the first (true) and second (model) distribution.
    log_variance_1, log_variance_2 : array_like
        Natural logarithms of their variances.

    Returns
    -------
    array_like
        KL(1 || 2) in nats, elementwise over the broadcast; sum over the components of a sample
        for the divergence of the joint distribution.

    Source
    ------
    Ho, Jain and Abbeel 2020 (arXiv:2006.11239), equation (5), the terms L_{t-1}, each a
    divergence between normal distributions.

    Numerics
    --------
    e^d - 1 - d is formed as d^2 phi_2(d): the difference of its terms has no digits where the
    variances nearly agree.

    Examples
    --------
    >>> normal_kl(1.0, 0.0, 0.0, 0.0), normal_kl(0.0, 0.0, 0.0, 0.0)
    (0.5, 0.0)
    """
    d = log_variance_1 - log_variance_2
    # e^d - 1 - d = d^2 phi_2(d), which keeps the digits where the variances nearly agree.
    return (d * d * phi(d, 2) + (mean_1 - mean_2) ** 2 * exp(-log_variance_2)) / 2


@implements("ho2020/prior-kl")
def prior_kl(x_0: Array, *, alpha_bar_t: Array) -> Array:
    r"""Return the divergence of x_T, given the data, from standard normal noise.

    .. math:: L_T = \tfrac12\left(\bar\alpha_T\,(x_0^2 - 1) - \ln(1-\bar\alpha_T)\right)

    Parameters
    ----------
    x_0 : array_like
        Data, any shape.
    alpha_bar_t : array_like
        The level at the end of the chain, t = T, in [0, 1).

    Returns
    -------
    array_like
        Nats, elementwise.

    Raises
    ------
    ValueError
        If ``alpha_bar_t`` is outside [0, 1).

    Source
    ------
    Ho, Jain and Abbeel 2020 (arXiv:2006.11239), equation (5), the term L_T in closed form.

    Numerics
    --------
    The part without data is formed as u^2 phi_2(-u), with u = -ln(1 - alpha_bar): of the second
    order in alpha_bar, it is no difference of terms of the first.

    Examples
    --------
    >>> prior_kl(0.7, alpha_bar_t=0.0)
    0.0
    """
    check_in(
        HALF_OPEN_AT_1,
        "at alpha_bar_t=1 the data are untouched and the divergence is infinite.",
        alpha_bar_t=alpha_bar_t,
    )
    # With u = -ln(1 - alpha_bar) the part without data, -alpha_bar + u, is u^2 phi_2(-u).
    u = -log1p(-alpha_bar_t)
    return (alpha_bar_t * (x_0 * x_0) + u * u * phi(-u, 2)) / 2


@implements("ho2020/vlb-weight-eps")
def vlb_weight_eps(*, alpha_bar_t: Array, alpha_bar_s: Array, variance: Array) -> Array:
    r"""Return the weight that the variational bound gives the squared error of eps.

    .. math:: \frac{\beta_{t|s}^2}{2\sigma^2\,(\bar\alpha_t/\bar\alpha_s)\,(1-\bar\alpha_t)},
              \qquad \beta_{t|s} = 1 - \frac{\bar\alpha_t}{\bar\alpha_s}

    Parameters
    ----------
    alpha_bar_t : array_like
        In (0, 1) and at most ``alpha_bar_s``.
    alpha_bar_s : array_like
        In (0, 1].
    variance : array_like
        The reverse step's variance, positive.

    Returns
    -------
    array_like
        Nats per squared error, for the sum (not the mean) over components.

    Raises
    ------
    ValueError
        If a value is outside its domain, or s is the noisier time.

    Source
    ------
    Ho, Jain and Abbeel 2020 (arXiv:2006.11239), equation (12), there for s = t-1.

    Examples
    --------
    >>> vlb_weight_eps(alpha_bar_t=0.5, alpha_bar_s=1.0, variance=0.5)
    1.0
    """
    check_in(OPEN_UNIT, "at its ends the noise or the data is lost.", alpha_bar_t=alpha_bar_t)
    check_in(HALF_OPEN_AT_0, "choose a less noisy s.", alpha_bar_s=alpha_bar_s)
    check_in(POSITIVE, "the bound is infinite for a step without noise.", variance=variance)
    check_less_noisy(alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s)
    replaced = alpha_bar_s - alpha_bar_t
    return replaced * replaced / (2 * variance * alpha_bar_s * alpha_bar_t * (1 - alpha_bar_t))


def _check_min_snr(snr_t: Array, gamma: Array) -> None:
    check_in(NON_NEGATIVE, _SNR, snr_t=snr_t)
    check_in(POSITIVE, _GAMMA, gamma=gamma)


@implements("hang2023/weight-x-0")
def min_snr_weight_x_0(*, snr_t: Array, gamma: Array) -> Array:
    r"""Return the Min-SNR weight of the squared error of x_0.

    .. math:: \min(\mathrm{SNR}_t, \gamma)

    Parameters
    ----------
    snr_t : array_like
        Signal-to-noise ratio, in [0, inf].
    gamma : array_like
        Positive; the paper uses 5.

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
    Hang et al. 2023 (arXiv:2303.09556), section 3.4.

    Examples
    --------
    >>> min_snr_weight_x_0(snr_t=20.0, gamma=5.0)
    5.0
    """
    _check_min_snr(snr_t, gamma)
    return minimum(snr_t, gamma)


@implements("hang2023/weight-eps")
def min_snr_weight_eps(*, snr_t: Array, gamma: Array) -> Array:
    r"""Return the Min-SNR weight of the squared error of eps.

    .. math:: \frac{\min(\mathrm{SNR}_t, \gamma)}{\mathrm{SNR}_t}
              = \min\!\left(1, \frac{\gamma}{\mathrm{SNR}_t}\right)

    Parameters
    ----------
    snr_t : array_like
        Signal-to-noise ratio, in [0, inf].
    gamma : array_like
        Positive; the paper uses 5.

    Returns
    -------
    array_like
        Shape of the broadcast; 1 at ``snr_t`` = 0.

    Raises
    ------
    ValueError
        If ``snr_t`` is negative or ``gamma`` not positive.

    Source
    ------
    Hang et al. 2023 (arXiv:2303.09556), section 4.2.

    Examples
    --------
    >>> min_snr_weight_eps(snr_t=20.0, gamma=5.0), min_snr_weight_eps(snr_t=0.0, gamma=5.0)
    (0.25, 1.0)
    """
    _check_min_snr(snr_t, gamma)
    return minimum(divide(gamma, snr_t), 1.0)


@implements("hang2023/weight-v")
def min_snr_weight_v(*, snr_t: Array, gamma: Array) -> Array:
    r"""Return the Min-SNR weight of the squared error of v.

    .. math:: \frac{\min(\mathrm{SNR}_t, \gamma)}{\mathrm{SNR}_t + 1}

    Parameters
    ----------
    snr_t : array_like
        Signal-to-noise ratio, in [0, inf].
    gamma : array_like
        Positive; the paper uses 5.

    Returns
    -------
    array_like
        Shape of the broadcast. The denominator is SNR + 1, not SNR: dividing by SNR is a known
        mistake.

    Raises
    ------
    ValueError
        If ``snr_t`` is negative or ``gamma`` not positive.

    Source
    ------
    Hang et al. 2023 (arXiv:2303.09556), section 4.2.

    Examples
    --------
    >>> min_snr_weight_v(snr_t=4.0, gamma=5.0)
    0.8
    """
    _check_min_snr(snr_t, gamma)
    return minimum(snr_t, gamma) / (snr_t + 1)


@implements("choi2022/weight-eps")
def p2_weight_eps(*, snr_t: Array, k: Array, gamma: Array) -> Array:
    r"""Return the P2 weight of the squared error of eps.

    .. math:: \frac{1}{(k + \mathrm{SNR}_t)^{\gamma}}

    Parameters
    ----------
    snr_t : array_like
        Signal-to-noise ratio, in [0, inf].
    k : array_like
        Positive; the paper uses 1.
    gamma : array_like
        Not negative; 0 gives the simple loss.

    Returns
    -------
    array_like
        Shape of the broadcast; with k = gamma = 1 it is 1 - alpha_bar_t.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Source
    ------
    Choi et al. 2022 (arXiv:2204.00227), the weight of the simple loss.

    Examples
    --------
    >>> p2_weight_eps(snr_t=3.0, k=1.0, gamma=1.0)
    0.25
    """
    check_in(NON_NEGATIVE, _SNR, snr_t=snr_t)
    check_in(POSITIVE, "the paper uses 1.", k=k)
    check_in(NON_NEGATIVE, "0 gives the simple loss.", gamma=gamma)
    return 1 / (k + snr_t) ** gamma
