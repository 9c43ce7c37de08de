"""What the model is asked in one call of a method, and an answer whose x_0 is known."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from refdiff.conformance.shapes.gaussian_diffusion.asking import inputs, numbers
from refdiff.conformance.shapes.gaussian_diffusion.target import Subject
from refdiff.testing import EPS

__all__ = ["Answer", "Question", "answered", "as_told", "nearness", "tails", "times_told"]

Array = np.ndarray


@dataclass
class Question:
    """One question: what was shown, what was told, what came with it."""

    x: Array
    t: Array
    others: tuple[Any, ...]
    named: dict[str, Any]


@dataclass
class Answer:
    """A model that says one thing, and remembers what it was asked.

    Parameters
    ----------
    output : numpy.ndarray
        Its prediction, shape (B, C, ...).
    raw : numpy.ndarray or None
        What it says of the variance, in [-1, 1]; put behind the prediction's channels.
    x_t : numpy.ndarray
        The state that the prediction was made for.
    x_0 : numpy.ndarray
        The data that it implies there, up to rounding.
    """

    output: Array
    raw: Array | None
    x_t: Array
    x_0: Array
    asked: list[Question] = field(default_factory=list)

    def __call__(self, x: Any, t: Any = None, *others: Any, **named: Any) -> Any:
        """Answer as a network would."""
        self.asked.append(Question(numbers(x), numbers(t), others, named))
        both = self.output if self.raw is None else np.concatenate([self.output, self.raw], 1)
        return torch.from_numpy(both.copy()).to(x.dtype)


def answered(
    subject: Subject,
    t: Array,
    shape: tuple[int, ...],
    *,
    scale: float = 0.2,
    seed: int = 7,
    data: Array | None = None,
    away: tuple[Any, Any] = (0.0, 0.0),
) -> Answer:
    """Return an answer for a state at these times.

    Parameters
    ----------
    subject : Subject
        Its configuration says what models predict.
    t : numpy.ndarray
        Indices, (B,).
    shape : tuple of int
        Of one image.
    scale : float
        Standard deviation of the implied x_0: 0.2 stays within [-1, 1], where clipping does
        nothing; 2 does not.
    seed : int
        Of the numbers.
    data : numpy.ndarray, optional
        Data near which the implied x_0 lies, in place of `scale`.
    away : tuple
        Mean and standard deviation of the distance from `data`.
    """
    size = (len(t), *shape)
    x_0, x_t, raw = inputs(seed, size, size, size)
    x_0 = np.clip(scale * x_0, -0.95 * max(1.0, 3 * scale), 0.95 * max(1.0, 3 * scale))
    if data is not None:
        x_0 = data + away[0] + away[1] * np.clip(x_0 / scale, -1.5, 1.5)
    level = subject.alpha_bars[1:][t].reshape((-1,) + (1,) * len(shape))
    before = subject.alpha_bars[:-1][t].reshape(level.shape)
    eps = (x_t - np.sqrt(level) * x_0) / np.sqrt(1 - level)
    prediction = subject.prediction or "eps"
    output = {
        "eps": eps,
        "x_0": x_0,
        "v": np.sqrt(level) * eps - np.sqrt(1 - level) * x_0,
        "x_s": np.sqrt(before) * x_0 + np.sqrt(1 - before) * eps,
    }[prediction]
    learns = subject.variance in ("learned", "learned-range")
    told = np.tanh(raw) if learns else None
    exact = [None if a is None else a.astype(np.float32).astype(np.float64) for a in (output, told)]
    assert exact[0] is not None
    return Answer(exact[0], exact[1], x_t, x_0)


def nearness(subject: Subject) -> float:
    """Return a distance from the data at which the decoder's likelihood is neither 0 nor 1.

    Half the standard deviation of the first step, or of the width of a level of grey: further
    away it is the floor of an implementation that is seen, and in float32 only that it has one.
    """
    return 0.5 * min(_first_spread(subject), 1 / 255)


def tails(subject: Subject) -> tuple[Array, Array]:
    """Return mean and standard deviation of the distances of four pictures from the data.

    A difference of two distribution functions, which are near 1 on the right, loses digits from 5
    standard deviations of the decoder on and underflows at 8; on the left it does so only where
    they are formed from 1, as erf is: pictures in the middle, on the left and on the right.
    """
    spread = _first_spread(subject)
    away = np.array([(0.0, 3.0), (0.0, 4.0), (11.0, 1.0), (-11.0, 1.0)]) * spread
    return away[:, 0].reshape(-1, 1, 1, 1), away[:, 1].reshape(-1, 1, 1, 1)


def _first_spread(subject: Subject) -> float:
    """Return about the standard deviation of the first step's posterior, as it is clipped."""
    return float(np.sqrt((1 - subject.alpha_bars[min(2, subject.count)]) / 4))


def as_told(told: Array, right: Array) -> bool:
    """Say whether a model was told these times, which code may rescale in float32."""
    return bool(np.all(np.abs(told - right) <= EPS["float32"] * np.abs(right)))


def times_told(subject: Subject, t: Array) -> Array:
    """Return what the model is to be told at these indices."""
    told = np.asarray(t, np.float64)
    if subject.time_map is not None and len(subject.time_map) == subject.count:
        told = subject.time_map[t]
    if subject.rescales_times:
        told = told * (1000.0 / _trained(subject))
    return np.asarray(told)


def _trained(subject: Subject) -> int:
    return int(getattr(subject.target, "original_num_steps", subject.count))
