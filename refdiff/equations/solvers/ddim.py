r"""DDIM as a numerical method, and the forward process that its kernels imply.

Divided by the signal's scale the state is xbar = x / sqrt(alpha_bar), and the noise-to-signal
ratio sigma = sqrt((1 - alpha_bar) / alpha_bar) takes the place of time: the deterministic update
is a step of Euler for d xbar = eps d sigma, towards the data (`ddim_euler_step`) or towards
the noise (`ddim_encode_step`).
"""

from __future__ import annotations

from refdiff._checks import (
    CLOSED_UNIT,
    HALF_OPEN_AT_0,
    HALF_OPEN_AT_1,
    OPEN_UNIT,
    check_in,
    check_less_noisy,
)
from refdiff._cures import NO_SIGNAL_AT_0, NOT_LOST, TO_REMOVE_AT_1
from refdiff._namespace import Array, sqrt, where
from refdiff.catalogue import implements

__all__ = [
    "ddim_encode_step",
    "ddim_euler_step",
    "ddim_forward_mean",
    "ddim_forward_variance",
    "ddim_larger_sigma",
    "ddim_probability_flow_step",
]

_ETA = "0 is deterministic DDIM, 1 is DDPM with the variance beta-tilde."
_NO_NOISE = "at alpha_bar_s=1 x_s is the data themselves and says nothing of the noise."


def _check_levels(alpha_bar_t: Array, alpha_bar_s: Array) -> None:
    check_in(HALF_OPEN_AT_1, TO_REMOVE_AT_1, alpha_bar_t=alpha_bar_t)
    check_in(HALF_OPEN_AT_0, NOT_LOST, alpha_bar_s=alpha_bar_s)
    check_less_noisy(alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s)


def _fall_of_ratio(alpha_bar_t: Array, alpha_bar_s: Array) -> Array:
    """Return sqrt(alpha_bar_t) (sigma_t - sigma_s), the difference as a quotient of sums."""
    root_t = sqrt(1 - alpha_bar_t)
    root_s = sqrt((1 - alpha_bar_s) * (alpha_bar_t / alpha_bar_s))
    return (alpha_bar_s - alpha_bar_t) / (alpha_bar_s * (root_t + root_s))


@implements("song2021ddim/euler-step")
def ddim_euler_step(x_t: Array, eps: Array, *, alpha_bar_t: Array, alpha_bar_s: Array) -> Array:
    r"""Return x_s by a deterministic DDIM step, as a step of Euler in rescaled variables.

    .. math:: \sqrt{\bar\alpha_s}\left(\frac{x_t}{\sqrt{\bar\alpha_t}}
              + \left(\sqrt{\frac{1-\bar\alpha_s}{\bar\alpha_s}}
              - \sqrt{\frac{1-\bar\alpha_t}{\bar\alpha_t}}\right)\epsilon\right)

    Parameters
    ----------
    x_t, eps : array_like
        Noisy state and predicted noise, same shape.
    alpha_bar_t : array_like
        In (0, 1) and at most ``alpha_bar_s``.
    alpha_bar_s : array_like
        In (0, 1].

    Returns
    -------
    array_like
        x_s, same shape; :func:`refdiff.equations.ddim_step` at eta = 0.

    Raises
    ------
    ValueError
        If a level is outside its domain, or s is the noisier time.

    Source
    ------
    Song, Meng and Ermon 2021 (arXiv:2010.02502), section 4.3, the step that leads to their
    differential equation; their alpha is alpha_bar.

    Numerics
    --------
    The difference of the roots is formed as a quotient of sums, which does not cancel for
    neighbouring times.

    Examples
    --------
    >>> ddim_euler_step(1.0, 1.0, alpha_bar_t=0.25, alpha_bar_s=0.25)
    1.0
    """
    check_in(HALF_OPEN_AT_0, NO_SIGNAL_AT_0, alpha_bar_t=alpha_bar_t)
    _check_levels(alpha_bar_t, alpha_bar_s)
    moved = x_t - _fall_of_ratio(alpha_bar_t, alpha_bar_s) * eps
    return sqrt(alpha_bar_s / alpha_bar_t) * moved


