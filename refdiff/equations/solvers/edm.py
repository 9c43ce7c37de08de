r"""EDM's ordinary and stochastic differential equations, and the steps of its sampler.

A state x_t = alpha_t (x_0 + sigma n), n standard normal, with alpha_t (the paper's s) and sigma
functions of a time t; sigma here is the noise level after division by the scale. The dot of the
paper is a rate: ``alpha_rate`` is d alpha / dt and ``sigma_rate`` is d sigma / dt.
"""

from __future__ import annotations

from refdiff._checks import NON_NEGATIVE, POSITIVE, check_in
from refdiff._namespace import Array, sqrt
from refdiff.catalogue import implements

__all__ = [
    "edm_drift",
    "edm_forward_sde_drift",
    "edm_reverse_sde_drift",
    "edm_scaled_drift",
    "edm_sde_diffusion",
    "edm_slope",
    "euler_step",
    "heun_step",
]

LEVEL = "it is the standard deviation of the noise in x_t / alpha_t."
LEVEL_TO_REMOVE = "there is no noise at t; t must be a noisier time than that of the data."
SIGNAL = "x_t / alpha_t needs a signal; start at a time at which some is left."
REPLACED = "it is the relative rate at which noise is replaced by fresh noise."


@implements("karras2022/ode")
def edm_drift(score: Array, *, sigma: Array, sigma_rate: Array) -> Array:
    r"""Return dx/dt of the probability-flow ODE without a signal scale.

    .. math:: -\dot\sigma\,\sigma\,\nabla \log q(x_t)

    Parameters
    ----------
    score : array_like
        Gradient of the log-density of x_t, same shape as the state.
    sigma : array_like
        Noise level of x_t / alpha_t, a standard deviation, not negative.
    sigma_rate : array_like
        d sigma / dt, any sign.

    Returns
    -------
    array_like
        Same shape.

    Raises
    ------
    ValueError
        If a value is outside its domain.

    Source
    ------
    Karras et al. 2022 (arXiv:2206.00364), equation (1).

    Examples
    --------
    >>> edm_drift(2.0, sigma=0.5, sigma_rate=3.0)
    -3.0
    """
    check_in(NON_NEGATIVE, LEVEL, sigma=sigma)
    return -sigma_rate * sigma * score


@implements("karras2022/scaled-ode")
def edm_scaled_drift(
    x_t: Array, score: Array, *, alpha_t: Array, sigma: Array, alpha_rate: Array, sigma_rate: Array
) -> Array:
    r"""Return dx/dt of the probability-flow ODE for any signal scale and noise level.

    .. math:: \frac{\dot\alpha_t}{\alpha_t}\,x_t
              - \alpha_t^2\,\dot\sigma\,\sigma\,\nabla \log q(x_t)

    The score is the gradient with respect to x_t; a gradient of log p with respect to its argument
    x_t / alpha_t is alpha_t times as large.

    Parameters
    ----------
    x_t : array_like
        State at the noise level, any shape.
    score : array_like
        Gradient of the log-density of x_t, same shape as the state.
    alpha_t : array_like
        Signal scale at t (the paper's s), positive.
    sigma : array_like
        Noise level of x_t / alpha_t, a standard deviation, not negative.
    alpha_rate : array_like
        d alpha / dt, any sign.
    sigma_rate : array_like
        d sigma / dt, any sign.

    Returns
    -------
    array_like
        Same shape.

    Raises
    ------
    ValueError
        If a value is outside its domain.

    Source
    ------
    Karras et al. 2022 (arXiv:2206.00364), equation (4), with s for alpha_t.

    Examples
    --------
    >>> edm_scaled_drift(4.0, 3.0, alpha_t=2.0, sigma=0.5, alpha_rate=1.0, sigma_rate=1.0)
    -4.0
    """
    check_in(POSITIVE, SIGNAL, alpha_t=alpha_t)
    check_in(NON_NEGATIVE, LEVEL, sigma=sigma)
    return alpha_rate / alpha_t * x_t - alpha_t * alpha_t * sigma_rate * sigma * score


