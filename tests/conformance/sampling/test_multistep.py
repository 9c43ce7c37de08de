"""Multistep methods in variance-preserving coordinates, written by hand."""

from __future__ import annotations

from typing import Any

import torch

from tests.conformance.sampling.judging import findings, judged, most_named
from tests.conformance.sampling.plain import named, trailing


def _levels(alphas_cumprod: Any, num_steps: int) -> list[tuple[int, Any, Any]]:
    visited = trailing(len(alphas_cumprod), num_steps)
    one = torch.ones_like(alphas_cumprod[0])
    ahead = [*(alphas_cumprod[t] for t in visited[1:]), one]
    return [(t, alphas_cumprod[t], s) for t, s in zip(visited, ahead, strict=True)]


def plms(model: Any, x: Any, num_steps: int, alphas_cumprod: Any) -> Any:
    """Sample by pseudo linear multistep, the first step by an improved Euler step."""

    def moved(x: Any, eps: Any, a: Any, a_next: Any) -> Any:
        x_0 = (x - (1 - a).sqrt() * eps) / a.sqrt()
        return a_next.sqrt() * x_0 + (1 - a_next).sqrt() * eps

    old: list[Any] = []
    steps = _levels(alphas_cumprod, num_steps)
    for i, (t, a, a_next) in enumerate(steps):
        eps = model(x, torch.full((len(x),), t))
        if not old:
            ahead = torch.full((len(x),), steps[min(i + 1, len(steps) - 1)][0])
            used = (eps + model(moved(x, eps, a, a_next), ahead)) / 2
        elif len(old) == 1:
            used = (3 * eps - old[-1]) / 2
        elif len(old) == 2:
            used = (23 * eps - 16 * old[-1] + 5 * old[-2]) / 12
        else:
            used = (55 * eps - 59 * old[-1] + 37 * old[-2] - 9 * old[-3]) / 24
        old = [*old[-2:], eps]
        x = moved(x, used, a, a_next)
    return x


def solver(*, inverted: bool = False) -> Any:
    """Return DPM-Solver++(2M), first order at both ends."""

    def dpm_solver_pp_2m(model: Any, x: Any, num_steps: int, alphas_cumprod: Any) -> Any:
        last = last_h = None
        steps = _levels(alphas_cumprod, num_steps)
        for i, (t, a, a_next) in enumerate(steps):
            sigma, sigma_next = (1 - a).sqrt(), (1 - a_next).sqrt()
            x_0 = (x - sigma * model(x, torch.full((len(x),), t))) / a.sqrt()
            h = torch.log(a_next.sqrt() / sigma_next) - torch.log(a.sqrt() / sigma)
            used = x_0
            if last is not None and i + 1 < len(steps):
                r = h / last_h if inverted else last_h / h
                used = (1 + 1 / (2 * r)) * x_0 - last / (2 * r)
            x = sigma_next / sigma * x - a_next.sqrt() * torch.expm1(-h) * used
            last, last_h = x_0, h
        return x

    return dpm_solver_pp_2m


def test_plms_conforms() -> None:
    outcomes = judged(plms)
    bad = {k: v for k, v in findings(outcomes).items() if k != "steps-1"}
    # One step is a special case: the call ahead has nowhere to go.
    assert {verdict for verdict, _ in bad.values()} <= {"inconclusive"}
    assert outcomes["middle-steps"].verdict == "conforms"
    assert "PLMS" in outcomes["middle-steps"].message


def test_dpm_solver_pp_2m_conforms() -> None:
    outcomes = judged(solver())
    assert findings(outcomes) == {}
    assert "DPM-Solver++(2M)" in outcomes["middle-steps"].message


def test_its_inverted_ratio_is_named() -> None:
    outcomes = judged(named("dpm_solver_pp_2m", solver(inverted=True)))
    # The strides of an even list differ in log-SNR, so that the ratio shows.
    assert most_named(outcomes) == "multistep-ratio-inverted"
