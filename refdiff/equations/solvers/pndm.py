r"""PNDM: the transfer from one level to another along a given noise, and which noise to give it.

A pseudo numerical method is a classical one with the sum x + h f replaced by `pndm_transfer`, which
is a step of deterministic DDIM. The combinations of predicted noises below are those of classical
methods for steps of equal length in t.
"""

from __future__ import annotations

from refdiff._checks import CLOSED_UNIT, OPEN_UNIT, check_in, check_less_noisy
from refdiff._cures import ALPHA_BAR
from refdiff._namespace import Array, sqrt
from refdiff.catalogue import implements

__all__ = [
    "plms_eps",
    "pndm_transfer",
    "prk_eps",
    "s_pndm_eps",
    "s_pndm_first_eps",
]

_STEP = "the step needs a signal to keep and noise to remove; start at a time that has both."


@implements("liu2022/transfer")
def pndm_transfer(x_t: Array, eps: Array, *, alpha_bar_t: Array, alpha_bar_s: Array) -> Array:
    r"""Return the state at a less noisy time, along a given noise.

    .. math:: \frac{\sqrt{\bar\alpha_s}}{\sqrt{\bar\alpha_t}}\,x_t
              - \frac{\bar\alpha_s-\bar\alpha_t}{\sqrt{\bar\alpha_t}\left(
              \sqrt{(1-\bar\alpha_s)\,\bar\alpha_t}
              + \sqrt{(1-\bar\alpha_t)\,\bar\alpha_s}\right)}\;\epsilon

    It is `refdiff.equations.ddim_step` without noise, written so that a short step loses no
    digits; the two levels may be equal.

    Parameters
    ----------
    x_t : array_like
        State at the noise level, any shape.
    eps : array_like
        Predicted noise, same shape.
    alpha_bar_t : array_like
        In (0, 1), any shape.
    alpha_bar_s : array_like
        In [alpha_bar_t, 1].

    Returns
    -------
    array_like
        x_s, same shape. At alpha_bar_s = 1 it is the predicted x_0.

    Raises
    ------
    ValueError
        If a level is outside its domain, or s is the noisier of the two.

    Source
    ------
    Liu et al. 2022 (arXiv:2202.09778), equation (9).

    Examples
    --------
    >>> pndm_transfer(2.5, 1.0, alpha_bar_t=0.25, alpha_bar_s=0.25)
    2.5
    """
    check_in(OPEN_UNIT, _STEP, alpha_bar_t=alpha_bar_t)
    check_in(CLOSED_UNIT, ALPHA_BAR, alpha_bar_s=alpha_bar_s)
    check_less_noisy(alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s)
    lost = sqrt((1 - alpha_bar_s) * alpha_bar_t) + sqrt((1 - alpha_bar_t) * alpha_bar_s)
    share = (alpha_bar_s - alpha_bar_t) / (sqrt(alpha_bar_t) * lost)
    return sqrt(alpha_bar_s) / sqrt(alpha_bar_t) * x_t - share * eps


@implements("liu2022/plms")
def plms_eps(eps_t: Array, eps_1: Array, eps_2: Array, eps_3: Array) -> Array:
    r"""Return the noise of a linear multistep of order 4 (Adams-Bashforth).

    .. math:: \tfrac1{24}\left(55\,\epsilon_t - 59\,\epsilon_{t+\delta}
              + 37\,\epsilon_{t+2\delta} - 9\,\epsilon_{t+3\delta}\right)

    With `pndm_transfer` the method is of order 2, not 4, since the transfer is itself curved in t.

    Parameters
    ----------
    eps_t : array_like
        Noise predicted at the present time, any shape.
    eps_1 : array_like
        Noise predicted one step earlier, same shape.
    eps_2 : array_like
        Noise predicted two steps earlier, same shape.
    eps_3 : array_like
        Noise predicted three steps earlier, same shape.

    Returns
    -------
    array_like
        Same shape.

    Source
    ------
    Liu et al. 2022 (arXiv:2202.09778), equation (12).

    Examples
    --------
    >>> plms_eps(4.0, 3.0, 2.0, 1.0)
    4.5
    """
    return (55 * eps_t - 59 * eps_1 + 37 * eps_2 - 9 * eps_3) / 24


@implements("liu2022/prk")
def prk_eps(eps_t: Array, eps_1: Array, eps_2: Array, eps_3: Array) -> Array:
    r"""Return the noise of a pseudo Runge-Kutta step from its four stages.

    .. math:: \tfrac16\left(e_1 + 2\,e_2 + 2\,e_3 + e_4\right)

    Parameters
    ----------
    eps_t : array_like
        Noise predicted at the start of the step, any shape.
    eps_1 : array_like
        Noise at the middle, reached along ``eps_t``, same shape.
    eps_2 : array_like
        Noise at the middle, reached along ``eps_1``, same shape.
    eps_3 : array_like
        Noise at the end, reached along ``eps_2``, same shape.

    Returns
    -------
    array_like
        Same shape.

    Source
    ------
    Liu et al. 2022 (arXiv:2202.09778), equation (13).

    Examples
    --------
    >>> prk_eps(1.0, 2.0, 3.0, 4.0)
    2.5
    """
    return (eps_t + 2 * eps_1 + 2 * eps_2 + eps_3) / 6


@implements("liu2022/s-pndm")
def s_pndm_eps(eps_t: Array, eps_1: Array) -> Array:
    r"""Return the noise of a linear multistep of order 2.

    .. math:: \tfrac12\left(3\,\epsilon_t - \epsilon_{t+\delta}\right)

    Parameters
    ----------
    eps_t : array_like
        Noise predicted at the present time, any shape.
    eps_1 : array_like
        Noise predicted one step earlier, same shape.

    Returns
    -------
    array_like
        Same shape.

    Source
    ------
    Liu et al. 2022 (arXiv:2202.09778), the method S-PNDM.

    Examples
    --------
    >>> s_pndm_eps(2.0, 1.0)
    2.5
    """
    return (3 * eps_t - eps_1) / 2


@implements("liu2022/s-pndm-start")
def s_pndm_first_eps(eps_t: Array, eps_s: Array) -> Array:
    r"""Return the noise of the first step of S-PNDM, which has no earlier one to use.

    .. math:: \tfrac12\left(\epsilon_t + \epsilon_s\right)

    Parameters
    ----------
    eps_t : array_like
        Noise predicted at the present time, any shape.
    eps_s : array_like
        Noise predicted at the end of the step, reached along ``eps_t``, same shape.

    Returns
    -------
    array_like
        Same shape.

    Source
    ------
    Liu et al. 2022 (arXiv:2202.09778), the method S-PNDM.

    Examples
    --------
    >>> s_pndm_first_eps(2.0, 1.0)
    1.5
    """
    return (eps_t + eps_s) / 2
