r"""The forward process: how data are mixed with noise.

With x_0 the data and eps standard normal noise,

.. math:: x_t = \sqrt{\bar\alpha_t}\,x_0 + \sqrt{1-\bar\alpha_t}\,\epsilon,

and from a less noisy time s to a noisier time t > s

.. math:: x_t \mid x_s \sim \mathcal N\!\left(\sqrt{\bar\alpha_t/\bar\alpha_s}\,x_s,\
          (1-\bar\alpha_t/\bar\alpha_s)\,I\right).

With s = t-1 the last variance is beta_t; any s < t is meant, so that the same functions serve
respaced samplers. Images are positional and of any shape; schedule values are keyword-only and
broadcast: a number, one value per sample shaped by :func:`~refdiff.equations.per_sample`, or a
full array.
"""

from __future__ import annotations

from refdiff._checks import CLOSED_UNIT, HALF_OPEN_AT_0, check_in, check_less_noisy
from refdiff._cures import ALPHA_BAR, NOT_LOST
from refdiff._namespace import Array, sqrt
from refdiff.catalogue import implements

__all__ = [
    "forward_mean",
    "forward_sample",
    "forward_variance",
    "transition_mean",
    "transition_variance",
]


@implements("ho2020/marginal-mean", "nichol2021/marginal-mean")
def forward_mean(x_0: Array, *, alpha_bar_t: Array) -> Array:
    r"""Return the mean of x_t given x_0.

    .. math:: \sqrt{\bar\alpha_t}\,x_0

    Parameters
    ----------
    x_0 : array_like
        Data, any shape.
    alpha_bar_t : array_like
        In [0, 1], broadcastable against ``x_0``.

    Returns
    -------
    array_like
        Shape of the broadcast.

    Raises
    ------
    ValueError
        If ``alpha_bar_t`` is outside [0, 1].

    Source
    ------
    Ho, Jain and Abbeel 2020 (arXiv:2006.11239), equation (4).

    Examples
    --------
    >>> forward_mean(2.0, alpha_bar_t=0.25)
    1.0
    """
    check_in(CLOSED_UNIT, ALPHA_BAR, alpha_bar_t=alpha_bar_t)
    return sqrt(alpha_bar_t) * x_0


@implements("ho2020/marginal-variance", "nichol2021/marginal-variance")
def forward_variance(*, alpha_bar_t: Array) -> Array:
    r"""Return the variance of every component of x_t given x_0.

    .. math:: 1 - \bar\alpha_t

    Parameters
    ----------
    alpha_bar_t : array_like
        In [0, 1], any shape.

    Returns
    -------
    array_like
        Same shape; a variance, not a standard deviation.

    Raises
    ------
    ValueError
        If ``alpha_bar_t`` is outside [0, 1].

    Source
    ------
    Ho, Jain and Abbeel 2020 (arXiv:2006.11239), equation (4).

    Numerics
    --------
    Exact to one rounding in the precision of the argument. A float32 alpha_bar near 1 has itself
    lost digits of 1 - alpha_bar: keep tables in float64.

    Examples
    --------
    >>> forward_variance(alpha_bar_t=0.25)
    0.75
    """
    check_in(CLOSED_UNIT, ALPHA_BAR, alpha_bar_t=alpha_bar_t)
    return 1 - alpha_bar_t


@implements("ho2020/marginal-sample", "song2021ddim/marginal-sample")
def forward_sample(x_0: Array, eps: Array, *, alpha_bar_t: Array) -> Array:
    r"""Return x_t, data mixed with the given noise ("q_sample").

    .. math:: \sqrt{\bar\alpha_t}\,x_0 + \sqrt{1-\bar\alpha_t}\,\epsilon

    Parameters
    ----------
    x_0 : array_like
        Data, any shape.
    eps : array_like
        Standard normal noise of the same shape.
    alpha_bar_t : array_like
        In [0, 1], broadcastable against ``x_0``.

    Returns
    -------
    array_like
        x_t, of the same shape.

    Raises
    ------
    ValueError
        If ``alpha_bar_t`` is outside [0, 1].

    Source
    ------
    Ho, Jain and Abbeel 2020 (arXiv:2006.11239), section 3.2, equation (4) reparameterized.

    Examples
    --------
    >>> forward_sample(1.0, -1.0, alpha_bar_t=0.36).__round__(12)
    -0.2
    """
    check_in(CLOSED_UNIT, ALPHA_BAR, alpha_bar_t=alpha_bar_t)
    return sqrt(alpha_bar_t) * x_0 + sqrt(1 - alpha_bar_t) * eps


@implements("ho2020/transition-mean", "song2021ddim/transition-mean")
def transition_mean(x_s: Array, *, alpha_bar_t: Array, alpha_bar_s: Array) -> Array:
    r"""Return the mean of x_t given a less noisy x_s.

    .. math:: \sqrt{\frac{\bar\alpha_t}{\bar\alpha_s}}\,x_s

    Parameters
    ----------
    x_s : array_like
        The state at time s < t, any shape.
    alpha_bar_t : array_like
        In [0, alpha_bar_s].
    alpha_bar_s : array_like
        In (0, 1].

    Returns
    -------
    array_like
        Shape of the broadcast.

    Raises
    ------
    ValueError
        If a level is outside its domain, or s is the noisier time.

    Source
    ------
    Ho, Jain and Abbeel 2020 (arXiv:2006.11239), equation (2), there for s = t-1, where the ratio
    is 1 - beta_t.

    Examples
    --------
    >>> transition_mean(3.0, alpha_bar_t=0.2, alpha_bar_s=0.8)
    1.5
    """
    check_in(CLOSED_UNIT, ALPHA_BAR, alpha_bar_t=alpha_bar_t)
    check_in(HALF_OPEN_AT_0, NOT_LOST, alpha_bar_s=alpha_bar_s)
    check_less_noisy(alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s)
    return sqrt(alpha_bar_t / alpha_bar_s) * x_s


@implements("ho2020/transition-variance", "song2021ddim/transition-variance")
def transition_variance(*, alpha_bar_t: Array, alpha_bar_s: Array) -> Array:
    r"""Return the variance of every component of x_t given a less noisy x_s; beta_t if s = t-1.

    .. math:: 1 - \frac{\bar\alpha_t}{\bar\alpha_s}

    Parameters
    ----------
    alpha_bar_t : array_like
        In [0, alpha_bar_s].
    alpha_bar_s : array_like
        In (0, 1].

    Returns
    -------
    array_like
        A variance, shape of the broadcast.

    Raises
    ------
    ValueError
        If a level is outside its domain, or s is the noisier time.

    Source
    ------
    Ho, Jain and Abbeel 2020 (arXiv:2006.11239), equation (2), there for s = t-1.

    Numerics
    --------
    Formed as (alpha_bar_s - alpha_bar_t) / alpha_bar_s. The difference of two close numbers is
    exact, while 1 - ratio would magnify the ratio's rounding by alpha_bar_s / (alpha_bar_s -
    alpha_bar_t).

    Examples
    --------
    >>> transition_variance(alpha_bar_t=0.25, alpha_bar_s=1.0)
    0.75
    """
    check_in(CLOSED_UNIT, ALPHA_BAR, alpha_bar_t=alpha_bar_t)
    check_in(HALF_OPEN_AT_0, NOT_LOST, alpha_bar_s=alpha_bar_s)
    check_less_noisy(alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s)
    return (alpha_bar_s - alpha_bar_t) / alpha_bar_s
