r"""Single steps of chains: forward, ancestral, reverse diffusion, and Langevin correctors.

A predictor takes the state from t to the less noisy time s; a corrector moves it at one time, by
Langevin dynamics, towards the density whose score the model gives.
"""

from __future__ import annotations

from refdiff._checks import (
    CLOSED_UNIT,
    HALF_OPEN_AT_1,
    NON_NEGATIVE,
    POSITIVE,
    check_in,
    check_order,
)
from refdiff._cures import SIGMA, TO_REMOVE
from refdiff._namespace import Array, sqrt
from refdiff.catalogue import implements
from refdiff.equations.sde._cures import DIFFUSION, FRACTION, S_NOISIER

_NO_SIGNAL_LEFT = "at beta=1 no signal is left to rescale."
_STEP = "a step of Langevin dynamics follows the score uphill."
_NORM = "it is a Euclidean norm."
_RATIO = "the paper uses 0.16 for VE and 0.01 to 0.05 for VP."

__all__ = [
    "corrector_step_size",
    "langevin_step",
    "reverse_diffusion_step",
    "ve_ancestral_step",
    "ve_chain_step",
    "vp_ancestral_step",
    "vp_chain_step",
    "vp_reverse_diffusion_step",
]


@implements("song2021sde/ve-chain")
def ve_chain_step(x_s: Array, noise: Array, *, sigma_t: Array, sigma_s: Array) -> Array:
    r"""Return the next state of the SMLD chain, noisier by one step.

    .. math:: x_s + \sqrt{\sigma_t^2 - \sigma_s^2}\,z

    Parameters
    ----------
    x_s : array_like
        The state at the less noisy time s, any shape.
    noise : array_like
        Fresh standard normal noise of the step, same shape as the state.
    sigma_t : array_like
        Noise scale (standard deviation) at t, not negative.
    sigma_s : array_like
        Noise scale (standard deviation) at s, not negative and at most that at t.

    Returns
    -------
    array_like
        x_t, same shape.

    Raises
    ------
    ValueError
        If a value is outside its domain, or s is the noisier time.

    Source
    ------
    Song et al. 2021 (arXiv:2011.13456), equation (8).

    Examples
    --------
    >>> ve_chain_step(1.0, 2.0, sigma_t=5.0, sigma_s=4.0)
    7.0
    """
    check_in(NON_NEGATIVE, SIGMA, sigma_t=sigma_t, sigma_s=sigma_s)
    check_order(S_NOISIER, sigma_s=sigma_s, sigma_t=sigma_t)
    return x_s + sqrt((sigma_t - sigma_s) * (sigma_t + sigma_s)) * noise


@implements("song2021sde/vp-chain")
def vp_chain_step(x_s: Array, noise: Array, *, beta: Array) -> Array:
    r"""Return the next state of the DDPM chain, noisier by one step.

    .. math:: \sqrt{1 - \beta}\,x_s + \sqrt{\beta}\,z

    Parameters
    ----------
    x_s : array_like
        The state at the less noisy time s, any shape.
    noise : array_like
        Fresh standard normal noise of the step, same shape as the state.
    beta : array_like
        Fraction of the variance that the step replaces, in [0, 1].

    Returns
    -------
    array_like
        x_t, same shape.

    Raises
    ------
    ValueError
        If a value is outside its domain.

    Source
    ------
    Song et al. 2021 (arXiv:2011.13456), equation (10).

    Examples
    --------
    >>> vp_chain_step(1.0, 0.5, beta=1.0)
    0.5
    """
    check_in(CLOSED_UNIT, FRACTION, beta=beta)
    return sqrt(1 - beta) * x_s + sqrt(beta) * noise


