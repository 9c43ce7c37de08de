r"""The diffusion loss of Variational Diffusion Models, for T steps and in continuous time.

The bound on the negative log-likelihood is a prior term, a reconstruction term and the diffusion
loss. Each function gives the term of one component in nats: sum over a sample, and average over
noise and over the T steps, or over time t uniform in [0, 1]. In continuous time the loss is an
integral over the SNR alone, so it depends on the ends of the schedule and on nothing between.
"""

from __future__ import annotations

from refdiff._checks import NON_NEGATIVE, POSITIVE, check_in, check_order
from refdiff._namespace import Array, exp, expm1
from refdiff.catalogue import implements
from refdiff.equations.sde._cures import LOSS_WEIGHT, RATE_OF_GAMMA, S_NOISIER, STEPS

_SNR = "it is a ratio of variances."

__all__ = [
    "continuous_loss_eps",
    "continuous_loss_x_0",
    "diffusion_loss_eps",
    "diffusion_loss_x_0",
    "weighted_loss_x_0",
]


@implements("kingma2021/diffusion-loss-x-0")
def diffusion_loss_x_0(
    x_0: Array, x_0_pred: Array, *, gamma_t: Array, gamma_s: Array, num_steps: Array
) -> Array:
    r"""Return the term of one step in the diffusion loss, from an error of x_0.

    .. math:: \frac{T}{2} \left(e^{-\gamma_s} - e^{-\gamma_t}\right) (x_0 - \hat x_0)^2

    Parameters
    ----------
    x_0 : array_like
        Data, any shape.
    x_0_pred : array_like
        The model's prediction of the data, same shape.
    gamma_t : array_like
        Minus the log signal-to-noise ratio at t, any real number.
    gamma_s : array_like
        The same at the less noisy time s, at most gamma_t.
    num_steps : array_like
        T, the number of steps of the chain, positive.

    Returns
    -------
    array_like
        Nats, same shape.

    Raises
    ------
    ValueError
        If a value is outside its domain, or s is the noisier time.

    Source
    ------
    Kingma et al. 2021 (arXiv:2107.00630), equation (13); exp(-gamma) is the SNR.

    Numerics
    --------
    The difference of SNRs is computed as exp(-gamma_t) expm1(gamma_t - gamma_s).

    Examples
    --------
    >>> import math
    >>> round(diffusion_loss_x_0(3.0, 1.0, gamma_t=0.0, gamma_s=-math.log(2.0), num_steps=1), 12)
    2.0
    """
    check_in(POSITIVE, STEPS, num_steps=num_steps)
    check_order(S_NOISIER, gamma_s=gamma_s, gamma_t=gamma_t)
    error = x_0 - x_0_pred
    return num_steps / 2 * exp(-gamma_t) * expm1(gamma_t - gamma_s) * error * error


@implements("kingma2021/diffusion-loss-eps")
def diffusion_loss_eps(
    eps: Array, eps_pred: Array, *, gamma_t: Array, gamma_s: Array, num_steps: Array
) -> Array:
    r"""Return the term of one step in the diffusion loss, from an error of eps.

    .. math:: \frac{T}{2}\,\mathrm{expm1}(\gamma_t - \gamma_s)\,(\epsilon - \hat\epsilon)^2

    Parameters
    ----------
    eps : array_like
        Noise, true or predicted, same shape as the state.
    eps_pred : array_like
        Predicted noise, same shape.
    gamma_t : array_like
        Minus the log signal-to-noise ratio at t, any real number.
    gamma_s : array_like
        The same at the less noisy time s, at most gamma_t.
    num_steps : array_like
        T, the number of steps of the chain, positive.

    Returns
    -------
    array_like
        Nats, same shape.

    Raises
    ------
    ValueError
        If a value is outside its domain, or s is the noisier time.

    Source
    ------
    Kingma et al. 2021 (arXiv:2107.00630), equation (14).

    Examples
    --------
    >>> import math
    >>> round(diffusion_loss_eps(3.0, 1.0, gamma_t=math.log(2.0), gamma_s=0.0, num_steps=1), 12)
    2.0
    """
    check_in(POSITIVE, STEPS, num_steps=num_steps)
    check_order(S_NOISIER, gamma_s=gamma_s, gamma_t=gamma_t)
    error = eps - eps_pred
    return num_steps / 2 * expm1(gamma_t - gamma_s) * error * error


