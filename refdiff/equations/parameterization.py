r"""Converting between the predictions x_0, eps and v.

A network may predict the data x_0, the noise eps, or the velocity v. Given x_t and alpha_bar_t
each determines the others, through

.. math:: x_t = \sqrt{\bar\alpha_t}\,x_0 + \sqrt{1-\bar\alpha_t}\,\epsilon, \qquad
          v = \sqrt{\bar\alpha_t}\,\epsilon - \sqrt{1-\bar\alpha_t}\,x_0.

(x_t, v) is (x_0, eps) rotated by an angle with cosine sqrt(alpha_bar_t): v is defined at both ends
of the chain, while x_0 from eps is lost at alpha_bar_t = 0 and eps from x_0 at alpha_bar_t = 1.
Every conversion is affine, so it commutes with guidance and with posterior means. The fourth
prediction, the score, stands in :mod:`refdiff.equations.score`.
"""

from __future__ import annotations

from refdiff._checks import CLOSED_UNIT, HALF_OPEN_AT_0, HALF_OPEN_AT_1, check_in
from refdiff._cures import ALPHA_BAR, NO_NOISE_AT_1, NO_SIGNAL_AT_0
from refdiff._namespace import Array, sqrt
from refdiff.catalogue import implements

__all__ = [
    "eps_from_v",
    "eps_from_x_0",
    "v_from_eps",
    "v_from_x_0",
    "x_0_from_eps",
    "x_0_from_v",
]


@implements("ho2020/x-0-from-eps", "song2021ddim/predicted-x-0")
def x_0_from_eps(x_t: Array, eps: Array, *, alpha_bar_t: Array) -> Array:
    r"""Return the data implied by x_t and the noise.

    .. math:: \frac{x_t - \sqrt{1-\bar\alpha_t}\,\epsilon}{\sqrt{\bar\alpha_t}}

    Parameters
    ----------
    x_t : array_like
        Noisy state, any shape.
    eps : array_like
        Noise, true or predicted, same shape.
    alpha_bar_t : array_like
        In (0, 1], broadcastable against ``x_t``.

    Returns
    -------
    array_like
        Same shape as ``x_t``.

    Raises
    ------
    ValueError
        If ``alpha_bar_t`` is outside (0, 1].

    Source
    ------
    Ho, Jain and Abbeel 2020 (arXiv:2006.11239), equation (15); Song, Meng and Ermon 2021
    (arXiv:2010.02502), equation (9).

    Numerics
    --------
    An error in eps comes out multiplied by sqrt(1/SNR): 157 times at T of the linear schedule.

    Examples
    --------
    >>> x_0_from_eps(1.1, 1.0, alpha_bar_t=0.25).__round__(12)
    0.467949192431
    """
    check_in(HALF_OPEN_AT_0, NO_SIGNAL_AT_0, alpha_bar_t=alpha_bar_t)
    return (x_t - sqrt(1 - alpha_bar_t) * eps) / sqrt(alpha_bar_t)


@implements("song2021ddim/eps-from-x-0")
def eps_from_x_0(x_t: Array, x_0: Array, *, alpha_bar_t: Array) -> Array:
    r"""Return the noise implied by x_t and the data.

    .. math:: \frac{x_t - \sqrt{\bar\alpha_t}\,x_0}{\sqrt{1-\bar\alpha_t}}

    Parameters
    ----------
    x_t : array_like
        Noisy state, any shape.
    x_0 : array_like
        Data, true or predicted, same shape.
    alpha_bar_t : array_like
        In [0, 1), broadcastable against ``x_t``.

    Returns
    -------
    array_like
        Same shape as ``x_t``.

    Raises
    ------
    ValueError
        If ``alpha_bar_t`` is outside [0, 1).

    Source
    ------
    Song, Meng and Ermon 2021 (arXiv:2010.02502), the fraction in equation (7).

    Examples
    --------
    >>> eps_from_x_0(1.1, 1.0, alpha_bar_t=0.36).__round__(12)
    0.625
    """
    check_in(HALF_OPEN_AT_1, NO_NOISE_AT_1, alpha_bar_t=alpha_bar_t)
    return (x_t - sqrt(alpha_bar_t) * x_0) / sqrt(1 - alpha_bar_t)


