"""Judging a sampler by its steps alone, on a short schedule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from refdiff.conformance.checks import Settings
from refdiff.conformance.sampling import step_checks
from refdiff.conformance.shapes.denoiser_sampler import DenoiserLoop
from refdiff.conformance.shapes.sampler import SamplerLoop
from refdiff.conformance.verdicts import Outcome
from refdiff.equations import alpha_bars_from_betas, linear_betas

__all__ = ["SCHEDULE", "SETTINGS", "findings", "judged", "judged_denoiser", "most_named"]

SCHEDULE = alpha_bars_from_betas(linear_betas(100, beta_start=0.001, beta_end=0.1))
SETTINGS = Settings(array="torch", schedule=SCHEDULE, time_base=0)


def judged(
    sampler: Callable[..., Any], *, eta: float | None = None, dtype: str = "float64"
) -> dict[str, Outcome]:
    """Return the outcomes of all step checks by topic."""
    loop = SamplerLoop(sampler, SETTINGS, eta=eta, dtype=dtype)
    return {check.id.split("/")[1]: check.judge() for check in step_checks(loop)}


def judged_denoiser(sampler: Callable[..., Any], *, eta: float | None = None) -> dict[str, Outcome]:
    """Return the outcomes of all step checks of a denoiser sampler by topic."""
    loop = DenoiserLoop(sampler, SETTINGS, eta=eta)
    checks = [c for c in step_checks(loop) if not c.id.endswith("full")]
    return {check.id.split("/")[1]: check.judge() for check in checks}


def findings(outcomes: dict[str, Outcome]) -> dict[str, tuple[str, str | None]]:
    """Return verdict and variant of all that is not plainly right."""
    silent = ("conforms", "not-provided")
    return {k: (o.verdict, o.variant) for k, o in outcomes.items() if o.verdict not in silent}


def most_named(outcomes: dict[str, Outcome]) -> str | None:
    """Return the variant of most known deviations, or of conventions if there is none."""
    for verdict in ("deviates", "known-deviation", "convention", "approximation"):
        names = [str(o.variant) for o in outcomes.values() if o.verdict == verdict]
        if names:
            return Counter(names).most_common(1)[0][0]
    return None
