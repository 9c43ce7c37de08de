"""The scripted model: arbitrary answers from which every coefficient of a step can be read.

A model that answers with a fixed multiple of x would leave the coefficients of x and of its answer
undetermined. This one answers what an arbitrary, fixed x_0 implies, another one in each call: its
predictions of x_0 stay within a known range, so that a target that limits x_0 is left alone by a
small range and is made to act by a large one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from refdiff.conformance.probe.model import ProbeModel

__all__ = ["LARGE", "SMALL", "Script", "scripted_model"]

Array = NDArray[np.float64]
# Bound here, before anything replaces them for the time of a target's call.
_GENERATOR, _BITS, _SEEDS = np.random.Generator, np.random.PCG64, np.random.SeedSequence

SMALL, LARGE = 0.4375, 3.0
"""Ranges of the predicted x_0: well within [-1, 1], and mostly outside."""


class Script:
    """``answer(x, alpha, sigma, condition)`` for a `ProbeModel`.

    Parameters
    ----------
    seed : int
        Of the arbitrary numbers.
    prediction : str
        ``"eps"``, ``"x_0"`` or ``"v"``.
    size : float
        Predictions of x_0 are between -size and size.
    learned : bool
        Answer with twice the channels; the second half lies in [-1, 1] and chooses a variance.
    """

    def __init__(self, seed: int, prediction: str, *, size: float, learned: bool) -> None:
        self.prediction, self.size, self.learned = prediction, size, learned
        self._seed, self._count = seed, 0

    def __call__(self, x: Array, alpha: Array, sigma: Array, condition: Any = None) -> Array:
        """Return the prediction that the script's x_0 implies for x at this level."""
        self._count += 1
        x_0 = self.size * self._numbers(x, condition, 0)
        a, s = (np.reshape(v, (-1,) + (1,) * (x.ndim - 1)) for v in (alpha, sigma))
        answer = _implied(self.prediction, x, x_0, a, s)
        if not self.learned:
            return answer
        return np.concatenate([answer, self._numbers(x, condition, 1)], axis=1)

    def _numbers(self, x: Array, condition: Any, stream: int) -> Array:
        """Return numbers in [-1, 1] that depend on the call, the sample and its label."""
        rows = []
        for sample in range(len(x)):
            label = 0 if condition is None else 1 + abs(hash(float(np.ravel(condition)[sample])))
            key = (self._seed, self._count, sample, label, stream)
            generator = _GENERATOR(_BITS(_SEEDS(key)))
            rows.append(2.0 * generator.random(x.shape[1:]) - 1.0)
        return np.stack(rows)


def _implied(prediction: str, x: Array, x_0: Array, alpha: Array, sigma: Array) -> Array:
    if prediction == "x_0":
        return x_0
    # Where there is no noise, no x_0 but x is implied; any number will do.
    eps = np.where(sigma == 0, x_0, (x - alpha * x_0) / np.where(sigma == 0, 1.0, sigma))
    # v belongs to coordinates of variance one; the scales are brought there first.
    total = np.sqrt(alpha * alpha + sigma * sigma)
    return eps if prediction == "eps" else (alpha * eps - sigma * x_0) / total


def scripted_model(
    loop: Any, prediction: str, *, seed: int = 0, size: float = SMALL, learned: bool = False
) -> ProbeModel:
    """Return a recording model with scripted answers for a loop."""
    return ProbeModel(
        Script(seed, prediction, size=size, learned=learned),
        alpha_bars=loop.alpha_bars,
        time_base=loop.time_base,
        tells=loop.tells,
    )
