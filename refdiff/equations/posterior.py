r"""The posterior q(x_s | x_t, x_0): one step back when the data point is known.

For s < t the three levels are jointly Gaussian given x_0, and Bayes' rule gives

.. math:: q(x_s \mid x_t, x_0) = \mathcal N(\tilde\mu, \tilde\beta I).

The papers write the case s = t-1 with beta_t and alpha_t = 1 - beta_t; here
:math:`\beta_{t|s} = 1-\bar\alpha_t/\bar\alpha_s` stands for it, so that every function holds for
any pair of levels. At s = 0 (alpha_bar_s = 1) the mean is x_0 and the variance 0, exactly.
"""

from __future__ import annotations

from refdiff._checks import CLOSED_UNIT, HALF_OPEN_AT_0, HALF_OPEN_AT_1, check_in, check_less_noisy
from refdiff._cures import NO_SIGNAL_AT_0, NOT_LOST, TO_REMOVE_AT_1
from refdiff._namespace import Array, sqrt
from refdiff.catalogue import implements

__all__ = [
    "learned_range_variance",
    "optimal_reverse_variance",
    "posterior_mean",
    "posterior_mean_from_eps",
    "posterior_variance",
]


def _check_levels(alpha_bar_t: Array, alpha_bar_s: Array) -> None:
    check_in(HALF_OPEN_AT_1, TO_REMOVE_AT_1, alpha_bar_t=alpha_bar_t)
    check_in(HALF_OPEN_AT_0, NOT_LOST, alpha_bar_s=alpha_bar_s)
    check_less_noisy(alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s)


@implements("ho2020/posterior-mean", "nichol2021/posterior-mean")
def posterior_mean(x_0: Array, x_t: Array, *, alpha_bar_t: Array, alpha_bar_s: Array) -> Array:
    r"""Return the mean of x_s given x_t and x_0.

    .. math:: \tilde\mu = \frac{\sqrt{\bar\alpha_s}\,\beta_{t|s}}{1-\bar\alpha_t}\,x_0
              + \frac{\sqrt{\bar\alpha_t/\bar\alpha_s}\,(1-\bar\alpha_s)}{1-\bar\alpha_t}\,x_t,
              \qquad \beta_{t|s} = 1 - \frac{\bar\alpha_t}{\bar\alpha_s}

    Parameters
    ----------
    x_0, x_t : array_like
        Data and noisy state, same shape.
    alpha_bar_t : array_like
        In [0, 1) and at most ``alpha_bar_s``.
    alpha_bar_s : array_like
        In (0, 1].

    Returns
    -------
    array_like
        Same shape; exactly ``x_0`` at ``alpha_bar_s`` = 1.

    Raises
    ------
    ValueError
        If a level is outside its domain, or s is the noisier time.

    Source
    ------
    Ho, Jain and Abbeel 2020 (arXiv:2006.11239), equation (7), there for s = t-1.

    Numerics
    --------
    The coefficient of x_0 is formed as (alpha_bar_s - alpha_bar_t) / (sqrt(alpha_bar_s)
    (1 - alpha_bar_t)), which has no cancellation beyond the arguments' own digits.

    Examples
    --------
    >>> posterior_mean(1.0, 5.0, alpha_bar_t=0.5, alpha_bar_s=1.0)
    1.0
    """
    _check_levels(alpha_bar_t, alpha_bar_s)
    noise_t = 1 - alpha_bar_t
    of_x_0 = (alpha_bar_s - alpha_bar_t) / (sqrt(alpha_bar_s) * noise_t)
    of_x_t = sqrt(alpha_bar_t / alpha_bar_s) * ((1 - alpha_bar_s) / noise_t)
    return of_x_0 * x_0 + of_x_t * x_t


@implements("ho2020/posterior-variance", "nichol2021/posterior-variance")
def posterior_variance(*, alpha_bar_t: Array, alpha_bar_s: Array) -> Array:
    r"""Return the variance of every component of x_s given x_t and x_0 ("beta-tilde").

    .. math:: \tilde\beta = \frac{1-\bar\alpha_s}{1-\bar\alpha_t}\,\beta_{t|s},
              \qquad \beta_{t|s} = 1 - \frac{\bar\alpha_t}{\bar\alpha_s}

    Parameters
    ----------
    alpha_bar_t : array_like
        In [0, 1) and at most ``alpha_bar_s``.
    alpha_bar_s : array_like
        In (0, 1].

    Returns
    -------
    array_like
        A variance, shape of the broadcast; exactly 0 at ``alpha_bar_s`` = 1.

    Raises
    ------
    ValueError
        If a level is outside its domain, or s is the noisier time.

    Source
    ------
    Ho, Jain and Abbeel 2020 (arXiv:2006.11239), equation (7), there for s = t-1.

    Examples
    --------
    >>> posterior_variance(alpha_bar_t=0.25, alpha_bar_s=0.5)
    0.3333333333333333
    """
    _check_levels(alpha_bar_t, alpha_bar_s)
    transition = (alpha_bar_s - alpha_bar_t) / alpha_bar_s
    return (1 - alpha_bar_s) / (1 - alpha_bar_t) * transition


