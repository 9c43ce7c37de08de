"""Diagnosis by explanation: which variant of the reference would have given these numbers?

A check hands over *cases*: what the target returned, and a program over `Parts` that says what it
should have returned. The reference is tried first, then every registered variant of the parts that
the program used, then pairs of them. Whatever reproduces all observations within the rounding
budget is an explanation; the numbers name it, and nothing else does.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np

from refdiff import checks
from refdiff.conformance.bounded import Bounded
from refdiff.conformance.fitting import LIMIT, Case, Fit, Program, fit
from refdiff.conformance.parts import Parts
from refdiff.conformance.variants import Variant, all_variants
from refdiff.conformance.verdicts import Outcome, Verdict

__all__ = ["LIMIT", "Case", "Fit", "Program", "explain", "fit"]

_MOST_PAIRED = 60  # variants that are tried in pairs: 1770 programs
# Rounding never reaches this share of the largest number: what is further off need not be bounded.
_NEAR = {"float64": 1e-3, "float32": 5e-2}


def explain(
    cases: Sequence[Case],
    *,
    dtype: str = "float64",
    coarser: str | None = None,
    base: Sequence[str] = (),
    elsewhere: Sequence[tuple[str, Program]] = (),
    what: str = "the target",
    prefer: Sequence[str] = (),
) -> Outcome:
    """Judge observations by what explains them.

    Parameters
    ----------
    cases : sequence of Case
        All observations of one check.
    dtype : str
        The dtype in which the target computes.
    coarser : str, optional
        A coarser dtype in which it may have computed as well; if only that one explains the
        numbers the verdict is the approximation ``"float32-arithmetic"`` (or that dtype's).
    base : sequence of str
        Variants that the target is known to follow, judged by another check.
    elsewhere : sequence of (str, program)
        Inputs that were not tried, in words and as programs: used to say which probe would tell
        two explanations apart.
    what : str
        Subject of the message's sentence.
    prefer : sequence of str
        Names of explanations that more of the target's numbers speak for: the first where they
        fit here too.

    Returns
    -------
    Outcome
        ``conforms``, ``convention``, ``approximation``, ``known-deviation`` or ``deviates``.
    """
    known = all_variants()
    fixed = [known[name] for name in base]
    reference = fit(cases, fixed, dtype=dtype)
    if reference.holds:
        agrees = _outcome("conforms", f"{what} agrees with the reference", None, reference)
        return replace(agrees, choices=_ruled_out(cases, fixed, reference, dtype))
    usable = _usable(known.values(), reference.used, fixed)
    for tried in (dtype, coarser):
        if tried is None:
            continue
        used: set[str] = set()
        found = _alone(cases, fixed, usable, tried, used)
        # Before pairs, which are many: all of it may be right, in coarser numbers.
        finer = not found and tried == dtype and coarser is not None
        if finer and fit(cases, fixed, dtype=str(coarser)).holds:
            message = f"{what} is right to {coarser}, not to {dtype}{_size(cases, fixed)}"
            return _outcome("approximation", message, f"{coarser}-arithmetic", reference)
        found = found or _in_pairs(cases, fixed, usable, tried, used)
        if found:
            found.sort(key=lambda vs: (any(v.severity for v in vs), _rank(vs, prefer)))
            return _named(found, cases, fixed, reference, elsewhere, what, tried)
    message = (
        f"{what} returned {_number(reference.observed)} in place of "
        f"{_number(reference.expected)}; no known variant explains it"
    )
    return _outcome("deviates", message, None, reference)


def _ruled_out(
    cases: Sequence[Case], fixed: Sequence[Variant], reference: Fit, dtype: str
) -> dict[str, str]:
    """Return the choices in which the reference is followed and no other known convention."""
    others = [v for v in _usable(all_variants().values(), reference.used, fixed) if v.choice]
    fitting = {v.choice for v in others if fit(cases, [*fixed, v], dtype=dtype).holds}
    return {v.choice: "reference" for v in others if v.choice not in fitting}


def _usable(
    variants: Iterable[Variant], used: frozenset[str], fixed: Sequence[Variant]
) -> list[Variant]:
    return sorted(
        (v for v in variants if v.replaces and used & v.replaces.keys() and v not in fixed),
        key=lambda v: (v.severity, v.name),
    )


def _alone(
    cases: Sequence[Case],
    fixed: Sequence[Variant],
    usable: Sequence[Variant],
    dtype: str,
    used: set[str],
) -> list[tuple[Variant, ...]]:
    """Return single variants that fit, the least severe first; `used` receives all parts seen."""
    singles: list[tuple[Variant, ...]] = []
    for candidate in usable:
        near = _near(cases[0], [*fixed, candidate], dtype, used)
        if near and fit(cases, [*fixed, candidate], dtype=dtype, sharp=True).holds:
            if candidate.kind == "form" and not _as_finite(cases, fixed, candidate, dtype):
                continue
            singles.append((candidate,))
    return singles or _within_forms(cases, fixed, usable, dtype)


def _in_pairs(
    cases: Sequence[Case],
    fixed: Sequence[Variant],
    usable: Sequence[Variant],
    dtype: str,
    used: set[str],
) -> list[tuple[Variant, ...]]:
    """Return pairs that fit, the least severe first."""
    plain = [_plain(case, fixed, dtype, used) for case in cases]
    # What does nothing alone may do something beside what does: an eps kept after a limit.
    idle = {
        candidate.name
        for candidate in _usable(usable, frozenset(used), fixed)
        if all(
            _alike(_plain(case, [*fixed, candidate], dtype, set()), reference)
            for case, reference in zip(cases, plain, strict=True)
        )
    }
    paired = _usable(usable, frozenset(used), fixed)
    paired = sorted(paired, key=lambda v: v.name in idle)[:_MOST_PAIRED]
    pairs: list[tuple[Variant, ...]] = [
        tuple(sorted(pair, key=lambda v: (v.severity, v.name)))
        for pair in itertools.combinations(paired, 2)
        if not pair[0].replaces.keys() & pair[1].replaces.keys()
        and pair[0].name not in idle
        and _near(cases[0], [*fixed, *pair], dtype, set())
        and fit(cases[:1], [*fixed, *pair], dtype=dtype, sharp=True).holds
        and fit(cases, [*fixed, *pair], dtype=dtype, sharp=True).holds
    ]
    return sorted(pairs, key=lambda pair: sorted((v.severity for v in pair), reverse=True))


def _as_finite(cases: Sequence[Case], fixed: Sequence[Variant], form: Variant, dtype: str) -> bool:
    """Say whether a form has numbers wherever the reference has: where not it is none there."""
    reference, other = Parts(fixed, dtype=dtype), Parts([*fixed, form], dtype=dtype)
    with checks("off"), np.errstate(all="ignore"):
        for case in cases:
            known = np.isfinite(reference.lift(case.program(reference)).value)
            if not np.all(np.isfinite(other.lift(case.program(other)).value) | ~known):
                return False
    return True


def _within_forms(
    cases: Sequence[Case], fixed: Sequence[Variant], usable: Sequence[Variant], dtype: str
) -> list[tuple[Variant, ...]]:
    """Return right forms together with one variant of a part that only they are made of."""
    found: list[tuple[Variant, ...]] = []
    for form in (v for v in usable if v.kind == "form"):
        used: set[str] = set()
        _near(cases[0], [*fixed, form], dtype, used)
        for inner in _usable(all_variants().values(), frozenset(used), fixed):
            pair = (form, inner)
            if (
                inner not in usable
                and _near(cases[0], [*fixed, *pair], dtype, set())
                and fit(cases, [*fixed, *pair], dtype=dtype, sharp=True).holds
            ):
                found.append(pair)
    return sorted(found, key=lambda pair: pair[1].severity)


class _PlainParts(Parts):
    """The parts on plain numbers, without rounding bounds."""

    def lift(self, value: Any, *, exact: bool = False) -> Any:
        """Return the numbers that the target was given as they are."""
        return value.value if isinstance(value, Bounded) else np.asarray(value, np.float64)


def _plain(
    case: Case, variants: Sequence[Variant], dtype: str, used: set[str]
) -> np.ndarray | str | None:
    """Return what a program expects in plain numbers; None if it fails, a word if it cannot say.

    `used` receives the parts that the program used.
    """
    parts = _PlainParts(variants, dtype=dtype)
    with checks("off"), np.errstate(all="ignore"):
        try:
            return np.ravel(np.asarray(case.program(parts), np.float64))
        except (ArithmeticError, ValueError, IndexError, KeyError):
            return None
        except (AttributeError, TypeError):
            return "needs bounds"
        finally:
            used |= parts.used


def _alike(a: Any, b: Any) -> bool:
    """Say whether two plain expectations are the same numbers, so that a variant does nothing."""
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return np.array_equal(a, b, equal_nan=True)
    return a is None and b is None


def _near(case: Case, variants: Sequence[Variant], dtype: str, used: set[str]) -> bool:
    """Say whether plain numbers come near the observation: most do not, and it costs a tenth."""
    expected = _plain(case, variants, dtype, used)
    if not isinstance(expected, np.ndarray):
        return expected is not None
    observed = np.ravel(np.asarray(case.observed, np.float64))
    if expected.size != observed.size or dtype not in _NEAR:
        return True
    with np.errstate(all="ignore"):
        gap = np.max(np.abs(expected - observed), initial=0.0)
        size = np.max(np.abs([expected, observed]), initial=0.0)
        return not gap > _NEAR[dtype] * size


def _named(
    found: Sequence[tuple[Variant, ...]],
    cases: Sequence[Case],
    fixed: Sequence[Variant],
    reference: Fit,
    elsewhere: Sequence[tuple[str, Program]],
    what: str,
    dtype: str,
) -> Outcome:
    first, *others = found
    worst = max(first, key=lambda v: v.severity)
    message = f"{what}: " + "; and ".join(_sentence(v) for v in _telling(first))
    if worst.kind == "approximation":
        message += _size(cases, fixed)
    rivals = {_name(other): other for other in reversed(others) if _name(other) != _name(first)}
    names = sorted(rivals)
    if names:
        apart = _told_apart(first, rivals[names[0]], fixed, elsewhere, dtype)
        message += f"; {' and '.join(names)} would give the same numbers here ({apart})"
    name = None if worst.kind == "form" else _name(first)
    outcome = _outcome(worst.verdict, message, name, reference, names)
    # With a rival it is not decided which convention is followed.
    chosen = [] if names else [v for v in first if v.kind == "convention" and v.choice]
    return replace(outcome, choices={v.choice: v.name for v in chosen})


def _telling(variants: tuple[Variant, ...]) -> tuple[Variant, ...]:
    """Leave out forms: beside a mistake, the order of operations is no news."""
    return tuple(v for v in variants if v.kind != "form") or variants


def _name(variants: tuple[Variant, ...]) -> str:
    return "+".join(v.name for v in _telling(variants))


def _rank(variants: tuple[Variant, ...], prefer: Sequence[str]) -> int:
    name = _name(variants)
    return list(prefer).index(name) if name in prefer else len(prefer)


def _size(cases: Sequence[Case], fixed: Sequence[Variant]) -> str:
    """Say how far the observations are from the reference, in plain numbers."""
    parts = Parts(fixed)
    absolute = relative = 0.0
    with checks("off"), np.errstate(all="ignore"):
        for case in cases:
            expected = np.ravel(parts.lift(case.program(parts)).value)
            observed = np.ravel(np.asarray(case.observed, dtype=np.longdouble))
            if observed.size != expected.size:
                return ""
            gap = np.abs(observed - expected)
            known = np.isfinite(gap)
            absolute = max(absolute, float(np.max(gap[known], initial=0.0)))
            shares = gap[known & (expected != 0)] / np.abs(expected[known & (expected != 0)])
            relative = max(relative, float(np.max(shares, initial=0.0)))
    return f" (off by at most {absolute:.2g}, relatively {relative:.2g})"


def _sentence(variant: Variant) -> str:
    return variant.summary.rstrip(".")


def _told_apart(
    a: tuple[Variant, ...],
    b: tuple[Variant, ...],
    fixed: Sequence[Variant],
    elsewhere: Sequence[tuple[str, Program]],
    dtype: str,
) -> str:
    """Name an input at which two explanations differ."""
    for words, program in elsewhere:
        with checks("off"), np.errstate(all="ignore"):
            seen = Parts([*fixed, *a], dtype=dtype).lift(program(Parts([*fixed, *a], dtype=dtype)))
        if not fit([Case({}, seen.value, program)], [*fixed, *b], dtype=dtype).holds:
            return f"{words} would tell them apart"
    return "nothing that this check can ask tells them apart"


def _outcome(
    verdict: str, message: str, name: str | None, worst: Fit, also: Sequence[str] = ()
) -> Outcome:
    return Outcome(
        cast(Verdict, verdict),
        message,
        variant=name,
        error_units=worst.units,
        at=worst.at,
        expected=worst.expected,
        observed=worst.observed,
        also_fits=tuple(also),
        series=worst.series,
    )


def _number(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.6g}"