@implements("song2021ddim/encode-step")
def ddim_encode_step(x_s: Array, eps: Array, *, alpha_bar_t: Array, alpha_bar_s: Array) -> Array:
    r"""Return x_t from x_s by a deterministic DDIM step towards the noise (inversion).

    .. math:: \sqrt{\bar\alpha_t}\left(\frac{x_s}{\sqrt{\bar\alpha_s}}
              + \left(\sqrt{\frac{1-\bar\alpha_t}{\bar\alpha_t}}
              - \sqrt{\frac{1-\bar\alpha_s}{\bar\alpha_s}}\right)\epsilon\right)

    Parameters
    ----------
    x_s, eps : array_like
        State at the less noisy time s and the noise predicted there, same shape.
    alpha_bar_t : array_like
        In [0, 1) and at most ``alpha_bar_s``.
    alpha_bar_s : array_like
        In (0, 1].

    Returns
    -------
    array_like
        x_t, same shape; ``eps`` itself at ``alpha_bar_t`` = 0.

    Raises
    ------
    ValueError
        If a level is outside its domain, or s is the noisier time.

    Source
    ------
    Song, Meng and Ermon 2021 (arXiv:2010.02502), section 4.3: the equation run the other way
    encodes data. A step there and a step back agree to first order only, since eps is predicted
    at different ends; with the same eps they undo each other.

    Examples
    --------
    >>> ddim_encode_step(5.0, 1.0, alpha_bar_t=0.0, alpha_bar_s=0.5)
    1.0
    """
    _check_levels(alpha_bar_t, alpha_bar_s)
    return sqrt(alpha_bar_t / alpha_bar_s) * x_s + _fall_of_ratio(alpha_bar_t, alpha_bar_s) * eps


@implements("song2021ddim/probability-flow-euler-step")
def ddim_probability_flow_step(
    x_t: Array, eps: Array, *, alpha_bar_t: Array, alpha_bar_s: Array
) -> Array:
    r"""Return x_s by a step of Euler in sigma squared, in rescaled variables.

    .. math:: \sqrt{\bar\alpha_s}\left(\frac{x_t}{\sqrt{\bar\alpha_t}}
              + \tfrac12\left(\frac{1-\bar\alpha_s}{\bar\alpha_s}
              - \frac{1-\bar\alpha_t}{\bar\alpha_t}\right)
              \sqrt{\frac{\bar\alpha_t}{1-\bar\alpha_t}}\,\epsilon\right)

    Parameters
    ----------
    x_t, eps : array_like
        Noisy state and predicted noise, same shape.
    alpha_bar_t : array_like
        In (0, 1) and at most ``alpha_bar_s``.
    alpha_bar_s : array_like
        In (0, 1].

    Returns
    -------
    array_like
        x_s, same shape. It differs from :func:`ddim_euler_step` by a square of the step, and does
        not return the predicted x_0 at ``alpha_bar_s`` = 1.

    Raises
    ------
    ValueError
        If a level is outside its domain, or s is the noisier time.

    Source
    ------
    Song, Meng and Ermon 2021 (arXiv:2010.02502), section 4.3, where the probability-flow equation
    of a variance-exploding process is compared; their alpha is alpha_bar.

    Examples
    --------
    >>> round(ddim_probability_flow_step(1.0, 0.0, alpha_bar_t=0.25, alpha_bar_s=1.0), 12)
    2.0
    """
    check_in(HALF_OPEN_AT_0, NO_SIGNAL_AT_0, alpha_bar_t=alpha_bar_t)
    _check_levels(alpha_bar_t, alpha_bar_s)
    of_eps = (alpha_bar_s - alpha_bar_t) / (2 * alpha_bar_s * sqrt(1 - alpha_bar_t))
    return sqrt(alpha_bar_s / alpha_bar_t) * (x_t - of_eps * eps)


