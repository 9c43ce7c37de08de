r"""The optimal reverse step of Analytic-DPM, for DDPM and for every DDIM forward process.

A step from t to s with fresh noise of variance lambda^2 (the square of
:func:`refdiff.equations.ddim_sigma`) has, as a function of the noise eps in x_t, the mean

.. math:: \sqrt{\bar\alpha_s/\bar\alpha_t}\;x_t - b\,\epsilon, \qquad
          b = \sqrt{\frac{\bar\alpha_s(1-\bar\alpha_t)}{\bar\alpha_t}}
              - \sqrt{1-\bar\alpha_s-\lambda^2}.

What x_t leaves open of eps therefore reaches x_s multiplied by b: the best normal step has the
mean of the expected eps, and the variance lambda^2 + b^2 Var(eps | x_t). Here lambda is set by
eta; eta = 1 is DDPM and eta = 0 is DDIM.
"""

from __future__ import annotations

from refdiff._checks import CLOSED_UNIT, HALF_OPEN_AT_0, POSITIVE, check_in
from refdiff._cures import NO_SIGNAL_AT_0
from refdiff._namespace import Array, sqrt
from refdiff.catalogue import implements
from refdiff.equations.bounds.noise_gain import noise_gain
from refdiff.equations.shapes import mean_per_sample
from refdiff.equations.steps import ddim_sigma

__all__ = [
    "optimal_mean",
    "optimal_variance",
    "optimal_variance_from_x_0",
    "optimal_variance_upper",
    "optimal_variance_upper_bounded",
    "score_mean_square",
    "x_0_variance",
]

_MEAN_SQUARE = "noise has mean square 1, and its prediction no more."


@implements("bao2022/optimal-mean")
def optimal_mean(
    x_t: Array, score: Array, *, alpha_bar_t: Array, alpha_bar_s: Array, eta: Array
) -> Array:
    r"""Return the reverse mean that makes the bound tightest.

    .. math:: \sqrt{\frac{\bar\alpha_s}{\bar\alpha_t}}\,x_t
              + \left(\sqrt{\frac{\bar\alpha_s(1-\bar\alpha_t)}{\bar\alpha_t}}
              - \sqrt{1-\bar\alpha_s-\lambda^2}\right) \sqrt{1-\bar\alpha_t}\;\nabla \log q(x_t),
              \qquad
              \lambda^2 = \eta^2\,\frac{1-\bar\alpha_s}{1-\bar\alpha_t}
              \left(1-\frac{\bar\alpha_t}{\bar\alpha_s}\right)

    Parameters
    ----------
    x_t, score : array_like
        Noisy state and the gradient s of the log-density of x_t there, same shape.
    alpha_bar_t : array_like
        In (0, 1) and at most ``alpha_bar_s``.
    alpha_bar_s : array_like
        In (0, 1].
    eta : array_like
        In [0, 1]: 1 for DDPM's forward process, 0 for DDIM's.

    Returns
    -------
    array_like
        Same shape; at ``alpha_bar_s`` = 1 the expected x_0.

    Raises
    ------
    ValueError
        If a value is outside its domain, or s is the noisier time.

    Source
    ------
    Bao et al. 2022 (arXiv:2201.06503), Theorem 1. Their lambda_n is set by eta here.

    Examples
    --------
    >>> round(optimal_mean(2.0, -2.0, alpha_bar_t=0.25, alpha_bar_s=1.0, eta=1.0), 12)
    1.0
    """
    gain = noise_gain(alpha_bar_t, alpha_bar_s, eta)
    return sqrt(alpha_bar_s / alpha_bar_t) * x_t + gain * sqrt(1 - alpha_bar_t) * score


