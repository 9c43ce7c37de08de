"""Whether the predicted x_0 is limited: a run whose predictions lie far outside [-1, 1]."""

from __future__ import annotations

from dataclasses import replace

from refdiff.conformance.explain import explain, fit
from refdiff.conformance.sampling.diagnosis import diagnosed, dtypes, spread, unknown_rule
from refdiff.conformance.sampling.own_schedule import foreign_schedule
from refdiff.conformance.sampling.script import LARGE
from refdiff.conformance.sampling.session import Session
from refdiff.conformance.variants import variant
from refdiff.conformance.verdicts import Outcome, inconclusive

__all__ = ["judge_clipping"]


def judge_clipping(session: Session) -> Outcome:
    """Judge what becomes of predictions outside the range of data."""
    known = diagnosed(session)
    if known.method is None:
        return foreign_schedule(session) or unknown_rule(session)
    run = session.run(size=LARGE)
    if not run.recording.tagged and known.method.stochastic:
        return inconclusive("the noise comes from a source that cannot be observed")
    cases = [t.case for t in spread(known.transitions(run))]
    if not cases:
        return unknown_rule(session)
    dtype, coarser = dtypes(session)
    base = [variant(name) for name in known.names]
    # The end of the run may clip its result alone; the steps before it say what clips x_0.
    if fit(cases, base, dtype=dtype).holds:
        return replace(
            explain(cases, dtype=dtype, base=known.names),
            message="predictions of x_0 outside [-1, 1] are used as they are",
        )
    outcome = explain(
        cases, dtype=dtype, coarser=coarser, base=known.names, what="large predictions of x_0"
    )
    if outcome.verdict == "deviates":
        return inconclusive(
            f"predictions of x_0 up to {LARGE:g} are treated by a rule that refdiff does not know "
            f"by name, such as dynamic thresholding: {outcome.message}",
            at=outcome.at,
            expected=outcome.expected,
            observed=outcome.observed,
        )
    return outcome
