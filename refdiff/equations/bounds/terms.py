r"""DDPM's bound, term by term, in nats per component: sum over the components of a sample.

For one reverse step from t to s, with the model's normal distribution of mean mu and variance
sigma^2, the term L_{t-1} of the bound is the divergence of the posterior q(x_s | x_t, x_0) from
it. It splits into what the means and what the variances cost:

.. math:: \mathrm{KL} = \frac{(\tilde\mu-\mu)^2}{2\sigma^2}
          + \tfrac12\left(\ln\frac{\sigma^2}{\tilde\beta} + \frac{\tilde\beta}{\sigma^2} - 1\right).

The last step, to the data, is :func:`~refdiff.equations.bounds.reconstruction_term` for a density;
for 8-bit levels it is :func:`refdiff.equations.discretized_gaussian_log_likelihood`. The first is
:func:`refdiff.equations.prior_kl`.
"""

from __future__ import annotations

from refdiff._checks import (
    HALF_OPEN_AT_0,
    HALF_OPEN_AT_1,
    OPEN_UNIT,
    POSITIVE,
    check_in,
    check_less_noisy,
)
from refdiff._cures import NO_SIGNAL_AT_0, TO_REMOVE_AT_1
from refdiff._namespace import Array, divide, log1p
from refdiff.catalogue import implements
from refdiff.equations.objectives import vlb_weight_eps
from refdiff.equations.posterior import (
    posterior_mean,
    posterior_mean_from_eps,
    posterior_variance,
)

__all__ = [
    "eps_term",
    "mean_term",
    "mean_term_from_eps",
    "posterior_term",
    "posterior_weight_eps",
    "posterior_weight_x_0",
    "variance_term",
]

_VARIANCE = "the bound is infinite for a step without noise."
_DEGENERATE = (
    "at alpha_bar_s=1 the posterior is a point and the divergence infinite; the last step has "
    "reconstruction_term instead."
)


def _check_two_laws(alpha_bar_s: Array, variance: Array) -> None:
    check_in(OPEN_UNIT, _DEGENERATE, alpha_bar_s=alpha_bar_s)
    check_in(POSITIVE, _VARIANCE, variance=variance)


@implements("ho2020/bound-variance-term")
def variance_term(*, alpha_bar_t: Array, alpha_bar_s: Array, variance: Array) -> Array:
    r"""Return what the bound loses to a reverse variance that is not the posterior's.

    .. math:: \tfrac12\left(\frac{\tilde\beta}{\sigma^2} - 1 - \ln\frac{\tilde\beta}{\sigma^2}
              \right), \qquad
              \tilde\beta = \frac{1-\bar\alpha_s}{1-\bar\alpha_t}
              \left(1-\frac{\bar\alpha_t}{\bar\alpha_s}\right)

    Parameters
    ----------
    alpha_bar_t : array_like
        In [0, 1) and below ``alpha_bar_s``.
    alpha_bar_s : array_like
        In (0, 1).
    variance : array_like
        The reverse step's variance sigma^2, positive.

    Returns
    -------
    array_like
        Nats per component, at least 0; 0 where ``variance`` is the posterior variance.

    Raises
    ------
    ValueError
        If a value is outside its domain, or s is the noisier time.

    Source
    ------
    Ho, Jain and Abbeel 2020 (arXiv:2006.11239), equation (8), the constant C.

    Numerics
    --------
    Late in a chain beta and beta-tilde agree to nine digits, and the constant is a square of their
    difference: ln(1 + (v-b)/b) - (v-b)/v is formed, not the logarithm of a ratio near 1.

    Examples
    --------
    >>> round(variance_term(alpha_bar_t=0.25, alpha_bar_s=0.5, variance=0.5), 12)
    0.036065887387
    """
    _check_two_laws(alpha_bar_s, variance)
    least = posterior_variance(alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s)
    excess = variance - least
    return (log1p(divide(excess, least)) - excess / variance) / 2


@implements("ho2020/bound-mean-term")
def mean_term(
    x_0: Array,
    x_t: Array,
    mean: Array,
    *,
    alpha_bar_t: Array,
    alpha_bar_s: Array,
    variance: Array,
) -> Array:
    r"""Return what the bound loses to a reverse mean that is not the posterior's.

    .. math:: \frac{1}{2\sigma^2}\left(\frac{\sqrt{\bar\alpha_s}\,\beta_{t|s}}{1-\bar\alpha_t}\,x_0
              + \frac{\sqrt{\bar\alpha_t/\bar\alpha_s}\,(1-\bar\alpha_s)}{1-\bar\alpha_t}\,x_t
              - \mu\right)^2, \qquad \beta_{t|s} = 1 - \frac{\bar\alpha_t}{\bar\alpha_s}

    Parameters
    ----------
    x_0, x_t, mean : array_like
        Data, noisy state and the model's mean mu of x_s, same shape.
    alpha_bar_t : array_like
        In [0, 1) and at most ``alpha_bar_s``.
    alpha_bar_s : array_like
        In (0, 1].
    variance : array_like
        The reverse step's variance sigma^2, positive.

    Returns
    -------
    array_like
        Nats, elementwise.

    Raises
    ------
    ValueError
        If a value is outside its domain, or s is the noisier time.

    Source
    ------
    Ho, Jain and Abbeel 2020 (arXiv:2006.11239), equation (8), there for s = t-1.

    Examples
    --------
    >>> mean_term(1.0, 5.0, 0.0, alpha_bar_t=0.5, alpha_bar_s=1.0, variance=0.5)
    1.0
    """
    check_in(POSITIVE, _VARIANCE, variance=variance)
    target = posterior_mean(x_0, x_t, alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s)
    return (target - mean) ** 2 / (2 * variance)