@implements("karras2022/sde-forward")
def edm_forward_sde_drift(
    score: Array, *, sigma: Array, sigma_rate: Array, replacement_rate: Array
) -> Array:
    r"""Return the drift of the SDE that adds noise and has the marginals of the ODE.

    .. math:: \left(\beta\,\sigma^2 - \dot\sigma\,\sigma\right) \nabla \log q(x_t)

    Parameters
    ----------
    score : array_like
        Gradient of the log-density of x_t, same shape as the state.
    sigma : array_like
        Noise level of x_t / alpha_t, a standard deviation, not negative.
    sigma_rate : array_like
        d sigma / dt, any sign.
    replacement_rate : array_like
        Rate at which noise is replaced by fresh noise, not negative.

    Returns
    -------
    array_like
        Same shape; 0 where the replacement rate is sigma_rate / sigma, the process of pure
        diffusion.

    Raises
    ------
    ValueError
        If a value is outside its domain.

    Source
    ------
    Karras et al. 2022 (arXiv:2206.00364), equation (6), upper sign.

    Examples
    --------
    >>> edm_forward_sde_drift(2.0, sigma=0.5, sigma_rate=1.0, replacement_rate=4.0)
    1.0
    """
    check_in(NON_NEGATIVE, LEVEL, sigma=sigma)
    check_in(NON_NEGATIVE, REPLACED, replacement_rate=replacement_rate)
    return sigma * (replacement_rate * sigma - sigma_rate) * score


@implements("karras2022/sde-reverse")
def edm_reverse_sde_drift(
    score: Array, *, sigma: Array, sigma_rate: Array, replacement_rate: Array
) -> Array:
    r"""Return the drift of the SDE that removes noise and has the marginals of the ODE.

    .. math:: -\left(\beta\,\sigma^2 + \dot\sigma\,\sigma\right) \nabla \log q(x_t)

    Parameters
    ----------
    score : array_like
        Gradient of the log-density of x_t, same shape as the state.
    sigma : array_like
        Noise level of x_t / alpha_t, a standard deviation, not negative.
    sigma_rate : array_like
        d sigma / dt, any sign.
    replacement_rate : array_like
        Rate at which noise is replaced by fresh noise, not negative.

    Returns
    -------
    array_like
        Same shape, per unit of t, which decreases along the path.

    Raises
    ------
    ValueError
        If a value is outside its domain.

    Source
    ------
    Karras et al. 2022 (arXiv:2206.00364), equation (6), lower sign.

    Examples
    --------
    >>> edm_reverse_sde_drift(2.0, sigma=0.5, sigma_rate=1.0, replacement_rate=4.0)
    -3.0
    """
    check_in(NON_NEGATIVE, LEVEL, sigma=sigma)
    check_in(NON_NEGATIVE, REPLACED, replacement_rate=replacement_rate)
    return -sigma * (replacement_rate * sigma + sigma_rate) * score


@implements("karras2022/sde-diffusion")
def edm_sde_diffusion(*, sigma: Array, replacement_rate: Array) -> Array:
    r"""Return the factor of the Brownian motion in both SDEs.

    .. math:: \sqrt{2\,\beta}\,\sigma

    Parameters
    ----------
    sigma : array_like
        Noise level of x_t / alpha_t, a standard deviation, not negative.
    replacement_rate : array_like
        Rate at which noise is replaced by fresh noise, not negative.

    Returns
    -------
    array_like
        Shape of the broadcast; a standard deviation per square root of time.

    Raises
    ------
    ValueError
        If a value is outside its domain.

    Source
    ------
    Karras et al. 2022 (arXiv:2206.00364), equation (6).

    Examples
    --------
    >>> edm_sde_diffusion(sigma=0.5, replacement_rate=2.0)
    1.0
    """
    check_in(NON_NEGATIVE, LEVEL, sigma=sigma)
    check_in(NON_NEGATIVE, REPLACED, replacement_rate=replacement_rate)
    return sqrt(2 * replacement_rate) * sigma


