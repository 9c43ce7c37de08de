r"""Which S of the T training times a sampler visits, and EDM's noise levels.

A list of times is descending, with integers in 1..T and exactly S entries; the step to time 0
that follows the last entry is the sampler's. Fractions are rounded to the nearest integer,
halves to even, in exact integer arithmetic.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from refdiff._checks import POSITIVE, check_count, check_in
from refdiff.catalogue import implements
from refdiff.equations.schedules import Table

__all__ = [
    "karras_sigmas",
    "leading_timesteps",
    "linspace_timesteps",
    "trailing_timesteps",
]

Times = npt.NDArray[np.int64]


def _check_steps(num_train_steps: int, num_steps: int) -> tuple[int, int]:
    total = check_count(
        "num_train_steps", num_train_steps, low=1, cure="it counts the training steps T."
    )
    count = check_count(
        "num_steps",
        num_steps,
        low=1,
        high=total,
        cure="a sampler visits at least one and at most all of the training times.",
    )
    return total, count


def _round_half_to_even(numerator: Times, denominator: int) -> Times:
    quotient, remainder = np.divmod(numerator, denominator)
    up = (2 * remainder > denominator) | ((2 * remainder == denominator) & (quotient % 2 == 1))
    rounded: Times = quotient + up
    return rounded


@implements("lin2024/leading-timesteps")
def leading_timesteps(num_train_steps: int, num_steps: int) -> Times:
    r"""Return times that start each of S equal blocks of the training times.

    .. math:: t_i = i \left\lfloor T/S \right\rfloor + 1, \qquad i = S-1, \dots, 0

    Unless S = T this grid never visits T, so the first step shows the model pure noise under a
    time that promises some signal.

    Parameters
    ----------
    num_train_steps : int
        T, at least 1.
    num_steps : int
        S, in 1..T.

    Returns
    -------
    ndarray
        Shape (S,), int64, descending to 1.

    Raises
    ------
    ValueError
        If S is not in 1..T.

    Source
    ------
    Lin et al. 2024 (arXiv:2305.08891), Table 2, row "leading"; there the list can be longer
    than S where S does not divide T.

    Examples
    --------
    >>> leading_timesteps(1000, 4)
    array([751, 501, 251,   1])
    """
    total, count = _check_steps(num_train_steps, num_steps)
    return np.arange(count - 1, -1, -1, dtype=np.int64) * (total // count) + 1


@implements("lin2024/trailing-timesteps")
def trailing_timesteps(num_train_steps: int, num_steps: int) -> Times:
    r"""Return times that end each of S equal blocks of the training times.

    .. math:: t_i = \operatorname{round}\!\left(\frac{i\,T}{S}\right), \qquad i = S, \dots, 1

    Parameters
    ----------
    num_train_steps : int
        T, at least 1.
    num_steps : int
        S, in 1..T.

    Returns
    -------
    ndarray
        Shape (S,), int64, descending from T.

    Raises
    ------
    ValueError
        If S is not in 1..T.

    Source
    ------
    Lin et al. 2024 (arXiv:2305.08891), Table 2, row "trailing".

    Examples
    --------
    >>> trailing_timesteps(1000, 4)
    array([1000,  750,  500,  250])
    """
    total, count = _check_steps(num_train_steps, num_steps)
    return _round_half_to_even(np.arange(count, 0, -1, dtype=np.int64) * total, count)


@implements("lin2024/linspace-timesteps")
def linspace_timesteps(num_train_steps: int, num_steps: int) -> Times:
    r"""Return S times spaced evenly from T to 1, both included.

    .. math:: t_i = \operatorname{round}\!\left(T - i\,\frac{T-1}{S-1}\right),
              \qquad i = 0, \dots, S-1

    Parameters
    ----------
    num_train_steps : int
        T, at least 1.
    num_steps : int
        S, in 1..T; a single step is at T.

    Returns
    -------
    ndarray
        Shape (S,), int64, descending from T.

    Raises
    ------
    ValueError
        If S is not in 1..T.

    Source
    ------
    Lin et al. 2024 (arXiv:2305.08891), Table 2, row "linspace".

    Examples
    --------
    >>> linspace_timesteps(1000, 4), linspace_timesteps(1000, 1)
    (array([1000,  667,  334,    1]), array([1000]))
    """
    total, count = _check_steps(num_train_steps, num_steps)
    if count == 1:
        return np.array([total], dtype=np.int64)
    fall = np.arange(count, dtype=np.int64) * (total - 1)
    return _round_half_to_even(total * (count - 1) - fall, count - 1)


@implements("karras2022/sigma-grid")
def karras_sigmas(num_steps: int, *, sigma_min: float, sigma_max: float, rho: float = 7.0) -> Table:
    r"""Return EDM's noise levels, evenly spaced in the rho-th root, and a final 0.

    .. math:: \sigma_i = \left(\sigma_{\max}^{1/\rho} + \frac{i}{N-1}
              \left(\sigma_{\min}^{1/\rho}-\sigma_{\max}^{1/\rho}\right)\right)^{\rho},
              \qquad \sigma_N = 0

    Parameters
    ----------
    num_steps : int
        N, at least 1; a single step starts at ``sigma_max``.
    sigma_min, sigma_max : float
        0 < sigma_min <= sigma_max; the paper uses 0.002 and 80.
    rho : float
        Positive; 7 in the paper, 1 spaces the levels evenly.

    Returns
    -------
    ndarray
        Shape (N+1,), float64, descending, the last exactly 0.

    Raises
    ------
    ValueError
        If an argument is outside its domain.

    Source
    ------
    Karras et al. 2022 (arXiv:2206.00364), equation (5).

    Examples
    --------
    >>> karras_sigmas(3, sigma_min=1.0, sigma_max=9.0, rho=2.0)
    array([9., 4., 1., 0.])
    """
    count = check_count("num_steps", num_steps, low=1, cure="it counts the sampler's steps.")
    check_in(POSITIVE, "the paper uses 0.002.", sigma_min=sigma_min)
    check_in(POSITIVE, "the paper uses 7.", rho=rho)
    if not sigma_min <= sigma_max < float("inf"):
        raise ValueError(
            f"sigma_max={sigma_max:g} must be finite and >= sigma_min={sigma_min:g}: the grid "
            f"descends from sigma_max; were the two swapped?"
        )
    if count == 1:
        return np.array([sigma_max, 0.0])
    # Weights of both ends instead of a difference: both ends come out exact.
    elapsed = np.arange(count, dtype=np.float64) / (count - 1)
    ramp = (1.0 - elapsed) * sigma_max ** (1.0 / rho) + elapsed * sigma_min ** (1.0 / rho)
    sigmas = ramp**rho
    sigmas[0], sigmas[-1] = sigma_max, sigma_min
    return np.append(sigmas, 0.0)
