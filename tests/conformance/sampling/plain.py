"""Samplers as one finds them, each in about twenty lines and none of refdiff's functions.

`torch_ddim` and `numpy_ddim` are DDIM over an evenly spaced list, `torch_ddpm` is DDPM; what public
code gets wrong is an argument of each, right by default.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

__all__ = ["named", "numpy_ddim", "torch_ddim", "torch_ddpm", "trailing"]


def trailing(total: int, steps: int) -> list[int]:
    """Return times from 0 that end each of the even blocks, falling."""
    return [int(t) - 1 for t in np.round(np.arange(steps, 0, -1) * total / steps)]


def named(name: str, sampler: Callable[..., Any]) -> Callable[..., Any]:
    """Give a sampler a name of its own."""
    sampler.__name__ = name
    return sampler


def torch_ddim(
    *,
    times: Callable[[int, int], list[int]] = trailing,
    following: Callable[[list[int], int, int, int], int] | None = None,
    end: Callable[[Any], Any] = torch.ones_like,
    sigma: Callable[..., Any] | None = None,
    direction: Callable[..., Any] | None = None,
    told: Callable[[list[int], int], int] | None = None,
    clip: bool = False,
    rederive: bool = False,
    returned: Callable[[Any], Any] = lambda x: x,
) -> Callable[..., Any]:
    """Return DDIM in torch, times from 0, perhaps with a mistake."""

    def ddim(model: Any, x: Any, num_steps: int, eta: float, alphas_cumprod: Any) -> Any:
        total = len(alphas_cumprod)
        visited = times(total, num_steps)
        for i, t in enumerate(visited):
            if following is not None:
                s = following(visited, i, total, num_steps)
            else:
                s = visited[i + 1] if i + 1 < len(visited) else -1
            a = alphas_cumprod[t]
            a_next = alphas_cumprod[s] if s >= 0 else end(alphas_cumprod)[0]
            shown = t if told is None else told(visited, i)
            eps = model(x, torch.full((x.shape[0],), shown))
            x_0 = (x - torch.sqrt(1 - a) * eps) / torch.sqrt(a)
            if clip:
                x_0 = x_0.clamp(-1, 1)
                if rederive:
                    eps = (x - torch.sqrt(a) * x_0) / torch.sqrt(1 - a)
            variance = (1 - a_next) / (1 - a) * (1 - a / a_next)
            std = eta * torch.sqrt(variance) if sigma is None else sigma(a, a_next, eta, variance)
            if direction is None:
                towards = torch.sqrt(torch.clamp(1 - a_next - std**2, min=0))
            else:
                towards = direction(a, a_next, std)
            x = torch.sqrt(a_next) * x_0 + towards * eps
            if eta > 0:
                x = x + std * torch.randn(x.shape, dtype=x.dtype)
        return returned(x)

    return ddim


def numpy_ddim(model: Any, x_T: Any, num_steps: int, eta: float, alphas_cumprod: Any) -> Any:
    """Sample by DDIM in NumPy, from an evenly spaced list."""
    a_bar = np.append(1.0, np.asarray(alphas_cumprod))
    x = np.asarray(x_T)
    levels = np.rint(np.linspace(len(a_bar) - 1, 0, num_steps + 1)).astype(int)
    for t, s in itertools.pairwise(levels):
        e = model(x, np.full(len(x), t - 1))
        clean = x / np.sqrt(a_bar[t]) - np.sqrt(1 / a_bar[t] - 1) * e
        std = eta * np.sqrt((1 - a_bar[s]) / (1 - a_bar[t]) * (1 - a_bar[t] / a_bar[s]))
        x = np.sqrt(a_bar[s]) * clean + np.sqrt(1 - a_bar[s] - std**2) * e
        x = x + std * np.random.standard_normal(x.shape)  # noqa: NPY002
    return x


def torch_ddpm(
    *,
    larger: bool = False,
    times: Callable[[int, int], list[int]] = trailing,
    last_noise: bool = False,
    std: Callable[[Any], Any] = torch.sqrt,
    stride_one: bool = False,
    early: bool = False,
    draw: Callable[[Any], Any] = torch.randn_like,
) -> Callable[..., Any]:
    """Return DDPM's ancestral sampling in torch, perhaps with a mistake."""

    def ddpm(model: Any, x: Any, num_steps: int, alphas_cumprod: Any) -> Any:
        visited = times(len(alphas_cumprod), num_steps)
        for t, s in zip(visited, [*visited[1:], -1], strict=True):
            a = alphas_cumprod[t]
            a_next = alphas_cumprod[s] if s >= 0 else torch.ones_like(a)
            z = draw(x) if early and (s >= 0 or last_noise) else None
            eps = model(x, torch.full((x.shape[0],), t))
            beta = 1 - a / a_next
            mean = (x - beta / torch.sqrt(1 - a) * eps) / torch.sqrt(1 - beta)
            used = beta
            if stride_one:
                used = 1 - a / alphas_cumprod[t - 1] if t > 0 else 1 - a
            variance = used if larger else used * (1 - a_next) / (1 - a)
            x = mean
            if s >= 0 or last_noise:
                x = x + std(variance) * (draw(x) if z is None else z)
        return x

    return ddpm
