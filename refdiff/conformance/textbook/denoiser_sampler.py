"""Textbook denoiser samplers ``f(model, x, sigmas)``: Euler, ancestral, Heun, 2M, multistep."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from refdiff import checks
from refdiff._namespace import log
from refdiff.conformance.parts import Parts
from refdiff.conformance.parts.grids import Walk
from refdiff.conformance.textbook.sampler import FreshNoise

__all__ = ["BUILDS", "build"]


def _clean(parts: Parts, model: Any, x: Any, sigma: Any) -> Any:
    output = model(x, sigma.expand(len(x)))
    return parts.limit_x_0(parts.denoised(output, x, sigma=sigma, prediction="x_0"))


def _euler(parts: Parts) -> Callable[..., Any]:
    def sample_euler(model: Any, x: Any, sigmas: Any) -> Any:
        walk = Walk(None, sigmas=sigmas)
        with checks("off"):
            for k in range(walk.steps):
                here, there = parts.sigma_at(walk, k), parts.sigma_after(walk, k)
                slope = parts.slope(x, _clean(parts, model, x, here), sigma=here)
                x = parts.euler_update(x, slope, sigma_from=here, sigma_to=there)
            return parts.returned(x)

    return sample_euler


def _ancestral(parts: Parts) -> Callable[..., Any]:
    def sample_euler_ancestral(model: Any, x: Any, sigmas: Any, eta: float = 1.0) -> Any:
        walk, noises = Walk(None, sigmas=sigmas), FreshNoise(x)
        with checks("off"):
            for k in range(walk.steps):
                here, there = parts.sigma_at(walk, k), parts.sigma_after(walk, k)
                slope = parts.slope(x, _clean(parts, model, x, here), sigma=here)
                up = parts.ancestral_up(sigma_from=here, sigma_to=there, eta=eta)
                down = parts.ancestral_down(sigma_to=there, sigma_up=up)
                x = parts.euler_update(x, slope, sigma_from=here, sigma_to=down)
                x = x + up * parts.fresh_noise(noises, k, last=k + 1 == walk.steps)
            return parts.returned(x)

    return sample_euler_ancestral


def _heun(parts: Parts) -> Callable[..., Any]:
    def sample_heun(model: Any, x: Any, sigmas: Any) -> Any:
        walk = Walk(None, sigmas=sigmas)
        with checks("off"):
            for k in range(walk.steps):
                here, there = parts.sigma_at(walk, k), parts.sigma_after(walk, k)
                slope = parts.slope(x, _clean(parts, model, x, here), sigma=here)
                ahead = parts.euler_update(x, slope, sigma_from=here, sigma_to=there)
                if k + 1 < walk.steps:
                    second = parts.heun_second_sigma(sigma_from=here, sigma_to=there)
                    x_0 = _clean(parts, model, ahead, there)
                    slope = parts.heun_slope(slope, parts.slope(ahead, x_0, sigma=second))
                    ahead = parts.euler_update(x, slope, sigma_from=here, sigma_to=there)
                x = ahead
            return parts.returned(x)

    return sample_heun


def _dpm_2m(parts: Parts) -> Callable[..., Any]:
    def sample_dpmpp_2m(model: Any, x: Any, sigmas: Any) -> Any:
        walk, last = Walk(None, sigmas=sigmas), None
        with checks("off"):
            for k in range(walk.steps):
                here, there = parts.sigma_at(walk, k), parts.sigma_after(walk, k)
                x_0 = _clean(parts, model, x, here)
                used = x_0
                if last is not None and k + 1 < walk.steps:
                    step, last_step = log(here / there), log(parts.sigma_at(walk, k - 1) / here)
                    used = parts.dpm_2m_denoised(x_0, last, step=step, last_step=last_step)
                x = parts.dpm_pp_update(x, used, sigma_from=here, sigma_to=there)
                last = x_0
            return parts.returned(x)

    return sample_dpmpp_2m


def _lms(parts: Parts) -> Callable[..., Any]:
    def sample_lms(model: Any, x: Any, sigmas: Any) -> Any:
        walk = Walk(None, sigmas=sigmas)
        slopes: list[Any] = []
        with checks("off"):
            for k in range(walk.steps):
                here = parts.sigma_at(walk, k)
                slopes.insert(0, parts.slope(x, _clean(parts, model, x, here), sigma=here))
                del slopes[4:]
                known = [parts.sigma_at(walk, k - i) for i in range(len(slopes))]
                x = parts.lms_update(x, slopes, known, sigma_to=parts.sigma_after(walk, k))
            return parts.returned(x)

    return sample_lms


BUILDS: dict[str, Callable[[Parts], Any]] = {
    "euler": _euler,
    "euler-ancestral": _ancestral,
    "heun": _heun,
    "dpm-solver++-2m": _dpm_2m,
    "lms": _lms,
}
"""How to build each."""


def build(parts: Parts) -> Any:
    """Return the textbook's Heun sampler.

    Parameters
    ----------
    parts : Parts
        Its formulas, some of them perhaps replaced.

    Returns
    -------
    callable
        ``sample_heun(model, x, sigmas)``.
    """
    return _heun(parts)
