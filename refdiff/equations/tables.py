r"""Tables of alpha_bar: from the betas, back to them, and down to no signal at all.

The house convention stands here: a table of alpha_bar runs over the times 0..T, starts with
``alpha_bars[0] == 1`` (clean data) and falls strictly; a table of beta has T entries, and
``betas[t-1]`` is :math:`\beta_t`. Tables are float64: ``1 - alpha_bar_1`` has only about three
digits in float32.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from refdiff.catalogue import implements
from refdiff.equations.schedules import Table

__all__ = ["alpha_bars_from_betas", "betas_from_alpha_bars", "zero_terminal_snr"]


def _table(name: str, values: npt.ArrayLike, *, least: int) -> Table:
    table = np.asarray(values, dtype=np.float64)
    if table.ndim != 1 or table.size < least:
        raise ValueError(
            f"{name} has shape {table.shape}; it must be one-dimensional with at least {least} "
            f"entr{'y' if least == 1 else 'ies'}."
        )
    return table


@implements("ho2020/alpha-bar")
def alpha_bars_from_betas(betas: npt.ArrayLike) -> Table:
    r"""Return the cumulative products alpha_bar at the times 0..T.

    .. math:: \bar\alpha_t = \prod_{i=1}^{t} (1 - \beta_i), \qquad \bar\alpha_0 = 1

    Parameters
    ----------
    betas : array_like
        Shape (T,); ``betas[t-1]`` is :math:`\beta_t` in (0, 1). Only the last may be 1, which
        makes :math:`\bar\alpha_T = 0`.

    Returns
    -------
    ndarray
        Shape (T+1,), float64, strictly decreasing from 1. Note the extra first entry: tables in
        public code often leave it out and count from 0.

    Raises
    ------
    ValueError
        If a beta lies outside the domain or the table is not one-dimensional.

    Source
    ------
    Ho, Jain and Abbeel 2020 (arXiv:2006.11239), section 2, the notation above equation (4).

    Examples
    --------
    >>> alpha_bars_from_betas([0.5, 0.5, 1.0])
    array([1.  , 0.5 , 0.25, 0.  ])
    """
    table = _table("betas", betas, least=1)
    inside = (table > 0) & (table < 1)
    inside[-1] |= table[-1] == 1.0
    if not inside.all():
        t = int(np.argmin(inside)) + 1
        raise ValueError(
            f"betas[{t - 1}]={table[t - 1]:g} must be in (0, 1){' or 1' if t == table.size else ''}"
            f": beta_{t} is the fraction of variance that step {t} replaces by noise"
            f"{'; scaling by 1000/T needs a larger T' if table[t - 1] > 1 else ''}."
        )
    return np.concatenate([[1.0], np.cumprod(1.0 - table)])


def _decreasing(alpha_bars: npt.ArrayLike, *, least: int) -> Table:
    table = _table("alpha_bars", alpha_bars, least=least)
    if table[0] != 1.0:
        raise ValueError(
            f"alpha_bars[0]={table[0]:g} must be 1: tables start at time 0, clean data; "
            f"prepend a 1 to a table that starts at time 1."
        )
    falls = np.diff(table) < 0
    if not falls.all() or not table[-1] >= 0:
        t = int(np.argmin(falls)) + 1 if not falls.all() else table.size - 1
        raise ValueError(
            f"alpha_bars[{t}]={table[t]:g} must be below alpha_bars[{t - 1}]={table[t - 1]:g} "
            f"and not negative: every step replaces some variance by noise."
        )
    return table


@implements("nichol2021/strided-betas")
def betas_from_alpha_bars(alpha_bars: npt.ArrayLike) -> Table:
    r"""Return the betas whose cumulative products are the given table.

    .. math:: \beta_{t} = 1 - \frac{\bar\alpha_{t}}{\bar\alpha_{t-1}}

    Applied to ``alpha_bars[[0, *steps]]`` it gives the schedule respaced to those steps.

    Parameters
    ----------
    alpha_bars : array_like
        Shape (T+1,), strictly decreasing from 1; the last may be 0.

    Returns
    -------
    ndarray
        Shape (T,), float64, each in (0, 1].

    Raises
    ------
    ValueError
        If the table does not start at 1, does not fall strictly, or becomes negative.

    Source
    ------
    Nichol and Dhariwal 2021 (arXiv:2102.09672), section 4, for strided sampling.

    Numerics
    --------
    Formed as :math:`(\bar\alpha_{t-1}-\bar\alpha_t)/\bar\alpha_{t-1}`: the subtraction of the
    two table entries is exact where they are close, so no digit is lost beyond the table's own.

    Examples
    --------
    >>> betas_from_alpha_bars([1.0, 0.5, 0.25, 0.0])
    array([0.5, 0.5, 1. ])
    """
    table = _decreasing(alpha_bars, least=2)
    betas: Table = (table[:-1] - table[1:]) / table[:-1]
    return betas


@implements("lin2024/zero-terminal-snr")
def zero_terminal_snr(alpha_bars: npt.ArrayLike) -> Table:
    r"""Shift and scale a schedule so that no signal is left at time T.

    .. math:: \sqrt{\bar\alpha_t} \leftarrow
              \left(\sqrt{\bar\alpha_t}-\sqrt{\bar\alpha_T}\right)
              \frac{\sqrt{\bar\alpha_1}}{\sqrt{\bar\alpha_1}-\sqrt{\bar\alpha_T}},
              \qquad t = 1,\dots,T

    Parameters
    ----------
    alpha_bars : array_like
        Shape (T+1,) with T >= 2, strictly decreasing from 1.

    Returns
    -------
    ndarray
        Shape (T+1,), float64. Entries 0 and 1 are unchanged, entry T is exactly 0. A noise
        prediction says nothing about x_0 there: train with v or x_0.

    Raises
    ------
    ValueError
        If the table is too short, does not start at 1 or does not fall strictly.

    Source
    ------
    Lin, Liu, Li and Yang 2024 (arXiv:2305.08891), Algorithm 1.

    Examples
    --------
    >>> zero_terminal_snr([1.0, 0.81, 0.36, 0.09])
    array([1.    , 0.81  , 0.2025, 0.    ])
    """
    table = _decreasing(alpha_bars, least=3)
    root = np.sqrt(table)
    rescaled: Table = ((root - root[-1]) * (root[1] / (root[1] - root[-1]))) ** 2
    rescaled[:2] = table[:2]
    return rescaled