@implements("ho2020/bound-mean-term-through-eps", "ho2020/bound-mean-term-from-eps")
def mean_term_from_eps(
    x_t: Array,
    eps: Array,
    mean: Array,
    *,
    alpha_bar_t: Array,
    alpha_bar_s: Array,
    variance: Array,
) -> Array:
    r"""Return what the bound loses to a wrong reverse mean, with the data written through eps.

    .. math:: \frac{1}{2\sigma^2}\left(\sqrt{\frac{\bar\alpha_s}{\bar\alpha_t}}
              \left(x_t - \frac{\beta_{t|s}}{\sqrt{1-\bar\alpha_t}}\,\epsilon\right)
              - \mu\right)^2, \qquad \beta_{t|s} = 1 - \frac{\bar\alpha_t}{\bar\alpha_s}

    Parameters
    ----------
    x_t, eps, mean : array_like
        Noisy state, the noise in it and the model's mean mu of x_s, same shape.
    alpha_bar_t : array_like
        In (0, 1) and at most ``alpha_bar_s``.
    alpha_bar_s : array_like
        In (0, 1].
    variance : array_like
        The reverse step's variance sigma^2, positive.

    Returns
    -------
    array_like
        Nats, elementwise; :func:`mean_term` of the x_0 that eps implies.

    Raises
    ------
    ValueError
        If a value is outside its domain, or s is the noisier time.

    Source
    ------
    Ho, Jain and Abbeel 2020 (arXiv:2006.11239), equations (9) and (10), which are equal point by
    point; there for s = t-1.

    Examples
    --------
    >>> mean_term_from_eps(2.0, 7.0, 1.0, alpha_bar_t=0.25, alpha_bar_s=0.25, variance=0.5)
    1.0
    """
    check_in(POSITIVE, _VARIANCE, variance=variance)
    target = posterior_mean_from_eps(x_t, eps, alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s)
    return (target - mean) ** 2 / (2 * variance)


@implements("ho2020/bound-term")
def posterior_term(
    x_0: Array,
    x_t: Array,
    mean: Array,
    *,
    alpha_bar_t: Array,
    alpha_bar_s: Array,
    variance: Array,
) -> Array:
    r"""Return the divergence of the posterior q(x_s | x_t, x_0) from the model's step.

    .. math:: \tfrac12\left(\frac{\tilde\beta}{\sigma^2} - 1 - \ln\frac{\tilde\beta}{\sigma^2}
              \right) + \frac{(\tilde\mu - \mu)^2}{2\sigma^2}, \qquad
              \tilde\beta = \frac{1-\bar\alpha_s}{1-\bar\alpha_t}\,\beta_{t|s}, \quad
              \tilde\mu = \frac{\sqrt{\bar\alpha_s}\,\beta_{t|s}}{1-\bar\alpha_t}\,x_0
              + \frac{\sqrt{\bar\alpha_t/\bar\alpha_s}\,(1-\bar\alpha_s)}{1-\bar\alpha_t}\,x_t,
              \quad \beta_{t|s} = 1 - \frac{\bar\alpha_t}{\bar\alpha_s}

    with :math:`\tilde\mu` of :func:`refdiff.equations.posterior_mean` and :math:`\tilde\beta` of
    :func:`refdiff.equations.posterior_variance`.

    Parameters
    ----------
    x_0, x_t, mean : array_like
        Data, noisy state and the model's mean mu of x_s, same shape.
    alpha_bar_t : array_like
        In [0, 1) and below ``alpha_bar_s``.
    alpha_bar_s : array_like
        In (0, 1): the last step, to the data, is :func:`reconstruction_term`.
    variance : array_like
        The reverse step's variance sigma^2, positive.

    Returns
    -------
    array_like
        Nats, elementwise, at least 0.

    Raises
    ------
    ValueError
        If a value is outside its domain, or s is the noisier time.

    Source
    ------
    Ho, Jain and Abbeel 2020 (arXiv:2006.11239), equation (5), the term L_{t-1} in closed form.

    Examples
    --------
    >>> levels = {"alpha_bar_t": 0.25, "alpha_bar_s": 0.5}
    >>> round(posterior_term(0.0, 0.0, 0.5, variance=0.25, **levels), 12)
    0.522825630441
    """
    _check_two_laws(alpha_bar_s, variance)
    levels = {"alpha_bar_t": alpha_bar_t, "alpha_bar_s": alpha_bar_s}
    spread = variance_term(**levels, variance=variance)
    return spread + mean_term(x_0, x_t, mean, **levels, variance=variance)


