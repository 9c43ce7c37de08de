"""Methods on states of variance-exploding coordinates, x = x_0 + sigma eps."""

from __future__ import annotations

import functools
from typing import Any

from refdiff._namespace import exp, log
from refdiff.conformance.parts import Parts
from refdiff.conformance.parts.grids import Walk
from refdiff.conformance.sampling.methods import (
    Inputs,
    Method,
    Transition,
    one_call_methods,
    step_inputs,
    transitions_of,
)
from refdiff.conformance.sampling.session import Run

__all__ = ["ve_methods"]


def _clean(run: Run, parts: Parts, inputs: Inputs, sigma: Any) -> Any:
    x_0 = parts.denoised(inputs.output, inputs.x, sigma=sigma, prediction=run.prediction)
    return parts.limit_x_0(x_0)


def _euler_step(run: Run, parts: Parts, walk: Walk, k: int, inputs: Inputs) -> Any:
    here, there = parts.sigma_at(walk, k), parts.sigma_after(walk, k)
    derivative = parts.slope(inputs.x, _clean(run, parts, inputs, here), sigma=here)
    return parts.euler_update(inputs.x, derivative, sigma_from=here, sigma_to=there)


def _ancestral_step(eta: float, run: Run, parts: Parts, walk: Walk, k: int, inputs: Inputs) -> Any:
    here, there = parts.sigma_at(walk, k), parts.sigma_after(walk, k)
    up = parts.ancestral_up(sigma_from=here, sigma_to=there, eta=eta)
    down = parts.ancestral_down(sigma_to=there, sigma_up=up)
    derivative = parts.slope(inputs.x, _clean(run, parts, inputs, here), sigma=here)
    x = parts.euler_update(inputs.x, derivative, sigma_from=here, sigma_to=down)
    return x + up * inputs.noise()


def _dpm_2m_step(run: Run, parts: Parts, walk: Walk, k: int, inputs: Inputs) -> Any:
    here, there = parts.sigma_at(walk, k), parts.sigma_after(walk, k)
    x_0 = _clean(run, parts, inputs, here)
    if k > 0 and not inputs.last:
        before = step_inputs(parts, run, k - 1, k - 1, walk.steps, {})
        sigma = parts.sigma_at(walk, k - 1)
        x_0 = parts.dpm_2m_denoised(
            x_0,
            _clean(run, parts, before, sigma),
            step=log(here / there),
            last_step=log(sigma / here),
        )
    return parts.dpm_pp_update(inputs.x, x_0, sigma_from=here, sigma_to=there)


def _lms_step(run: Run, parts: Parts, walk: Walk, k: int, inputs: Inputs) -> Any:
    slopes, sigmas = [], []
    for i in range(k, max(-1, k - 4), -1):
        sigma = parts.sigma_at(walk, i)
        one = step_inputs(parts, run, i, i, walk.steps, {})
        slopes.append(parts.slope(one.x, _clean(run, parts, one, sigma), sigma=sigma))
        sigmas.append(sigma)
    return parts.lms_update(inputs.x, slopes, sigmas, sigma_to=parts.sigma_after(walk, k))


def _heun(run: Run) -> list[Transition]:
    """Heun's method: two calls a step but at the last one, which ends at sigma 0."""
    calls = len(run.calls)
    if calls % 2 == 0 or calls == 1 < run.steps:
        return []
    kept = list(range(0, calls, 2))
    noises: dict[int, Any] = {}

    def whole(parts: Parts, walk: Walk, k: int, inputs: Inputs) -> Any:
        if inputs.last:
            return _euler_step(run, parts, walk, k, inputs)
        here, there = parts.sigma_at(walk, k), parts.sigma_after(walk, k)
        first = parts.slope(inputs.x, _clean(run, parts, inputs, here), sigma=here)
        ahead = step_inputs(parts, run, kept[k] + 1, k, walk.steps, noises)
        sigma = parts.heun_second_sigma(sigma_from=here, sigma_to=there)
        second = parts.slope(ahead.x, _clean(run, parts, ahead, sigma), sigma=sigma)
        slope = parts.heun_slope(first, second)
        return parts.euler_update(inputs.x, slope, sigma_from=here, sigma_to=there)

    def half(parts: Parts, walk: Walk, k: int, inputs: Inputs) -> Any:
        return _euler_step(run, parts, walk, k, inputs)

    ends = {k: min(index + 1, calls - 1) for k, index in enumerate(kept)}
    predictors = transitions_of("heun", half, run, kept, dict(enumerate(kept)))[:-1]
    return [*predictors, *transitions_of("heun", whole, run, kept, ends)]


def _dpm_2(run: Run) -> list[Transition]:
    """DPM-Solver-2: a midpoint step in log sigma, Euler to sigma 0."""
    calls = len(run.calls)
    if calls % 2 == 0 or calls == 1 < run.steps:
        return []
    kept = list(range(0, calls, 2))

    def middle(parts: Parts, walk: Walk, k: int) -> Any:
        return exp((log(parts.sigma_at(walk, k)) + log(parts.sigma_after(walk, k))) / 2)

    def whole(parts: Parts, walk: Walk, k: int, inputs: Inputs) -> Any:
        if inputs.last:
            return _euler_step(run, parts, walk, k, inputs)
        ahead = step_inputs(parts, run, kept[k] + 1, k, walk.steps, {})
        sigma = middle(parts, walk, k)
        second = parts.slope(ahead.x, _clean(run, parts, ahead, sigma), sigma=sigma)
        here, there = parts.sigma_at(walk, k), parts.sigma_after(walk, k)
        return parts.euler_update(inputs.x, second, sigma_from=here, sigma_to=there)

    def half(parts: Parts, walk: Walk, k: int, inputs: Inputs) -> Any:
        here = parts.sigma_at(walk, k)
        first = parts.slope(inputs.x, _clean(run, parts, inputs, here), sigma=here)
        sigma = middle(parts, walk, k)
        return parts.euler_update(inputs.x, first, sigma_from=here, sigma_to=sigma)

    ends = {k: min(index + 1, calls - 1) for k, index in enumerate(kept)}
    predictors = transitions_of("dpm-2", half, run, kept, dict(enumerate(kept)))[:-1]
    return [*predictors, *transitions_of("dpm-2", whole, run, kept, ends)]


def ve_methods(eta: float | None) -> list[Method]:
    """Return the methods in the order in which they are tried; eta is what the loop was given."""

    def one(name: str, step: Any) -> Any:
        return lambda run: one_call_methods(name, functools.partial(step, run), run)

    ancestral = functools.partial(_ancestral_step, 1.0 if eta is None else eta)
    return [
        Method("euler", "Euler's method", ("euler",), False, one("euler", _euler_step)),
        Method(
            "euler-ancestral",
            "ancestral Euler sampling",
            ("euler-ancestral", "euler-a-"),
            True,
            one("euler-ancestral", ancestral),
        ),
        Method("heun", "Heun's method", ("heun", "edm"), False, _heun),
        Method("dpm-2", "DPM-Solver-2", ("dpm-2", "dpm2"), False, _dpm_2),
        Method(
            "dpm-solver++-2m",
            "DPM-Solver++(2M)",
            ("dpmpp-2m", "dpm-pp-2m", "dpm-solver-pp-2m", "dpm-2m", "2m"),
            False,
            one("dpm-solver++-2m", _dpm_2m_step),
        ),
        Method("lms", "the linear multistep method", ("lms",), False, one("lms", _lms_step)),
    ]
