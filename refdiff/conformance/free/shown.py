"""Whether the model is told the level of what it is shown.

A point in the data and no noise: the model says so whatever it is told (its eps is 0), so the
states carry the data with the factor alpha of the levels that the sampler really uses, and how that
factor grows towards the end gives each level's time. What the model is told plays no part in it,
and can be compared.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from refdiff.conformance.explain import LIMIT
from refdiff.conformance.free.ends import POINT, ZERO
from refdiff.conformance.free.naming import named
from refdiff.conformance.free.session import EVENT, Session, eps_of
from refdiff.conformance.verdicts import Outcome, conforms, deviates, inconclusive
from refdiff.testing import EPS

__all__ = ["time_of_level", "time_shown"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Seen:
    """Times at each call: of the state's level, and as told, 1..T; and how sure the first are.

    They are not `possible` where a state would have to contain more data than there is.
    """

    true: Array
    told: Array
    sure: Array
    possible: bool


def time_of_level(alpha_bar: Array, alpha_bars: Array) -> Array:
    """Return the times of levels: the inverse of `refdiff.conformance.probe.model.level_of_time`.

    Parameters
    ----------
    alpha_bar : numpy.ndarray
        Levels.
    alpha_bars : numpy.ndarray
        Shape (T+1,), the schedule.

    Returns
    -------
    numpy.ndarray
        Times in 0..T; log-SNR is interpolated linearly, alpha_bar next to infinite ones.
    """
    level = np.asarray(alpha_bar, np.float64)
    ends = np.interp(-level, -alpha_bars, np.arange(len(alpha_bars)))
    inner = (alpha_bars > 0) & (alpha_bars < 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        known = np.log1p(-alpha_bars[inner]) - np.log(alpha_bars[inner])
        wanted = np.log1p(-level) - np.log(level)
    between = np.interp(wanted, known, np.flatnonzero(inner).astype(np.float64))
    outside = (level > np.max(alpha_bars[inner])) | (level < np.min(alpha_bars[inner]))
    return np.where(outside, ends, between)


def time_shown(session: Session) -> Outcome:
    """Judge what the model is told by the levels that the states have."""
    return session.once("time-shown", lambda: _time_shown(session))


def _time_shown(session: Session) -> Outcome:
    steps = session.counts([20])[0]
    if session.loop.tells == "sigma":
        return _sigma_shown(session, steps)
    factors = _factors(session, steps)
    if isinstance(factors, Outcome):
        return _on_point(session, steps, factors)
    # Where the run ends is another question: whichever end makes sense of the times is taken.
    all_seen = [_seen(session, steps, factors * end) for end in _ends(session, steps)]
    for seen in all_seen:
        off = np.abs(seen.told - seen.true)
        if np.all(np.logical_or(off <= seen.sure, _between_the_same(seen))):
            return conforms(
                f"in all {len(off)} calls the model is told the time of what it is shown"
            )
    if _right_in_float32(session, steps, factors):
        return Outcome(
            "approximation",
            "the model is told the times of what it is shown as far as float32 knows them",
            variant="float32-arithmetic",
        )
    found = [_misled(session, steps, seen) for seen in all_seen if seen.possible]
    if not found:
        return inconclusive("the data's factor does not grow towards the end of the run")
    return next((outcome for outcome in found if outcome.variant), found[0])


def _on_point(session: Session, steps: int, otherwise: Outcome) -> Outcome:
    """Judge by a model that knows the point, where one of eps cannot be asked.

    If it is told the truth, states that begin without noise stay without noise; if they do not,
    what it was told instead cannot be read from them.
    """
    if session.loop.coordinates == "ve":
        return otherwise
    prediction = next((p for p in ("x_0", "v") if p in session.loop.predictions), None)
    if prediction is None:
        return otherwise
    levels = session.levels(steps)
    x_T = np.full((1, *EVENT), 0.5 * levels[0][0])
    recording = session.run(POINT.prediction(prediction), x_T, steps, prediction=prediction)
    seen = np.array([float(call.state.flat[0]) for call in recording.calls])
    told = np.array([0.5 * alpha for alpha, _ in levels])
    relative = LIMIT * eps_of(session.loop) * (len(session.loop.alpha_bars) + 8 * len(told))
    if np.all(np.abs(seen - told) <= relative):
        return conforms(f"in all {len(told)} calls the model is told the time of what it is shown")
    return otherwise


def _ends(session: Session, steps: int) -> list[float]:
    """Return factors of the data at which runs end: data, first level, level shown last."""
    if session.loop.coordinates == "ve":
        return [1.0]
    first = float(np.sqrt(session.loop.alpha_bars[1]))
    return [1.0, first, session.levels(steps)[-1][0]]


def _between_the_same(seen: Seen) -> Array:
    """Say where a fraction is told, and the level lies between the same two entries of the table.

    How a schedule is read between its entries is the sampler's choice.
    """
    fraction = np.abs(seen.told - np.rint(seen.told)) > seen.sure
    return np.asarray(fraction & (np.floor(seen.told) == np.floor(seen.true)))


def _right_in_float32(session: Session, steps: int, factors: Array) -> bool:
    """Say whether all would be right if the target's tables were kept in float32."""
    for end in _ends(session, steps):
        seen = _seen(session, steps, factors * end, EPS["float32"])
        if np.all(np.abs(seen.told - seen.true) <= np.minimum(seen.sure, 0.5)):
            return True
    return False


