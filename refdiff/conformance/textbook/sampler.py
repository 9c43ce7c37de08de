"""Textbook samplers ``f(model, x_T, num_steps, ...)``: DDIM, DDPM, and DDIM with guidance.

Each is what a careful reader of the papers writes, with its formulas taken from `parts`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from refdiff import checks
from refdiff.conformance.parts import Parts
from refdiff.conformance.parts.grids import Walk

__all__ = ["BUILDS", "FreshNoise", "build"]

_NULL = 10


class FreshNoise:
    """Noise for each step, drawn when a step first asks for it."""

    def __init__(self, like: Any) -> None:
        self._like = like
        self._drawn: dict[int, Any] = {}

    def __contains__(self, k: int) -> bool:
        return True

    def __getitem__(self, k: int) -> Any:
        import torch

        if k not in self._drawn:
            self._drawn[k] = torch.randn_like(self._like)
        return self._drawn[k]


def _walk(parts: Parts, alphas_cumprod: Any, num_steps: int) -> Walk:
    import torch

    levels = torch.cat([torch.ones_like(alphas_cumprod[:1]), alphas_cumprod])
    times = parts.time_grid(len(alphas_cumprod), num_steps)
    return Walk(levels, tuple(int(t) for t in times))


def _told(parts: Parts, walk: Walk, k: int, x: Any) -> Any:
    import torch

    return torch.full((len(x),), int(parts.told_time(walk, k, time_base=0)))


def _ddim(parts: Parts) -> Callable[..., Any]:
    def ddim_sample(
        model: Any, x_T: Any, num_steps: int, eta: float = 0.0, *, alphas_cumprod: Any
    ) -> Any:
        walk, x, noises = _walk(parts, alphas_cumprod, num_steps), x_T, FreshNoise(x_T)
        with checks("off"):
            for k in range(walk.steps):
                eps = model(x, _told(parts, walk, k, x))
                x = _ddim_step(parts, walk, k, x, eps, eta, noises)
            return parts.returned(x)

    return ddim_sample


def _ddim_step(
    parts: Parts, walk: Walk, k: int, x: Any, output: Any, eta: float, noises: FreshNoise
) -> Any:
    level_t, level_s = parts.level_at(walk, k), parts.level_after(walk, k)
    x_0, eps = parts.x_0_and_eps(output, x, alpha_bar_t=level_t, prediction="eps")
    noise = parts.fresh_noise(noises, k, last=k + 1 == walk.steps) if eta > 0 else 0.0
    return parts.ddim_update(x_0, eps, noise, alpha_bar_t=level_t, alpha_bar_s=level_s, eta=eta)


def _ddpm(parts: Parts) -> Callable[..., Any]:
    def variance(**levels: Any) -> Any:
        return parts.ddpm_variance(**levels)

    return _ancestral(parts, variance)


def _ddpm_beta(parts: Parts) -> Callable[..., Any]:
    def variance(*, alpha_bar_before: Any, **levels: Any) -> Any:
        return parts.transition_variance(**levels)

    return _ancestral(parts, variance)


def _ancestral(parts: Parts, variance: Callable[..., Any]) -> Callable[..., Any]:
    def ddpm_sample(model: Any, x_T: Any, num_steps: int, *, alphas_cumprod: Any) -> Any:
        walk, x, noises = _walk(parts, alphas_cumprod, num_steps), x_T, FreshNoise(x_T)
        with checks("off"):
            for k in range(walk.steps):
                last = k + 1 == walk.steps
                level_t = parts.level_at(walk, k)
                levels = {"alpha_bar_t": level_t, "alpha_bar_s": parts.level_after(walk, k)}
                output = model(x, _told(parts, walk, k, x))
                x_0, eps = parts.x_0_and_eps(output, x, alpha_bar_t=level_t, prediction="eps")
                before = {"alpha_bar_before": parts.level_before(walk, k)}
                mean = parts.ddpm_mean(x_0, eps, x, **levels, **before)
                if last:
                    mean = mean + parts.added_at_end(walk)
                x = parts.ddpm_update(
                    mean,
                    parts.fresh_noise(noises, k, last=last),
                    variance=variance(**levels, **before),
                    weight=parts.noise_weight(walk, k),
                )
            return parts.returned(x)

    return ddpm_sample


def _guided(parts: Parts) -> Callable[..., Any]:
    def ddim_sample_guided(
        model: Any,
        x_T: Any,
        num_steps: int,
        labels: Any = None,
        guidance_weight: float = 0.0,
        *,
        alphas_cumprod: Any,
    ) -> Any:
        import torch

        walk, x = _walk(parts, alphas_cumprod, num_steps), x_T
        with checks("off"):
            for k in range(walk.steps):
                t = _told(parts, walk, k, x)
                if labels is None:
                    output = model(x, t)
                else:
                    null = parts.unconditional_labels(labels, torch.full_like(labels, _NULL))
                    cond, uncond = model(x, t, labels), model(x, t, null)
                    output = parts.guided_prediction(cond, uncond, weight=guidance_weight)
                x = _ddim_step(parts, walk, k, x, output, 0.0, FreshNoise(x))
            return parts.returned(x)

    return ddim_sample_guided


BUILDS: dict[str, Callable[[Parts], Any]] = {
    "ddim": _ddim,
    "ddpm": _ddpm,
    "ddpm-beta": _ddpm_beta,
    "guided": _guided,
}
"""How to build each."""


def build(parts: Parts) -> Any:
    """Return the textbook's DDIM sampler.

    Parameters
    ----------
    parts : Parts
        Its formulas, some of them perhaps replaced.

    Returns
    -------
    callable
        ``ddim_sample(model, x_T, num_steps, eta, *, alphas_cumprod)``.
    """
    return _ddim(parts)
