"""Euler's method for the probability-flow ODE, and its ancestral variant with fresh noise."""

from __future__ import annotations

from collections.abc import Sequence

from refdiff._namespace import Array
from refdiff.equations import continuous
from refdiff.equations.solvers import ancestral_fresh_noise, ancestral_kept_noise
from refdiff.samplers._arguments import check_noise, checked_eta
from refdiff.samplers._levels import Span, asked, checked_spans
from refdiff.samplers.limits import Limit
from refdiff.samplers.schedule import Schedule
from refdiff.samplers.step import Model, Noise, Trajectory

__all__ = ["ancestral", "euler"]


def euler(
    model: Model,
    x_T: Array,
    *,
    schedule: Schedule,
    times: Sequence[float],
    prediction: str = "eps",
    limit: Limit | None = None,
    noise: Noise | None = None,
) -> Trajectory:
    """Sample by Euler steps in sigma / alpha: deterministic DDIM in any schedule, order 1.

    In x / alpha, as a function of u = sigma / alpha, the slope of the probability-flow ODE is the
    predicted noise. A step along it is the predicted data with the predicted noise put back at the
    new level, alpha_s x_0 + sigma_s eps, which is computed, since it also holds without a signal.

    Parameters
    ----------
    model : callable
        ``model(x, t)``: the prediction, or ``(prediction, v)``, of which v is not used. It is
        asked once a step, S times in all.
    x_T : array
        The first state, at ``times[0]``. It is not changed.
    schedule : Schedule
        The scales by time, such as `refdiff.samplers.schedule.edm`.
    times : sequence of float
        Strictly decreasing, S + 1 of them. Where the last has no noise, the last step returns the
        predicted data (times alpha there, which is 1).
    prediction : {"eps", "x_0", "v", "score", "velocity"}
        What the model predicts; eps and score cannot start without a signal.
    limit : callable, optional
        Such as `refdiff.samplers.clipping`; by default the predicted x_0 is used as it is.
    noise : callable, optional
        Never asked; taken so that all samplers can be called alike.

    Returns
    -------
    Trajectory
        An iterator of S `Step`, computed on demand.

    Raises
    ------
    ValueError
        At the call, if an argument is outside its domain.

    Source
    ------
    Karras et al. 2022 (arXiv:2206.00364), Algorithm 1 without its correction; Song, Meng and
    Ermon 2021 (arXiv:2010.02502), equation (12) without noise.

    Examples
    --------
    >>> import numpy as np
    >>> from refdiff.samplers import last
    >>> from refdiff.samplers.schedule import edm
    >>> last(euler(lambda x, t: x, np.array([3.0]), schedule=edm(), times=[0.5, 0.25, 0.0]))
    array([1.6875])
    """
    spans = checked_spans(schedule, times, prediction)
    check_noise(noise, needed=False, why="euler")

    def update(x_t: Array, span: Span) -> tuple[Array, Array]:
        x_0, eps = asked(model, x_t, span.start, prediction, limit)
        at_s = {"alpha_t": span.end.alpha, "sigma_t": span.end.sigma}
        return continuous.forward_sample(x_0, eps, **at_s), x_0

    return Trajectory(update, x_T, spans)


def ancestral(
    model: Model,
    x_T: Array,
    *,
    schedule: Schedule,
    times: Sequence[float],
    eta: float = 1.0,
    prediction: str = "eps",
    limit: Limit | None = None,
    noise: Noise | None = None,
) -> Trajectory:
    """Sample by Euler steps that replace part of the noise by fresh noise; weak order 1.

    Of the noise sigma_s at the end of a step, the share that the posterior q(x_s | x_t, x_0) draws
    is drawn afresh, times eta; the rest keeps the direction of the predicted noise. In the discrete
    family this is DDIM with the same eta, in a variance-exploding one ancestral sampling.

    Parameters
    ----------
    model : callable
        ``model(x, t)``: the prediction, or ``(prediction, v)``, of which v is not used. It is
        asked once a step, S times in all.
    x_T : array
        The first state, at ``times[0]``. It is not changed.
    schedule : Schedule
        The scales by time, such as `refdiff.samplers.schedule.edm`.
    times : sequence of float
        Strictly decreasing, S + 1 of them. Where the last has no noise, the last step returns the
        predicted data and draws none.
    eta : float
        In [0, 1]: 0 is `euler`, 1 draws all the noise of the posterior.
    prediction : {"eps", "x_0", "v", "score", "velocity"}
        What the model predicts; eps and score cannot start without a signal.
    limit : callable, optional
        Such as `refdiff.samplers.clipping`; by default the predicted x_0 is used as it is.
    noise : callable, optional
        ``noise(t, s, like)``, standard normal. Never called for eta = 0 or a step to clean data;
        required otherwise.

    Returns
    -------
    Trajectory
        An iterator of S `Step`, computed on demand.

    Raises
    ------
    ValueError
        At the call, if an argument is outside its domain or a needed ``noise`` is missing.

    Source
    ------
    Song, Meng and Ermon 2021 (arXiv:2010.02502), equation (12) and section 4.1, in the scales of
    any schedule.

    Examples
    --------
    >>> import numpy as np
    >>> from refdiff.samplers import last
    >>> from refdiff.samplers.schedule import edm
    >>> steps = ancestral(lambda x, t: x, np.array([3.0]), schedule=edm(), times=[0.5, 0.25, 0.0],
    ...                   eta=0.0)
    >>> last(steps)
    array([1.6875])
    """
    spans = checked_spans(schedule, times, prediction)
    share = checked_eta(eta)
    draws = share > 0.0 and any(span.end.sigma > 0.0 for span in spans)
    check_noise(noise, needed=draws, why=f"ancestral sampling with eta={share:g}")

    def update(x_t: Array, span: Span) -> tuple[Array, Array]:
        start, end = span.start, span.end
        x_0, eps = asked(model, x_t, start, prediction, limit)
        scales = {"alpha_t": start.alpha, "sigma_t": start.sigma}
        scales |= {"alpha_s": end.alpha, "sigma_s": end.sigma, "eta": share}
        kept = ancestral_kept_noise(**scales)
        x_s = continuous.forward_sample(x_0, eps, alpha_t=end.alpha, sigma_t=kept)
        if noise is not None and share > 0.0 and end.sigma > 0.0:
            x_s = x_s + ancestral_fresh_noise(**scales) * noise(span.t, span.s, x_t)
        return x_s, x_0

    return Trajectory(update, x_T, spans)
