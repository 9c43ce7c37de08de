"""Guided models: two predictions, with and without the condition, made into one.

The weight is w of Ho and Salimans: 0 is the conditional prediction, -1 the unconditional one, and
the scale s of other papers is 1 + w. Predictions of eps, x_0 and v are guided alike, since all
conversions between them are affine. Of a model that learned its variance the prediction is guided
and v is taken from the conditional answer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from refdiff._checks import CLOSED_UNIT, NON_NEGATIVE, check_in
from refdiff._namespace import Array, divide
from refdiff.equations import classifier_free_guidance, interval_scale, rescale_guidance
from refdiff.samplers._arguments import level_table, split
from refdiff.samplers.step import Model

__all__ = ["classifier_free", "guided"]

_ALONE_UNCONDITIONAL = -1.0


def guided(
    cond: Model,
    uncond: Model,
    *,
    w: float,
    rescale: float = 0.0,
    interval: tuple[float, float] | None = None,
    alpha_bars: npt.ArrayLike | None = None,
) -> Model:
    """Return the model that guides ``cond`` away from ``uncond``.

    Where the weight is 0 only ``cond`` is called, where it is -1 only ``uncond``.

    Parameters
    ----------
    cond, uncond : callable
        Models ``model(x, t)`` of the same prediction. ``uncond`` may be any weaker model.
    w : float
        The weight; any finite number.
    rescale : float
        phi in [0, 1] of `refdiff.equations.rescale_guidance`; 0 does not rescale. Not affine.
    interval : (float, float), optional
        (sigma_lo, sigma_hi): guidance acts where sqrt((1 - alpha_bar) / alpha_bar) is in
        (sigma_lo, sigma_hi]; elsewhere the prediction is the conditional one.
    alpha_bars : array_like, shape (T+1,), optional
        Noise levels by time; needed with ``interval``.

    Returns
    -------
    callable
        A model ``model(x, t)``.

    Raises
    ------
    ValueError
        If an argument is outside its domain, or ``interval`` comes without ``alpha_bars``.

    Examples
    --------
    >>> guided(lambda x, t: 3.0, lambda x, t: 1.0, w=0.5)(0.0, 1)
    4.0
    """
    weight_at = _weights(w, rescale, interval, alpha_bars)

    def model(x: Array, t: int) -> Any:
        weight = weight_at(t)
        if weight == 0.0:
            return cond(x, t)
        if weight == _ALONE_UNCONDITIONAL and rescale == 0.0:
            return uncond(x, t)
        prediction_cond, v = split(cond(x, t))
        prediction_uncond, _ = split(uncond(x, t))
        return _joined(prediction_cond, prediction_uncond, v, weight, rescale)

    return model


def classifier_free(
    network: Callable[[Any, int, Any], Any],
    labels: Any,
    *,
    null_label: int,
    w: float,
    rescale: float = 0.0,
    interval: tuple[float, float] | None = None,
    alpha_bars: npt.ArrayLike | None = None,
) -> Model:
    """Return the guided model of a network that takes labels, in one call with a doubled batch.

    Where the weight is 0 the network sees the batch once, with the labels; where it is -1, once,
    with the null label.

    Parameters
    ----------
    network : callable
        ``network(x, t, y)`` for x of shape (B, ...), an int t, and y of shape (B,).
    labels : tensor or ndarray, shape (B,)
        The condition of each sample, on the network's device.
    null_label : int
        The label that stands for no condition.
    w, rescale, interval, alpha_bars
        As in `guided`.

    Returns
    -------
    callable
        A model ``model(x, t)`` for batches of as many samples as there are labels.

    Raises
    ------
    ValueError
        If an argument is outside its domain; from the model, if a batch has another size.
    """
    weight_at = _weights(w, rescale, interval, alpha_bars)
    if len(getattr(labels, "shape", ())) != 1:
        raise ValueError(
            "labels must be a tensor or an array of shape (B,), one label a sample; for one class "
            "alone repeat it, as torch.full((batch_size,), label) does."
        )
    nulls = labels * 0 + null_label
    both = _stacked(labels, nulls)

    def model(x: Array, t: int) -> Any:
        count = labels.shape[0]
        if x.shape[0] != count:
            raise ValueError(
                f"x holds {x.shape[0]} samples and labels {count}; give one label a sample."
            )
        weight = weight_at(t)
        if weight == 0.0:
            return network(x, t, labels)
        if weight == _ALONE_UNCONDITIONAL and rescale == 0.0:
            return network(x, t, nulls)
        prediction, v = split(network(_stacked(x, x), t, both))
        v = None if v is None else v[:count]
        return _joined(prediction[:count], prediction[count:], v, weight, rescale)

    return model


def _stacked(first: Any, second: Any) -> Any:
    """Join two batches along the first axis."""
    if isinstance(first, np.ndarray):
        return np.concatenate((first, second))
    import torch

    return torch.cat((first, second))


def _joined(cond: Array, uncond: Array, v: Array | None, w: float, rescale: float) -> Any:
    prediction = classifier_free_guidance(cond, uncond, w=w)
    if rescale > 0.0:
        prediction = rescale_guidance(prediction, cond, phi=rescale)
    return prediction if v is None else (prediction, v)


def _weights(
    w: float,
    rescale: float,
    interval: Sequence[float] | None,
    alpha_bars: npt.ArrayLike | None,
) -> Callable[[int], float]:
    """Return the weight as a function of time, or refuse the arguments."""
    weight = float(w)
    if not math.isfinite(weight):
        raise ValueError(
            f"w={weight} must be finite: 0 is the conditional prediction, -1 the unconditional one."
        )
    check_in(CLOSED_UNIT, "it is phi; 0 does not rescale, 0.7 is usual.", rescale=rescale)
    if interval is None:
        return lambda t: weight
    sigma_lo, sigma_hi = interval
    ends = "an end of interval is a noise level sqrt((1 - alpha_bar) / alpha_bar)."
    check_in(NON_NEGATIVE, ends, sigma_lo=sigma_lo, sigma_hi=sigma_hi)
    if sigma_lo >= sigma_hi:
        raise ValueError(
            f"interval={(sigma_lo, sigma_hi)} must have its lower end first; were the two swapped?"
        )
    if alpha_bars is None:
        raise ValueError(
            "interval needs alpha_bars to know the noise level of each time; pass the table that "
            "the sampler gets."
        )
    levels = level_table(alpha_bars)

    def weight_at(t: int) -> float:
        sigma = math.sqrt(divide(1.0 - levels[t], levels[t]))
        # Scale 1 means no guidance, inside as outside.
        scale = interval_scale(
            sigma=sigma, scale=1.0 + weight, sigma_lo=sigma_lo, sigma_hi=sigma_hi
        )
        return 0.0 if scale == 1.0 else weight

    return weight_at
