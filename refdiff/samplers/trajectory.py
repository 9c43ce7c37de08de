"""Walking a trajectory while keeping no more of it than is asked for.

Each function takes any iterable of `Step`: what a sampler returned, or that wrapped in a progress
bar. Between two steps nothing is held here but the steps to be handed out.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence, Sized

from refdiff._checks import check_count
from refdiff._namespace import Array
from refdiff.samplers.step import Step

__all__ = ["at_times", "evenly_spaced", "last"]


def last(steps: Iterable[Step]) -> Array:
    """Take all steps and return the final state, holding one state at a time.

    Parameters
    ----------
    steps : iterable of Step
        What a sampler returned, perhaps inside a progress bar.

    Returns
    -------
    array
        The state at time 0.

    Raises
    ------
    ValueError
        If there are no steps: the trajectory was walked already.
    """
    x: Array = None
    walked = False
    for step in steps:
        x, walked = step.x, True
        del step  # Its x_0 would otherwise live through the next call of the model.
    if not walked:
        raise ValueError(
            "steps holds no step: a trajectory can be walked once; call the sampler again."
        )
    return x


def at_times(steps: Iterable[Step], times: Sequence[float]) -> Iterator[Step]:
    """Take all steps and pass on those that reach one of the given times.

    Parameters
    ----------
    steps : iterable of Step
        What a sampler returned, perhaps inside a progress bar.
    times : sequence of int or float
        Times s in any order: entries of the sampler's list after the first, or 0.

    Returns
    -------
    iterator of Step
        In the order of the steps; nothing else is kept.

    Raises
    ------
    ValueError
        If a time is reached by no step: at the call where ``steps`` is what a sampler returned,
        else at the end.
    """
    wanted = frozenset(float(time) for time in times)
    reached = getattr(steps, "times", None)
    if reached is not None:
        _require(wanted, reached)
    return _at(steps, wanted)


def _at(steps: Iterable[Step], wanted: frozenset[float]) -> Iterator[Step]:
    reached = []
    for step in steps:
        reached.append(step.s)
        if step.s in wanted:
            yield step
        del step
    _require(wanted, reached)


def _require(wanted: frozenset[float], reached: Sequence[float]) -> None:
    missing = sorted(wanted.difference(reached))
    if missing:
        shown = ", ".join(f"{time:g}" for time in missing)
        raise ValueError(
            f"times=[{shown}] are reached by no step; a trajectory reaches 0 and the entries of "
            f"timesteps after the first."
        )


def evenly_spaced(steps: Iterable[Step], count: int) -> Iterator[Step]:
    """Take all steps and pass on ``count`` of them, evenly spaced and the last among them.

    Parameters
    ----------
    steps : iterable of Step
        What a sampler returned; anything with a length.
    count : int
        At least 1. Where there are fewer steps, all are passed on.

    Returns
    -------
    iterator of Step
        Steps number round(i N / count) for i = 1..count of N steps.

    Raises
    ------
    ValueError
        If ``count`` is no integer >= 1, or the number of steps is unknown.
    """
    check_count("count", count, low=1, cure="it counts the states to keep.")
    if not isinstance(steps, Sized):
        raise ValueError(
            f"steps of type {type(steps).__name__} has no length; pass what the sampler returned."
        )
    total = len(steps)
    wanted = {round(i * total / count) - 1 for i in range(1, count + 1)} if count < total else None
    return _numbered(steps, range(total) if wanted is None else wanted)


def _numbered(steps: Iterable[Step], wanted: Container[int]) -> Iterator[Step]:
    for step in steps:
        if step.index in wanted:
            yield step
        del step
