"""A DDIM sampler as tutorials print it, with three mistakes that published code has made.

The demonstration has `refdiff check` find them. Do not use it for anything else.
"""

from __future__ import annotations

from typing import Any

import torch

__all__ = ["sample"]


@torch.no_grad()
def sample(model: Any, x: torch.Tensor, steps: int = 50, eta: float = 0.0) -> torch.Tensor:
    """Draw samples by DDIM, with mistakes.

    Parameters
    ----------
    model : callable
        Predicts the noise: ``model(x, t)``, t from 0 to 999.
    x : torch.Tensor
        Standard normal noise, (B, ...).
    steps : int
        Number of steps.
    eta : float
        0 for DDIM, 1 for as much noise as DDPM adds.

    Returns
    -------
    torch.Tensor
        Samples, which are not what they should be.
    """
    betas = torch.linspace(1e-4, 0.02, 1000, dtype=x.dtype)
    alpha_bars = torch.cumprod(1 - betas, dim=0)
    times = torch.arange(0, 1000, 1000 // steps).flip(0)

    for i, t in enumerate(times):
        alpha_bar = alpha_bars[t]
        alpha_bar_prev = alpha_bars[times[i + 1]] if i + 1 < len(times) else alpha_bars[0]

        eps = model(x, t.repeat(len(x)))
        x_0 = (x - (1 - alpha_bar).sqrt() * eps) / alpha_bar.sqrt()
        sigma = eta * (1 - alpha_bar_prev) / (1 - alpha_bar) * (1 - alpha_bar / alpha_bar_prev)
        direction = (1 - alpha_bar_prev - sigma**2).sqrt() * eps
        x = alpha_bar_prev.sqrt() * x_0 + direction + sigma * torch.randn_like(x)
    return x
