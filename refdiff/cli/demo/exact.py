"""Facts about samplers that hold exactly, computed without a single draw.

For Gaussian data the optimal network is known and affine, so a sampler's output is an affine
function of the noises it draws, and its law follows from the coefficients
(`refdiff.closed_form.output_moments`). The samplers are those that drew the digits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from refdiff import equations, samplers
from refdiff.closed_form import Gaussian, affine_model, output_moments

__all__ = ["MEAN", "STEPS", "ExactFact", "exact_facts"]

STEPS = (1, 7, 50)
"""Numbers of sampler steps."""

MEAN = 0.3
"""Mean of the data."""
_SPREAD = 0.5


@dataclass(frozen=True)
class ExactFact:
    """What one sampler makes of data whose law is known.

    Attributes
    ----------
    sampler : str
        As "DDIM, eta 0".
    spread : float
        Standard deviation of the data; 0 is a point mass.
    outcome : tuple of (float, float)
        Error of the mean and standard deviation of the output, for each number of `STEPS`.
    """

    sampler: str
    spread: float
    outcome: tuple[tuple[float, float], ...]


def exact_facts(alpha_bars: NDArray[np.float64]) -> tuple[ExactFact, ...]:
    """Compute the exact output of the samplers for a point mass and for a Gaussian.

    Parameters
    ----------
    alpha_bars : ndarray of float64, (T+1,)
        The noise schedule of the demonstration.

    Returns
    -------
    tuple of ExactFact
        Point mass first.
    """
    return tuple(
        ExactFact(
            name,
            spread,
            tuple(_outcome(sampler, spread, alpha_bars, steps) for steps in STEPS),
        )
        for spread in (0.0, _SPREAD)
        for name, sampler in _samplers()
    )


def _samplers() -> Iterator[tuple[str, Callable[..., Any]]]:
    yield "DDPM", samplers.ddpm
    for eta in (0.0, 0.5):

        def ddim(*arguments: Any, eta: float = eta, **options: Any) -> Any:
            return samplers.ddim(*arguments, eta=eta, **options)

        yield f"DDIM, eta {eta:g}", ddim


def _outcome(
    sampler: Callable[..., Any], spread: float, alpha_bars: NDArray[np.float64], steps: int
) -> tuple[float, float]:
    data = Gaussian([MEAN], spread**2)
    model = affine_model(data, alpha_bars, prediction="v")  # as the network of the digits
    times = [int(t) for t in equations.trailing_timesteps(len(alpha_bars) - 1, steps)]
    mean, covariance = output_moments(
        lambda x_T, noise: sampler(
            model, x_T, alpha_bars=alpha_bars, timesteps=times, prediction="v", noise=noise
        ),
        data,
    )
    return float(mean[0]) - MEAN, float(np.sqrt(covariance[0, 0]))
