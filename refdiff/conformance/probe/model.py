"""The model that is handed to a target: it answers exactly and records every question."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refdiff.conformance.loops import Call

__all__ = ["Answer", "ProbeModel", "Scripted", "level_of_time", "scripted"]

Array = NDArray[np.float64]
Answer: TypeAlias = Callable[[Array, Array, Array, Any], Any]
"""answer(x, alpha, sigma, condition): x (B, ...), scales (B,), labels (B,) or None."""

# Bound here, before anything replaces them for the time of a target's call.
_GENERATOR, _BITS = np.random.Generator, np.random.Philox


class ProbeModel:
    """A model that answers from what is known and records what it was asked.

    Parameters
    ----------
    answer : callable
        ``answer(x, alpha, sigma, condition)``: a prediction of a `World`, or `scripted`. It gets
        and returns float64 arrays.
    alpha_bars : array_like
        Shape (T+1,), the schedule by which told times are understood; not needed for sigmas.
    time_base : int
        The told time that means ``alpha_bars[1]``.
    unit : float
        One time of the schedule in the unit of what is told: 1/T where fractions are.
    tells : str
        ``"time"``, or ``"sigma"`` where the model is told sigma of x = x_0 + sigma eps.

    Attributes
    ----------
    calls : list of Call
        Every question so far.
    """

    def __init__(
        self,
        answer: Answer,
        *,
        alpha_bars: ArrayLike | None = None,
        time_base: float = 0,
        unit: float = 1.0,
        tells: Literal["time", "sigma"] = "time",
    ) -> None:
        if tells == "time" and alpha_bars is None:
            raise ValueError("alpha_bars=None: a model that is told times needs their schedule")
        self.answer = answer
        self.alpha_bars = None if alpha_bars is None else np.asarray(alpha_bars, np.float64)
        self.time_base, self.unit = time_base, unit
        self.tells = tells
        self.calls: list[Call] = []

    def __call__(self, x: Any, t: Any, condition: Any = None, **given: Any) -> Any:
        """Answer one question.

        Parameters
        ----------
        x : array
            Shape (B, ...); NumPy, torch, or anything that NumPy can read.
        t : int, float or array
            One time for all, 0-d, or (B,), (B, 1), (B, 1, 1, 1): times, or sigmas.
        condition : array, optional
            Labels; ``y=`` and ``class_labels=`` mean the same. Other keywords are ignored.

        Returns
        -------
        array
            Like x in kind, dtype and device.
        """
        for name in ("y", "class_labels"):
            condition = given.get(name) if condition is None else condition
        values = as_array(x)
        times = _per_sample(t, len(values))
        labels = None if condition is None else _labels(condition, len(values))
        alpha, sigma = self.scales(times)
        output = np.asarray(self.answer(values, alpha, sigma, labels), np.float64)
        answered = like(output, x)
        self.calls.append(Call(values, times, labels, as_array(answered), values))
        return answered

    def scales(self, told: ArrayLike) -> tuple[Array, Array]:
        """Return alpha and sigma of the noise level that the model was told, each (B,)."""
        times = np.asarray(told, np.float64)
        if self.tells == "sigma" or self.alpha_bars is None:
            return np.ones_like(times), times
        level = level_of_time(times / self.unit - self.time_base + 1, self.alpha_bars)
        return np.sqrt(level), np.sqrt(1.0 - level)


def level_of_time(index: ArrayLike, alpha_bars: ArrayLike) -> Array:
    """Return alpha_bar at times that may lie between those of the table.

    Between two entries log-SNR is interpolated linearly, as continuous-time samplers read discrete
    schedules; next to an entry without noise or without signal, where log-SNR is infinite,
    alpha_bar is. Times outside 0..T have the level of the nearest end.

    Parameters
    ----------
    index : array_like
        Times, 0 for the data.
    alpha_bars : array_like
        Shape (T+1,).

    Returns
    -------
    numpy.ndarray
        Shape of `index`; exactly the table's number at each of its times.

    Examples
    --------
    >>> level_of_time([1, 1.5, 9], [1.0, 0.8, 0.2])
    array([0.8, 0.5, 0.2])
    """
    table = np.asarray(alpha_bars, np.float64)
    times = np.nan_to_num(np.clip(np.asarray(index, np.float64), 0.0, table.size - 1.0))
    low = np.floor(times).astype(np.int64)
    share = times - low
    if not share.any():  # the usual case, and asked in each of a thousand steps
        return np.asarray(table[low])
    left, right = table[low], table[np.minimum(low + 1, table.size - 1)]
    with np.errstate(divide="ignore", invalid="ignore"):
        log_snr = (1 - share) * np.log(left / (1 - left)) + share * np.log(right / (1 - right))
        between = 1.0 / (1.0 + np.exp(-log_snr))
    linear = (1 - share) * left + share * right
    between = np.where((left < 1) & (right > 0), between, linear)
    return np.asarray(np.where(share == 0, left, between))


class Scripted:
    """Answers that are arbitrary but fixed: never collinear with x, so coefficients can be read.

    The answer to sample b of call k depends on the seed, k and b alone.
    """

    def __init__(self, seed: int, scale: float = 1.0) -> None:
        self.seed, self.scale, self.count = seed, scale, 0

    def __call__(self, x: Array, alpha: Array, sigma: Array, condition: Any = None) -> Array:
        """Return standard normal numbers times the scale, in the shape of x."""
        call, self.count = self.count, self.count + 1
        rows = [
            _GENERATOR(_BITS(key=(self.seed << 64) + (call << 32) + sample)).standard_normal(
                x.shape[1:]
            )
            for sample in range(len(x))
        ]
        return self.scale * np.stack(rows)


def scripted(seed: int, scale: float = 1.0) -> Scripted:
    """Return an `answer` of arbitrary fixed values; make a new one for each run."""
    return Scripted(seed, scale)


def as_array(x: Any) -> Array:
    """Return any array's numbers as a float64 copy in NumPy."""
    if hasattr(x, "detach"):
        import torch

        x = x.detach().to("cpu", torch.float64).numpy()
    return np.array(x, dtype=np.float64)


def like(values: Array, x: Any) -> Any:
    """Return numbers as an array of the kind, dtype and device of x."""
    if hasattr(x, "detach"):
        import torch

        dtype = x.dtype if x.dtype.is_floating_point else torch.get_default_dtype()
        return torch.from_numpy(np.array(values)).to(x.device, dtype)
    if isinstance(x, np.ndarray):
        return values.astype(x.dtype if x.dtype.kind == "f" else np.float64)
    if hasattr(x, "__array_namespace__"):
        return x.__array_namespace__().asarray(values, dtype=x.dtype)
    return values


def _per_sample(t: Any, count: int) -> Array:
    times = as_array(t).reshape(-1)
    if times.size not in (1, count):
        raise ValueError(f"the model was told {times.size} times for a batch of {count}")
    return np.broadcast_to(times, (count,)).copy()


def _labels(condition: Any, count: int) -> Any:
    """Return integer labels (B,); anything else that conditions as it is."""
    if hasattr(condition, "detach"):
        condition = condition.detach().cpu().numpy()
    array = np.asarray(condition)
    if array.dtype.kind not in "iub":
        return array
    if array.ndim == 2 and array.shape == (count, 1):
        array = array[:, 0]
    return np.broadcast_to(array, (count,)).copy() if array.size == 1 else array
