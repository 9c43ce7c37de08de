"""Judgement by samples, at a stated significance, where coefficients cannot be read."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri

from refdiff.conformance.explain import LIMIT
from refdiff.conformance.free.first_order import distinct_levels, stochastic_walk
from refdiff.conformance.free.session import EVENT, Session
from refdiff.conformance.probe.data import World
from refdiff.conformance.verdicts import Outcome, conforms, deviates, inconclusive

__all__ = ["SIGNIFICANCE", "judged_by_samples"]

SIGNIFICANCE = 1e-6
"""Probability that a correct target is accused by one comparison."""

_BATCH = 512


def judged_by_samples(session: Session, world: World) -> Outcome:
    """Compare mean and variance of samples with the data's.

    A fair error is allowed: what DDPM makes of the same levels with as many samples.

    Parameters
    ----------
    session : Session
        Of the loop.
    world : World
        Known data.

    Returns
    -------
    Outcome
        Its message states the significance and the number of samples.
    """
    steps = session.counts([200])[0]  # enough for a fair error below what samples can show
    rng = np.random.Generator(np.random.Philox(key=17))
    level = session.levels(steps)[0]
    x_0 = _data(world, rng)
    x_T = level[0] * x_0 + level[1] * rng.standard_normal((_BATCH, *EVENT))
    recording = session.run(world.prediction(session.prediction()), x_T, steps, script=None)
    if not np.isfinite(recording.result).all():
        return deviates(
            "samples are not finite", at={"data": world.name, "steps": steps}, observed="nan"
        )
    walk = distinct_levels(session.levels(steps))
    simple = stochastic_walk(world, x_T / np.hypot(*level), walk, rng)
    count = _BATCH * int(np.prod(EVENT))
    z = float(-ndtri(SIGNIFICANCE / 2))
    for what, seen, fair, error in zip(
        ("mean", "variance"),
        _deviations(world, recording.result),
        _deviations(world, simple),
        (1.0, np.sqrt(_kurtosis(world) - 1.0)),
        strict=True,
    ):
        allowed = LIMIT * abs(fair) + z * error / np.sqrt(count)
        if abs(seen) > allowed:
            words = (
                f"the {what} of {count} numbers at {steps} steps is off by {seen:.3g} standard "
                f"deviations of the data, where {allowed:.3g} is allowed (significance "
                f"{SIGNIFICANCE:g})"
            )
            if _clipping(world, recording.result):
                return inconclusive(f"{words}; the target seems to limit its predictions")
            return deviates(
                words,
                at={"data": world.name, "steps": steps},
                expected=f"at most {allowed:.3g}",
                observed=float(seen),
            )
    return conforms(
        f"mean and variance of {count} numbers at {steps} steps are the data's (significance "
        f"{SIGNIFICANCE:g})"
    )


def _data(world: World, rng: np.random.Generator) -> np.ndarray:
    picks = rng.choice(len(world.weights), size=(_BATCH, *EVENT), p=world.weights)
    values = np.zeros((_BATCH, *EVENT))
    for k, (mean, variance) in enumerate(
        zip(world.means(EVENT), world.variances(EVENT), strict=True)
    ):
        drawn = mean + np.sqrt(variance) * rng.standard_normal((_BATCH, *EVENT))
        values = np.where(picks == k, drawn, values)
    return values


def _deviations(world: World, result: np.ndarray) -> tuple[float, float]:
    """Return the errors of mean and variance of the elements, brought to mean 0, variance 1."""
    mean, variance = world.law(EVENT)
    standard = (result - mean) / np.sqrt(variance)
    return float(np.mean(standard)), float(np.mean(standard**2) - 1.0)


def _kurtosis(world: World) -> float:
    """Return the largest standardised fourth moment of the elements."""
    mean, variance = world.law(EVENT)
    fourth = sum(
        w * ((m - mean) ** 4 + 6 * (m - mean) ** 2 * s + 3 * s**2)
        for w, m, s in zip(world.weights, world.means(EVENT), world.variances(EVENT), strict=True)
    )
    return float(np.max(fourth / variance**2))


def _clipping(world: World, result: np.ndarray) -> bool:
    mean, _ = world.law(EVENT)
    return bool(np.max(np.abs(mean)) > 1.0 and np.max(np.abs(result)) <= 1.0)
