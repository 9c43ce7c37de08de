"""Predictor-corrector sampling: steps back in time, and Langevin steps at each time reached."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from refdiff._checks import POSITIVE, check_count, check_in
from refdiff._namespace import Array, sqrt
from refdiff.equations import continuous, per_sample, sde
from refdiff.equations.shapes import sum_per_sample
from refdiff.samplers._arguments import check_choice, check_noise
from refdiff.samplers._levels import Level, Span, asked, checked_spans
from refdiff.samplers.limits import Limit
from refdiff.samplers.schedule import Schedule
from refdiff.samplers.step import Model, Noise, Trajectory

__all__ = [
    "PREDICTORS",
    "StepSize",
    "matched_step_size",
    "predictor_corrector",
    "proportional_step_size",
]

PREDICTORS = ("reverse-diffusion", "ancestral")
"""The steps back in time that can be combined with the corrector."""

StepSize: TypeAlias = Callable[[Any, Any, float], Any]
"""``step_size(score, noise, sigma)``: the length of a corrector's step at the noise scale sigma."""


def matched_step_size(corrector_snr: float) -> StepSize:
    """Return the rule of the paper: drift and noise of each sample have a chosen ratio.

    The factor 1 - beta of the paper's VP chain, 0.98 and more over its thousand steps, is left out:
    over few and long steps it would halt the corrector.

    Parameters
    ----------
    corrector_snr : float
        r, positive; the paper uses 0.16 for its VE models.

    Returns
    -------
    callable
        For arrays with samples along the first axis.

    Raises
    ------
    ValueError
        If r is not positive.

    Source
    ------
    Song et al. 2021 (arXiv:2011.13456), Algorithm 4, appendix G, with the norms of each sample by
    itself.
    """
    check_in(POSITIVE, "the paper uses 0.16 for VE.", corrector_snr=corrector_snr)

    def step_size(score: Array, noise: Array, sigma: float) -> Array:
        size = sde.corrector_step_size(
            score_norm=sqrt(sum_per_sample(score * score)),
            noise_norm=sqrt(sum_per_sample(noise * noise)),
            corrector_snr=corrector_snr,
            beta=0.0,
        )
        return per_sample(size, score)

    return step_size


def proportional_step_size(share: float) -> StepSize:
    """Return the rule step = share times sigma^2, which looks at no state.

    With it the sampler is affine for an affine model, and its output's law is exactly known.

    Parameters
    ----------
    share : float
        Positive; below 2 the corrector is stable for any data, since the marginal's variance is at
        least sigma^2.

    Returns
    -------
    callable
        For any state.

    Raises
    ------
    ValueError
        If the share is not positive.
    """
    check_in(POSITIVE, "it is the step in units of the noise variance.", share=share)

    def step_size(score: Array, noise: Array, sigma: float) -> Array:
        return share * sigma * sigma

    return step_size