@implements("bao2022/optimal-variance-any-process")
def optimal_variance(
    *, alpha_bar_t: Array, alpha_bar_s: Array, eta: Array, mean_squared_eps: Array
) -> Array:
    r"""Return the isotropic reverse variance that makes the bound tightest, for any eta.

    .. math:: \lambda^2 + \left(\sqrt{\frac{\bar\alpha_s(1-\bar\alpha_t)}{\bar\alpha_t}}
              - \sqrt{1-\bar\alpha_s-\lambda^2}\right)^2
              \left(1 - \frac{\mathbb E\,\|\epsilon^*(x_t)\|^2}{d}\right), \qquad
              \lambda^2 = \eta^2\,\frac{1-\bar\alpha_s}{1-\bar\alpha_t}
              \left(1-\frac{\bar\alpha_t}{\bar\alpha_s}\right)

    Parameters
    ----------
    alpha_bar_t : array_like
        In (0, 1) and at most ``alpha_bar_s``.
    alpha_bar_s : array_like
        In (0, 1].
    eta : array_like
        In [0, 1]: 1 for DDPM's forward process, 0 for DDIM's.
    mean_squared_eps : array_like
        The mean, over x_t and components, of the squared optimal noise prediction, in [0, 1];
        (1 - alpha_bar_t) times the mean square of the score, :func:`score_mean_square`.

    Returns
    -------
    array_like
        A variance, shape of the broadcast. At eta = 1 it is
        :func:`refdiff.equations.optimal_reverse_variance`.

    Raises
    ------
    ValueError
        If a value is outside its domain, or s is the noisier time.

    Source
    ------
    Bao et al. 2022 (arXiv:2201.06503), Theorem 1. Their lambda_n is set by eta here.

    Examples
    --------
    >>> levels = {"alpha_bar_t": 0.25, "alpha_bar_s": 1.0}
    >>> round(optimal_variance(**levels, eta=0.0, mean_squared_eps=0.5), 12)
    1.5
    """
    gain = noise_gain(alpha_bar_t, alpha_bar_s, eta)
    check_in(CLOSED_UNIT, _MEAN_SQUARE, mean_squared_eps=mean_squared_eps)
    fresh = ddim_sigma(alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s, eta=eta)
    return fresh * fresh + gain * gain * (1 - mean_squared_eps)


@implements("bao2022/optimal-variance-from-x-0")
def optimal_variance_from_x_0(
    *, alpha_bar_t: Array, alpha_bar_s: Array, eta: Array, variance: Array
) -> Array:
    r"""Return the optimal isotropic reverse variance from the spread that x_t leaves to x_0.

    .. math:: \lambda^2 + \left(\sqrt{\bar\alpha_s}
              - \sqrt{\frac{(1-\bar\alpha_s-\lambda^2)\,\bar\alpha_t}{1-\bar\alpha_t}}\right)^2
              \sigma^2, \qquad
              \lambda^2 = \eta^2\,\frac{1-\bar\alpha_s}{1-\bar\alpha_t}
              \left(1-\frac{\bar\alpha_t}{\bar\alpha_s}\right)

    Parameters
    ----------
    alpha_bar_t : array_like
        In (0, 1) and at most ``alpha_bar_s``.
    alpha_bar_s : array_like
        In (0, 1].
    eta : array_like
        In [0, 1]: 1 for DDPM's forward process, 0 for DDIM's.
    variance : array_like
        The mean, over x_t and components, of the variance sigma^2 of x_0 given x_t, positive;
        :func:`x_0_variance`.

    Returns
    -------
    array_like
        A variance, shape of the broadcast: the law of total variance.

    Raises
    ------
    ValueError
        If a value is outside its domain, or s is the noisier time.

    Source
    ------
    Bao et al. 2022 (arXiv:2201.06503), as their program has it: Theorem 1 with the covariance of
    x_0 in place of the score.

    Examples
    --------
    >>> levels = {"alpha_bar_t": 0.25, "alpha_bar_s": 1.0}
    >>> round(optimal_variance_from_x_0(**levels, eta=0.0, variance=0.5), 12)
    0.5
    """
    gain = noise_gain(alpha_bar_t, alpha_bar_s, eta)
    check_in(POSITIVE, "it is the mean variance of x_0 given x_t.", variance=variance)
    fresh = ddim_sigma(alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s, eta=eta)
    snr_t = alpha_bar_t / (1 - alpha_bar_t)
    return fresh * fresh + gain * gain * snr_t * variance


@implements("bao2022/x-0-variance")
def x_0_variance(*, alpha_bar_t: Array, mean_squared_eps: Array) -> Array:
    r"""Return the mean variance that x_t leaves to the components of x_0.

    .. math:: \frac{1-\bar\alpha_t}{\bar\alpha_t}
              \left(1 - \frac{\mathbb E\,\|\epsilon^*(x_t)\|^2}{d}\right)

    Parameters
    ----------
    alpha_bar_t : array_like
        In (0, 1].
    mean_squared_eps : array_like
        The mean, over x_t and components, of the squared optimal noise prediction, in [0, 1].

    Returns
    -------
    array_like
        The trace of Cov(x_0 | x_t) over the number of components, averaged over x_t.

    Raises
    ------
    ValueError
        If a value is outside its domain.

    Source
    ------
    Bao et al. 2022 (arXiv:2201.06503), in the proof of Theorem 1 and in their program.

    Examples
    --------
    >>> x_0_variance(alpha_bar_t=0.25, mean_squared_eps=0.5)
    1.5
    """
    check_in(HALF_OPEN_AT_0, NO_SIGNAL_AT_0, alpha_bar_t=alpha_bar_t)
    check_in(CLOSED_UNIT, _MEAN_SQUARE, mean_squared_eps=mean_squared_eps)
    return (1 - alpha_bar_t) / alpha_bar_t * (1 - mean_squared_eps)