def _seen(session: Session, steps: int, factors: Array, eps: float | None = None) -> Seen:
    """Return the true time of each call from the factor of the data in its state."""
    table = session.loop.alpha_bars
    levels = factors**2
    # Factors are products over the table's entries: each contributes a rounding of its own.
    eps = eps_of(session.loop) if eps is None else eps
    relative = LIMIT * eps * (len(table) + 8 * len(factors))
    possible = bool(np.all(levels <= 1 + relative))
    levels = np.clip(levels, 0.0, 1.0)
    true = time_of_level(levels, table)
    low = time_of_level(np.minimum(levels * (1 + relative), 1.0), table)
    high = time_of_level(levels * (1 - relative), table)
    sure = np.maximum(np.maximum(true - low, high - true), 0.0) + relative * len(table)
    return Seen(true, session.times(steps), sure, possible)


def _factors(session: Session, steps: int) -> Array | Outcome:
    """Return the factor of the data in the state of each call, 1 at the end."""
    loop = session.loop
    if "eps" not in loop.predictions:
        return inconclusive("only a model that predicts eps can be silent about the level")
    # Small enough for a predicted x_0 that no limit touches, at the noisiest time too.
    small = 0.25 * float(np.sqrt(np.min(loop.alpha_bars[loop.alpha_bars > 0])))
    x_T = np.stack([np.zeros(EVENT), np.full(EVENT, small)])
    recording = session.run(lambda x, a, s, c: np.zeros_like(x), x_T, steps, prediction="eps")
    if loop.coordinates == "ve":
        scales = np.array([float(c.x[1].flat[0] / c.state[1].flat[0]) for c in recording.calls])
        if np.all(scales == 1.0):
            return inconclusive("states in VE coordinates do not show their level")
        return scales
    # The difference from a run that begins at zero: what a step adds to both is left out.
    moved = np.stack([call.state[1] - call.state[0] for call in recording.calls])
    last = recording.result[1] - recording.result[0]
    if not np.isfinite(moved).all() or not np.all(last > 0):
        return inconclusive("a state without noise does not stay one: its level cannot be read")
    factors = moved / last
    if float(np.max(np.ptp(factors.reshape(len(factors), -1), axis=1))) > np.sqrt(eps_of(loop)):
        return inconclusive("elements do not move alike: levels cannot be read")
    return factors.reshape(len(factors), -1)[:, 0]


