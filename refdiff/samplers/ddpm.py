"""DDPM's ancestral sampling, for any list of times (Ho, Jain and Abbeel 2020)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy.typing as npt

from refdiff._namespace import Array, sqrt
from refdiff.equations import (
    learned_range_variance,
    posterior_mean,
    posterior_variance,
    transition_variance,
)
from refdiff.samplers._arguments import check_choice, check_noise, checked_pairs, split
from refdiff.samplers.limits import Limit
from refdiff.samplers.prediction import PREDICTIONS, predicted_x_0, predictions
from refdiff.samplers.step import Model, Noise, Pair, Trajectory

__all__ = ["VARIANCES", "ddpm"]

VARIANCES = ("fixed-small", "fixed-large", "learned-range")
"""Beta-tilde; beta; between the two, where the model says."""

_FIXED: dict[str, Callable[..., Array]] = {
    "fixed-small": posterior_variance,
    "fixed-large": transition_variance,
}


def ddpm(
    model: Model,
    x_T: Array,
    *,
    alpha_bars: npt.ArrayLike,
    timesteps: Sequence[int],
    variance: str = "fixed-small",
    prediction: str = "eps",
    limit: Limit | None = None,
    noise: Noise | None = None,
) -> Trajectory:
    """Sample by DDPM over any strictly decreasing list of times.

    Each step asks the model once, brings the answer to x_0, limits it where asked to, and sets
    x_s to `refdiff.equations.posterior_mean` plus, for s > 0, fresh noise of the chosen variance.
    The step to s = 0 returns the predicted x_0. Means and variances belong to the pair (t, s), so
    a list that skips times is a chain of its own, not the training chain with steps left out.

    Parameters
    ----------
    model : callable
        ``model(x, t)``: the prediction, or ``(prediction, v)`` with v in [0, 1], which only the
        learned range uses.
    x_T : array
        The first state, at time ``timesteps[0]``; usually standard normal. It is not changed.
    alpha_bars : array_like, shape (T+1,)
        Noise levels by time; ``alpha_bars[0]`` is 1.
    timesteps : sequence of int
        Strictly decreasing, in 1..T. The step from the last entry goes to 0.
    variance : {"fixed-small", "fixed-large", "learned-range"}
        Beta-tilde, beta, or the model's choice between them in the log.
    prediction : {"eps", "x_0", "v"}
        What the model predicts. Only x_0 and v can start at alpha_bar = 0.
    limit : callable, optional
        Such as `refdiff.samplers.clipping`. The mean depends on (x_0, x_t) alone, so a limit that
        recomputes eps and one that does not give the same chain here.
    noise : callable, optional
        ``noise(t, s, like)``, standard normal. Never called for s = 0; required where there is
        more than one step.

    Returns
    -------
    Trajectory
        An iterator of `Step`, one for each entry of ``timesteps``, computed on demand.

    Raises
    ------
    ValueError
        At the call, if an argument is outside its domain or a needed ``noise`` is missing; at the
        first step, if the learned range is asked of a model that returns no v.

    Source
    ------
    Ho, Jain and Abbeel 2020 (arXiv:2006.11239), Algorithm 2 with equation (7) at the predicted
    x_0; Nichol and Dhariwal 2021 (arXiv:2102.09672), section 3.1, for the learned range.

    Examples
    --------
    >>> import numpy as np
    >>> from refdiff.samplers import last
    >>> steps = ddpm(lambda x, t: 0 * x, np.ones(2), alpha_bars=[1.0, 0.64, 0.16],
    ...              timesteps=[2, 1], noise=lambda t, s, like: 0 * like)
    >>> last(steps)
    array([2.5, 2.5])
    """
    check_choice("prediction", prediction, PREDICTIONS)
    check_choice("variance", variance, VARIANCES)
    pairs = checked_pairs(alpha_bars, timesteps, prediction)
    check_noise(noise, needed=len(pairs) > 1, why="every step of DDPM but the last")

    def update(x_t: Array, pair: Pair) -> tuple[Array, Array]:
        t, s, alpha_bar_t, alpha_bar_s = pair
        output, v = split(model(x_t, t))
        if limit is None:
            x_0 = predicted_x_0(output, x_t, alpha_bar_t, prediction)
        else:
            x_0, _ = limit(*predictions(output, x_t, alpha_bar_t, prediction), x_t, alpha_bar_t)
        mean = posterior_mean(x_0, x_t, alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s)
        if noise is None or s == 0:
            return mean, x_0
        added = _variance(variance, v, alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s)
        return mean + sqrt(added) * noise(t, s, x_t), x_0

    return Trajectory(update, x_T, pairs)


def _variance(choice: str, v: Array | None, *, alpha_bar_t: float, alpha_bar_s: float) -> Array:
    if choice in _FIXED:
        return _FIXED[choice](alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s)
    if v is None:
        raise ValueError(
            "variance='learned-range' needs a model that returns (prediction, v), and this one "
            "returned a prediction alone; use 'fixed-small' or 'fixed-large'."
        )
    return learned_range_variance(v, alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s)
