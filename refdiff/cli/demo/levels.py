r"""The loss at each noise level, beside the least loss of a Gaussian with the digits' moments.

The best affine predictor of eps from x_t has, on any data, the loss of the best predictor of all on
Gaussian data with the same mean and covariance. The best predictor on the digits is therefore at
least as good, and a network has learned something beyond mean and covariance exactly where its loss
lies below that line. The line is an upper bound of the Bayes-optimal loss; what the optimum on
real digits is, nobody knows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from refdiff import equations
from refdiff.closed_form import Gaussian
from refdiff.pictures import scale_pixels
from refdiff.samplers import SampleNoise, predictions
from refdiff.training.data import ImageData, to_tensor
from refdiff.training.run import Run

__all__ = ["LevelLosses", "digits_gaussian", "level_losses", "training_bound"]

_LEVELS = 20


@dataclass(frozen=True)
class LevelLosses:
    """Mean square error of the predicted noise, by time.

    Attributes
    ----------
    times : tuple of int
        Times, from the least noise to the most.
    with_class, without_class : tuple of float
        Loss of the network on held-out digits, told the class or not.
    affine : tuple of float
        Least loss of the Gaussian.
    """

    times: tuple[int, ...]
    with_class: tuple[float, ...]
    without_class: tuple[float, ...]
    affine: tuple[float, ...]

    @property
    def below(self) -> int:
        """At how many times the network that is told the class is below the line."""
        pairs = zip(self.with_class, self.affine, strict=True)
        return sum(network < line for network, line in pairs)


def digits_gaussian(data: ImageData) -> Gaussian:
    """Return the Gaussian with the mean and covariance of the training pictures' pixels."""
    flat = scale_pixels(data.images, data.levels).reshape(len(data), -1).astype(np.float64)
    return Gaussian(flat.mean(axis=0), np.cov(flat, rowvar=False, bias=True))


def training_bound(data: ImageData, alpha_bars: NDArray[np.float64], prediction: str) -> float:
    """Return the least training loss of that Gaussian, averaged over the times 1..T.

    Parameters
    ----------
    data : ImageData
        The training pictures.
    alpha_bars : ndarray of float64, (T+1,)
        The noise schedule.
    prediction : {"eps", "x_0", "v"}
        What the network predicts.

    Returns
    -------
    float
        Comparable to the training loss with all noise levels weighted alike.
    """
    gaussian = digits_gaussian(data)
    losses = [gaussian.at(alpha_bar_t=float(a)).minimal_loss(prediction) for a in alpha_bars[1:]]
    return float(np.mean(losses))


def level_losses(run: Run, data: ImageData, *, seed: int) -> LevelLosses:
    """Measure the network at twenty noise levels.

    Parameters
    ----------
    run : Run
        The trained network.
    data : ImageData
        The pictures it was trained on, with held-out pictures.
    seed : int
        Seed of the noise.

    Returns
    -------
    LevelLosses
        Losses of network and Gaussian.

    Raises
    ------
    ValueError
        If the data have no held-out pictures.
    """
    if data.test is None:
        raise ValueError(f"the data {data.name!r} have no held-out pictures to measure on")
    num_steps = len(run.alpha_bars) - 1
    # The middles of twenty equal parts of 0..T.
    times = [max(1, round((k + 0.5) * num_steps / _LEVELS)) for k in range(_LEVELS)]
    gaussian = digits_gaussian(data)
    labels = None if data.test.labels is None else torch.from_numpy(data.test.labels)
    x_0 = to_tensor(data.test.images, data.levels)
    eps = SampleNoise(seed, range(len(x_0)), tuple(x_0.shape[1:])).initial()
    return LevelLosses(
        times=tuple(times),
        with_class=tuple(_loss(run, x_0, eps, t, labels) for t in times),
        without_class=tuple(_loss(run, x_0, eps, t, None) for t in times),
        affine=tuple(
            gaussian.minimal_eps_loss(alpha_bar_t=float(run.alpha_bars[t])) for t in times
        ),
    )


def _loss(
    run: Run, x_0: torch.Tensor, eps: torch.Tensor, t: int, labels: torch.Tensor | None
) -> float:
    alpha_bar_t = float(run.alpha_bars[t])
    x_t = equations.forward_sample(x_0, eps, alpha_bar_t=alpha_bar_t)
    with torch.inference_mode():
        where = run.device
        output = run.model(x_t.to(where), t, None if labels is None else labels.to(where)).cpu()
    _, eps_pred = predictions(output, x_t, alpha_bar_t, run.config.objective.prediction)
    return float(equations.simple_loss(eps, eps_pred).mean())
