"""Which method a loop follows, and which variants explain the rest of its numbers.

All steps of two runs are explained together first: a mistake that shows in every step and an end
rule that shows in the last one are then named as the two that they are. Each topic (first, middle,
last step, another number of steps ...) reports only the variants that its own numbers need.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from refdiff import checks, equations
from refdiff.conformance.explain import Case, explain, fit
from refdiff.conformance.sampling.attribution import attributed, unexplained
from refdiff.conformance.sampling.hidden_times import Hidden, hypotheses
from refdiff.conformance.sampling.methods import Method, Transition, recovered
from refdiff.conformance.sampling.own_schedule import foreign_schedule
from refdiff.conformance.sampling.script import LARGE
from refdiff.conformance.sampling.session import Run, Session
from refdiff.conformance.sampling.ve import ve_methods
from refdiff.conformance.sampling.vp import ddim, vp_methods
from refdiff.conformance.variants import variant
from refdiff.conformance.verdicts import (
    VERDICTS,
    Outcome,
    inconclusive,
)

__all__ = ["Diagnosis", "diagnosed", "judged", "spread"]

_MOST = 12  # transitions of one run that are explained


@dataclass(frozen=True)
class Diagnosis:
    """What is known of a loop.

    Parameters
    ----------
    method : Method or None
        The method that it follows, or that its name claims; None if neither is known.
    names : tuple of str
        Variants that explain, with the method, what was seen.
    explained : bool
        Whether they explain at least the steps between first and last.
    claimed : bool
        Whether the target's name claims the method.
    hidden : Hidden, optional
        How the times that the model is told differ from those that its calls belong to.
    rivals : tuple of str
        Other explanations, joined by "+", which give the same numbers in all that was asked.
    """

    method: Method | None
    names: tuple[str, ...]
    explained: bool
    claimed: bool
    hidden: Hidden | None = None
    rivals: tuple[str, ...] = ()

    def transitions(self, run: Run) -> list[Transition]:
        """Return the steps of a run as the method predicts them."""
        if self.method is None:
            return []
        return self.method.transitions(run if self.hidden is None else self.hidden.seen(run))


def spread(transitions: Sequence[Transition], most: int = _MOST) -> list[Transition]:
    """Return at most so many transitions: first, last and others between them."""
    if len(transitions) <= most:
        return list(transitions)
    ends = [*transitions[:2], *transitions[-2:]]
    inner = transitions[2:-2]
    kept = [inner[round(i)] for i in np.linspace(0, len(inner) - 1, most - 4)]
    return [*ends[:2], *kept, *ends[2:]]


def diagnosed(session: Session) -> Diagnosis:
    """Return the diagnosis of a loop, made once."""
    found: Diagnosis = session.once("diagnosis", lambda: _diagnose(session))
    return found


def _runs(session: Session) -> list[Run]:
    runs = [session.run()]
    if not session.fixed and session.nearest(7) != session.main_steps:
        try:
            runs.append(session.run(session.nearest(7), seed=1))
        except Exception:
            return runs  # the check of that number of steps will tell why
    return runs


def _diagnose(session: Session) -> Diagnosis:
    told = _runs(session)
    candidates: list[Method] = []
    for hidden in (None, *hypotheses(told[0])):
        runs = told if hidden is None else [hidden.seen(run) for run in told]
        methods = [m for m in _methods(session, runs[0]) if _cases(m, runs)]
        claimed = _claimed(methods, session.loop.name)
        # What the name claims goes first: a claim may hold with a mistake that makes it another.
        for tried in filter(None, dtypes(session)):
            for method in claimed:
                if _holds(method, runs, tried):
                    return Diagnosis(method, method.follows, True, True, hidden)
        if foreign_schedule(session, named=True) is not None:
            return Diagnosis(None, (), False, False)
        explained = _explained(session, runs, claimed) if claimed and hidden is None else None
        if explained is not None:
            method, names, rivals = explained
            return Diagnosis(method, names, True, True, rivals=rivals)
        for tried in filter(None, dtypes(session)):
            for method in methods:
                if _holds(method, runs, tried):
                    return Diagnosis(method, method.follows, True, False, hidden)
        if hidden is None:
            explained = None if claimed else _explained(session, runs, methods)
            if explained is not None:
                method, names, rivals = explained
                return Diagnosis(method, names, True, False, rivals=rivals)
            candidates = claimed
    return Diagnosis(candidates[0] if candidates else None, (), False, bool(candidates))


def _holds(method: Method, runs: Sequence[Run], dtype: str) -> bool:
    follows = [variant(name) for name in method.follows]
    return fit(_cases(method, runs), follows, dtype=dtype).holds


def _explained(
    session: Session, runs: Sequence[Run], methods: Sequence[Method]
) -> tuple[Method, tuple[str, ...], tuple[str, ...]] | None:
    """Return method, variants and rivals that explain all steps, or all between first and last."""
    dtype, coarser = dtypes(session)
    for middle in (False, True):
        best: tuple[int, int, Method, Outcome] | None = None
        for order, method in enumerate(methods):
            chosen = _cases(method, runs, middle=middle)
            if not chosen:
                continue
            outcome = explain(chosen, dtype=dtype, coarser=coarser, base=method.follows)
            if outcome.verdict == "deviates":
                continue
            rank = VERDICTS.index(outcome.verdict), order
            if best is None or rank < best[:2]:
                best = (*rank, method, outcome)
        if best is not None:
            return best[2], *_settled(session, best[2], best[3])
    return None


def _settled(
    session: Session, method: Method, outcome: Outcome
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names of the explanation that large predictions fit too, and others that do."""
    fitting = [(outcome.variant or ""), *outcome.also_fits]
    if len(fitting) > 1:
        cases, dtype = _cases(method, [session.run(size=LARGE)]), session.loop.dtype
        with_large = [
            joined
            for joined in fitting
            if fit(cases, [variant(n) for n in _names(method, joined)], dtype=dtype).holds
        ]
        fitting = with_large or fitting
    return _names(method, fitting[0]), tuple(fitting[1:])