def _misled(session: Session, steps: int, seen: Seen) -> Outcome:
    """Say how what the model is told comes from what it should be told."""
    off = seen.told - seen.true
    k = int(np.argmax(np.abs(off) / seen.sure))
    base, unit = session.told_units()
    known = {
        "error_units": float(LIMIT * np.abs(off[k]) / seen.sure[k]),
        "at": {"steps": steps, "call": k},
        "expected": float((seen.true[k] - 1 + base) * unit),
        "observed": float((seen.told[k] - 1 + base) * unit),
    }
    words = (
        f"told {known['observed']:g} in call {k}, where the state is that of "
        f"{known['expected']:.6g}"
    )
    raw = session.told(steps)
    count = len(raw)
    if count > 2 and _is_index(raw, count):
        return named("time-shown-is-the-loop-index", words, **known)
    for shift, name in ((1, "levels-shifted-by-one-time"), (-1, "levels-shifted-by-one-time-up")):
        # At the ends of the table there is no neighbour to read.
        inside = (seen.true > 0) & (seen.true < len(session.loop.alpha_bars) - 1)
        fits = np.abs(seen.told - seen.true - shift) <= seen.sure
        if np.count_nonzero(inside) > 2 and np.all(fits[inside]):
            return named(name, words, **known)
    if count > 2 and _fits_some(seen, np.append(seen.true[1:], np.nan), slice(0, count - 1)):
        return named("time-shown-is-that-of-the-step-end", words, **known)
    whole = np.all(raw == np.rint(raw))
    for name in ("bfloat16", "float16"):
        # A time that is rounded past the last one looks as if times were counted from one more.
        rounded = [_rounded_times(seen.true, b, unit, name) for b in (base, session.loop.time_base)]
        if any(np.all(np.abs(raw - told) <= seen.sure * unit) for told in rounded):
            return named("time-shown-in-half-precision", f"{name}: {words}", **known)
    between = np.abs(seen.true - np.rint(seen.true)) > seen.sure
    if whole and np.any(between):
        if np.all(np.abs(off) <= 0.5 + seen.sure):
            return named("level-shown-as-rounded-time", words, **known)
        if np.all((off <= seen.sure) & (off > -1 - seen.sure)):
            return named("time-shown-truncated", words, **known)
    if _falls_with_steps(session, steps, off):
        return inconclusive(
            f"the model is {words}; that difference falls with the number of steps, as it does in "
            "methods that are not exact on a point"
        )
    return deviates(f"the model is {words}", **known)


def _is_index(raw: Array, count: int) -> bool:
    up = np.arange(count)
    return any(np.array_equal(raw, other) for other in (up, up + 1, up[::-1], up[::-1] + 1))


def _fits_some(seen: Seen, expected: Array, where: slice) -> bool:
    return bool(np.all((np.abs(seen.told - expected) <= seen.sure)[where]))


def _rounded_times(true: Array, base: float, unit: float, dtype: str) -> Array:
    """Return what a model is told whose times pass through a dtype."""
    import torch

    whole = torch.from_numpy((np.rint(true) - 1 + base) * unit)
    return np.asarray(whole.to(getattr(torch, dtype)).to(torch.float64).numpy())


def _falls_with_steps(session: Session, steps: int, off: Array) -> bool:
    more = session.counts([8 * steps])[0]
    if more <= 2 * steps:
        return False
    factors = _factors(session, more)
    if isinstance(factors, Outcome):
        return True
    left = [_seen(session, more, factors * end) for end in _ends(session, more)]
    least = min(float(np.max(np.abs(seen.told - seen.true))) for seen in left)
    return bool(least * 2 <= np.max(np.abs(off)))


def _sigma_shown(session: Session, steps: int) -> Outcome:
    """Judge told sigmas by the spread of states around a point."""
    told = session.told(steps)
    found = session.response(ZERO, steps)
    if found is None:
        return inconclusive("the target's draws cannot be scripted, so its levels cannot be read")
    spread = found.spread_at_calls
    amplified = np.ones(len(told))
    if session.loop.coordinates == "vp":
        # Noise over data: the state carries both with scales of squares that sum to one.
        spread = spread / np.sqrt(np.maximum(1 - spread**2, 1e-300))
    rounding = LIMIT * eps_of(session.loop) * (len(session.loop.alpha_bars) + 8 * len(told))
    if session.loop.coordinates == "vp":
        amplified = 1 + told**2
    off = np.abs(spread - told) / told
    relative = rounding * amplified
    if np.all(off <= relative):
        return conforms(f"in all {len(told)} calls the model is told the sigma of what it is shown")
    k = int(np.argmax(off / relative))
    words = f"told sigma {told[k]:.6g} in call {k}, where the state has {spread[k]:.6g}"
    if not np.any(found.draws) and session.loop.coordinates != "vp":
        known = {
            "at": {"steps": steps, "call": k},
            "expected": float(spread[k]),
            "observed": float(told[k]),
        }
        more = session.counts([8 * steps])[0]
        if more > 2 * steps:
            later = session.response(ZERO, more)
            if later is not None and _worst(
                later.spread_at_calls, session.told(more)
            ) * 2 <= _worst(found.spread_at_calls, told):
                return inconclusive(f"the model is {words}; the difference falls with more steps")
        return deviates(f"the model is {words}", **known)
    return inconclusive(
        f"the model is {words}; a method that adds noise need not keep the exact spread, and only "
        "its own reference can say whether it should"
    )


def _worst(spread: Array, told: Array) -> float:
    return float(np.max(np.abs(spread / told - 1)))