@implements("song2021sde/vp-ancestral-step")
def vp_ancestral_step(x_t: Array, score: Array, noise: Array, *, beta: Array) -> Array:
    r"""Return the less noisy state of DDPM's ancestral sampler, in terms of the score.

    .. math:: \frac{x_t + \beta\,\nabla \ln q(x_t)}{\sqrt{1 - \beta}} + \sqrt{\beta}\,z

    Parameters
    ----------
    x_t : array_like
        The state at the noisier time t, any shape.
    score : array_like
        Gradient of the log-density at x_t, same shape as the state.
    noise : array_like
        Fresh standard normal noise of the step, same shape as the state.
    beta : array_like
        Fraction of the variance that the step replaces, in [0, 1).

    Returns
    -------
    array_like
        x_s, same shape.

    Raises
    ------
    ValueError
        If a value is outside its domain.

    Source
    ------
    Song et al. 2021 (arXiv:2011.13456), equation (4). Variance beta (the larger of DDPM's two);
    the paper adds noise in the last step too.

    Examples
    --------
    >>> vp_ancestral_step(1.0, -2.0, 0.0, beta=0.75)
    -1.0
    """
    check_in(HALF_OPEN_AT_1, _NO_SIGNAL_LEFT, beta=beta)
    return (x_t + beta * score) / sqrt(1 - beta) + sqrt(beta) * noise


@implements("song2021sde/ve-ancestral-step")
def ve_ancestral_step(
    x_t: Array, score: Array, noise: Array, *, sigma_t: Array, sigma_s: Array
) -> Array:
    r"""Return the less noisy state of the ancestral sampler without scaling of the data.

    .. math:: x_t + (\sigma_t^2 - \sigma_s^2)\,\nabla \ln p(x_t) + \sqrt{\frac{\sigma_s^2
              (\sigma_t^2 - \sigma_s^2)}{\sigma_t^2}}\,z

    It is a draw from the posterior of x_s given x_t and the data that Tweedie's formula predicts
    from the score.

    Parameters
    ----------
    x_t : array_like
        The state at the noisier time t, any shape.
    score : array_like
        Gradient of the log-density at x_t, same shape as the state.
    noise : array_like
        Fresh standard normal noise of the step, same shape as the state.
    sigma_t : array_like
        Noise scale (standard deviation) at t, positive.
    sigma_s : array_like
        Noise scale (standard deviation) at s, not negative and at most that at t.

    Returns
    -------
    array_like
        x_s, same shape.

    Raises
    ------
    ValueError
        If a value is outside its domain, or s is the noisier time.

    Source
    ------
    Song et al. 2021 (arXiv:2011.13456), appendix F.

    Examples
    --------
    >>> ve_ancestral_step(1.0, -1.0, 0.0, sigma_t=2.0, sigma_s=1.0)
    -2.0
    """
    check_in(POSITIVE, TO_REMOVE, sigma_t=sigma_t)
    check_in(NON_NEGATIVE, SIGMA, sigma_s=sigma_s)
    check_order(S_NOISIER, sigma_s=sigma_s, sigma_t=sigma_t)
    removed = (sigma_t - sigma_s) * (sigma_t + sigma_s)
    return x_t + removed * score + sigma_s / sigma_t * sqrt(removed) * noise


@implements("song2021sde/reverse-diffusion-step")
def reverse_diffusion_step(
    x_t: Array, drift: Array, score: Array, noise: Array, *, diffusion: Array
) -> Array:
    r"""Return the state one step back in time, discretized as the forward chain is.

    .. math:: x_t - f(x_t) + g^2\,\nabla \ln p_t(x_t) + g\,z

    Here f and g are those of the forward chain, x_t = x_s + f(x_s) + g z: the drift and the
    diffusion coefficient of one whole step and not of a unit of time.

    Parameters
    ----------
    x_t : array_like
        The state at the noisier time t, any shape.
    drift : array_like
        What the forward chain adds to the state in the step, evaluated at x_t.
    score : array_like
        Gradient of the log-density at x_t, same shape as the state.
    noise : array_like
        Fresh standard normal noise of the step, same shape as the state.
    diffusion : array_like
        Standard deviation of the noise that the forward chain adds in the step, not negative.

    Returns
    -------
    array_like
        x_s, same shape.

    Raises
    ------
    ValueError
        If a value is outside its domain.

    Source
    ------
    Song et al. 2021 (arXiv:2011.13456), equations (45) and (46), appendix E.

    Examples
    --------
    >>> reverse_diffusion_step(1.0, -0.5, -1.0, 0.25, diffusion=2.0)
    -2.0
    """
    check_in(NON_NEGATIVE, DIFFUSION, diffusion=diffusion)
    return x_t - drift + diffusion * diffusion * score + diffusion * noise


