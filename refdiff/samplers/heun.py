"""Heun's method for the probability-flow ODE: EDM's Algorithm 1, and Algorithm 2 with churn."""

from __future__ import annotations

import math
from collections.abc import Sequence

from refdiff._checks import NON_NEGATIVE, check_in
from refdiff._namespace import Array
from refdiff.equations import continuous
from refdiff.equations.solvers import churn_rise, churned_sigma, churned_state, heun_step
from refdiff.samplers._arguments import check_noise
from refdiff.samplers._levels import Level, Span, asked, checked_spans, level_at
from refdiff.samplers._slopes import noise_ratio
from refdiff.samplers.limits import Limit
from refdiff.samplers.schedule import Schedule
from refdiff.samplers.step import Model, Noise, Trajectory

__all__ = ["edm_stochastic", "heun"]


def _corrected(
    model: Model, x_t: Array, start: Level, end: Level, prediction: str, limit: Limit | None
) -> tuple[Array, Array]:
    """Take one step, with the correction where both of its ends have a slope."""
    x_0, eps = asked(model, x_t, start, prediction, limit)
    x_s = continuous.forward_sample(x_0, eps, alpha_t=end.alpha, sigma_t=end.sigma)
    if end.sigma == 0.0 or start.alpha == 0.0:
        return x_s, x_0
    _, eps_s = asked(model, x_s, end, prediction, limit)
    step = noise_ratio(end) - noise_ratio(start)
    return end.alpha * heun_step(x_t / start.alpha, eps, eps_s, step=step), x_0


def heun(
    model: Model,
    x_T: Array,
    *,
    schedule: Schedule,
    times: Sequence[float],
    prediction: str = "eps",
    limit: Limit | None = None,
    noise: Noise | None = None,
) -> Trajectory:
    """Sample by Heun's method, of order 2: EDM's Algorithm 1.

    The method runs in x / alpha and u = sigma / alpha, where the slope of the probability-flow ODE
    is the predicted noise; for `refdiff.samplers.schedule.edm` these are x and t themselves. A step
    is tried along the slope at its start and repeated with the mean of the slopes at both ends.
    The noise is no prediction where there is none, and u is infinite without a signal: a step to
    clean data, and one from no signal, are Euler steps.

    Parameters
    ----------
    model : callable
        ``model(x, t)``: the prediction, or ``(prediction, v)``, of which v is not used. It is
        asked twice a step, once in a step to clean data or from no signal: 2 S - 1 times in a run
        to clean data.
    x_T : array
        The first state, at ``times[0]``. It is not changed.
    schedule : Schedule
        The scales by time, such as `refdiff.samplers.schedule.edm`.
    times : sequence of float
        Strictly decreasing, S + 1 of them. Where the last has no noise, the last step returns the
        predicted data.
    prediction : {"eps", "x_0", "v", "score", "velocity"}
        What the model predicts; eps and score cannot start without a signal.
    limit : callable, optional
        Such as `refdiff.samplers.clipping`; by default the predicted x_0 is used as it is.
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
    Karras et al. 2022 (arXiv:2206.00364), Algorithm 1.

    Examples
    --------
    >>> import numpy as np
    >>> from refdiff.samplers import last
    >>> from refdiff.samplers.schedule import edm
    >>> last(heun(lambda x, t: x, np.array([1.0]), schedule=edm(), times=[2.0, 1.0]))
    array([0.5])
    """
    spans = checked_spans(schedule, times, prediction)
    check_noise(noise, needed=False, why="heun")

    def update(x_t: Array, span: Span) -> tuple[Array, Array]:
        return _corrected(model, x_t, span.start, span.end, prediction, limit)

    return Trajectory(update, x_T, spans)