@implements("lin2024/v-from-eps")
def v_from_eps(x_t: Array, eps: Array, *, alpha_bar_t: Array) -> Array:
    r"""Return the velocity implied by x_t and the noise.

    .. math:: \frac{\epsilon - \sqrt{1-\bar\alpha_t}\,x_t}{\sqrt{\bar\alpha_t}}

    Parameters
    ----------
    x_t : array_like
        Noisy state, any shape.
    eps : array_like
        Noise, true or predicted, same shape.
    alpha_bar_t : array_like
        In (0, 1], broadcastable against ``x_t``.

    Returns
    -------
    array_like
        Same shape as ``x_t``.

    Raises
    ------
    ValueError
        If ``alpha_bar_t`` is outside (0, 1].

    Source
    ------
    Lin et al. 2024 (arXiv:2305.08891), equation (11) with x_0 eliminated; v is due to
    Salimans and Ho 2022 (arXiv:2202.00512), section 4.

    Examples
    --------
    >>> v_from_eps(1.0, 0.8, alpha_bar_t=0.36).__round__(12)
    0.0
    """
    check_in(HALF_OPEN_AT_0, NO_SIGNAL_AT_0, alpha_bar_t=alpha_bar_t)
    return (eps - sqrt(1 - alpha_bar_t) * x_t) / sqrt(alpha_bar_t)


@implements("lin2024/v-from-x-0")
def v_from_x_0(x_t: Array, x_0: Array, *, alpha_bar_t: Array) -> Array:
    r"""Return the velocity implied by x_t and the data.

    .. math:: \frac{\sqrt{\bar\alpha_t}\,x_t - x_0}{\sqrt{1-\bar\alpha_t}}

    Parameters
    ----------
    x_t : array_like
        Noisy state, any shape.
    x_0 : array_like
        Data, true or predicted, same shape.
    alpha_bar_t : array_like
        In [0, 1), broadcastable against ``x_t``.

    Returns
    -------
    array_like
        Same shape as ``x_t``.

    Raises
    ------
    ValueError
        If ``alpha_bar_t`` is outside [0, 1).

    Source
    ------
    Lin et al. 2024 (arXiv:2305.08891), equation (11) with eps eliminated; v is due to
    Salimans and Ho 2022 (arXiv:2202.00512), section 4.

    Examples
    --------
    >>> v_from_x_0(1.0, 0.6, alpha_bar_t=0.36).__round__(12)
    0.0
    """
    check_in(HALF_OPEN_AT_1, NO_NOISE_AT_1, alpha_bar_t=alpha_bar_t)
    return (sqrt(alpha_bar_t) * x_t - x_0) / sqrt(1 - alpha_bar_t)


@implements("lin2024/x-0-from-v")
def x_0_from_v(x_t: Array, v: Array, *, alpha_bar_t: Array) -> Array:
    r"""Return the data implied by x_t and the velocity.

    .. math:: \sqrt{\bar\alpha_t}\,x_t - \sqrt{1-\bar\alpha_t}\,v

    Parameters
    ----------
    x_t : array_like
        Noisy state, any shape.
    v : array_like
        Velocity, true or predicted, same shape.
    alpha_bar_t : array_like
        In [0, 1], broadcastable against ``x_t``.

    Returns
    -------
    array_like
        Same shape as ``x_t``.

    Raises
    ------
    ValueError
        If ``alpha_bar_t`` is outside [0, 1].

    Source
    ------
    Lin et al. 2024 (arXiv:2305.08891), equation (11) solved for x_0 with x_t.

    Examples
    --------
    >>> x_0_from_v(1.0, -2.0, alpha_bar_t=0.0)
    2.0
    """
    check_in(CLOSED_UNIT, ALPHA_BAR, alpha_bar_t=alpha_bar_t)
    return sqrt(alpha_bar_t) * x_t - sqrt(1 - alpha_bar_t) * v


@implements("lin2024/eps-from-v")
def eps_from_v(x_t: Array, v: Array, *, alpha_bar_t: Array) -> Array:
    r"""Return the noise implied by x_t and the velocity.

    .. math:: \sqrt{1-\bar\alpha_t}\,x_t + \sqrt{\bar\alpha_t}\,v

    Parameters
    ----------
    x_t : array_like
        Noisy state, any shape.
    v : array_like
        Velocity, true or predicted, same shape.
    alpha_bar_t : array_like
        In [0, 1], broadcastable against ``x_t``.

    Returns
    -------
    array_like
        Same shape as ``x_t``.

    Raises
    ------
    ValueError
        If ``alpha_bar_t`` is outside [0, 1].

    Source
    ------
    Lin et al. 2024 (arXiv:2305.08891), equation (11) solved for eps with x_t.

    Examples
    --------
    >>> eps_from_v(1.0, -2.0, alpha_bar_t=0.0)
    1.0
    """
    check_in(CLOSED_UNIT, ALPHA_BAR, alpha_bar_t=alpha_bar_t)
    return sqrt(1 - alpha_bar_t) * x_t + sqrt(alpha_bar_t) * v
