"""UniPC: a multistep predictor with a corrector that asks the model no further (Zhao et al. 2023).

The predictor leads from t to s with the predictions at t and before. At s the model is asked at
the predicted state, for the step after; with this prediction the corrector repeats the step from t.
A `Step` here therefore begins with the correction of the state that the step before has left: what
it yields are predicted states, and the last one stays uncorrected, so that S steps ask S times.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from refdiff._checks import check_count
from refdiff._namespace import Array
from refdiff.equations.solvers import (
    dpm_solver_1_step,
    dpmpp_1_step,
    unipc_b1,
    unipc_b2,
    unipc_data_step,
    unipc_noise_step,
    unipc_weight_1,
    unipc_weight_2,
    unipc_weight_3,
)
from refdiff.samplers._arguments import check_choice, check_noise
from refdiff.samplers._levels import Span, asked, checked_spans, log_snr_growth, scales_of
from refdiff.samplers.limits import Limit
from refdiff.samplers.schedule import Schedule
from refdiff.samplers.step import Model, Noise, Trajectory

__all__ = ["UNIPC_FORMS", "unipc"]

UNIPC_FORMS = ("eps", "x_0")
"""What is integrated over the log-SNR: predicted noise or predicted data."""

_B: dict[str, Callable[..., Array]] = {"B1": unipc_b1, "B2": unipc_b2}


class _Known(NamedTuple):
    """A prediction and where it was made, as half the log-SNR."""

    at: float
    value: Array


def unipc(
    model: Model,
    x_T: Array,
    *,
    schedule: Schedule,
    times: Sequence[float],
    order: int = 3,
    corrector: bool = True,
    b: str = "B2",
    form: str = "eps",
    prediction: str = "eps",
    limit: Limit | None = None,
    noise: Noise | None = None,
) -> Trajectory:
    """Sample by UniPC: UniP-p, and with the corrector UniPC-p, for p up to 3.

    Step i, counted from 1, has the order min(p, i): so many predictions are known. The step to
    clean data, and one from no signal, are of order 1, and so is the one after the latter. Over a
    grid whose first steps are short enough the order of convergence is p, and p + 1 with the
    corrector; over an even one the first step, of order 1 or 2, limits it to 2 or 3.

    Parameters
    ----------
    model : callable
        ``model(x, t)``: the prediction, or ``(prediction, v)``, of which v is not used. It is
        asked once a step, corrector or not.
    x_T : array
        The first state, at ``times[0]``. It is not changed.
    schedule : Schedule
        The scales by time, such as `refdiff.samplers.schedule.discrete` makes of a table.
    times : sequence of float
        Strictly decreasing, S + 1 of them. Where the last has no noise, the last step returns the
        predicted data.
    order : {1, 2, 3}
        p, the number of predictions that the predictor uses.
    corrector : bool
        Whether to correct every state once the model was asked there; all but the last.
    b : {"B1", "B2"}
        B(h) = h or e^h - 1. It acts where a single difference stands with the weight 1/2: in the
        predictor of order 2 and in the corrector of order 1.
    form : {"eps", "x_0"}
        What is integrated: predicted noise or predicted data, whatever the model predicts.
    prediction : {"eps", "x_0", "v", "score", "velocity"}
        What the model predicts; eps and score cannot start without a signal.
    limit : callable, optional
        Such as `refdiff.samplers.clipping`; by default the predicted x_0 is used as it is.
    noise : callable, optional
        Never asked; taken so that all samplers can be called alike.

    Returns
    -------
    Trajectory
        An iterator of S `Step`, computed on demand; their x is the predictor's.

    Raises
    ------
    ValueError
        At the call, if an argument is outside its domain.

    Source
    ------
    Zhao et al. 2023 (arXiv:2302.04867), UniP-p and UniC-p in their multistep form.

    Examples
    --------
    >>> import numpy as np
    >>> from refdiff.samplers import last
    >>> from refdiff.samplers.schedule import edm
    >>> steps = unipc(lambda x, t: 0 * x + 1, np.array([3.0]), schedule=edm(),
    ...               times=[2.0, 1.0, 0.5])
    >>> last(steps)
    array([1.5])
    """
    spans = checked_spans(schedule, times, prediction)
    count = check_count("order", order, low=1, high=3, cure="UniPC is given here up to order 3.")
    check_choice("b", b, tuple(_B))
    check_choice("form", form, UNIPC_FORMS)
    check_noise(noise, needed=False, why="unipc")
    # Predictions at the times before, the latest first, and where the step before began.
    known: list[_Known] = []
    begun: list[tuple[Array, Span]] = []

    def moved(x: Array, span: Span, value: Array, points: Sequence[_Known]) -> Array:
        """Take the step from a state with this prediction, using those at other points."""
        ends = scales_of(span.start, span.end)
        if not points:
            return (dpm_solver_1_step if form == "eps" else dpmpp_1_step)(x, value, **ends)
        growth = log_snr_growth(span)
        places = [(point.at - span.start.half_log_snr) / growth for point in points]
        weights = _weights(growth if form == "eps" else -growth, places, _B[b])
        correction = weights[0] * (points[0].value - value)
        for weight, point in zip(weights[1:], points[1:], strict=True):
            correction = correction + weight * (point.value - value)
        step = unipc_noise_step if form == "eps" else unipc_data_step
        return step(x, value, correction, **ends)

    def update(x_t: Array, span: Span) -> tuple[Array, Array]:
        x_0, eps = asked(model, x_t, span.start, prediction, limit)
        here = _Known(span.start.half_log_snr, eps if form == "eps" else x_0)
        if corrector and begun:
            x_before, step_before = begun[0]
            x_t = moved(x_before, step_before, known[0].value, [*known[1:count], here])
        finite = not math.isinf(log_snr_growth(span))
        if finite:
            x_s = moved(x_t, span, here.value, known[: count - 1])
        else:
            x_s = dpmpp_1_step(x_t, x_0, **scales_of(span.start, span.end))
        # Last, so that a step in which the model raised can be asked for again.
        known[:] = [here, *known][:count] if finite else []
        begun[:] = [(x_t, span)] if finite else []
        return x_s, x_0

    return Trajectory(update, x_T, spans)


def _weights(h: float, places: Sequence[float], b: Callable[..., Array]) -> list[Array]:
    """Return the weight of each difference; every place takes its turn as the first."""
    turns = [[places[m], *places[:m], *places[m + 1 :]] for m in range(len(places))]
    if len(places) == 1:
        return [unipc_weight_1(b=b(h=h), r_1=places[0])]
    if len(places) == 2:
        return [unipc_weight_2(h=h, r_1=r_1, r_2=r_2) for r_1, r_2 in turns]
    return [unipc_weight_3(h=h, r_1=r_1, r_2=r_2, r_3=r_3) for r_1, r_2, r_3 in turns]
