"""A right class in another style: renamed methods, float32 buffers, a network of its own, v."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from refdiff.equations import cosine_betas

Tensor = torch.Tensor


class Network(torch.nn.Module):
    """Stands where a class keeps its network."""

    channels = 3

    def forward(self, x: Tensor, t: Tensor, labels: Tensor | None = None) -> Tensor:
        return x


class Renamed(torch.nn.Module):
    """Trains on v with the weight SNR / (SNR + 1), as the loss of eps has it."""

    def __init__(
        self,
        steps: int = 30,
        *,
        times: Callable[[int, int], Tensor] = lambda steps, count: torch.randint(
            0, steps, (count,)
        ),
        dropped: Callable[[Tensor], Tensor] = lambda labels: labels,
        drop_prob: float | None = None,
        weight: Callable[[np.ndarray], np.ndarray] = lambda snr: snr / (snr + 1),
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        self.model = Network()
        self.image_size = 4
        self.channels = 3
        self.objective = "pred_v"
        self.num_timesteps = steps
        self.draw_times, self.drop = times, dropped
        if drop_prob is not None:
            self.drop_prob = drop_prob
        betas = cosine_betas(steps)
        alpha_bars = np.cumprod(1 - betas)
        before = np.append(1.0, alpha_bars[:-1])
        variance = betas * (1 - before) / (1 - alpha_bars)
        tables = {
            "betas": betas,
            "alphas_cumprod": alpha_bars,
            "alphas_cumprod_prev": before,
            "sqrt_alphas_cumprod": np.sqrt(alpha_bars),
            "sqrt_one_minus_alphas_cumprod": np.sqrt(1 - alpha_bars),
            "posterior_variance": variance,
            "posterior_log_variance_clipped": np.log(np.maximum(variance, 1e-20)),
            "posterior_mean_coef1": betas * np.sqrt(before) / (1 - alpha_bars),
            "posterior_mean_coef2": (1 - before) * np.sqrt(1 - betas) / (1 - alpha_bars),
            "loss_weight": weight(alpha_bars / (1 - alpha_bars)),
        }
        for name, table in tables.items():
            self.register_buffer(name, torch.from_numpy(table).to(dtype))

    def _at(self, table: Tensor, t: Tensor, x: Tensor) -> Tensor:
        return table.gather(0, t).reshape(-1, *[1] * (x.ndim - 1))

    def q_sample(self, x_start: Tensor, t: Tensor, noise: Tensor | None = None) -> Tensor:
        noise = torch.randn_like(x_start) if noise is None else noise
        spread = self._at(self.sqrt_one_minus_alphas_cumprod, t, x_start)
        return self._at(self.sqrt_alphas_cumprod, t, x_start) * x_start + spread * noise

    def predict_v(self, x_start: Tensor, t: Tensor, noise: Tensor) -> Tensor:
        spread = self._at(self.sqrt_one_minus_alphas_cumprod, t, x_start)
        return self._at(self.sqrt_alphas_cumprod, t, x_start) * noise - spread * x_start

    def predict_start_from_v(self, x_t: Tensor, t: Tensor, v: Tensor) -> Tensor:
        spread = self._at(self.sqrt_one_minus_alphas_cumprod, t, x_t)
        return self._at(self.sqrt_alphas_cumprod, t, x_t) * x_t - spread * v

    def q_posterior(self, x_start: Tensor, x_t: Tensor, t: Tensor) -> tuple[Tensor, ...]:
        mean = self._at(self.posterior_mean_coef1, t, x_t) * x_start
        mean = mean + self._at(self.posterior_mean_coef2, t, x_t) * x_t
        logarithm = self._at(self.posterior_log_variance_clipped, t, x_t)
        return mean, self._at(self.posterior_variance, t, x_t), logarithm

    def p_mean_variance(
        self, x: Tensor, t: Tensor, *, clip_denoised: bool = True
    ) -> tuple[Tensor, ...]:
        x_0 = self.predict_start_from_v(x, t, self.model(x, t))
        if clip_denoised:
            x_0 = x_0.clamp(-1, 1)
        return (*self.q_posterior(x_0, x, t), x_0)

    def p_sample(self, x: Tensor, t: int) -> tuple[Tensor, Tensor]:
        times = torch.full((len(x),), t, dtype=torch.long)
        mean, _, log_variance, x_0 = self.p_mean_variance(x, times)
        noise = torch.randn_like(x) if t > 0 else 0.0
        return mean + (0.5 * log_variance).exp() * noise, x_0

    @torch.no_grad()
    def p_sample_loop(self, shape: tuple[int, ...]) -> Tensor:
        x = torch.randn(shape)
        for t in reversed(range(self.num_timesteps)):
            x, _ = self.p_sample(x, t)
        return self.unnormalize(x)

    @staticmethod
    def normalize(x: Tensor) -> Tensor:
        return 2 * x - 1

    @staticmethod
    def unnormalize(x: Tensor) -> Tensor:
        return (x + 1) / 2

    def p_losses(
        self,
        x_start: Tensor,
        t: Tensor,
        noise: Tensor | None = None,
        classes: Tensor | None = None,
    ) -> Tensor:
        noise = torch.randn_like(x_start) if noise is None else noise
        told = () if classes is None else (self.drop(classes),)
        output = self.model(self.q_sample(x_start, t, noise), t, *told)
        losses = ((output - self.predict_v(x_start, t, noise)) ** 2).flatten(1).mean(1)
        return (losses * self.loss_weight[t]).mean()

    def forward(self, img: Tensor, **known: Any) -> Tensor:
        t = self.draw_times(self.num_timesteps, len(img))
        return self.p_losses(self.normalize(img), t, **known)