def predictor_corrector(
    model: Model,
    x_T: Array,
    *,
    schedule: Schedule,
    times: Sequence[float],
    predictor: str = "reverse-diffusion",
    corrector_steps: int = 1,
    step_size: StepSize | None = None,
    prediction: str = "eps",
    limit: Limit | None = None,
    noise: Noise | None = None,
) -> Trajectory:
    """Sample by steps back in time, each followed by Langevin steps at the level reached.

    Without correctors the ancestral predictor is ancestral sampling: of SMLD in a
    variance-exploding schedule, of DDPM with the smaller variance in a variance-preserving one.

    Parameters
    ----------
    model : callable
        ``model(x, t)``: the prediction, or ``(prediction, v)``, of which v is not used. It is
        asked S times by the predictor, and ``corrector_steps`` times at every time reached that
        has noise.
    x_T : array
        The first state, at ``times[0]``. It is not changed.
    schedule : Schedule
        The scales by time, such as `refdiff.samplers.schedule.variance_exploding`.
    times : sequence of float
        Strictly decreasing, S + 1 of them. A step to clean data adds no noise and has no
        corrector.
    predictor : {"reverse-diffusion", "ancestral"}
        The reverse SDE discretized as the forward chain is, or the posterior q(x_s | x_t, x_0).
    corrector_steps : int
        How many Langevin steps follow each predictor step, at least 0.
    step_size : callable, optional
        Their length: `matched_step_size` (by default with the ratio 0.16) or
        `proportional_step_size`.
    prediction : {"eps", "x_0", "v", "score", "velocity"}
        What the model predicts; eps and score cannot start without a signal.
    limit : callable, optional
        Such as `refdiff.samplers.clipping`; by default the predicted x_0 is used as it is.
    noise : callable, optional
        ``noise(t, s, like)``, standard normal: once for the predictor, and with t = s once for each
        step of the corrector. Required unless the only step goes to clean data.

    Returns
    -------
    Trajectory
        An iterator of S `Step`, computed on demand; their x_0 is the predictor's.

    Raises
    ------
    ValueError
        At the call, if an argument is outside its domain or a needed ``noise`` is missing.

    Source
    ------
    Song et al. 2021 (arXiv:2011.13456), section 4.2 and appendices E to G, in the scales of any
    schedule.

    Examples
    --------
    >>> import numpy as np
    >>> from refdiff.samplers import last
    >>> from refdiff.samplers.schedule import edm
    >>> steps = predictor_corrector(lambda x, t: x / 2, np.array([3.0]), schedule=edm(),
    ...                             times=[1.0, 0.0], predictor="ancestral")
    >>> last(steps)
    array([1.5])
    """
    spans = checked_spans(schedule, times, prediction)
    check_choice("predictor", predictor, PREDICTORS)
    cure = "it counts the Langevin steps after each step; 0 is no corrector."
    count = check_count("corrector_steps", corrector_steps, low=0, cure=cure)
    draws = any(span.end.sigma > 0.0 for span in spans)
    check_noise(noise, needed=draws, why="predictor-corrector sampling")
    rule = matched_step_size(0.16) if step_size is None else step_size
    predict = _ancestral if predictor == "ancestral" else _reverse_diffusion

    def drawn(t: float, s: float, like: Array) -> Array:
        return 0.0 if noise is None else noise(t, s, like)

    def update(x_t: Array, span: Span) -> tuple[Array, Array]:
        start, end = span.start, span.end
        x_0, eps = asked(model, x_t, start, prediction, limit)
        fresh = drawn(span.t, span.s, x_t) if end.sigma > 0.0 else 0.0
        x_s = predict(x_t, x_0, eps, fresh, start, end)
        if end.sigma == 0.0:
            return x_s, x_0
        for _ in range(count):
            _, eps = asked(model, x_s, end, prediction, limit)
            score = continuous.score_from_eps(eps, sigma_t=end.sigma)
            fresh = drawn(span.s, span.s, x_s)
            size = rule(score, fresh, end.sigma)
            x_s = sde.langevin_step(x_s, score, fresh, step_size=size)
        return x_s, x_0

    return Trajectory(update, x_T, spans)


def _scales(start: Level, end: Level) -> dict[str, float]:
    return {
        "alpha_t": start.alpha,
        "sigma_t": start.sigma,
        "alpha_s": end.alpha,
        "sigma_s": end.sigma,
    }


def _ancestral(x_t: Array, x_0: Array, eps: Array, fresh: Array, start: Level, end: Level) -> Array:
    """Draw from the posterior of the state at s, given that at t and the predicted data."""
    both = _scales(start, end)
    spread = sqrt(continuous.posterior_variance(**both))
    return continuous.posterior_mean(x_0, x_t, **both) + spread * fresh


def _reverse_diffusion(
    x_t: Array, x_0: Array, eps: Array, fresh: Array, start: Level, end: Level
) -> Array:
    """Subtract what the forward chain would add from s to t, and follow the score."""
    drift = continuous.transition_mean(x_t, alpha_t=start.alpha, alpha_s=end.alpha) - x_t
    score = continuous.score_from_eps(eps, sigma_t=start.sigma)
    spread = sqrt(continuous.transition_variance(**_scales(start, end)))
    return sde.reverse_diffusion_step(x_t, drift, score, fresh, diffusion=spread)
