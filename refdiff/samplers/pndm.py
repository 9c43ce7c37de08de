"""PNDM: multistep sampling with the noises of earlier steps, for steps of equal length in t."""

from __future__ import annotations

from collections.abc import Sequence

from refdiff._namespace import Array
from refdiff.equations import continuous
from refdiff.equations.solvers import plms_eps, prk_eps, s_pndm_eps, s_pndm_first_eps
from refdiff.samplers._arguments import check_choice, check_noise
from refdiff.samplers._levels import Level, Span, asked, checked_spans, level_at
from refdiff.samplers._slopes import along, combined
from refdiff.samplers.limits import Limit
from refdiff.samplers.schedule import Schedule
from refdiff.samplers.step import Model, Noise, Trajectory

__all__ = ["STARTS", "pndm", "s_pndm"]

STARTS = ("runge-kutta", "improved-euler")
"""How `pndm` makes the steps before it knows four noises."""

_WARM_UP = 3


def pndm(
    model: Model,
    x_T: Array,
    *,
    schedule: Schedule,
    times: Sequence[float],
    start: str = "runge-kutta",
    prediction: str = "eps",
    limit: Limit | None = None,
    noise: Noise | None = None,
) -> Trajectory:
    """Sample by F-PNDM: a multistep of four noises, by default after pseudo Runge-Kutta steps.

    A noise is followed by `refdiff.equations.solvers.pndm_transfer`, in the scales of any schedule.
    The combinations belong to steps of equal length in t. Although they are those of methods of
    order 4, the whole is of order 2, as the transfer is itself curved in t. Only where sigma/alpha
    is linear in t, as in `refdiff.samplers.schedule.edm`, is it of order 4. Where the lengths of
    the steps change abruptly the order is 1; where they change smoothly it is still 2.

    Parameters
    ----------
    model : callable
        ``model(x, t)``: the prediction, or ``(prediction, v)``, of which v is not used. It is
        asked once a step, and more often at the start: with "runge-kutta" four times in each of
        the first three steps, at half-way times too; with "improved-euler" twice in the first. A
        step to clean data asks once. In a run of S >= 4 steps: S + 9 and S + 1 times.
    x_T : array
        The first state, at ``times[0]``. It is not changed.
    schedule : Schedule
        The scales by time, such as `refdiff.samplers.schedule.discrete` makes of a table.
    times : sequence of float
        Strictly decreasing, S + 1 of them, evenly spaced. The step to clean data, at whose end
        there is no noise to ask for, is always a multistep of the noises that there are.
    start : {"runge-kutta", "improved-euler"}
        How the first three steps are made: by the paper's pseudo Runge-Kutta, or by a step of the
        mean of two noises and then multisteps of two and three, which costs less and is usual in
        latent diffusion.
    prediction : {"eps", "x_0", "v", "score", "velocity"}
        What the model predicts; eps and score cannot start without a signal. A step from no signal
        is an Euler step, and the warm-up follows it.
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
    Liu et al. 2022 (arXiv:2202.09778), equations (9), (12) and (13).

    Examples
    --------
    >>> import numpy as np
    >>> from refdiff.samplers import last
    >>> from refdiff.samplers.schedule import edm
    >>> last(pndm(lambda x, t: 0 * x + 1, np.array([4.0]), schedule=edm(), times=[2.0, 1.0, 0.0]))
    array([2.])
    """
    spans = checked_spans(schedule, times, prediction)
    check_choice("start", start, STARTS)
    check_noise(noise, needed=False, why="pndm")
    history: list[Array] = []  # noises at the starts of earlier steps, the latest first

    def update(x_t: Array, span: Span) -> tuple[Array, Array]:
        begin, end = span.start, span.end

        def noise_at(x: Array, level: Level) -> Array:
            return asked(model, x, level, prediction, limit)[1]

        x_0, eps = asked(model, x_t, begin, prediction, limit)
        if begin.alpha == 0.0:
            return _euler(x_0, eps, end), x_0
        if start == "runge-kutta" and len(history) < _WARM_UP and end.sigma > 0.0:
            middle = level_at(schedule, (begin.t + end.t) / 2)
            second = noise_at(along(x_t, eps, begin, middle), middle)
            third = noise_at(along(x_t, second, begin, middle), middle)
            fourth = noise_at(along(x_t, third, begin, end), end)
            x_s = along(x_t, prk_eps(eps, second, third, fourth), begin, end)
        elif history:
            x_s = along(x_t, _multistep([eps, *history]), begin, end)
        else:
            x_s = _euler(x_0, eps, end)
            if end.sigma > 0.0:
                x_s = along(x_t, s_pndm_first_eps(eps, noise_at(x_s, end)), begin, end)
        history[:] = [eps, *history][:_WARM_UP]
        return x_s, x_0

    return Trajectory(update, x_T, spans)


def s_pndm(
    model: Model,
    x_T: Array,
    *,
    schedule: Schedule,
    times: Sequence[float],
    prediction: str = "eps",
    limit: Limit | None = None,
    noise: Noise | None = None,
) -> Trajectory:
    """Sample by S-PNDM: a pseudo improved Euler step, then the multistep of two noises, order 2.

    Parameters, returns and errors as in `pndm`. The model is asked twice in the first step and
    once in each step after, S + 1 times in all for S >= 2 steps; a single step to clean data asks
    once.

    Source
    ------
    Liu et al. 2022 (arXiv:2202.09778), the method S-PNDM.

    Examples
    --------
    >>> import numpy as np
    >>> from refdiff.samplers import last
    >>> from refdiff.samplers.schedule import edm
    >>> last(s_pndm(lambda x, t: 0 * x + t, np.array([4.0]), schedule=edm(), times=[3.0, 2.0, 1.0]))
    array([0.])
    """
    spans = checked_spans(schedule, times, prediction)
    check_noise(noise, needed=False, why="s_pndm")
    history: list[Array] = []

    def update(x_t: Array, span: Span) -> tuple[Array, Array]:
        start, end = span.start, span.end
        x_0, eps = asked(model, x_t, start, prediction, limit)
        if start.alpha == 0.0:
            return _euler(x_0, eps, end), x_0
        x_s = _euler(x_0, eps, end)
        if history:
            x_s = along(x_t, s_pndm_eps(eps, history[0]), start, end)
        elif end.sigma > 0.0:
            _, eps_s = asked(model, x_s, end, prediction, limit)
            x_s = along(x_t, s_pndm_first_eps(eps, eps_s), start, end)
        history[:] = [eps]
        return x_s, x_0

    return Trajectory(update, x_T, spans)


def _euler(x_0: Array, eps: Array, end: Level) -> Array:
    return continuous.forward_sample(x_0, eps, alpha_t=end.alpha, sigma_t=end.sigma)


def _multistep(noises: list[Array]) -> Array:
    """Combine the latest noises, the present one first, as if all steps were equally long."""
    if len(noises) > _WARM_UP:
        return plms_eps(*noises)
    return combined(noises, [-float(k) for k in range(len(noises))], 1.0)
