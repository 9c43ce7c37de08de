r"""The noise levels and times that the other columns of EDM's Table 1 visit: VP, VE and iDDPM.

All run from noise towards the data and leave the step to clean data to the sampler.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from refdiff._checks import HALF_OPEN_AT_0, OPEN_UNIT, POSITIVE, check_count, check_in
from refdiff.catalogue import implements
from refdiff.equations.schedules import Table

__all__ = [
    "iddpm_indices",
    "iddpm_sigmas",
    "ve_times",
    "vp_times",
]

Times = npt.NDArray[np.int64]

_GRID = "it counts the noise levels that the sampler visits before clean data."


@implements("karras2022/vp-grid")
def vp_times(num_steps: int, *, end: float) -> Table:
    r"""Return the times that the original VP sampler visits.

    .. math:: t_i = 1 + \frac{i}{N-1}\,(\epsilon_s - 1), \qquad i = 0, \dots, N-1

    Parameters
    ----------
    num_steps : int
        N, at least 1.
    end : float
        The last time, in (0, 1); 1e-3 in the paper.

    Returns
    -------
    ndarray
        Shape (N,), float64, descending from 1; the step to clean data follows the last entry. With
        N = 1 it holds 1 alone.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Source
    ------
    Karras et al. 2022 (arXiv:2206.00364), Table 1, column "VP".

    Examples
    --------
    >>> vp_times(3, end=0.5)
    array([1.  , 0.75, 0.5 ])
    """
    count = check_count("num_steps", num_steps, low=1, cure=_GRID)
    check_in(OPEN_UNIT, "it is the last time before the step to clean data.", end=end)
    return _between(count, 1.0, float(end))


@implements("karras2022/ve-grid")
def ve_times(num_steps: int, *, sigma_min: float, sigma_max: float) -> Table:
    r"""Return the times that the original VE sampler visits, for which sigma is sqrt(t).

    .. math:: t_i = \sigma_{max}^2 \left(\sigma_{min}^2/\sigma_{max}^2\right)^{i/(N-1)},
              \qquad i = 0, \dots, N-1

    Parameters
    ----------
    num_steps : int
        N, at least 1.
    sigma_min, sigma_max : float
        The ends of the noise levels, 0 < sigma_min <= sigma_max; 0.02 and 100 in the paper.

    Returns
    -------
    ndarray
        Shape (N,), float64, descending from sigma_max^2; the step to clean data follows the last
        entry. With N = 1 it holds sigma_max^2 alone.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Source
    ------
    Karras et al. 2022 (arXiv:2206.00364), Table 1, column "VE".

    Examples
    --------
    >>> ve_times(3, sigma_min=1.0, sigma_max=10.0).round(9)
    array([100.,  10.,   1.])
    """
    count = check_count("num_steps", num_steps, low=1, cure=_GRID)
    check_in(POSITIVE, "it is the last noise level before clean data.", sigma_min=sigma_min)
    if not sigma_min <= sigma_max < float("inf"):
        raise ValueError(
            f"sigma_max={sigma_max:g} must be finite and >= sigma_min={sigma_min:g}: the sampler "
            f"starts there; were the two swapped?"
        )
    times: Table = np.exp(_between(count, 2 * np.log(sigma_max), 2 * np.log(sigma_min)))
    # The ends as they were given, without the rounding of exp and log.
    times[-1] = sigma_min * sigma_min
    times[0] = sigma_max * sigma_max
    return times


@implements("karras2022/iddpm-levels")
def iddpm_sigmas(num_train_steps: int, *, min_ratio: float, offset: float) -> Table:
    r"""Return the noise levels u_j that iDDPM networks were trained on, noisiest first.

    .. math:: u_{j-1} = \sqrt{\frac{u_j^2+1}{\max(\bar\alpha_{j-1}/\bar\alpha_j,\,C_1)} - 1},
              \quad u_M = 0, \quad
              \bar\alpha_j = \sin^2\!\left(\frac{\pi}{2}\,\frac{j}{M\,(C_2+1)}\right)

    The index runs against that of DDPM: alpha_bar grows with j. The floor C_1 is the usual clip of
    beta at 0.999.

    Parameters
    ----------
    num_train_steps : int
        M, at least 1; 1000 in the paper.
    min_ratio : float
        C_1, in (0, 1]; 0.001 in the paper.
    offset : float
        C_2, positive; 0.008 in the paper.

    Returns
    -------
    ndarray
        Shape (M+1,), float64, descending to u_M = 0.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Source
    ------
    Karras et al. 2022 (arXiv:2206.00364), Table 1, column "iDDPM + DDIM".

    Examples
    --------
    >>> iddpm_sigmas(2, min_ratio=0.001, offset=0.008).round(3)
    array([44.988,  1.012,  0.   ])
    """
    count = check_count("num_train_steps", num_train_steps, low=1, cure="it counts the levels M.")
    check_in(HALF_OPEN_AT_0, "it keeps a level finite; the paper uses 0.001.", min_ratio=min_ratio)
    check_in(POSITIVE, "the paper uses 0.008.", offset=offset)
    levels = np.sin(np.pi / 2 * np.arange(count + 1) / (count * (offset + 1))) ** 2
    ratios = np.maximum(levels[:-1] / levels[1:], min_ratio)
    # u^2 + 1 is the product of 1/ratio, and u^2 its excess over 1, in logarithms.
    growth = np.concatenate([np.cumsum(-np.log(ratios)[::-1])[::-1], [0.0]])
    sigmas: Table = np.sqrt(np.expm1(growth))
    return sigmas


@implements("karras2022/iddpm-grid")
def iddpm_indices(num_steps: int, num_train_steps: int, *, first: int) -> Times:
    r"""Return which of the levels u_j the DDIM sampler of iDDPM networks visits.

    .. math:: j_i = \left\lfloor j_0 + \frac{M-1-j_0}{N-1}\,i + \frac12 \right\rfloor,
              \qquad i = 0, \dots, N-1

    Parameters
    ----------
    num_steps : int
        N, in 1..M-j_0.
    num_train_steps : int
        M, the number of levels above 0; 1000 in the paper.
    first : int
        j_0, in 0..M-1; 8 in the paper, which leaves out levels noisier than the others used.

    Returns
    -------
    ndarray
        Shape (N,), int64, increasing from j_0 to M-1; the step to u_M = 0 follows. With N = 1 it
        holds j_0 alone.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Source
    ------
    Karras et al. 2022 (arXiv:2206.00364), Table 1, column "iDDPM + DDIM".

    Examples
    --------
    >>> iddpm_indices(4, 1000, first=8)
    array([  8, 338, 669, 999])
    """
    total = check_count("num_train_steps", num_train_steps, low=1, cure="it counts the levels M.")
    start = check_count("first", first, low=0, high=total - 1, cure="it is the noisiest level.")
    count = check_count("num_steps", num_steps, low=1, high=total - start, cure=_GRID)
    # floor(a/b + 1/2) = floor((2a + b) / (2b)), in integers.
    gaps = max(count - 1, 1)
    return start + (2 * np.arange(count, dtype=np.int64) * (total - 1 - start) + gaps) // (2 * gaps)


def _between(count: int, first: float, last: float) -> Table:
    """Return values spaced evenly, both ends exact; a single one is the first."""
    share = np.arange(count) / max(count - 1, 1)
    values: Table = (1.0 - share) * first + share * last
    return values