@implements("song2021ddim/forward-mean")
def ddim_forward_mean(
    x_0: Array, x_s: Array, *, alpha_bar_t: Array, alpha_bar_s: Array, eta: Array
) -> Array:
    r"""Return the mean of x_t given x_s and the data, in the forward process of a DDIM sampler.

    .. math:: \sqrt{\bar\alpha_t}\,x_0
              + \sqrt{\frac{1-\bar\alpha_t-\eta^2\beta_{t|s}}{1-\bar\alpha_s}}
              \left(x_s-\sqrt{\bar\alpha_s}\,x_0\right), \qquad
              \beta_{t|s} = 1 - \frac{\bar\alpha_t}{\bar\alpha_s}

    Parameters
    ----------
    x_0, x_s : array_like
        Data and state at the less noisy time s, same shape.
    alpha_bar_t : array_like
        In [0, 1) and at most ``alpha_bar_s``.
    alpha_bar_s : array_like
        In (0, 1).
    eta : array_like
        In [0, 1]: 1 makes the process Markov, and the mean free of x_0.

    Returns
    -------
    array_like
        Same shape.

    Raises
    ------
    ValueError
        If a value is outside its domain, or s is the noisier time.

    Source
    ------
    Song, Meng and Ermon 2021 (arXiv:2010.02502), equation (8): Bayes' rule on the kernels of the
    sampler, solved here for normal distributions; their alpha is alpha_bar.

    Numerics
    --------
    1 - alpha_bar_t - eta^2 beta is formed as (1 - alpha_bar_t) (1 - eta^2) + eta^2
    (alpha_bar_t / alpha_bar_s) (1 - alpha_bar_s), a sum of non-negative terms.

    Examples
    --------
    >>> ddim_forward_mean(0.0, 1.0, alpha_bar_t=0.125, alpha_bar_s=0.5, eta=1.0)
    0.5
    """
    check_in(OPEN_UNIT, _NO_NOISE, alpha_bar_s=alpha_bar_s)
    check_in(CLOSED_UNIT, _ETA, eta=eta)
    _check_levels(alpha_bar_t, alpha_bar_s)
    kept = (1 - eta) * (1 + eta) * ((1 - alpha_bar_t) / (1 - alpha_bar_s)) + eta * eta * (
        alpha_bar_t / alpha_bar_s
    )
    # sqrt(kept alpha_bar_s) - sqrt(alpha_bar_t), whose terms are equal at eta = 1; both may be 0.
    squares = (1 - eta) * (1 + eta) * ((alpha_bar_s - alpha_bar_t) / (1 - alpha_bar_s))
    roots = sqrt(kept * alpha_bar_s) + sqrt(alpha_bar_t)
    return sqrt(kept) * x_s - squares / where(roots > 0, roots, 1 + roots) * x_0


@implements("song2021ddim/forward-variance")
def ddim_forward_variance(*, alpha_bar_t: Array, alpha_bar_s: Array, eta: Array) -> Array:
    r"""Return the variance of x_t given x_s and the data, in the same forward process.

    .. math:: \eta^2 \left(1 - \frac{\bar\alpha_t}{\bar\alpha_s}\right)

    Parameters
    ----------
    alpha_bar_t : array_like
        In [0, 1) and at most ``alpha_bar_s``.
    alpha_bar_s : array_like
        In (0, 1].
    eta : array_like
        In [0, 1]: 0 makes the forward process deterministic given the data.

    Returns
    -------
    array_like
        A variance, shape of the broadcast.

    Raises
    ------
    ValueError
        If a value is outside its domain, or s is the noisier time.

    Source
    ------
    Song, Meng and Ermon 2021 (arXiv:2010.02502), equation (8): Bayes' rule on the kernels of the
    sampler, solved here for normal distributions; their alpha is alpha_bar.

    Examples
    --------
    >>> ddim_forward_variance(alpha_bar_t=0.25, alpha_bar_s=0.5, eta=0.5)
    0.125
    """
    check_in(CLOSED_UNIT, _ETA, eta=eta)
    _check_levels(alpha_bar_t, alpha_bar_s)
    return eta * eta * ((alpha_bar_s - alpha_bar_t) / alpha_bar_s)


@implements("song2021ddim/larger-sigma")
def ddim_larger_sigma(*, alpha_bar_t: Array, alpha_bar_s: Array) -> Array:
    r"""Return the larger standard deviation of the noise of a step, that of the forward step.

    .. math:: \sqrt{1 - \frac{\bar\alpha_t}{\bar\alpha_s}}

    Parameters
    ----------
    alpha_bar_t : array_like
        In [0, 1) and at most ``alpha_bar_s``.
    alpha_bar_s : array_like
        In (0, 1].

    Returns
    -------
    array_like
        A standard deviation (not a variance). It replaces the noise of a step with eta = 1 and
        leaves its mean.

    Raises
    ------
    ValueError
        If a level is outside its domain, or s is the noisier time.

    Source
    ------
    Song, Meng and Ermon 2021 (arXiv:2010.02502), section 5; their alpha is alpha_bar.

    Examples
    --------
    >>> ddim_larger_sigma(alpha_bar_t=0.375, alpha_bar_s=0.5)
    0.5
    """
    _check_levels(alpha_bar_t, alpha_bar_s)
    return sqrt((alpha_bar_s - alpha_bar_t) / alpha_bar_s)