@implements("song2021sde/vp-reverse-diffusion-step")
def vp_reverse_diffusion_step(x_t: Array, score: Array, noise: Array, *, beta: Array) -> Array:
    r"""Return the state one reverse-diffusion step back in DDPM's chain.

    .. math:: \left(2 - \sqrt{1 - \beta}\right) x_t + \beta\,\nabla \ln p_t(x_t) + \sqrt{\beta}\,z

    Parameters
    ----------
    x_t : array_like
        The state at the noisier time t, any shape.
    score : array_like
        Gradient of the log-density at x_t, same shape as the state.
    noise : array_like
        Fresh standard normal noise of the step, same shape as the state.
    beta : array_like
        Fraction of the variance that the step replaces, in [0, 1].

    Returns
    -------
    array_like
        x_s, same shape.

    Raises
    ------
    ValueError
        If a value is outside its domain.

    Source
    ------
    Song et al. 2021 (arXiv:2011.13456), appendix E, equation (46) for the chain (10). It differs
    from `vp_ancestral_step` by terms of order beta^2.

    Examples
    --------
    >>> vp_reverse_diffusion_step(2.0, -1.0, 0.0, beta=0.75)
    2.25
    """
    check_in(CLOSED_UNIT, FRACTION, beta=beta)
    return (2 - sqrt(1 - beta)) * x_t + beta * score + sqrt(beta) * noise


@implements("song2021sde/langevin-step")
def langevin_step(x_t: Array, score: Array, noise: Array, *, step_size: Array) -> Array:
    r"""Return the state after one step of Langevin dynamics at a fixed noise level.

    .. math:: x_t + \varepsilon\,\nabla \ln p_t(x_t) + \sqrt{2 \varepsilon}\,z

    Of a normal density with variance V the chain keeps the variance V / (1 - step / 2V) instead,
    and it diverges for steps of 2V and more.

    Parameters
    ----------
    x_t : array_like
        The state at the noisier time t, any shape.
    score : array_like
        Gradient of the log-density at x_t, same shape as the state.
    noise : array_like
        Fresh standard normal noise of the step, same shape as the state.
    step_size : array_like
        Length of the step, positive.

    Returns
    -------
    array_like
        Same shape, at the same time t.

    Raises
    ------
    ValueError
        If a value is outside its domain.

    Source
    ------
    Song et al. 2021 (arXiv:2011.13456), equation (2).

    Examples
    --------
    >>> langevin_step(1.0, -2.0, 3.0, step_size=0.5)
    3.0
    """
    check_in(POSITIVE, _STEP, step_size=step_size)
    return x_t + step_size * score + sqrt(2 * step_size) * noise


@implements("song2021sde/corrector-step-size")
def corrector_step_size(
    *, score_norm: Array, noise_norm: Array, corrector_snr: Array, beta: Array
) -> Array:
    r"""Return the step of the corrector that gives drift and noise a chosen ratio.

    .. math:: 2\,(1 - \beta) \left(\frac{r\,\|z\|}{\|\nabla \ln p_t(x_t)\|}\right)^2

    Parameters
    ----------
    score_norm : array_like
        Euclidean norm of the score, positive.
    noise_norm : array_like
        Euclidean norm of the noise, not negative.
    corrector_snr : array_like
        r, how large the drift of the corrector is beside its noise, positive.
    beta : array_like
        Fraction of the variance that the step of the chain replaces, in [0, 1); 0 for VE.

    Returns
    -------
    array_like
        The step size of `langevin_step`.

    Raises
    ------
    ValueError
        If a value is outside its domain.

    Source
    ------
    Song et al. 2021 (arXiv:2011.13456), Algorithms 4 and 5, appendix G. The factor 1 - beta is
    the VP chain's; it is 1 for VE.

    Examples
    --------
    >>> corrector_step_size(score_norm=2.0, noise_norm=4.0, corrector_snr=0.5, beta=0.0)
    2.0
    """
    check_in(POSITIVE, _NORM, score_norm=score_norm)
    check_in(NON_NEGATIVE, _NORM, noise_norm=noise_norm)
    check_in(POSITIVE, _RATIO, corrector_snr=corrector_snr)
    check_in(HALF_OPEN_AT_1, FRACTION, beta=beta)
    ratio = corrector_snr * noise_norm / score_norm
    return 2 * (1 - beta) * ratio * ratio
