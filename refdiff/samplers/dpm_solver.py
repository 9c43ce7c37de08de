"""DPM-Solver of orders 1 to 3: predicted noise, integrated over the log-SNR (Lu et al. 2022)."""

from __future__ import annotations

import math
from collections.abc import Sequence

from refdiff._checks import check_count
from refdiff._namespace import Array
from refdiff.equations.solvers import (
    dpm_solver_1_step,
    dpm_solver_2_step,
    dpm_solver_3_step,
    dpmpp_1_step,
)
from refdiff.samplers._arguments import check_noise
from refdiff.samplers._levels import (
    Level,
    Span,
    asked,
    between,
    checked_spans,
    log_snr_growth,
    scales_of,
)
from refdiff.samplers.limits import Limit
from refdiff.samplers.schedule import Schedule
from refdiff.samplers.step import Model, Noise, Trajectory

__all__ = ["dpm_solver"]


def dpm_solver(
    model: Model,
    x_T: Array,
    *,
    schedule: Schedule,
    times: Sequence[float],
    order: int = 2,
    prediction: str = "eps",
    limit: Limit | None = None,
    noise: Noise | None = None,
) -> Trajectory:
    """Sample by DPM-Solver: a single-step method that asks the model `order` times a step.

    Order 1 is DDIM without noise. Order 2 asks once more in the middle of the step, measured in the
    log-SNR, order 3 at its thirds. Where a step is infinitely long in the log-SNR there is no
    middle: a step to clean data, and one from no signal, are of order 1, whatever the order.

    Parameters
    ----------
    model : callable
        ``model(x, t)``: the prediction, or ``(prediction, v)``, of which v is not used. It is
        asked ``order`` times a step, once in a step of infinite length; from the second time on at
        times between those given, which in a table are no whole numbers.
    x_T : array
        The first state, at ``times[0]``. It is not changed.
    schedule : Schedule
        The scales by time, such as `refdiff.samplers.schedule.discrete` makes of a table.
    times : sequence of float
        Strictly decreasing, S + 1 of them. Where the last has no noise, the last step returns the
        predicted data.
    order : {1, 2, 3}
        The order of convergence.
    prediction : {"eps", "x_0", "v", "score", "velocity"}
        What the model predicts; eps and score cannot start without a signal.
    limit : callable, optional
        Such as `refdiff.samplers.clipping`; by default the predicted x_0 is used as it is. It acts
        on every prediction.
    noise : callable, optional
        Never asked; taken so that all samplers can be called alike.

    Returns
    -------
    Trajectory
        An iterator of S `Step`, computed on demand; their x_0 is that of the step's start.

    Raises
    ------
    ValueError
        At the call, if an argument is outside its domain.

    Source
    ------
    Lu et al. 2022 (arXiv:2206.00927), equation (3.7), Algorithms 1 and 2.

    Examples
    --------
    >>> import numpy as np
    >>> from refdiff.samplers import last
    >>> from refdiff.samplers.schedule import edm
    >>> steps = dpm_solver(lambda x, t: 0 * x + 1, np.array([3.0]), schedule=edm(),
    ...                    times=[2.0, 0.5], order=3)
    >>> last(steps).round(12)
    array([1.5])
    """
    spans = checked_spans(schedule, times, prediction)
    cure = "the paper has DPM-Solver-1, -2 and -3."
    stages = check_count("order", order, low=1, high=3, cure=cure)
    check_noise(noise, needed=False, why="dpm_solver")

    def ask(x: Array, level: Level) -> tuple[Array, Array]:
        return asked(model, x, level, prediction, limit)

    def update(x_t: Array, span: Span) -> tuple[Array, Array]:
        x_0, eps = ask(x_t, span.start)
        whole = scales_of(span.start, span.end)
        if math.isinf(log_snr_growth(span)):
            return dpmpp_1_step(x_t, x_0, **whole), x_0
        if stages == 1:
            return dpm_solver_1_step(x_t, eps, **whole), x_0
        if stages == 2:
            middle = between(schedule, span, 1 / 2)
            x_u = dpm_solver_1_step(x_t, eps, **scales_of(span.start, middle))
            return dpm_solver_2_step(x_t, eps, ask(x_u, middle)[1], r=1 / 2, **whole), x_0
        first, second = between(schedule, span, 1 / 3), between(schedule, span, 2 / 3)
        x_u = dpm_solver_1_step(x_t, eps, **scales_of(span.start, first))
        part = scales_of(span.start, second)
        x_u = dpm_solver_3_step(x_t, eps, ask(x_u, first)[1], r=1 / 2, **part)
        return dpm_solver_3_step(x_t, eps, ask(x_u, second)[1], r=2 / 3, **whole), x_0

    return Trajectory(update, x_T, spans)
