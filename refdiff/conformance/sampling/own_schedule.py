"""Samplers that bring a schedule of their own, which is not the one that they are judged by.

A sampler that takes no schedule as an argument computes one inside. If that is another one than
the user named, nothing it does fits, and it is not wrong for that. The levels of its steps can be
recovered from their coefficients: if the level that each step reaches is the level that the next
one leaves, the steps are sound, and the schedule is what differs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from refdiff.conformance.sampling.session import Run, Session
from refdiff.conformance.schedule_option import SCHEDULES, read_schedule
from refdiff.conformance.verdicts import Outcome, inconclusive
from refdiff.testing import EPS

__all__ = ["foreign_schedule", "recovered_levels"]


def foreign_schedule(session: Session, *, named: bool = False) -> Outcome | None:
    """Return why a loop cannot be judged, if it follows a schedule of its own.

    Parameters
    ----------
    session : Session
        Of a loop whose attribute ``schedule_given`` is False; nothing is asked of others.
    named : bool
        Only if its levels are those of a schedule that has a name: others may come from a mistake,
        which goes first.

    Returns
    -------
    Outcome or None
        Inconclusive, with the schedule that it seems to have; None where its levels are those of
        the table, or make no sense.
    """
    if getattr(session.loop, "schedule_given", True) or session.loop.coordinates != "vp":
        return None
    outcome, has_name = session.once("foreign", lambda: _foreign(session))
    return None if named and not has_name else outcome


def _foreign(session: Session) -> tuple[Outcome | None, bool]:
    run = session.run()
    levels = recovered_levels(run)
    if levels is None:
        return None, False
    half = np.sqrt(EPS[session.loop.dtype])
    if _agree(levels, run.times, session.loop.alpha_bars, half):
        return None, False
    seen = ", ".join(f"{level:.6g}" for level in levels[:3])
    total = len(session.loop.alpha_bars) - 1
    known = (f"{family}:{total}" for family in SCHEDULES)
    names = [name for name in known if _agree(levels, run.times, read_schedule(name), half)]
    cure = f"--schedule {names[0]}" if names else "--schedule FILE.npy with its alpha_bars"
    outcome = inconclusive(
        f"the sampler takes no schedule and follows one of its own: its steps begin at alpha_bar "
        f"{seen} ..., at the told times {', '.join(f'{t:g}' for t in run.told[:3])} ...; run it "
        f"again with {cure}"
    )
    return outcome, bool(names)


def _agree(levels: Sequence[float], times: Sequence[float], table: np.ndarray, half: float) -> bool:
    """Compare with a table; a time between two of its entries has a level between theirs."""
    if any(not 0 < t <= len(table) - 1 for t in times):
        return False
    after = table[np.floor(times).astype(int)] * (1 + half)
    before = table[np.ceil(times).astype(int)] * (1 - half)
    return bool(np.all((before <= levels) & (levels <= after)))


def recovered_levels(run: Run) -> list[float] | None:
    """Return alpha_bar that each step leaves, from the coefficients of the steps.

    Parameters
    ----------
    run : Run
        Of a model that predicts eps.

    Returns
    -------
    list of float or None
        One for each call; None where the steps are none of DDIM or DDPM, or where one does not
        begin at the level that the one before reached.
    """
    if run.prediction != "eps" or len(run.calls) < 3:
        return None
    noises, half = run.noises(), np.sqrt(EPS[run.loop.dtype])
    for leave in (_leaves_by_ddim, _leaves_by_ddpm):
        levels, reached = [], []
        for k in range(len(run.calls) - 1):  # the last step may end in more than one way
            a, b, c = _coefficients(run, k, noises.get(k))
            level = leave(a, b, c)
            levels.append(level)
            reached.append(a * a * level)
        gaps = np.abs(np.array(reached[:-1]) - np.array(levels[1:]))
        if np.all(gaps <= half * np.abs(levels[1:])) and all(0 < level < 1 for level in levels):
            return [*levels, reached[-1]]
    return None


def _coefficients(run: Run, k: int, noise: np.ndarray | None) -> tuple[float, float, float]:
    call = run.calls[k]
    columns = [call.state, call.output]
    if noise is not None:
        columns.append(np.broadcast_to(noise, call.state.shape))
    matrix = np.stack([np.ravel(column) for column in columns], axis=1)
    after = np.ravel(run.after(k))
    if not (np.isfinite(matrix).all() and np.isfinite(after).all()):
        return np.nan, np.nan, np.nan
    found = np.linalg.lstsq(matrix, after, rcond=None)[0]
    return float(found[0]), float(found[1]), float(found[2]) if len(found) > 2 else 0.0


def _leaves_by_ddim(a: float, b: float, c: float) -> float:
    """Solve a = sqrt(A_s / A_t), b = sqrt(1 - A_s - c^2) - a sqrt(1 - A_t) for A_t."""
    with np.errstate(all="ignore"):
        root = np.float64(1 - c * c - a * a - b * b) / np.float64(2 * a * b)
    return float(1 - root * root)


def _leaves_by_ddpm(a: float, b: float, c: float) -> float:
    """Solve a = sqrt(A_s / A_t), b = -a (1 - A_t / A_s) / sqrt(1 - A_t) for A_t."""
    with np.errstate(all="ignore"):
        root = np.float64(a * (1 - 1 / (a * a))) / np.float64(b)
    return float(1 - root * root)
