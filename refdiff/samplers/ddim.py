"""DDIM: deterministic at eta = 0, DDPM's variance at eta = 1 (Song, Meng and Ermon 2021)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy.typing as npt

from refdiff._namespace import Array
from refdiff.equations import ddim_mean, ddim_sigma
from refdiff.samplers._arguments import check_choice, check_noise, checked_eta, checked_pairs, split
from refdiff.samplers.limits import Limit
from refdiff.samplers.prediction import PREDICTIONS, predictions
from refdiff.samplers.step import Model, Noise, Pair, Trajectory

__all__ = ["ddim"]


def ddim(
    model: Model,
    x_T: Array,
    *,
    alpha_bars: npt.ArrayLike,
    timesteps: Sequence[int],
    eta: float,
    prediction: str = "eps",
    limit: Limit | None = None,
    noise: Noise | None = None,
) -> Trajectory:
    """Sample by DDIM over any strictly decreasing list of times.

    Each step asks the model once, brings the answer to (x_0, eps), limits it where asked to, and
    sets x_s to `refdiff.equations.ddim_mean` plus, for eta > 0 and s > 0,
    `refdiff.equations.ddim_sigma` times fresh noise. The step to s = 0 returns the predicted x_0.

    Parameters
    ----------
    model : callable
        ``model(x, t)``: the prediction, or ``(prediction, v)``, of which v is not used.
    x_T : array
        The first state, at time ``timesteps[0]``; usually standard normal. It is not changed.
    alpha_bars : array_like, shape (T+1,)
        Noise levels by time; ``alpha_bars[0]`` is 1.
    timesteps : sequence of int
        Strictly decreasing, in 1..T. The step from the last entry goes to 0.
    eta : float
        In [0, 1]: 0 is deterministic, 1 has the mean and variance of DDPM with beta-tilde.
    prediction : {"eps", "x_0", "v"}
        What the model predicts. Only x_0 and v can start at alpha_bar = 0.
    limit : callable, optional
        Such as `refdiff.samplers.clipping`; by default the predicted x_0 is used as it is.
    noise : callable, optional
        ``noise(t, s, like)``, standard normal. Never called for eta = 0 or s = 0; required
        otherwise.

    Returns
    -------
    Trajectory
        An iterator of `Step`, one for each entry of ``timesteps``, computed on demand.

    Raises
    ------
    ValueError
        At the call, if an argument is outside its domain or a needed ``noise`` is missing.

    Source
    ------
    Song, Meng and Ermon 2021 (arXiv:2010.02502), equation (12) and section 4.2.

    Examples
    --------
    >>> import numpy as np
    >>> from refdiff.samplers import last
    >>> steps = ddim(lambda x, t: 0 * x, np.ones(2), alpha_bars=[1.0, 0.64, 0.16],
    ...              timesteps=[2, 1], eta=0.0)
    >>> last(steps)
    array([2.5, 2.5])
    """
    check_choice("prediction", prediction, PREDICTIONS)
    pairs = checked_pairs(alpha_bars, timesteps, prediction)
    share = checked_eta(eta)
    check_noise(noise, needed=share > 0.0 and len(pairs) > 1, why=f"DDIM with eta={share:g}")

    def update(x_t: Array, pair: Pair) -> tuple[Array, Array]:
        t, s, alpha_bar_t, alpha_bar_s = pair
        output, _ = split(model(x_t, t))
        x_0, eps = predictions(output, x_t, alpha_bar_t, prediction)
        if limit is not None:
            x_0, eps = limit(x_0, eps, x_t, alpha_bar_t)
        x_s = ddim_mean(x_0, eps, alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s, eta=share)
        if noise is not None and share > 0.0 and s > 0:
            sigma = ddim_sigma(alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s, eta=share)
            x_s = x_s + sigma * noise(t, s, x_t)
        return x_s, x_0

    return Trajectory(update, x_T, pairs)
