"""Linear multistep sampling: Adams-Bashforth weights on the steps as they are."""

from __future__ import annotations

from collections.abc import Sequence

from refdiff._checks import check_count
from refdiff._namespace import Array
from refdiff.equations import continuous
from refdiff.samplers._arguments import check_noise
from refdiff.samplers._levels import Span, asked, checked_spans
from refdiff.samplers._slopes import along, combined, noise_ratio
from refdiff.samplers.limits import Limit
from refdiff.samplers.schedule import Schedule
from refdiff.samplers.step import Model, Noise, Trajectory

__all__ = ["lms"]


def lms(
    model: Model,
    x_T: Array,
    *,
    schedule: Schedule,
    times: Sequence[float],
    order: int = 4,
    prediction: str = "eps",
    limit: Limit | None = None,
    noise: Noise | None = None,
) -> Trajectory:
    """Sample by a linear multistep method that reuses the noises predicted in earlier steps.

    In x / alpha and u = sigma / alpha the slope is the predicted noise. The polynomial through the
    last slopes is integrated exactly over the step, whatever the lengths of the steps. The first
    steps have fewer slopes and so a lower order, one more each; where they are as long as the
    others, their error keeps the whole run at order 2, so orders above pay with first steps that
    are short. A step from no signal is an Euler step, after which the count begins.

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
        Strictly decreasing, S + 1 of them. A step to clean data is a step like the others: u = 0
        is no special value, and with order 1 it returns the predicted data.
    order : int
        1 to 4: how many slopes are used; 1 is `euler`.
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
    Liu et al. 2022 (arXiv:2202.09778), the classical linear multistep, for steps of any length.

    Examples
    --------
    >>> import numpy as np
    >>> from refdiff.samplers import last
    >>> from refdiff.samplers.schedule import edm
    >>> steps = lms(lambda x, t: 0 * x + t, np.array([4.0]), schedule=edm(), times=[3.0, 2.0, 0.0],
    ...             order=2)
    >>> last(steps)
    array([-1.])
    """
    spans = checked_spans(schedule, times, prediction)
    check_noise(noise, needed=False, why="lms")
    most = check_count("order", order, low=1, high=4, cure="it counts the slopes used.")
    history: list[tuple[float, Array]] = []  # u and slope, the latest first

    def update(x_t: Array, span: Span) -> tuple[Array, Array]:
        start, end = span.start, span.end
        x_0, eps = asked(model, x_t, start, prediction, limit)
        at_s = {"alpha_t": end.alpha, "sigma_t": end.sigma}
        if start.alpha == 0.0:
            return continuous.forward_sample(x_0, eps, **at_s), x_0
        known = [(noise_ratio(start), eps), *history][:most]
        if len(known) == 1:
            x_s = continuous.forward_sample(x_0, eps, **at_s)
        else:
            nodes, slopes = [u for u, _ in known], [slope for _, slope in known]
            x_s = along(x_t, combined(slopes, nodes, noise_ratio(end)), start, end)
        history[:] = known
        return x_s, x_0

    return Trajectory(update, x_T, spans)