def edm_stochastic(
    model: Model,
    x_T: Array,
    *,
    schedule: Schedule,
    times: Sequence[float],
    churn: float,
    churn_lo: float = 0.0,
    churn_hi: float = math.inf,
    noise_scale: float = 1.0,
    prediction: str = "eps",
    limit: Limit | None = None,
    noise: Noise | None = None,
) -> Trajectory:
    """Sample by EDM's Algorithm 2: before each step fresh noise raises the noise level.

    From the raised level the step is that of `heun`. With ``noise_scale`` = 1 the added noise keeps
    the marginals, so that the moments of the output are of weak order 2. The model is asked at the
    time of the raised level, which in a table lies between two entries.

    Parameters
    ----------
    model : callable
        ``model(x, t)``: the prediction, or ``(prediction, v)``, of which v is not used. It is
        asked as often as by `heun`.
    x_T : array
        The first state, at ``times[0]``. It is not changed.
    schedule : Schedule
        The scales by time, such as `refdiff.samplers.schedule.edm`. Noise levels are sigma/alpha.
    times : sequence of float
        Strictly decreasing, S + 1 of them. Where the last has no noise, the last step returns the
        predicted data.
    churn : float
        S_churn >= 0. Each step raises its noise level by the fraction churn/S, at most sqrt(2) - 1;
        0 is `heun`.
    churn_lo, churn_hi : float
        S_tmin and S_tmax: noise levels sigma/alpha between which steps add noise, ends included.
    noise_scale : float
        S_noise >= 0, standard deviation of the fresh noise.
    prediction : {"eps", "x_0", "v", "score", "velocity"}
        What the model predicts; eps and score cannot start without a signal.
    limit : callable, optional
        Such as `refdiff.samplers.clipping`; by default the predicted x_0 is used as it is.
    noise : callable, optional
        ``noise(t, s, like)``, standard normal. Called once by each step that raises its level;
        required where there is one.

    Returns
    -------
    Trajectory
        An iterator of S `Step`, computed on demand.

    Raises
    ------
    ValueError
        At the call, if an argument is outside its domain, a needed ``noise`` is missing, or a
        raised level is noisier than the schedule reaches.

    Source
    ------
    Karras et al. 2022 (arXiv:2206.00364), Algorithm 2.

    Examples
    --------
    >>> import numpy as np
    >>> from refdiff.samplers import last
    >>> from refdiff.samplers.schedule import edm
    >>> steps = edm_stochastic(lambda x, t: 0 * x, np.array([1.0]), schedule=edm(), churn=0.25,
    ...                        times=[4.0, 1.0], noise=lambda t, s, like: 0 * like + 1)
    >>> last(steps)
    array([4.])
    """
    spans = checked_spans(schedule, times, prediction)
    cure = "it is an option of churn; see edm_stochastic."
    check_in(NON_NEGATIVE, cure, churn=churn, churn_lo=churn_lo, churn_hi=churn_hi)
    check_in(NON_NEGATIVE, cure, noise_scale=noise_scale)
    options = {"churn": float(churn), "churn_lo": float(churn_lo), "churn_hi": float(churn_hi)}
    rises = {span.t: _rise(span.start, len(spans), options) for span in spans}
    raised = {span.t: _raised(schedule, span.start, rises[span.t]) for span in spans}
    needed = any(rise > 0.0 for rise in rises.values())
    check_noise(noise, needed=needed, why=f"churn={churn:g}")

    def update(x_t: Array, span: Span) -> tuple[Array, Array]:
        start, rise = span.start, rises[span.t]
        if noise is not None and rise > 0.0:
            x_t = raised[span.t].alpha * churned_state(
                x_t / start.alpha,
                noise(span.t, span.s, x_t),
                sigma=noise_ratio(start),
                rise=rise,
                noise_scale=float(noise_scale),
            )
            start = raised[span.t]
        return _corrected(model, x_t, start, span.end, prediction, limit)

    return Trajectory(update, x_T, spans)


def _rise(start: Level, num_steps: int, options: dict[str, float]) -> float:
    """Return the relative rise of a step's noise level; a level without signal cannot rise."""
    if start.alpha == 0.0:
        return 0.0
    return float(churn_rise(sigma=noise_ratio(start), num_steps=float(num_steps), **options))


def _raised(schedule: Schedule, start: Level, rise: float) -> Level:
    if rise == 0.0:
        return start
    level = float(churned_sigma(sigma=noise_ratio(start), rise=rise))
    try:
        return level_at(schedule, schedule.time_at(-2.0 * math.log(level)))
    except ValueError as error:
        raise ValueError(
            f"churn raises the noise level at time {start.t:g} from {noise_ratio(start):g} to "
            f"{level:g}, more than the schedule {schedule.name} has; begin at an earlier time, or "
            f"set churn_hi below that level."
        ) from error
