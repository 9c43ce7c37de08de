"""How a check asks: inputs, readings of what is right, the outcome in the target's precision."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from refdiff import checks
from refdiff.conformance.checks import Check
from refdiff.conformance.explain import Case, explain, fit
from refdiff.conformance.parts import Parts
from refdiff.conformance.shapes.gaussian_diffusion.expected import Expected, expected
from refdiff.conformance.shapes.gaussian_diffusion.handed import OwnNetworkNeeded
from refdiff.conformance.shapes.gaussian_diffusion.target import Missing, Subject
from refdiff.conformance.variants import all_variants
from refdiff.conformance.verdicts import Outcome, conforms, inconclusive, not_provided

__all__ = ["Asked", "check", "inputs", "judged", "numbers", "times"]

Array = np.ndarray
_COARSE = {"float64": "float32"}
_WORST = ("deviates", "known-deviation", "approximation", "convention", "conforms")


@dataclass(frozen=True)
class Asked:
    """One observation: the inputs, the number, and what is expected of it."""

    at: Mapping[str, Any]
    observed: Array
    question: Callable[[Expected], Any]


def check(id: str, equations: Sequence[str], judge: Callable[[], Outcome]) -> Check:
    """Return a check whose judge may raise `Missing`."""

    def judged_or_not() -> Outcome:
        try:
            return judge()
        except (Missing, OwnNetworkNeeded) as error:
            return not_provided(str(error))

    return Check(id, tuple(equations), judged_or_not)


def judged(
    subject: Subject,
    what: str,
    asked: Sequence[Asked],
    *others: Sequence[Asked],
) -> Outcome:
    """Judge observations by one program, or by other readings of the same method.

    Parameters
    ----------
    subject : Subject
        The target.
    what : str
        Subject of the sentence.
    asked : sequence of Asked
        The observations, with the program that reads them as tables.
    *others : sequence of Asked
        The same observations with other programs, tried where the first leaves them unexplained.

    Returns
    -------
    Outcome
        In the precision of the target's tables: that they are rounded to float32 is a finding of
        a check of its own and none here.
    """
    found = None
    for reading in (asked, *others):
        dtype = subject.table_dtype
        cases = [Case(one.at, one.observed, _program(subject, one.question)) for one in reading]
        cases = _determined(cases, subject.computes)
        if not cases:
            return inconclusive(f"{what}: rounding to {subject.computes} may change all of it here")
        coarser = _COARSE.get(dtype)
        if subject.computes == coarser and not fit(cases, dtype=dtype).holds:
            if fit(cases, dtype=coarser).holds:
                return conforms(f"{what} agrees with the reference to {coarser}, as it computes")
            dtype, coarser = coarser, None
        found = explain(cases, dtype=dtype, coarser=coarser, what=what)
        if found.also_fits and found.variant:
            names = [found.variant, *found.also_fits]
            likely = [name for name in names if _agrees_with_tables(subject, name)]
            found = explain(cases, dtype=dtype, coarser=coarser, what=what, prefer=likely)
        if found.verdict != "deviates":
            break
    assert found is not None
    return found


def _determined(cases: Sequence[Case], dtype: str) -> list[Case]:
    """Return the cases without the numbers that rounding leaves open altogether."""
    parts = Parts(dtype=dtype)
    kept = []
    for case in cases:
        with checks("off"), np.errstate(all="ignore"):
            expectation = parts.lift(case.program(parts))
        sure = np.ravel(np.isfinite(expectation.error) | ~np.isfinite(expectation.value))
        observed = np.ravel(np.asarray(case.observed))
        if sure.all() or observed.size != sure.size:
            kept.append(case)
        elif sure.any():
            kept.append(Case(case.at, observed[sure], _only(case.program, sure)))
    return kept


def _only(program: Callable[[Parts], Any], sure: Array) -> Callable[[Parts], Any]:
    return lambda parts: parts.lift(program(parts)).reshape(-1)[sure]


def _agrees_with_tables(subject: Subject, name: str) -> bool:
    """Say whether variants leave those tables as they are that are right."""
    known = all_variants()
    variants = [known[n] for n in name.split("+")]
    dtype = subject.table_dtype
    for case in subject.cached("right tables", lambda: _right_tables(subject)):
        if not fit([case], variants, dtype=dtype).holds:
            return False
    return True


def _right_tables(subject: Subject) -> list[Case]:
    cases = [
        Case({}, values, _program(subject, _entries_of(name)))
        for name, values in subject.tables.items()
        if hasattr(Expected, name) and len(values) == subject.count
    ]
    return [case for case in cases if fit([case], dtype=subject.table_dtype).holds]


def _entries_of(name: str) -> Callable[[Expected], Any]:
    return lambda e: getattr(e, name)


def _program(subject: Subject, question: Callable[[Expected], Any]) -> Callable[[Parts], Any]:
    return lambda parts: question(expected(parts, subject))


def worst(outcomes: Sequence[Outcome]) -> Outcome:
    """Return the outcome that a reader has to know first."""
    if not outcomes:
        return conforms()
    return min(outcomes, key=lambda found: _WORST.index(found.verdict))


def times(count: int) -> Array:
    """Return the first two, the middle and the last two indices of T times."""
    return np.unique(np.clip([0, 1, count // 2, count - 2, count - 1], 0, count - 1))


def inputs(seed: int, *shapes: tuple[int, ...], scale: float = 1.0) -> list[Array]:
    """Return arrays of normal numbers that float32 holds exactly."""
    generator = np.random.Generator(np.random.PCG64(seed))
    return [
        (scale * generator.standard_normal(shape)).astype(np.float32).astype(np.float64)
        for shape in shapes
    ]


def numbers(value: Any, like: Array | None = None) -> Array:
    """Return what a method returned as float64, broadcast to the shape of `like`."""
    if isinstance(value, torch.Tensor):
        value = value.detach().to("cpu", torch.float64).numpy()
    array = np.array(value, dtype=np.float64)
    if like is None:
        return array
    try:
        return np.broadcast_to(array, like.shape).copy()
    except ValueError:
        return array
