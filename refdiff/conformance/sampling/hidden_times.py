"""Loops that tell the model other times than those of the states that they show it.

If the told times explain no step, they may not be the times at all: the number of the step, or the
time that the step goes to. Then the list of times is one of the usual ones, and the numbers say
which.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from refdiff import equations
from refdiff.conformance.sampling.session import Run
from refdiff.conformance.variants import variant
from refdiff.conformance.verdicts import Outcome

__all__ = ["Hidden", "counts_steps", "hypotheses"]

Times = Callable[[Run], Any]


@dataclass(frozen=True)
class Hidden:
    """A guess at the times behind the told ones.

    Parameters
    ----------
    name : str
        The deviation that telling other times is.
    times : callable
        From a run to the times that its calls belong to.
    """

    name: str
    times: Times

    @property
    def words(self) -> str:
        """The deviation in a sentence."""
        return variant(self.name).summary.rstrip(".")

    def seen(self, run: Run) -> Run:
        """Return the run with these times."""
        return replace(run, hidden=tuple(float(t) for t in self.times(run)))

    def named(self, outcome: Outcome) -> Outcome:
        """Return the outcome of steps that are explained once the times are known."""
        # Conventions beside it are reported by the checks of other numbers.
        others = [outcome.variant] if outcome.verdict == "known-deviation" else []
        return replace(
            outcome, verdict="known-deviation", variant="+".join(filter(None, [self.name, *others]))
        )


def counts_steps(times: list[float], total: int) -> bool:
    """Say whether these are numbers of steps, where times should lie all over 1..T."""
    steps = len(times)
    falling = times == sorted(times, reverse=True)
    counted = sorted(times) in ([*range(1, steps + 1)], [*range(steps)])
    return bool(steps > 2 and counted and (2 * steps < total or not falling))


def hypotheses(run: Run) -> Iterator[Hidden]:
    """Yield what the told times of a run may stand for."""
    if run.loop.tells == "sigma" or run.hidden or len(run.calls) < 2:
        return
    total = len(run.loop.alpha_bars) - 1
    if counts_steps(run.times, total):
        for grid in _GRIDS:
            times = functools.partial(_list, grid, total)
            yield Hidden("time-shown-is-the-loop-index", times)
    elif run.times[0] < total:
        yield Hidden("time-shown-is-that-of-the-step-end", lambda r: [total, *r.times[:-1]])


def _list(grid: Callable[[int, int], Any], total: int, run: Run) -> Any:
    return grid(total, min(len(run.calls), total))


def _after_leading(total: int, steps: int) -> Any:
    return equations.leading_timesteps(total, steps) + 1


def _even_from_zero(total: int, steps: int) -> Any:
    return total - np.round(np.linspace(0, total - 1, steps))


def _even_rounded_down(total: int, steps: int) -> Any:
    return total - np.ceil(np.linspace(0, total - 1, steps))


_GRIDS: tuple[Callable[[int, int], Any], ...] = (
    equations.trailing_timesteps,
    equations.linspace_timesteps,
    equations.leading_timesteps,
    _after_leading,
    _even_from_zero,
    _even_rounded_down,
)