@implements("ho2020/reverse-mean")
def posterior_mean_from_eps(
    x_t: Array, eps: Array, *, alpha_bar_t: Array, alpha_bar_s: Array
) -> Array:
    r"""Return the mean of x_s given x_t and the noise in it.

    .. math:: \sqrt{\frac{\bar\alpha_s}{\bar\alpha_t}}
              \left(x_t - \frac{\beta_{t|s}}{\sqrt{1-\bar\alpha_t}}\,\epsilon\right),
              \qquad \beta_{t|s} = 1 - \frac{\bar\alpha_t}{\bar\alpha_s}

    Parameters
    ----------
    x_t, eps : array_like
        Noisy state and (predicted) noise, same shape.
    alpha_bar_t : array_like
        In (0, 1) and at most ``alpha_bar_s``.
    alpha_bar_s : array_like
        In (0, 1].

    Returns
    -------
    array_like
        Same shape.

    Raises
    ------
    ValueError
        If a level is outside its domain, or s is the noisier time.

    Source
    ------
    Ho, Jain and Abbeel 2020 (arXiv:2006.11239), equation (11), there for s = t-1, where
    sqrt(alpha_bar_s / alpha_bar_t) is 1/sqrt(alpha_t). Equal to :func:`posterior_mean` at
    the x_0 that eps implies, unless that x_0 is clipped.

    Examples
    --------
    >>> posterior_mean_from_eps(2.0, 1.0, alpha_bar_t=0.25, alpha_bar_s=0.25)
    2.0
    """
    check_in(HALF_OPEN_AT_0, NO_SIGNAL_AT_0, alpha_bar_t=alpha_bar_t)
    _check_levels(alpha_bar_t, alpha_bar_s)
    of_eps = (alpha_bar_s - alpha_bar_t) / (alpha_bar_s * sqrt(1 - alpha_bar_t))
    return sqrt(alpha_bar_s / alpha_bar_t) * (x_t - of_eps * eps)


@implements("nichol2021/learned-range-variance")
def learned_range_variance(v: Array, *, alpha_bar_t: Array, alpha_bar_s: Array) -> Array:
    r"""Return the reverse variance between beta-tilde (v = 0) and beta (v = 1), in the log.

    .. math:: \exp\!\left(v \ln \beta_{t|s} + (1-v) \ln \tilde\beta\right)
              = \beta_{t|s} \left(\frac{1-\bar\alpha_s}{1-\bar\alpha_t}\right)^{1-v},
              \qquad \beta_{t|s} = 1 - \frac{\bar\alpha_t}{\bar\alpha_s}, \quad
              \tilde\beta = \frac{1-\bar\alpha_s}{1-\bar\alpha_t}\,\beta_{t|s}

    Parameters
    ----------
    v : array_like
        The network's output in [0, 1] (not checked); networks that put out [-1, 1] mean
        (v+1)/2.
    alpha_bar_t : array_like
        In [0, 1) and at most ``alpha_bar_s``.
    alpha_bar_s : array_like
        In (0, 1].

    Returns
    -------
    array_like
        A variance (not its logarithm), shape of the broadcast. At ``alpha_bar_s`` = 1 it is 0
        for v < 1.

    Raises
    ------
    ValueError
        If a level is outside its domain, or s is the noisier time.

    Source
    ------
    Nichol and Dhariwal 2021 (arXiv:2102.09672), section 3.1. With skipped steps both ends belong
    to the pair (t, s), not to the training step.

    Examples
    --------
    >>> learned_range_variance(1.0, alpha_bar_t=0.25, alpha_bar_s=0.5)
    0.5
    """
    _check_levels(alpha_bar_t, alpha_bar_s)
    transition = (alpha_bar_s - alpha_bar_t) / alpha_bar_s
    return transition * ((1 - alpha_bar_s) / (1 - alpha_bar_t)) ** (1 - v)


@implements("bao2022/optimal-variance")
def optimal_reverse_variance(
    *, alpha_bar_t: Array, alpha_bar_s: Array, mean_squared_eps: Array
) -> Array:
    r"""Return the isotropic reverse variance that makes the bound tightest.

    .. math:: \tilde\beta + \frac{\beta_{t|s}^2}{(\bar\alpha_t/\bar\alpha_s)\,(1-\bar\alpha_t)}
              \left(1 - \frac{\mathbb E\,\|\epsilon^*(x_t)\|^2}{d}\right), \qquad
              \beta_{t|s} = 1 - \frac{\bar\alpha_t}{\bar\alpha_s}, \quad
              \tilde\beta = \frac{1-\bar\alpha_s}{1-\bar\alpha_t}\,\beta_{t|s}

    It is the posterior variance plus the spread of x_0 that x_t leaves open, carried through the
    posterior mean; between :func:`posterior_variance` (data at one point) and
    beta / alpha (x_t tells nothing of x_0).

    Parameters
    ----------
    alpha_bar_t : array_like
        In (0, 1) and at most ``alpha_bar_s``.
    alpha_bar_s : array_like
        In (0, 1].
    mean_squared_eps : array_like
        The mean, over x_t and components, of the squared optimal noise prediction, in [0, 1].

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
    Bao et al. 2022 (arXiv:2201.06503), Theorem 1, for DDPM's forward process.

    Examples
    --------
    >>> optimal_reverse_variance(alpha_bar_t=0.25, alpha_bar_s=0.5, mean_squared_eps=1.0)
    0.3333333333333333
    """
    check_in(HALF_OPEN_AT_0, NO_SIGNAL_AT_0, alpha_bar_t=alpha_bar_t)
    _check_levels(alpha_bar_t, alpha_bar_s)
    check_in(
        CLOSED_UNIT,
        "noise has mean square 1, and its prediction no more.",
        mean_squared_eps=mean_squared_eps,
    )
    replaced = alpha_bar_s - alpha_bar_t
    fixed = (1 - alpha_bar_s) / (1 - alpha_bar_t) * (replaced / alpha_bar_s)
    carried = replaced * replaced / (alpha_bar_s * alpha_bar_t * (1 - alpha_bar_t))
    return fixed + carried * (1 - mean_squared_eps)
