"""How one function of a target is judged."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from refdiff import checks as refdiff_checks
from refdiff import equations
from refdiff.conformance.checks import Settings
from refdiff.conformance.explain import Case, Program, explain, fit
from refdiff.conformance.parts import Parts
from refdiff.conformance.shapes.functions.calls import NotTaken, Unreadable, ask
from refdiff.conformance.shapes.functions.programs import INNER
from refdiff.conformance.shapes.functions.readings import other_readings
from refdiff.conformance.shapes.functions.recipes import cases_of
from refdiff.conformance.variants import all_variants
from refdiff.conformance.verdicts import Outcome, conforms, deviates, not_provided

__all__ = ["Judge"]

MUTATES = "mutates-its-inputs"
_NOTHING = ""
_DTYPES = frozenset({"float32", "bfloat16"})


class Judge:
    """Judges the cases of one function.

    Parameters
    ----------
    target : object
        What offers the function.
    name : str
        The function's name in `refdiff.equations`.
    settings : Settings
        The kind of arrays, and the seed of their numbers.
    """

    def __init__(self, target: Any, name: str, settings: Settings) -> None:
        self._target = target
        self._name = name
        self._settings = settings

    def __call__(self, case: str) -> Outcome:
        """Judge one case.

        Parameters
        ----------
        case : str
            A name of `cases_of`; those named like a dtype are asked in that dtype.

        Returns
        -------
        Outcome
            Whatever the target raises passes through.
        """
        function = getattr(self._target, self._name, None)
        if function is None:
            return not_provided(f"the target has no {self._name}")
        if not callable(function):
            return not_provided(f"the target's {self._name} is not callable")
        dtype = case if case in _DTYPES else "float64"
        try:
            observed, written = self._observed(function, case, dtype)
        except NotTaken as error:
            return not_provided(str(error))
        except Unreadable as error:
            return deviates(str(error))
        if written:
            return Outcome(
                "known-deviation",
                f"{self._name} writes into its argument {written[0]}",
                variant=MUTATES,
                at=observed[0].at,
            )
        known: dict[str, Any] = {"dtype": dtype, "what": self._name}
        if dtype == "float64":
            known["coarser"] = "float32"
        if all(np.all(np.isnan(case.observed)) for case in observed):
            # Many a mistake ends in NaN: no name for it could be more than a guess.
            return _of_nan(self._name, observed, dtype)
        outcome = explain(observed, **known)
        if outcome.verdict == "deviates":
            outcome = self._read_otherwise(outcome, case, observed, dtype)
        elif outcome.variant is not None and not outcome.variant.endswith("-arithmetic"):
            if outcome.also_fits:
                outcome = explain(
                    observed, prefer=self.explanation, elsewhere=self._elsewhere(case), **known
                )
            outcome = self._believed(outcome, observed)
        return self._shaped(outcome, observed, dtype)

    def _read_otherwise(
        self, outcome: Outcome, case: str, observed: Sequence[Case], dtype: str
    ) -> Outcome:
        """Name a right formula that takes its arguments for something else, if it is one."""
        array, calls = self._settings.array, cases_of(self._name, self._settings.seed)[case]
        for variant, change in other_readings(calls[0]):
            programs = [
                change(call).program(self._name, array=array, dtype=dtype) for call in calls
            ]
            seen = [
                Case(o.at, o.observed, program)
                for o, program in zip(observed, programs, strict=True)
            ]
            if fit(seen, dtype=dtype, sharp=True).holds:
                message = f"{self._name}: {variant.summary.rstrip('.')}"
                return replace(
                    outcome, verdict="known-deviation", variant=variant.name, message=message
                )
        return outcome

    def _elsewhere(self, case: str) -> list[tuple[str, Program]]:
        """Return the programs of other cases, which may tell two explanations apart.

        First those of this function, then those of others that a convention would show in.
        """
        known = all_variants()
        explained = [known[name] for name in self.own_explanation if name in known]
        partners = sorted({part for variant in explained for part in variant.replaces})
        return [
            (f"{name.replace('_', '-')}/{other}", call.program(name, array="numpy"))
            for name in [self._name, *(p for p in partners if p in equations.__all__)]
            for other, calls in cases_of(name, self._settings.seed).items()
            if (name, other) != (self._name, case) and other not in _DTYPES
            for call in calls
        ]

    def _believed(self, outcome: Outcome, observed: Sequence[Case]) -> Outcome:
        """Take back a name that only some of the function's numbers bear out."""
        names = [str(name) for name in (outcome.variant, *outcome.also_fits)]
        borne_out = {part for name in self.explanation for part in name.split("+")}
        if not self.explanation or any(set(name.split("+")) <= borne_out for name in names):
            return outcome
        message = (
            f"{self._name} returned numbers that nothing known explains in all cases; in this "
            f"one {' or '.join(names)} would give the same"
        )
        return replace(outcome, verdict="deviates", message=message, variant=None)

    def _observed(
        self, function: Callable[..., Any], case: str, dtype: str
    ) -> tuple[list[Case], tuple[str, ...]]:
        array = self._settings.array
        found = []
        written: tuple[str, ...] = ()
        for call in cases_of(self._name, self._settings.seed)[case]:
            reply = ask(function, self._name, call, array=array, dtype=dtype)
            written = written or reply.written
            program = call.program(self._name, array=array, dtype=dtype)
            found.append(Case(call.shown(), reply.values, program))
        return found, written

    @functools.cached_property
    def explanation(self) -> tuple[str, ...]:
        """What explains most of what the target returns: the root of a mistake first.

        A single case may leave several explanations. The one that fits all cases of the function
        is meant, and before it one that a function which this one is made of shows by itself.
        """
        roots = [
            name
            for inner in INNER.get(self._name, ())
            for name in self._other(inner).own_explanation[:1]
        ]
        found = (*roots, *self.own_explanation)
        return tuple(sorted(found, key=lambda name: not self._followed(name)))

    def _other(self, name: str) -> Judge:
        return Judge(self._target, name, self._settings)

    def _followed(self, name: str) -> bool:
        """Say whether all functions that a convention shows in follow it.

        One that a part of the target follows is none there: it is a mistake with the same numbers.
        """
        known = all_variants().get(name)
        if known is None or known.kind != "convention":
            return True
        others = (known.replaces.keys() & set(equations.__all__)) - {self._name}
        return all(
            name in self._other(other).own_explanation
            for other in sorted(others)
            if callable(getattr(self._target, other, None))
        )

    @functools.cached_property
    def own_explanation(self) -> tuple[str, ...]:
        """What explains all that the function returns otherwise than the reference.

        Over all cases in double precision; one name that stands for nothing if there is none.
        """
        function = getattr(self._target, self._name, None)
        cases: list[Case] = []
        for case in cases_of(self._name, self._settings.seed):
            if case in _DTYPES or not callable(function):
                continue
            try:
                found = self._observed(function, case, "float64")[0]
            except Exception:  # it is told where that case is judged
                continue
            cases += [] if fit(found).holds else found
        if not cases:
            return ()
        outcome = explain(cases, coarser="float32", what=self._name)
        if outcome.verdict == "deviates":
            return (_NOTHING,)
        return tuple(name for name in (outcome.variant, *outcome.also_fits) if name)

    def _shaped(self, outcome: Outcome, observed: Sequence[Case], dtype: str) -> Outcome:
        """Object to right numbers in a wrong shape: they would broadcast to something else."""
        if outcome.verdict != "conforms":
            return outcome
        for case in observed:
            expected = _shape_expected(case, dtype)
            seen = np.shape(case.observed)
            if seen != expected and int(np.prod(seen)) > 1:
                return deviates(
                    f"{self._name} returned the right numbers in shape {seen}, not {expected}",
                    at=case.at,
                    expected=str(expected),
                    observed=str(seen),
                )
        return outcome


def _shape_expected(case: Case, dtype: str) -> tuple[int, ...]:
    parts = Parts(dtype=dtype)
    with refdiff_checks("off"), np.errstate(all="ignore"):
        return parts.lift(case.program(parts)).shape


def _of_nan(name: str, observed: Sequence[Case], dtype: str) -> Outcome:
    reference = fit(observed, dtype=dtype)
    known = {
        "error_units": reference.units,
        "at": reference.at,
        "expected": reference.expected,
        "observed": reference.observed,
    }
    if reference.holds:
        return conforms(f"{name} agrees with the reference", **known)
    return deviates(f"{name} returned NaN", **known)
