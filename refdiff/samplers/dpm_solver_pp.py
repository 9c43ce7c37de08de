"""DPM-Solver++: predicted data, integrated over the log-SNR (Lu et al. 2023)."""

from __future__ import annotations

import math
from collections.abc import Sequence

from refdiff._namespace import Array
from refdiff.equations.solvers import (
    dpmpp_1_step,
    dpmpp_2m_step,
    dpmpp_2s_step,
    sde_dpmpp_1_step,
    sde_dpmpp_2m_step,
)
from refdiff.samplers._arguments import check_choice, check_noise
from refdiff.samplers._levels import (
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

__all__ = ["DPM_SOLVER_PP_VARIANTS", "dpm_solver_pp"]

DPM_SOLVER_PP_VARIANTS = ("1", "2S", "2M", "SDE-1", "SDE-2M")
"""First order; second order by a single step or a multistep; the two with fresh noise."""


def dpm_solver_pp(
    model: Model,
    x_T: Array,
    *,
    schedule: Schedule,
    times: Sequence[float],
    variant: str = "2M",
    prediction: str = "eps",
    limit: Limit | None = None,
    noise: Noise | None = None,
) -> Trajectory:
    """Sample by DPM-Solver++.

    ``"1"`` is DDIM without noise and ``"SDE-1"`` is DDPM with the posterior variance. ``"2S"`` asks
    the model once more in the middle of each step; ``"2M"`` and ``"SDE-2M"`` take the slope of x_0
    from the step before, so that their first step is of order 1. A step of infinite length in the
    log-SNR, to clean data or from no signal, is of order 1 too, and so is the one after the latter.

    Parameters
    ----------
    model : callable
        ``model(x, t)``: the prediction, or ``(prediction, v)``, of which v is not used. It is
        asked once a step; by ``"2S"`` twice a step of finite length, and then also at times between
        those given, which in a table are no whole numbers.
    x_T : array
        The first state, at ``times[0]``. It is not changed.
    schedule : Schedule
        The scales by time, such as `refdiff.samplers.schedule.discrete` makes of a table.
    times : sequence of float
        Strictly decreasing, S + 1 of them. Where the last has no noise, the last step returns the
        predicted data.
    variant : {"1", "2S", "2M", "SDE-1", "SDE-2M"}
        Which of the methods.
    prediction : {"eps", "x_0", "v", "score", "velocity"}
        What the model predicts; eps and score cannot start without a signal.
    limit : callable, optional
        Such as `refdiff.samplers.dynamic_thresholding`; by default the predicted x_0 is used as it
        is. It acts on every prediction.
    noise : callable, optional
        ``noise(t, s, like)``, standard normal; called once by each step of an SDE variant that
        ends with noise, and never by the others. Required where it is called.

    Returns
    -------
    Trajectory
        An iterator of S `Step`, computed on demand; their x_0 is that of the step's start.

    Raises
    ------
    ValueError
        At the call, if an argument is outside its domain or a needed ``noise`` is missing.

    Source
    ------
    Lu et al. 2023 (arXiv:2211.01095), equation (9), Algorithms 1 and 2, and their variants for the
    reverse SDE.

    Examples
    --------
    >>> import numpy as np
    >>> from refdiff.samplers import last
    >>> from refdiff.samplers.schedule import edm
    >>> steps = dpm_solver_pp(lambda x, t: 0 * x + 1, np.array([3.0]), schedule=edm(),
    ...                       times=[2.0, 1.0, 0.5], prediction="x_0")
    >>> last(steps)
    array([1.5])
    """
    spans = checked_spans(schedule, times, prediction)
    check_choice("variant", variant, DPM_SOLVER_PP_VARIANTS)
    noisy = variant.startswith("SDE") and spans[0].end.sigma > 0.0
    check_noise(noise, needed=noisy, why=f"DPM-Solver++ {variant}")
    # Of the step before: its data and its length, once it has a length.
    before: list[tuple[Array, float]] = []

    def update(x_t: Array, span: Span) -> tuple[Array, Array]:
        x_0, _ = asked(model, x_t, span.start, prediction, limit)
        growth, whole = log_snr_growth(span), scales_of(span.start, span.end)
        multistep = variant.endswith("2M") and bool(before) and not math.isinf(growth)
        past, r = (before[0][0], before[0][1] / growth) if multistep else (x_0, 1.0)
        if variant.startswith("SDE") and noise is not None and span.end.sigma > 0.0:
            fresh = noise(span.t, span.s, x_t)
            if multistep:
                x_s = sde_dpmpp_2m_step(x_t, x_0, past, fresh, r=r, **whole)
            else:
                x_s = sde_dpmpp_1_step(x_t, x_0, fresh, **whole)
        elif multistep:
            x_s = dpmpp_2m_step(x_t, x_0, past, r=r, **whole)
        elif variant == "2S" and not math.isinf(growth):
            middle = between(schedule, span, 1 / 2)
            x_u = dpmpp_1_step(x_t, x_0, **scales_of(span.start, middle))
            x_0_u, _ = asked(model, x_u, middle, prediction, limit)
            x_s = dpmpp_2s_step(x_t, x_0, x_0_u, r=1 / 2, **whole)
        else:
            x_s = dpmpp_1_step(x_t, x_0, **whole)
        # Last, so that a step in which the model or the noise raised can be asked for again.
        before[:] = [] if math.isinf(growth) else [(x_0, growth)]
        return x_s, x_0

    return Trajectory(update, x_T, spans)