def _names(method: Method, joined: str) -> tuple[str, ...]:
    return *method.follows, *(n for n in joined.split("+") if _registered(n))


def dtypes(session: Session) -> tuple[str, str | None]:
    """Return the dtype of the loop and a coarser one in which parts of it may compute."""
    dtype = session.loop.dtype
    return dtype, "float32" if dtype == "float64" else None


def _methods(session: Session, run: Run) -> list[Method]:
    eta = getattr(session.loop, "eta", None)
    if session.loop.coordinates == "ve":
        return ve_methods(eta)
    methods = vp_methods(eta)
    estimated = _estimated_eta(run) if eta is None else None
    return methods if estimated is None else [*methods, ddim(estimated)]


def _claimed(methods: Sequence[Method], name: str) -> list[Method]:
    """Return the methods that a name claims: those with the longest phrase in it.

    A name with another word of the trade (``"dpmpp-2s-ancestral"``) claims another method.
    """
    sizes = []
    for method in methods:
        phrases = [w for w in method.words if w in name]
        longest = max(phrases, key=len, default="")
        rest = set(name.replace(longest, "").split("-")) if longest else set()
        sizes.append(0 if rest & _OTHER_WORDS else len(longest))
    longest_size = max(sizes, default=0)
    return [m for m, n in zip(methods, sizes, strict=True) if n and n == longest_size]


_OF_OTHER_METHODS = """
1s 2m 2s 3m 3s adaptive ancestral cfg cm consistency ddpmpp deis dpm dpmpp encode er exp
exponential fast flow heunpp heunpp2 invert inverse inversion inverted ipndm lcm lms pp
predictor corrector rectified res restart reverse sa sde singlestep tcd turbo unipc
"""
_OTHER_WORDS = frozenset(_OF_OTHER_METHODS.split())