@implements("ho2020/bound-term-eps")
def eps_term(
    eps: Array, eps_pred: Array, *, alpha_bar_t: Array, alpha_bar_s: Array, variance: Array
) -> Array:
    r"""Return what the bound loses to a wrong prediction of the noise.

    .. math:: \frac{\beta_{t|s}^2}{2\sigma^2\,(\bar\alpha_t/\bar\alpha_s)\,(1-\bar\alpha_t)}
              \,(\epsilon-\hat\epsilon)^2, \qquad
              \beta_{t|s} = 1 - \frac{\bar\alpha_t}{\bar\alpha_s}

    Parameters
    ----------
    eps, eps_pred : array_like
        True and predicted noise, same shape.
    alpha_bar_t : array_like
        In (0, 1) and at most ``alpha_bar_s``.
    alpha_bar_s : array_like
        In (0, 1].
    variance : array_like
        The reverse step's variance sigma^2, positive.

    Returns
    -------
    array_like
        Nats, elementwise.

    Raises
    ------
    ValueError
        If a value is outside its domain, or s is the noisier time.

    Source
    ------
    Ho, Jain and Abbeel 2020 (arXiv:2006.11239), equation (12), there for s = t-1.

    Examples
    --------
    >>> eps_term(3.0, 1.0, alpha_bar_t=0.5, alpha_bar_s=1.0, variance=0.5)
    4.0
    """
    weight = vlb_weight_eps(alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s, variance=variance)
    return weight * (eps - eps_pred) ** 2


@implements("ho2020/bound-weight-eps-posterior")
def posterior_weight_eps(*, alpha_bar_t: Array, alpha_bar_s: Array) -> Array:
    r"""Return the bound's weight of the squared error of eps for the variance beta-tilde.

    .. math:: \tfrac12\left(\frac{\mathrm{SNR}_s}{\mathrm{SNR}_t} - 1\right)
              = \frac{\bar\alpha_s-\bar\alpha_t}{2\,\bar\alpha_t\,(1-\bar\alpha_s)}, \qquad
              \mathrm{SNR}_t = \frac{\bar\alpha_t}{1-\bar\alpha_t}, \quad
              \mathrm{SNR}_s = \frac{\bar\alpha_s}{1-\bar\alpha_s}

    Parameters
    ----------
    alpha_bar_t : array_like
        In (0, 1) and at most ``alpha_bar_s``.
    alpha_bar_s : array_like
        In (0, 1).

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
    Ho, Jain and Abbeel 2020 (arXiv:2006.11239), equation (12) with sigma_t^2 = beta-tilde_t,
    written through the signal-to-noise ratio alpha_bar / (1 - alpha_bar).

    Numerics
    --------
    SNR_s / SNR_t - 1 cancels for neighbouring times; the right-hand side does not.

    Examples
    --------
    >>> posterior_weight_eps(alpha_bar_t=0.25, alpha_bar_s=0.5)
    1.0
    """
    check_in(HALF_OPEN_AT_0, NO_SIGNAL_AT_0, alpha_bar_t=alpha_bar_t)
    check_in(OPEN_UNIT, _DEGENERATE, alpha_bar_s=alpha_bar_s)
    check_less_noisy(alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s)
    return (alpha_bar_s - alpha_bar_t) / (2 * alpha_bar_t * (1 - alpha_bar_s))


@implements("ho2020/bound-weight-x-0-posterior")
def posterior_weight_x_0(*, alpha_bar_t: Array, alpha_bar_s: Array) -> Array:
    r"""Return the bound's weight of the squared error of x_0 for the variance beta-tilde.

    .. math:: \tfrac12\left(\mathrm{SNR}_s - \mathrm{SNR}_t\right)
              = \frac{\bar\alpha_s-\bar\alpha_t}{2\,(1-\bar\alpha_s)\,(1-\bar\alpha_t)}, \qquad
              \mathrm{SNR}_t = \frac{\bar\alpha_t}{1-\bar\alpha_t}, \quad
              \mathrm{SNR}_s = \frac{\bar\alpha_s}{1-\bar\alpha_s}

    Parameters
    ----------
    alpha_bar_t : array_like
        In [0, 1) and at most ``alpha_bar_s``.
    alpha_bar_s : array_like
        In (0, 1).

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
    Ho, Jain and Abbeel 2020 (arXiv:2006.11239), equation (8) with sigma_t^2 = beta-tilde_t and
    the posterior mean of a predicted x_0, written through alpha_bar / (1 - alpha_bar).

    Examples
    --------
    >>> posterior_weight_x_0(alpha_bar_t=0.0, alpha_bar_s=0.5)
    0.5
    """
    check_in(HALF_OPEN_AT_1, TO_REMOVE_AT_1, alpha_bar_t=alpha_bar_t)
    check_in(OPEN_UNIT, _DEGENERATE, alpha_bar_s=alpha_bar_s)
    check_less_noisy(alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s)
    return (alpha_bar_s - alpha_bar_t) / (2 * (1 - alpha_bar_s) * (1 - alpha_bar_t))
