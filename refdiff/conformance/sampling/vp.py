"""Methods on states of variance-preserving coordinates, x = sqrt(alpha_bar) x_0 + ... eps."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any

from refdiff._namespace import log, sqrt
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

__all__ = ["ddim", "vp_methods"]


def _ddim_step(eta: float, run: Run, parts: Parts, walk: Walk, k: int, inputs: Inputs) -> Any:
    alpha_bar_t, alpha_bar_s = parts.level_at(walk, k), parts.level_after(walk, k)
    x_0, eps = parts.x_0_and_eps(
        inputs.output, inputs.x, alpha_bar_t=alpha_bar_t, prediction=run.prediction
    )
    # Without noise in it, a step is not asked for the noise that it may have drawn.
    noise = 0.0 if eta == 0 else inputs.noise()
    return parts.ddim_update(
        x_0, eps, noise, alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s, eta=eta
    )


def _ddpm_step(run: Run, parts: Parts, walk: Walk, k: int, inputs: Inputs) -> Any:
    alpha_bar_t, alpha_bar_s = parts.level_at(walk, k), parts.level_after(walk, k)
    levels = {"alpha_bar_t": alpha_bar_t, "alpha_bar_s": alpha_bar_s}
    x_0, eps = parts.x_0_and_eps(
        inputs.output, inputs.x, alpha_bar_t=alpha_bar_t, prediction=run.prediction
    )
    # A table has no entry below a time outside of it, or between two of its times.
    levels["alpha_bar_before"] = parts.level_before(walk, k)
    mean = parts.ddpm_mean(x_0, eps, inputs.x, **levels)
    if inputs.last:
        mean = mean + parts.added_at_end(walk)
    if inputs.raw is None:
        variance = parts.ddpm_variance(**levels)
    else:
        variance = parts.learned_variance(inputs.raw, **levels)
    weight = parts.noise_weight(walk, k)
    return parts.ddpm_update(mean, inputs.noise(), variance=variance, weight=weight)


def _dpm_2m_step(run: Run, parts: Parts, walk: Walk, k: int, inputs: Inputs) -> Any:
    levels = parts.level_at(walk, k), parts.level_after(walk, k)
    sigmas = parts.sigma_at(walk, k), parts.sigma_after(walk, k)
    x_0 = _clean(run, parts, walk, k, inputs)
    if k > 0 and not inputs.last:
        before = step_inputs(parts, run, k - 1, k - 1, walk.steps, {})
        last_x_0 = _clean(run, parts, walk, k - 1, before)
        step = log(sigmas[0] / sigmas[1])
        last_step = log(parts.sigma_at(walk, k - 1) / sigmas[0])
        x_0 = parts.dpm_2m_denoised(x_0, last_x_0, step=step, last_step=last_step)
    x = inputs.x / sqrt(levels[0])
    moved = parts.dpm_pp_update(x, x_0, sigma_from=sigmas[0], sigma_to=sigmas[1])
    return sqrt(levels[1]) * moved


def _clean(run: Run, parts: Parts, walk: Walk, k: int, inputs: Inputs) -> Any:
    level = parts.level_at(walk, k)
    return parts.x_0_and_eps(inputs.output, inputs.x, alpha_bar_t=level, prediction=run.prediction)[
        0
    ]


def _plms(run: Run) -> list[Transition]:
    """Pseudo linear multistep: the first step takes two calls, an improved Euler step."""
    if len(run.calls) < 3 or run.told[1] != run.told[2]:
        return []
    kept = [0, *range(2, len(run.calls))]

    def step(parts: Parts, walk: Walk, k: int, inputs: Inputs) -> Any:
        levels = parts.level_at(walk, k), parts.level_after(walk, k)
        if k == 0:
            ahead = step_inputs(parts, run, 1, 1, walk.steps, {})
            pair = (_eps(run, parts, levels[0], inputs), _eps(run, parts, levels[1], ahead))
            eps = (pair[0] + pair[1]) / 2
        else:
            indices = [kept[i] for i in range(k, max(-1, k - 4), -1)]
            known = []
            for offset, index in enumerate(indices):
                level = parts.level_at(walk, k - offset)
                one = step_inputs(parts, run, index, k - offset, walk.steps, {})
                known.append(_eps(run, parts, level, one))
            eps = parts.adams_eps(known)
        x_0 = parts.x_0_from_eps(inputs.x, eps, alpha_bar_t=levels[0])
        return parts.ddim_update(
            x_0, eps, 0.0, alpha_bar_t=levels[0], alpha_bar_s=levels[1], eta=0.0
        )

    ends = {k: (1 if k == 0 else index) for k, index in enumerate(kept)}
    return transitions_of("plms", step, run, kept, ends)


def _eps(run: Run, parts: Parts, level: Any, inputs: Inputs) -> Any:
    return parts.x_0_and_eps(inputs.output, inputs.x, alpha_bar_t=level, prediction=run.prediction)[
        1
    ]


def _one_call(name: str, step: Any, run: Run) -> list[Transition]:
    return one_call_methods(name, functools.partial(step, run), run)


def ddim(eta: float) -> Method:
    """Return DDIM with this eta."""
    return Method(
        "ddim" if eta == 0 else f"ddim-eta-{eta:g}",
        f"DDIM with eta = {eta:g}",
        ("ddim",),
        eta != 0,
        lambda run: _one_call("ddim", functools.partial(_ddim_step, eta), run),
    )


def vp_methods(eta: float | None) -> list[Method]:
    """Return the methods in the order in which they are tried; eta is what the loop was given."""
    etas = (0.0, 1.0) if eta is None else (eta,)
    ancestral = Method(
        "ddpm",
        "DDPM's ancestral sampling",
        ("ddpm", "p-sample", "ancestral"),
        True,
        functools.partial(_one_call, "ddpm", _ddpm_step),
    )
    larger = replace(
        ancestral, name="ddpm-beta", follows=("fixed-large-variance",), title=_WITH_BETA
    )
    multistep = Method(
        "dpm-solver++-2m",
        "DPM-Solver++(2M)",
        ("dpm-solver-2m", "dpmpp-2m", "dpm-pp-2m", "dpm-solver-pp-2m", "2m"),
        False,
        functools.partial(_one_call, "dpm-solver++-2m", _dpm_2m_step),
    )
    plms = Method("plms", "PLMS", ("plms", "pndm"), False, _plms)
    known = [*(ddim(value) for value in etas), multistep, plms]
    # Where eta was given the loop is one of DDIM's family; DDPM at eta = 1 is that too.
    pair = [ancestral, larger]
    return [known[0], *pair, *known[1:]] if eta is None else [*known, *pair]


_WITH_BETA = "DDPM's ancestral sampling with the variance beta"