@implements("kingma2021/continuous-loss-x-0")
def continuous_loss_x_0(x_0: Array, x_0_pred: Array, *, snr_t: Array, gamma_rate: Array) -> Array:
    r"""Return the diffusion loss in continuous time at one t, from an error of x_0.

    .. math:: -\tfrac12\,\mathrm{SNR}'(t)\,(x_0 - \hat x_0)^2 =
              \tfrac12\,\gamma'(t)\,\mathrm{SNR}_t\,(x_0 - \hat x_0)^2, \qquad
              \mathrm{SNR}'(t) = -\gamma'(t)\,\mathrm{SNR}_t

    Parameters
    ----------
    x_0 : array_like
        Data, any shape.
    x_0_pred : array_like
        The model's prediction of the data, same shape.
    snr_t : array_like
        Signal-to-noise ratio at t, not negative.
    gamma_rate : array_like
        Derivative of gamma in t, not negative.

    Returns
    -------
    array_like
        Nats per unit of time, same shape.

    Raises
    ------
    ValueError
        If a value is outside its domain.

    Source
    ------
    Kingma et al. 2021 (arXiv:2107.00630), equations (15) and (16).

    Examples
    --------
    >>> continuous_loss_x_0(3.0, 1.0, snr_t=0.5, gamma_rate=2.0)
    2.0
    """
    check_in(NON_NEGATIVE, _SNR, snr_t=snr_t)
    check_in(NON_NEGATIVE, RATE_OF_GAMMA, gamma_rate=gamma_rate)
    error = x_0 - x_0_pred
    return gamma_rate * snr_t * error * error / 2


@implements("kingma2021/continuous-loss-eps")
def continuous_loss_eps(eps: Array, eps_pred: Array, *, gamma_rate: Array) -> Array:
    r"""Return the diffusion loss in continuous time at one t, from an error of eps.

    .. math:: \tfrac12\,\gamma'(t)\,(\epsilon - \hat\epsilon)^2

    Parameters
    ----------
    eps : array_like
        Noise, true or predicted, same shape as the state.
    eps_pred : array_like
        Predicted noise, same shape.
    gamma_rate : array_like
        Derivative of gamma in t, not negative.

    Returns
    -------
    array_like
        Nats per unit of time, same shape.

    Raises
    ------
    ValueError
        If a value is outside its domain.

    Source
    ------
    Kingma et al. 2021 (arXiv:2107.00630), equation (17).

    Examples
    --------
    >>> continuous_loss_eps(3.0, 1.0, gamma_rate=2.0)
    4.0
    """
    check_in(NON_NEGATIVE, RATE_OF_GAMMA, gamma_rate=gamma_rate)
    error = eps - eps_pred
    return gamma_rate * error * error / 2


@implements("kingma2021/weighted-loss")
def weighted_loss_x_0(x_0: Array, x_0_pred: Array, *, weight: Array) -> Array:
    r"""Return the integrand over the SNR of the weighted diffusion loss.

    .. math:: \tfrac12\,w(v)\,(x_0 - \hat x_0)^2

    Parameters
    ----------
    x_0 : array_like
        Data, any shape.
    x_0_pred : array_like
        The model's prediction of the data, same shape.
    weight : array_like
        Weight of this noise level, not negative.

    Returns
    -------
    array_like
        Nats per unit of SNR, same shape; weight 1 is the bound itself.

    Raises
    ------
    ValueError
        If a value is outside its domain.

    Source
    ------
    Kingma et al. 2021 (arXiv:2107.00630), equation (19), an integral over v = SNR from its
    smallest to its largest value.

    Examples
    --------
    >>> weighted_loss_x_0(3.0, 1.0, weight=0.5)
    1.0
    """
    check_in(NON_NEGATIVE, LOSS_WEIGHT, weight=weight)
    error = x_0 - x_0_pred
    return weight * error * error / 2
