r"""Noise schedules of the discrete family: beta_t and alpha_bar_t.

A forward process over T steps mixes data with Gaussian noise. Step t keeps the fraction
:math:`1-\beta_t` of the variance, and after t steps

.. math:: \bar\alpha_t = \prod_{i=1}^{t} (1 - \beta_i)

is left of the data's. House convention: tables of alpha_bar run over the times 0..T and
start with ``alpha_bars[0] == 1`` (clean data), so ``alpha_bars[t]`` is the value at time t.
Tables of beta have T entries, and ``betas[t-1]`` is :math:`\beta_t`.

The constructors return NumPy float64 arrays, in double precision whatever the network uses:
``1 - alpha_bar_1`` has only about three digits in a float32 table. Pointwise functions of a table,
such as the signal-to-noise ratio, stand in :mod:`refdiff.equations.signal_to_noise`.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from refdiff._checks import POSITIVE, check_count, check_in
from refdiff.catalogue import implements

__all__ = [
    "cosine_betas",
    "linear_betas",
    "scaled_linear_betas",
    "sigmoid_alpha_bars",
]

Table: TypeAlias = npt.NDArray[np.float64]

_STEPS = "it counts the training steps T."


def _check_beta_ends(beta_start: float, beta_end: float) -> None:
    if not 0.0 < beta_start <= beta_end <= 1.0:
        raise ValueError(
            f"beta_start={beta_start:g}, beta_end={beta_end:g} must satisfy "
            f"0 < beta_start <= beta_end <= 1: a beta is the fraction of variance replaced in "
            f"one step and grows along the chain."
        )


@implements("ho2020/linear-schedule")
def linear_betas(num_steps: int, *, beta_start: float = 1e-4, beta_end: float = 0.02) -> Table:
    r"""Return betas spaced evenly from ``beta_start`` to ``beta_end``.

    .. math:: \beta_t = \beta_1 + \frac{t-1}{T-1}\,(\beta_T - \beta_1)

    Parameters
    ----------
    num_steps : int
        T, at least 1. The default ends belong to T = 1000; with fewer steps more of the data
        survives to time T, unless the ends are scaled by 1000/T.
    beta_start, beta_end : float
        :math:`\beta_1` and :math:`\beta_T`, with 0 < beta_start <= beta_end <= 1.

    Returns
    -------
    ndarray
        Shape (T,), float64, increasing; ``betas[t-1]`` is :math:`\beta_t`. With T = 1 it holds
        ``beta_start`` alone.

    Raises
    ------
    ValueError
        If ``num_steps`` is not a positive integer or the ends are out of order or domain.

    Source
    ------
    Ho, Jain and Abbeel 2020 (arXiv:2006.11239), section 4, unnumbered.

    Examples
    --------
    >>> linear_betas(3, beta_start=0.1, beta_end=0.3)
    array([0.1, 0.2, 0.3])
    """
    count = check_count("num_steps", num_steps, low=1, cure=_STEPS)
    _check_beta_ends(beta_start, beta_end)
    return np.linspace(beta_start, beta_end, count, dtype=np.float64)


@implements("rombach2022/scaled-linear-schedule")
def scaled_linear_betas(
    num_steps: int, *, beta_start: float = 0.00085, beta_end: float = 0.012
) -> Table:
    r"""Return betas whose square roots are spaced evenly.

    .. math:: \sqrt{\beta_t} = \sqrt{\beta_1} + \frac{t-1}{T-1}
              \left(\sqrt{\beta_T} - \sqrt{\beta_1}\right)

    Parameters
    ----------
    num_steps : int
        T, at least 1.
    beta_start, beta_end : float
        :math:`\beta_1` and :math:`\beta_T`, with 0 < beta_start <= beta_end <= 1. The defaults
        are Stable Diffusion's.

    Returns
    -------
    ndarray
        Shape (T,), float64, increasing.

    Raises
    ------
    ValueError
        If ``num_steps`` is not a positive integer or the ends are out of order or domain.

    Source
    ------
    The code of Rombach et al. 2022 (arXiv:2112.10752), where it is called "linear"; also "quad"
    and "scaled_linear". Compare arrays, never names.

    Examples
    --------
    >>> scaled_linear_betas(3, beta_start=0.01, beta_end=0.09).round(12)
    array([0.01, 0.04, 0.09])
    """
    count = check_count("num_steps", num_steps, low=1, cure=_STEPS)
    _check_beta_ends(beta_start, beta_end)
    return np.linspace(beta_start**0.5, beta_end**0.5, count, dtype=np.float64) ** 2


@implements("nichol2021/cosine-schedule")
def cosine_betas(num_steps: int, *, offset: float = 0.008, max_beta: float = 0.999) -> Table:
    r"""Return the betas of the squared-cosine alpha_bar, the largest clipped.

    .. math:: \beta_t = \min\!\left(1 - \frac{f(t)}{f(t-1)},\ \beta_{\max}\right), \qquad
              f(t) = \cos^2\!\left(\frac{t/T + s}{1 + s}\cdot\frac{\pi}{2}\right)

    Parameters
    ----------
    num_steps : int
        T, at least 1.
    offset : float
        s > 0 keeps :math:`\beta_1` from vanishing.
    max_beta : float
        The clip, in (0, 1]. At T = 1000 the value 0.999 clips the last beta only; 1 leaves
        :math:`\bar\alpha_T = 0` exactly.

    Returns
    -------
    ndarray
        Shape (T,), float64.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Source
    ------
    Nichol and Dhariwal 2021 (arXiv:2102.09672v1), equation (17), and the clip in the text below.

    Numerics
    --------
    Since :math:`\cos^2 a - \cos^2 b = \sin(b-a)\sin(b+a)`, the difference 1 - f(t)/f(t-1) is
    formed without cancellation, and with the cosine as a sine of the time left, so that the last
    entries keep all their digits too.

    Examples
    --------
    >>> betas = cosine_betas(1000)
    >>> float(betas[-1]), bool((betas[:-1] < 0.999).all())
    (0.999, True)
    """
    count = check_count("num_steps", num_steps, low=1, cure=_STEPS)
    check_in(POSITIVE, "the paper's offset s is 0.008.", offset=offset)
    if not 0.0 < max_beta <= 1.0:
        raise ValueError(f"max_beta={max_beta:g} must be in (0, 1]: the paper clips at 0.999.")
    left = np.arange(count, -1, -1, dtype=np.float64)  # T - t for t = 0..T
    quarter = np.pi / (2.0 * count * (1.0 + offset))
    # f(t) = sin(u_t)^2 with u_t = (T-t) pi / (2T(1+s)); u_{t-1} - u_t is one stride for all t.
    u_before, u = left[:-1] * quarter, left[1:] * quarter
    betas = np.sin(quarter) * np.sin(u_before + u) / np.sin(u_before) ** 2
    clipped: Table = np.minimum(betas, max_beta)
    return clipped


@implements("jabri2022/sigmoid-schedule")
def sigmoid_alpha_bars(
    num_steps: int, *, start: float = -3.0, end: float = 3.0, tau: float = 1.0
) -> Table:
    r"""Return the table of alpha_bar that falls along a sigmoid from exactly 1 to exactly 0.

    .. math:: \bar\alpha_t = \frac{g(e) - g\!\left(s + \tfrac{t}{T}(e - s)\right)}
              {g(e) - g(s)}, \qquad g(u) = \frac{1}{1 + \exp(-u/\tau)}

    Parameters
    ----------
    num_steps : int
        T, at least 1.
    start, end : float
        The ends s < e of the piece of the sigmoid that is used.
    tau : float
        The temperature, positive.

    Returns
    -------
    ndarray
        Shape (T+1,), float64; entry t is :math:`\bar\alpha_t`, with 1 first and 0 last (zero
        terminal SNR). Public code often clips the end at 1e-9; here nothing is clipped.

    Raises
    ------
    ValueError
        If start >= end, tau <= 0, or the piece is so steep that float64 cannot hold its ends.

    Source
    ------
    Jabri, Fleet and Chen 2022 (arXiv:2212.11972), the code listing of gamma(t). Other code calls
    a sigmoid of *beta* by the same name; that is another schedule.

    Numerics
    --------
    With :math:`g(a) - g(b) = \sinh(\tfrac{a-b}{2\tau}) / (2\cosh\tfrac{a}{2\tau}
    \cosh\tfrac{b}{2\tau})` no difference of nearly equal numbers is formed.

    Examples
    --------
    >>> sigmoid_alpha_bars(2)
    array([1. , 0.5, 0. ])
    """
    count = check_count("num_steps", num_steps, low=1, cure=_STEPS)
    if not start < end:
        raise ValueError(
            f"start={start:g} must be < end={end:g}: alpha_bar falls as the sigmoid rises."
        )
    check_in(POSITIVE, "it is the sigmoid's temperature; the usual value is 1.", tau=tau)
    if max(abs(start), abs(end), end - start) / (2.0 * tau) > 700.0:
        raise ValueError(
            f"tau={tau:g} must be at least {max(abs(start), abs(end), end - start) / 1400:.3g} "
            f"for start={start:g}, end={end:g}: the schedule would be a step; choose a larger tau."
        )
    elapsed = np.arange(count + 1, dtype=np.float64) / count
    left = np.arange(count, -1, -1, dtype=np.float64) / count
    half = 1.0 / (2.0 * tau)
    u = start * left + end * elapsed
    fall = np.sinh((end - start) * left * half) / np.sinh((end - start) * half)
    table: Table = fall * np.cosh(start * half) / np.cosh(u * half)
    return table
