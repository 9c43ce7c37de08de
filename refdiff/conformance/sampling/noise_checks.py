"""The random numbers of a loop: how many, of which law, for whom."""

from __future__ import annotations

import numpy as np

from refdiff.conformance.sampling.diagnosis import diagnosed, unknown_rule
from refdiff.conformance.sampling.grid_checks import named
from refdiff.conformance.sampling.session import Session
from refdiff.conformance.variants import variant
from refdiff.conformance.verdicts import Outcome, conforms, inconclusive

__all__ = ["judge_noise"]


def judge_noise(session: Session) -> Outcome:
    """Judge the draws of a run: one fresh normal array a step where the method adds noise."""
    run = session.run()
    drawn = [d for d in run.recording.draws if d.kind in ("normal", "uniform")]
    known = diagnosed(session)
    if not run.recording.tagged:
        return inconclusive("the noise comes from a source that cannot be observed")
    if known.method is None:
        if drawn:
            return unknown_rule(session)
        return conforms("nothing is drawn")
    if not known.method.stochastic:
        count = len(drawn)
        return conforms(
            f"{known.method.title} adds no noise"
            + (f"; the {count} draws have no effect" if count else "; nothing is drawn")
        )
    return _judge_stochastic(session)


def _judge_stochastic(session: Session) -> Outcome:
    run, known = session.run(), diagnosed(session)
    assert known.method is not None
    needed = [t.k for t in known.transitions(run) if not t.last]
    noises = run.noises(sorted({t.index for t in known.transitions(run)}))
    at = {"steps": run.steps, "draws": len(noises)}
    for name in ("noise-drawn-once", "noise-missing", "eta-has-no-effect"):
        if name in known.names:
            return named(name, variant(name).summary, at=at)
    if any(d.kind == "uniform" for d in run.recording.draws) and not any(
        d.kind == "normal" for d in run.recording.draws
    ):
        return named("noise-is-uniform", variant("noise-is-uniform").summary, at=at)
    batch = run.recording.x_T.shape[0]
    if any(len(noise) != batch for noise in noises.values()):
        return named(
            "noise-shared-by-the-batch", variant("noise-shared-by-the-batch").summary, at=at
        )
    missing = [k for k in needed if k not in noises]
    if missing:
        if not known.explained:
            return unknown_rule(session)
        return inconclusive(
            f"no draw was seen for {len(missing)} of {len(needed)} noisy steps", at=at
        )
    again = [k for k in needed[1:] if np.array_equal(noises[k], noises[k - 1])]
    if again:
        return named("noise-drawn-once", variant("noise-drawn-once").summary, at=at)
    return conforms(f"each of the {len(needed)} noisy steps draws its own noise", at=at)
