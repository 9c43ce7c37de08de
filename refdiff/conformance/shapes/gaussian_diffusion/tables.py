"""Checks of the tables, all entries against what the target's own betas give."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any

import numpy as np

from refdiff.conformance.checks import Check
from refdiff.conformance.explain import Case, fit
from refdiff.conformance.shapes.gaussian_diffusion.asking import Asked, check, judged, times
from refdiff.conformance.shapes.gaussian_diffusion.expected import expected
from refdiff.conformance.shapes.gaussian_diffusion.target import Missing, Subject
from refdiff.conformance.variants.diffusion_tables import HALF_PRECISION, LOOKED_UP, ROUNDED
from refdiff.conformance.variants.randomness import seen
from refdiff.conformance.verdicts import Outcome, Verdict, conforms

__all__ = ["table_checks"]

_TABLES = {
    "alphas_cumprod": ("ho2020/alpha-bar",),
    "alphas_cumprod_prev": ("ho2020/alpha-bar",),
    "alphas_cumprod_next": ("ho2020/alpha-bar",),
    "sqrt_alphas_cumprod": ("ho2020/marginal-mean", "ho2020/marginal-sample"),
    "sqrt_one_minus_alphas_cumprod": ("ho2020/marginal-variance", "ho2020/marginal-sample"),
    "log_one_minus_alphas_cumprod": ("ho2020/marginal-variance",),
    "sqrt_recip_alphas_cumprod": ("ho2020/x-0-from-eps",),
    "sqrt_recipm1_alphas_cumprod": ("ho2020/x-0-from-eps",),
    "posterior_variance": ("ho2020/posterior-variance",),
    "posterior_log_variance_clipped": ("ho2020/posterior-variance",),
    "posterior_mean_coef1": ("ho2020/posterior-mean",),
    "posterior_mean_coef2": ("ho2020/posterior-mean",),
}


def table_checks(subject: Subject) -> list[Check]:
    """Return one check a table, and that of their precision."""
    found = [
        check(
            f"{name.replace('_', '-')}/values",
            equations,
            functools.partial(_table, subject, name),
        )
        for name, equations in _TABLES.items()
    ]
    return [*found, check("tables/precision", ("ho2020/alpha-bar",), lambda: _precision(subject))]


def _table(subject: Subject, name: str) -> Outcome:
    if name not in subject.tables:
        raise Missing(f"the target has no table {name}")
    observed = subject.tables[name]
    if name == "alphas_cumprod" and "betas" not in subject.tables:
        raise Missing("the target has no betas to judge its alphas_cumprod by")
    what = f"table {name}"
    asked = [Asked({"table": name}, observed, lambda e: getattr(e, name))]
    found = judged(subject, what, asked)
    if found.verdict == "conforms" or len(observed) != subject.count:
        return found
    return replace(found, at=_worst_entry(subject, name, observed))


def _worst_entry(subject: Subject, name: str, observed: np.ndarray) -> dict[str, Any]:
    """Say which entry differs most from the reference."""
    cases = [
        Case({"table": name, "index": t}, observed[t], _entry(subject, name, t))
        for t in (*times(subject.count), *range(subject.count))
    ]
    return dict(fit(cases, dtype=subject.table_dtype).at)


def _entry(subject: Subject, name: str, t: int) -> Any:
    return lambda parts: getattr(expected(parts, subject), name)[int(t)]


def _precision(subject: Subject) -> Outcome:
    """Say in which dtype the tables are kept, and what that costs 1 - alpha_bar."""
    held = subject.tables.get("alphas_cumprod", subject.betas)
    coarse = subject.table_dtype
    if coarse == "float64":
        for name in ("bfloat16", "float16", "float32"):
            if _representable(held, name):
                coarse = name
                break
    if coarse == "float64" and subject.computes == "float32":
        return seen("approximation", LOOKED_UP, "the tables are float64, the methods not")
    if coarse == "float64":
        return conforms("the tables are float64")
    exact = subject.alpha_bars[1:]
    found = 1.0 - subject.tables.get("alphas_cumprod", exact)
    lost = float(np.max(np.abs(found - (1 - exact)) / (1 - exact)))
    variant = ROUNDED if coarse == "float32" else HALF_PRECISION
    verdict: Verdict = "approximation" if coarse == "float32" else "known-deviation"
    message = (
        f"the tables are kept in {coarse}: {variant.summary.rstrip('.')}; "
        f"1 - alpha_bar is off by up to {lost:.2g} of itself"
    )
    where = int(np.argmax(np.abs(found - (1 - exact)) / (1 - exact)))
    return Outcome(
        verdict,
        message,
        variant=variant.name,
        at={"index": where},
        expected=float(1 - exact[where]),
        observed=float(found[where]),
    )


def _representable(values: np.ndarray, dtype: str) -> bool:
    import torch

    there = torch.from_numpy(values.copy())
    back = there.to(getattr(torch, dtype)).to(torch.float64)
    return bool((there == back).all())
