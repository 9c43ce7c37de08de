r"""One sampler step from a noisy time t to a less noisy time s, noise given.

The steps are written for any pair of levels, so a sampler over any descending list of times is a
loop over one function. The last step goes to s = 0, where ``alpha_bar_s`` is 1: DDPM's variance
is 0 there and DDIM returns its prediction of x_0, exactly. Noise is an argument; where its
coefficient is 0 it may be the number 0.
"""

from __future__ import annotations

from refdiff._checks import (
    CLOSED_UNIT,
    HALF_OPEN_AT_0,
    HALF_OPEN_AT_1,
    check_in,
    check_less_noisy,
)
from refdiff._cures import NOT_LOST, TO_REMOVE_AT_1
from refdiff._namespace import Array, sqrt
from refdiff.catalogue import implements
from refdiff.equations.forward import transition_variance
from refdiff.equations.parameterization import x_0_from_eps
from refdiff.equations.posterior import posterior_mean_from_eps, posterior_variance

__all__ = ["ddim_mean", "ddim_sigma", "ddim_step", "ddpm_step", "ddpm_step_fixed_large"]

_ETA = "0 is deterministic DDIM, 1 is DDPM with the variance beta-tilde."


def _check_step(alpha_bar_t: Array, alpha_bar_s: Array, eta: Array) -> None:
    check_in(HALF_OPEN_AT_1, TO_REMOVE_AT_1, alpha_bar_t=alpha_bar_t)
    check_in(HALF_OPEN_AT_0, NOT_LOST, alpha_bar_s=alpha_bar_s)
    check_in(CLOSED_UNIT, _ETA, eta=eta)
    check_less_noisy(alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s)


@implements("ho2020/ancestral-step")
def ddpm_step(
    x_t: Array, eps: Array, noise: Array, *, alpha_bar_t: Array, alpha_bar_s: Array
) -> Array:
    r"""Return x_s by ancestral sampling with the smaller fixed variance, beta-tilde.

    .. math:: \sqrt{\frac{\bar\alpha_s}{\bar\alpha_t}}
              \left(x_t - \frac{\beta_{t|s}}{\sqrt{1-\bar\alpha_t}}\,\epsilon\right)
              + \sqrt{\tilde\beta}\,z

    with :math:`\beta_{t|s} = 1 - \bar\alpha_t/\bar\alpha_s` and
    :math:`\tilde\beta = \frac{1-\bar\alpha_s}{1-\bar\alpha_t}\beta_{t|s}`.

    Parameters
    ----------
    x_t, eps, noise : array_like
        Noisy state, predicted noise and fresh standard normal noise z, same shape.
    alpha_bar_t : array_like
        In (0, 1) and at most ``alpha_bar_s``.
    alpha_bar_s : array_like
        In (0, 1].

    Returns
    -------
    array_like
        x_s, same shape. At ``alpha_bar_s`` = 1 the noise has weight 0.

    Raises
    ------
    ValueError
        If a level is outside its domain, or s is the noisier time.

    Source
    ------
    Ho, Jain and Abbeel 2020 (arXiv:2006.11239), Algorithm 2 with section 3.2's choice beta-tilde,
    which is optimal for data at one point.

    Examples
    --------
    >>> ddpm_step(2.0, 0.0, 1.0, alpha_bar_t=0.25, alpha_bar_s=1.0)
    4.0
    """
    mean = posterior_mean_from_eps(x_t, eps, alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s)
    variance = posterior_variance(alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s)
    return mean + sqrt(variance) * noise


@implements("ho2020/ancestral-step-fixed-large")
def ddpm_step_fixed_large(
    x_t: Array, eps: Array, noise: Array, *, alpha_bar_t: Array, alpha_bar_s: Array
) -> Array:
    r"""Return x_s by ancestral sampling with the larger fixed variance, beta.

    .. math:: \sqrt{\frac{\bar\alpha_s}{\bar\alpha_t}}
              \left(x_t - \frac{\beta_{t|s}}{\sqrt{1-\bar\alpha_t}}\,\epsilon\right)
              + \sqrt{\beta_{t|s}}\,z, \qquad \beta_{t|s} = 1 - \frac{\bar\alpha_t}{\bar\alpha_s}

    Parameters
    ----------
    x_t, eps, noise : array_like
        Noisy state, predicted noise and fresh standard normal noise z, same shape.
    alpha_bar_t : array_like
        In (0, 1) and at most ``alpha_bar_s``.
    alpha_bar_s : array_like
        In (0, 1].

    Returns
    -------
    array_like
        x_s, same shape. Unlike beta-tilde, beta does not vanish at ``alpha_bar_s`` = 1: pass
        ``noise`` = 0 at the last step, as Algorithm 2 does.

    Raises
    ------
    ValueError
        If a level is outside its domain, or s is the noisier time.

    Source
    ------
    Ho, Jain and Abbeel 2020 (arXiv:2006.11239), Algorithm 2 with section 3.2's choice beta, which
    is optimal for standard normal data.

    Examples
    --------
    >>> ddpm_step_fixed_large(1.0, 0.0, 1.0, alpha_bar_t=0.25, alpha_bar_s=1.0).__round__(12)
    2.866025403784
    """
    mean = posterior_mean_from_eps(x_t, eps, alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s)
    variance = transition_variance(alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s)
    return mean + sqrt(variance) * noise