@implements("bao2022/gamma")
def score_mean_square(score: Array) -> Array:
    r"""Return the mean square of each sample's score: average over samples for Gamma.

    .. math:: \frac{1}{d} \sum_{n=1}^{d} s_n^2

    Parameters
    ----------
    score : array
        Scores at samples of x_t, shape (B, ...).

    Returns
    -------
    array
        Shape (B,); its mean over samples is an unbiased estimate of E||s||^2 / d, and
        1 - alpha_bar_t times that is the mean squared eps of :func:`optimal_variance`.

    Raises
    ------
    ValueError
        If the input has no batch axis.

    Source
    ------
    Bao et al. 2022 (arXiv:2201.06503), the Monte-Carlo estimate Gamma_n.

    Examples
    --------
    >>> import numpy as np
    >>> score_mean_square(np.array([[1.0, 3.0]]))
    array([5.])
    """
    return mean_per_sample(score * score)


@implements("bao2022/variance-bounds")
def optimal_variance_upper(*, alpha_bar_t: Array, alpha_bar_s: Array, eta: Array) -> Array:
    r"""Return the largest value that the optimal reverse variance can have, for any data.

    .. math:: \lambda^2 + \left(\sqrt{\frac{\bar\alpha_s(1-\bar\alpha_t)}{\bar\alpha_t}}
              - \sqrt{1-\bar\alpha_s-\lambda^2}\right)^2, \qquad
              \lambda^2 = \eta^2\,\frac{1-\bar\alpha_s}{1-\bar\alpha_t}
              \left(1-\frac{\bar\alpha_t}{\bar\alpha_s}\right)

    Parameters
    ----------
    alpha_bar_t : array_like
        In (0, 1) and at most ``alpha_bar_s``.
    alpha_bar_s : array_like
        In (0, 1].
    eta : array_like
        In [0, 1]: 1 for DDPM's forward process, 0 for DDIM's.

    Returns
    -------
    array_like
        A variance, shape of the broadcast; at eta = 1 it is beta/alpha. The smallest value is
        lambda^2, the square of :func:`refdiff.equations.ddim_sigma`.

    Raises
    ------
    ValueError
        If a value is outside its domain, or s is the noisier time.

    Source
    ------
    Bao et al. 2022 (arXiv:2201.06503), Theorem 2.

    Examples
    --------
    >>> round(optimal_variance_upper(alpha_bar_t=0.25, alpha_bar_s=1.0, eta=0.0), 12)
    3.0
    """
    gain = noise_gain(alpha_bar_t, alpha_bar_s, eta)
    fresh = ddim_sigma(alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s, eta=eta)
    return fresh * fresh + gain * gain


@implements("bao2022/variance-bound-of-bounded-data")
def optimal_variance_upper_bounded(
    *, alpha_bar_t: Array, alpha_bar_s: Array, eta: Array, width: Array
) -> Array:
    r"""Return the largest value that the optimal reverse variance has for data in an interval.

    .. math:: \lambda^2 + \left(\sqrt{\bar\alpha_s}
              - \sqrt{\frac{(1-\bar\alpha_s-\lambda^2)\,\bar\alpha_t}{1-\bar\alpha_t}}\right)^2
              \left(\frac{w}{2}\right)^2, \qquad
              \lambda^2 = \eta^2\,\frac{1-\bar\alpha_s}{1-\bar\alpha_t}
              \left(1-\frac{\bar\alpha_t}{\bar\alpha_s}\right)

    Parameters
    ----------
    alpha_bar_t : array_like
        In (0, 1) and at most ``alpha_bar_s``.
    alpha_bar_s : array_like
        In (0, 1].
    eta : array_like
        In [0, 1]: 1 for DDPM's forward process, 0 for DDIM's.
    width : array_like
        Length w of an interval that holds every component of the data, positive; 2 for
        pictures on [-1, 1].

    Returns
    -------
    array_like
        A variance, shape of the broadcast: tighter than :func:`optimal_variance_upper` near the
        data.

    Raises
    ------
    ValueError
        If a value is outside its domain, or s is the noisier time.

    Source
    ------
    Bao et al. 2022 (arXiv:2201.06503), Theorem 2 for bounded data: no law on an interval of
    length w has a variance above (w/2)^2.

    Examples
    --------
    >>> levels = {"alpha_bar_t": 0.25, "alpha_bar_s": 1.0}
    >>> round(optimal_variance_upper_bounded(**levels, eta=0.0, width=2.0), 12)
    1.0
    """
    check_in(POSITIVE, "it is the length of an interval that holds the data.", width=width)
    return optimal_variance_from_x_0(
        alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s, eta=eta, variance=width * width / 4
    )
