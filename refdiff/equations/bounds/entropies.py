r"""Entropies of the forward and reverse steps, and the bound written through them.

Sohl-Dickstein et al. write the bound with the entropies of normal distributions, H(N(m, v)) =
(ln 2 pi e v) / 2. Everything here is in nats per component.
"""

from __future__ import annotations

from refdiff._checks import HALF_OPEN_AT_1, OPEN_UNIT, check_in, check_less_noisy
from refdiff._cures import TO_REMOVE_AT_1
from refdiff._namespace import Array, add_log_two_pi, log
from refdiff.catalogue import implements
from refdiff.equations.forward import transition_variance
from refdiff.equations.posterior import posterior_variance

__all__ = [
    "entropy_form",
    "normal_entropy",
    "reverse_entropy_lower",
    "reverse_entropy_upper",
]

_NO_SPREAD = "a step of no length, or to the data, has no spread and the entropy -inf."


@implements("sohldickstein2015/normal-entropy")
def normal_entropy(log_variance: Array) -> Array:
    r"""Return the differential entropy of a normal distribution, per component.

    .. math:: \tfrac12\left(\ln 2\pi + 1 + \ell\right)

    Parameters
    ----------
    log_variance : array_like
        Natural logarithm l of the variance.

    Returns
    -------
    array_like
        Nats, same shape; negative for narrow distributions.

    Source
    ------
    The entropies of Sohl-Dickstein et al. 2015 (arXiv:1503.03585) are of this form, since all
    of its forward distributions given the data are normal.

    Examples
    --------
    >>> round(normal_entropy(0.0), 12)
    1.418938533205
    """
    return add_log_two_pi(log_variance + 1) / 2


@implements("sohldickstein2015/reverse-entropy-lower")
def reverse_entropy_lower(*, alpha_bar_t: Array, alpha_bar_s: Array) -> Array:
    r"""Return the least entropy that x_s can have once x_t is known: that of the posterior.

    .. math:: \tfrac12\left(\ln 2\pi + 1 + \ln\left(\frac{1-\bar\alpha_s}{1-\bar\alpha_t}
              \left(1-\frac{\bar\alpha_t}{\bar\alpha_s}\right)\right)\right)

    Parameters
    ----------
    alpha_bar_t : array_like
        In [0, 1) and below ``alpha_bar_s``.
    alpha_bar_s : array_like
        In (0, 1).

    Returns
    -------
    array_like
        Nats per component.

    Raises
    ------
    ValueError
        If a level is outside its domain, or s is the noisier time.

    Source
    ------
    Sohl-Dickstein et al. 2015 (arXiv:1503.03585), equation (24), left: H_q(x_t | x_s) +
    H_q(x_s | x_0) - H_q(x_t | x_0), which Bayes' rule turns into H_q(x_s | x_t, x_0).

    Examples
    --------
    >>> levels = {"alpha_bar_t": 0.25, "alpha_bar_s": 0.5}
    >>> round(reverse_entropy_lower(**levels), 12)
    0.869632388871
    """
    check_in(OPEN_UNIT, _NO_SPREAD, alpha_bar_s=alpha_bar_s)
    variance = posterior_variance(alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s)
    return normal_entropy(log(variance))


@implements("sohldickstein2015/reverse-entropy-upper")
def reverse_entropy_upper(*, alpha_bar_t: Array, alpha_bar_s: Array) -> Array:
    r"""Return the entropy of the forward step, which bounds the reverse step's for narrow data.

    .. math:: \tfrac12\left(\ln 2\pi + 1
              + \ln\left(1-\frac{\bar\alpha_t}{\bar\alpha_s}\right)\right)

    Parameters
    ----------
    alpha_bar_t : array_like
        In [0, 1) and below ``alpha_bar_s``.
    alpha_bar_s : array_like
        In (0, 1].

    Returns
    -------
    array_like
        Nats per component. An upper bound of H(x_s | x_t) only if H(x_t) >= H(x_s): data whose
        variance is above 1 break it.

    Raises
    ------
    ValueError
        If a level is outside its domain, or s is the noisier time.

    Source
    ------
    Sohl-Dickstein et al. 2015 (arXiv:1503.03585), equation (24), right.

    Examples
    --------
    >>> round(reverse_entropy_upper(alpha_bar_t=0.0, alpha_bar_s=1.0), 12)
    1.418938533205
    """
    variance = transition_variance(alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s)
    return normal_entropy(log(variance))


@implements("sohldickstein2015/entropy-form")
def entropy_form(nats: Array, *, alpha_bar_t: Array, alpha_bar_s: Array) -> Array:
    r"""Return the lower bound K of the log-likelihood from the sum of the divergences.

    .. math:: -N + \tfrac12\ln\frac{1-\bar\alpha_t}{1-\bar\alpha_s} - \tfrac12(\ln 2\pi + 1)

    Here t is the end T of the chain and s its first step, 1; N is the sum of the expected
    divergences of the steps between, t = 2..T.

    Parameters
    ----------
    nats : array_like
        The sum N of KL(q(x_{t-1} | x_t, x_0) || p(x_{t-1} | x_t)), per component.
    alpha_bar_t : array_like
        The level at the end T, in [0, 1) and at most ``alpha_bar_s``.
    alpha_bar_s : array_like
        The level after the first step, in (0, 1).

    Returns
    -------
    array_like
        K in nats per component, H_q(x_T | x_0) - H_q(x_1 | x_0) - H_p(x_T) - N.

    Raises
    ------
    ValueError
        If a level is outside its domain, or s is the noisier time.

    Source
    ------
    Sohl-Dickstein et al. 2015 (arXiv:1503.03585), equation (14). With the reverse step to the data
    set equal to the first forward step, as the paper does, -K is DDPM's bound for data with mean
    square 1; for other data the cross-entropies that the paper takes for constant are not.

    Examples
    --------
    >>> round(entropy_form(0.0, alpha_bar_t=0.5, alpha_bar_s=0.5), 12)
    -1.418938533205
    """
    check_in(HALF_OPEN_AT_1, TO_REMOVE_AT_1, alpha_bar_t=alpha_bar_t)
    check_in(OPEN_UNIT, _NO_SPREAD, alpha_bar_s=alpha_bar_s)
    check_less_noisy(alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s)
    gained = log((1 - alpha_bar_t) / (1 - alpha_bar_s))
    return (gained - add_log_two_pi(2 * nats + 1)) / 2