@implements("song2021ddim/sigma")
def ddim_sigma(*, alpha_bar_t: Array, alpha_bar_s: Array, eta: Array) -> Array:
    r"""Return the standard deviation of the fresh noise in a DDIM step.

    .. math:: \sigma = \eta \sqrt{\frac{1-\bar\alpha_s}{1-\bar\alpha_t}}
              \sqrt{1 - \frac{\bar\alpha_t}{\bar\alpha_s}}

    Parameters
    ----------
    alpha_bar_t : array_like
        In [0, 1) and at most ``alpha_bar_s``.
    alpha_bar_s : array_like
        In (0, 1].
    eta : array_like
        In [0, 1]: 0 is deterministic, 1 gives the variance beta-tilde.

    Returns
    -------
    array_like
        A standard deviation (not a variance), shape of the broadcast; 0 at ``alpha_bar_s`` = 1.

    Raises
    ------
    ValueError
        If a value is outside its domain, or s is the noisier time.

    Source
    ------
    Song, Meng and Ermon 2021 (arXiv:2010.02502), equation (16); their alpha is alpha_bar.

    Examples
    --------
    >>> ddim_sigma(alpha_bar_t=0.36, alpha_bar_s=0.64, eta=0.5).__round__(12)
    0.248039185412
    """
    _check_step(alpha_bar_t, alpha_bar_s, eta)
    transition = (alpha_bar_s - alpha_bar_t) / alpha_bar_s
    return eta * sqrt((1 - alpha_bar_s) / (1 - alpha_bar_t) * transition)


@implements("song2021ddim/step-mean")
def ddim_mean(
    x_0: Array, eps: Array, *, alpha_bar_t: Array, alpha_bar_s: Array, eta: Array
) -> Array:
    r"""Return the mean of a DDIM step from a prediction of x_0 and of the noise.

    .. math:: \sqrt{\bar\alpha_s}\,x_0 + \sqrt{1 - \bar\alpha_s - \sigma^2}\,\epsilon, \qquad
              \sigma^2 = \eta^2\,\frac{1-\bar\alpha_s}{1-\bar\alpha_t}
              \left(1-\frac{\bar\alpha_t}{\bar\alpha_s}\right)

    Parameters
    ----------
    x_0, eps : array_like
        Predicted data and noise, same shape. Where x_0 was clipped, recompute eps from it with
        :func:`~refdiff.equations.eps_from_x_0`, or the two contradict each other.
    alpha_bar_t : array_like
        In [0, 1) and at most ``alpha_bar_s``.
    alpha_bar_s : array_like
        In (0, 1].
    eta : array_like
        In [0, 1].

    Returns
    -------
    array_like
        Same shape; exactly ``x_0`` at ``alpha_bar_s`` = 1.

    Raises
    ------
    ValueError
        If a value is outside its domain, or s is the noisier time.

    Source
    ------
    Song, Meng and Ermon 2021 (arXiv:2010.02502), equation (7) with the predicted x_0, whose
    (x_t - sqrt(alpha_bar_t) x_0) / sqrt(1 - alpha_bar_t) is eps.

    Numerics
    --------
    1 - alpha_bar_s - sigma^2 is a difference of equal numbers at eta = 1, t near T. It equals
    (1 - alpha_bar_s) (1 - eta^2 + eta^2 (alpha_bar_t / alpha_bar_s) (1 - alpha_bar_s) /
    (1 - alpha_bar_t)), a sum of non-negative terms: no cancellation, never negative.

    Examples
    --------
    >>> ddim_mean(1.0, 5.0, alpha_bar_t=0.5, alpha_bar_s=1.0, eta=0.0)
    1.0
    """
    _check_step(alpha_bar_t, alpha_bar_s, eta)
    noise_s = 1 - alpha_bar_s
    kept = (1 - eta) * (1 + eta) + eta * eta * (
        alpha_bar_t / alpha_bar_s * (noise_s / (1 - alpha_bar_t))
    )
    return sqrt(alpha_bar_s) * x_0 + sqrt(noise_s * kept) * eps


@implements("song2021ddim/step")
def ddim_step(
    x_t: Array,
    eps: Array,
    noise: Array,
    *,
    alpha_bar_t: Array,
    alpha_bar_s: Array,
    eta: Array,
) -> Array:
    r"""Return x_s by a DDIM step.

    .. math:: \sqrt{\bar\alpha_s}\,
              \frac{x_t - \sqrt{1-\bar\alpha_t}\,\epsilon}{\sqrt{\bar\alpha_t}}
              + \sqrt{1-\bar\alpha_s-\sigma^2}\,\epsilon + \sigma z, \qquad
              \sigma^2 = \eta^2\,\frac{1-\bar\alpha_s}{1-\bar\alpha_t}
              \left(1-\frac{\bar\alpha_t}{\bar\alpha_s}\right)

    Parameters
    ----------
    x_t, eps, noise : array_like
        Noisy state, predicted noise and fresh standard normal noise z, same shape; ``noise`` may
        be 0 where eta or the step's sigma is 0.
    alpha_bar_t : array_like
        In (0, 1) and at most ``alpha_bar_s``.
    alpha_bar_s : array_like
        In (0, 1].
    eta : array_like
        In [0, 1]: 0 is deterministic, 1 has the mean and variance of :func:`ddpm_step`.

    Returns
    -------
    array_like
        x_s, same shape; exactly the predicted x_0 at ``alpha_bar_s`` = 1.

    Raises
    ------
    ValueError
        If a value is outside its domain, or s is the noisier time.

    Source
    ------
    Song, Meng and Ermon 2021 (arXiv:2010.02502), equation (12); their alpha is alpha_bar.

    Examples
    --------
    >>> ddim_step(1.0, 0.5, 0.0, alpha_bar_t=0.36, alpha_bar_s=0.64, eta=0.0).__round__(12)
    1.1
    """
    x_0 = x_0_from_eps(x_t, eps, alpha_bar_t=alpha_bar_t)
    mean = ddim_mean(x_0, eps, alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s, eta=eta)
    return mean + ddim_sigma(alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s, eta=eta) * noise
