"""The table of alpha_bar that a configuration asks for."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from refdiff import equations
from refdiff.training.config import ScheduleConfig

__all__ = ["alpha_bars_of"]

# Above this the noisiest training image still shows the picture, and a sampler that starts from
# pure noise would show the network something it has never seen.
_LARGEST_TERMINAL_ALPHA_BAR = 0.05


def _from_betas(betas: Callable[..., npt.NDArray[np.float64]]) -> Callable[..., npt.NDArray]:
    def alpha_bars(num_steps: int, **parameters: float) -> npt.NDArray[np.float64]:
        return equations.alpha_bars_from_betas(betas(num_steps, **parameters))

    return alpha_bars


def alpha_bars_of(config: ScheduleConfig) -> npt.NDArray[np.float64]:
    """Build the noise schedule.

    Parameters
    ----------
    config : ScheduleConfig
        Family, number of steps and parameters.

    Returns
    -------
    numpy.ndarray of shape (T + 1,), float64
        alpha_bar at the times 0..T; the entry at 0 is 1.

    Raises
    ------
    ValueError
        If a parameter lies outside its domain, or the schedule leaves so much of the image at time
        T that sampling could not start from pure noise.
    """
    family = {
        "linear": _from_betas(equations.linear_betas),
        "scaled-linear": _from_betas(equations.scaled_linear_betas),
        "cosine": _from_betas(equations.cosine_betas),
        "sigmoid": equations.sigmoid_alpha_bars,
    }
    alpha_bars = family[config.name](config.num_steps, **config.parameters())
    if config.zero_terminal_snr:
        alpha_bars = equations.zero_terminal_snr(alpha_bars)
    if alpha_bars[-1] > _LARGEST_TERMINAL_ALPHA_BAR:
        raise ValueError(
            f"schedule {config.name!r} with num_steps={config.num_steps} leaves "
            f"alpha_bar_T={alpha_bars[-1]:.3g}, so its noisiest image is not yet noise "
            f"(at most {_LARGEST_TERMINAL_ALPHA_BAR} is allowed): use more steps, larger betas, "
            "the schedule 'cosine', or zero_terminal_snr."
        )
    return alpha_bars