@implements("karras2022/slope")
def edm_slope(
    x_t: Array, x_0: Array, *, alpha_t: Array, sigma: Array, alpha_rate: Array, sigma_rate: Array
) -> Array:
    r"""Return dx/dt of the probability-flow ODE from the denoised state.

    .. math:: \left(\frac{\dot\sigma}{\sigma}+\frac{\dot\alpha_t}{\alpha_t}\right) x_t
              - \frac{\dot\sigma\,\alpha_t}{\sigma}\,x_0

    Parameters
    ----------
    x_t : array_like
        State at the noise level, any shape.
    x_0 : array_like
        Data, true or predicted (the denoiser's output), same shape.
    alpha_t : array_like
        Signal scale at t (the paper's s), positive.
    sigma : array_like
        Noise level of x_t / alpha_t, a standard deviation, positive.
    alpha_rate : array_like
        d alpha / dt, any sign.
    sigma_rate : array_like
        d sigma / dt, any sign.

    Returns
    -------
    array_like
        Same shape. For alpha_t = 1 and t = sigma it is the predicted noise (x_t - x_0) / sigma.

    Raises
    ------
    ValueError
        If a value is outside its domain.

    Source
    ------
    Karras et al. 2022 (arXiv:2206.00364), Algorithm 1, line 4, with s for alpha_t and D for x_0.

    Examples
    --------
    >>> edm_slope(4.0, 3.0, alpha_t=1.0, sigma=0.5, alpha_rate=0.0, sigma_rate=1.0)
    2.0
    """
    check_in(POSITIVE, SIGNAL, alpha_t=alpha_t)
    check_in(POSITIVE, LEVEL_TO_REMOVE, sigma=sigma)
    return (sigma_rate / sigma + alpha_rate / alpha_t) * x_t - sigma_rate * alpha_t / sigma * x_0


@implements("karras2022/euler-step")
def euler_step(x_t: Array, slope_t: Array, *, step: Array) -> Array:
    r"""Return the state after a step along the slope at its start.

    .. math:: x_t + h\,d

    Parameters
    ----------
    x_t : array_like
        State at the noise level, any shape.
    slope_t : array_like
        dx/dt at the start of the step, same shape.
    step : array_like
        Length of the step in t; negative where noise is removed.

    Returns
    -------
    array_like
        Same shape.

    Source
    ------
    Karras et al. 2022 (arXiv:2206.00364), Algorithm 1, line 5.

    Examples
    --------
    >>> euler_step(4.0, 2.0, step=-0.5)
    3.0
    """
    return x_t + step * slope_t


@implements("karras2022/heun-step")
def heun_step(x_t: Array, slope_t: Array, slope_s: Array, *, step: Array) -> Array:
    r"""Return the state after a step along the mean of the slopes at its ends.

    .. math:: x_t + h\left(\tfrac12 d + \tfrac12 d'\right)

    The second slope is that at the point to which the Euler step leads. There is none at sigma =
    0, where the Euler step stands.

    Parameters
    ----------
    x_t : array_like
        State at the noise level, any shape.
    slope_t : array_like
        dx/dt at the start of the step, same shape.
    slope_s : array_like
        dx/dt at the end of the step, same shape.
    step : array_like
        Length of the step in t; negative where noise is removed.

    Returns
    -------
    array_like
        Same shape.

    Source
    ------
    Karras et al. 2022 (arXiv:2206.00364), Algorithm 1, line 8.

    Examples
    --------
    >>> heun_step(4.0, 2.0, 4.0, step=-0.5)
    2.5
    """
    return x_t + step * ((slope_t + slope_s) / 2)