def _cases(method: Method, runs: Sequence[Run], *, middle: bool = False) -> list[Case]:
    chosen = []
    for run in runs:
        transitions = method.transitions(run)
        if middle:
            transitions = [t for t in transitions if t.k > 0 and not t.last]
        chosen += [t.case for t in spread(transitions)]
    return chosen


def _estimated_eta(run: Run) -> float | None:
    """Return eta from the noise in a middle step, if it is one that anybody would choose."""
    noises = run.noises()
    k = len(run.calls) // 2
    if k not in noises or k + 1 >= len(run.calls):
        return None
    times = run.times
    if any(t != int(t) or not 0 < t < len(run.loop.alpha_bars) for t in times[k : k + 2]):
        return None
    call = run.calls[k]
    output = call.output[:, : call.state.shape[1]]
    columns = [call.state, output, np.broadcast_to(noises[k], call.state.shape)]
    matrix = np.stack([np.ravel(c) for c in columns], axis=1)
    if not (np.isfinite(matrix).all() and np.isfinite(run.after(k)).all()):
        return None
    weight = float(np.linalg.lstsq(matrix, np.ravel(run.after(k)), rcond=None)[0][2])
    level_t, level_s = (float(run.loop.alpha_bars[int(t)]) for t in times[k : k + 2])
    with checks("off"), np.errstate(all="ignore"):
        full = equations.ddim_sigma(alpha_bar_t=level_t, alpha_bar_s=level_s, eta=1.0)
    eta = float(Fraction(weight / full).limit_denominator(1000)) if full > 0 else 0.0
    return eta if 0 < eta < 1 else None


def _registered(name: str) -> bool:
    try:
        return bool(variant(name))
    except KeyError:
        return False


def judged(session: Session, run: Run, transitions: Sequence[Transition], what: str) -> Outcome:
    """Judge some steps of a run by the loop's method and what is known to explain it."""
    known = diagnosed(session)
    if known.method is None:
        return foreign_schedule(session) or unknown_rule(session)
    if not transitions:
        return inconclusive(f"a run of {run.steps} steps has no such step")
    if not run.recording.tagged and known.method.stochastic:
        return inconclusive(
            "the noise comes from a source that cannot be observed; the law of the output judges it"
        )
    dtype, coarser = dtypes(session)
    chosen = [t.case for t in spread(transitions)]
    title = f"{what} of {known.method.title}"
    if known.hidden is not None and known.hidden.seen(run).times != run.times:
        title = f"{known.hidden.words}; {title}"
    for size in range(len(known.names) + 1):
        for names in itertools.combinations(known.names, size):
            if fit(chosen, [variant(n) for n in names], dtype=dtype).holds:
                outcome = attributed(chosen, names, title, dtype, known.method.follows)
                if outcome.variant is not None and not outcome.also_fits:
                    outcome = replace(outcome, also_fits=known.rivals)
                if known.hidden is None or known.hidden.seen(run).times == run.times:
                    return outcome
                return known.hidden.named(outcome)
    if known.explained or len(transitions) == 1:
        outcome = explain(chosen, dtype=dtype, coarser=coarser, base=known.names, what=title)
    else:  # all steps together were searched for an explanation before
        outcome = unexplained(chosen, dtype, title)
    if outcome.verdict != "deviates":
        return outcome
    foreign = foreign_schedule(session)
    if foreign is not None:
        return foreign
    if not known.explained and not known.claimed:
        return unknown_rule(session)
    if not session.repeatable:
        return inconclusive(
            "two runs with the same visible draws differ: the loop has a source of randomness "
            "that cannot be observed, and the law of the output judges it"
        )
    worst = max(transitions, key=lambda t: fit([t.case], dtype=dtype).units)
    noise = run.noises([t.index for t in transitions]).get(worst.k)
    there = recovered(run, worst.index, worst.case.observed, noise)
    return replace(outcome, message=f"{outcome.message}; the step is {there}")


def unknown_rule(session: Session) -> Outcome:
    """Return the outcome for a rule without a name."""
    return inconclusive(
        f"the rule of {session.loop.name} is none that refdiff knows by name; "
        f"it is judged by its output law"
    )
