"""What samplers over a schedule share: checked times, and a model's answer as (x_0, eps)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from refdiff._namespace import Array
from refdiff.equations import continuous, flow
from refdiff.samplers._arguments import check_choice, split
from refdiff.samplers.limits import Limit
from refdiff.samplers.schedule import Schedule

__all__ = [
    "CONTINUOUS_PREDICTIONS",
    "Level",
    "Span",
    "asked",
    "between",
    "checked_spans",
    "level_at",
    "log_snr_growth",
    "scales_of",
]

CONTINUOUS_PREDICTIONS = ("eps", "x_0", "v", "score", "velocity")
"""What a model may predict for a sampler over a schedule."""


class Level(NamedTuple):
    """A time of a schedule with its scales and their rates in t, as Python floats."""

    t: float
    alpha: float
    sigma: float
    half_log_snr: float
    rates: tuple[float, float] | None


class Span(NamedTuple):
    """A step from the noisier time t to the less noisy time s."""

    t: float
    s: float
    start: Level
    end: Level


def level_at(schedule: Schedule, t: float) -> Level:
    """Return the level of a time; a whole time of a table as an ``int``."""
    time = int(t) if schedule.counts and float(t).is_integer() else float(t)
    alpha, sigma = schedule.alpha(t), schedule.sigma(t)
    rates = None if schedule.rates is None or sigma == 0.0 else schedule.rates(t)
    return Level(time, alpha, sigma, schedule.half_log_snr(t), rates)


def between(schedule: Schedule, span: Span, share: float) -> Level:
    """Return the level at a share of a step, measured in the log-SNR; both ends are finite."""
    half = span.start.half_log_snr * (1.0 - share) + span.end.half_log_snr * share
    return level_at(schedule, schedule.time_at(2.0 * half))


def log_snr_growth(span: Span) -> float:
    """Return h, by how much half the log-SNR grows in a step; it may be infinite."""
    return span.end.half_log_snr - span.start.half_log_snr


def scales_of(start: Level, end: Level) -> dict[str, float]:
    """Return the scales at both ends, by the names that the equations of steps give them."""
    return {
        "alpha_t": start.alpha,
        "sigma_t": start.sigma,
        "alpha_s": end.alpha,
        "sigma_s": end.sigma,
    }


def checked_spans(schedule: Schedule, times: Sequence[float], prediction: str) -> list[Span]:
    """Return the steps over the given times, or refuse the times."""
    check_choice("prediction", prediction, CONTINUOUS_PREDICTIONS)
    if not isinstance(schedule, Schedule):
        raise ValueError(
            f"schedule of type {type(schedule).__name__} must be a Schedule, such as "
            f"refdiff.samplers.schedule.discrete(alpha_bars) makes of a table."
        )
    if prediction == "velocity" and schedule.rates is None:
        raise ValueError(
            f"prediction='velocity' needs the rates of the scales in time, which the schedule "
            f"{schedule.name} does not have; use a schedule of a formula such as straight(), or "
            f"say prediction='v' for alpha eps - sigma x_0."
        )
    levels = [level_at(schedule, time) for time in _times(times, schedule)]
    spans = [Span(a.t, b.t, a, b) for a, b in itertools.pairwise(levels)]
    for span in spans:
        if not span.start.half_log_snr < span.end.half_log_snr:
            raise ValueError(
                f"times {span.t:g} and {span.s:g} must have different noise levels; in the "
                f"schedule {schedule.name} they are equal to rounding: choose them further apart."
            )
    if levels[0].alpha == 0.0 and prediction in ("eps", "score"):
        raise ValueError(
            f"prediction={prediction!r} cannot start at times[0]={levels[0].t:g}, where the "
            f"schedule {schedule.name} holds no signal and the noise says nothing about the data; "
            f"use a model that predicts 'v' or 'x_0', or start at an earlier time."
        )
    return spans


def _times(times: Sequence[float], schedule: Schedule) -> list[float]:
    try:
        values = [float(time) for time in times]
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"times must be a list of numbers such as refdiff.samplers.times makes; {error}."
        ) from error
    if len(values) < 2:
        raise ValueError(
            f"times={values!r} must hold at least two times: where to begin and where to end, "
            f"which is 0 for clean data."
        )
    for i, time in enumerate(values):
        if not 0.0 <= time <= schedule.t_max or math.isinf(time):
            raise ValueError(
                f"times[{i}]={time:g} must be in [0, {schedule.t_max:g}], the times of the "
                f"schedule {schedule.name}."
            )
        if i and not time < values[i - 1]:
            raise ValueError(
                f"times[{i}]={time:g} must be below times[{i - 1}]={values[i - 1]:g}: the times "
                f"are strictly decreasing; was the list in ascending order, or a time doubled?"
            )
    return values


def asked(
    model: Any, x_t: Array, level: Level, prediction: str, limit: Limit | None
) -> tuple[Array, Array]:
    """Ask the model once, and return its answer as (x_0, eps), limited where asked to."""
    output, _ = split(model(x_t, level.t))
    x_0, eps = _predictions(output, x_t, level, prediction)
    if limit is None:
        return x_0, eps
    # A limit reads the state as one of variance-preserving noise.
    size = math.hypot(level.alpha, level.sigma)
    return limit(x_0, eps, x_t / size, (level.alpha / size) ** 2)


def _predictions(output: Array, x_t: Array, level: Level, prediction: str) -> tuple[Array, Array]:
    both = {"alpha_t": level.alpha, "sigma_t": level.sigma}
    if prediction == "eps":
        return continuous.x_0_from_eps(x_t, output, **both), output
    if prediction == "x_0":
        return output, continuous.eps_from_x_0(x_t, output, **both)
    if prediction == "v":
        x_0 = continuous.x_0_from_v(x_t, output, **both)
        return x_0, continuous.eps_from_v(x_t, output, **both)
    if prediction == "score":
        x_0 = continuous.x_0_from_score(x_t, output, **both)
        return x_0, continuous.eps_from_score(output, sigma_t=level.sigma)
    alpha_rate, sigma_rate = level.rates or (0.0, 0.0)
    moving = {**both, "alpha_rate": alpha_rate, "sigma_rate": sigma_rate}
    x_0 = flow.x_0_from_velocity(x_t, output, **moving)
    return x_0, flow.eps_from_velocity(x_t, output, **moving)
