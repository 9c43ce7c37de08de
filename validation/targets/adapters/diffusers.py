"""diffusers: its functions that have a counterpart in `refdiff.equations`."""

from types import SimpleNamespace
from typing import Any

import torch
from diffusers import DDIMScheduler
from diffusers.guiders.guider_utils import rescale_noise_cfg
from diffusers.schedulers.scheduling_ddim import betas_for_alpha_bar, rescale_zero_terminal_snr
from diffusers.training_utils import compute_snr

from refdiff.equations import alpha_bars_from_betas, betas_from_alpha_bars
from validation.targets.adapters.tensors import tensors


def _scheduler_betas(name: str, num_steps: int, start: float, end: float) -> Any:
    options = {"beta_schedule": name, "beta_start": start, "beta_end": end}
    return DDIMScheduler(num_train_timesteps=num_steps, **options).betas


def _timesteps(name: str, num_train_steps: int, num_steps: int) -> Any:
    scheduler = DDIMScheduler(num_train_timesteps=num_train_steps, timestep_spacing=name)
    scheduler.set_timesteps(num_steps)
    return scheduler.timesteps + 1  # from its first time 0 to the house's 1


class Functions:
    """Named and called as in `refdiff.equations`."""

    def linear_betas(self, num_steps, *, beta_start=1e-4, beta_end=0.02):
        """Return the table of a scheduler."""
        return _scheduler_betas("linear", num_steps, beta_start, beta_end)

    def scaled_linear_betas(self, num_steps, *, beta_start=0.00085, beta_end=0.012):
        """Return the table of a scheduler."""
        return _scheduler_betas("scaled_linear", num_steps, beta_start, beta_end)

    def cosine_betas(self, num_steps, *, max_beta=0.999):
        """Return the betas of ``squaredcos_cap_v2``."""
        return betas_for_alpha_bar(num_steps, max_beta)

    def zero_terminal_snr(self, alpha_bars):
        """Rescale by way of betas, which is what the function takes."""
        betas = torch.from_numpy(betas_from_alpha_bars(alpha_bars))
        return alpha_bars_from_betas(rescale_zero_terminal_snr(betas).numpy())

    def leading_timesteps(self, num_train_steps, num_steps):
        """Return the times of a scheduler."""
        return _timesteps("leading", num_train_steps, num_steps)

    def linspace_timesteps(self, num_train_steps, num_steps):
        """Return the times of a scheduler."""
        return _timesteps("linspace", num_train_steps, num_steps)

    def trailing_timesteps(self, num_train_steps, num_steps):
        """Return the times of a scheduler."""
        return _timesteps("trailing", num_train_steps, num_steps)

    def snr(self, *, alpha_bar_t):
        """Return the ratio for a table of one entry."""
        table = torch.as_tensor(alpha_bar_t).reshape(-1)
        found = compute_snr(SimpleNamespace(alphas_cumprod=table), torch.arange(len(table)))
        return found.reshape(torch.as_tensor(alpha_bar_t).shape)

    def rescale_guidance(self, guided, cond, *, phi):
        """Return the rescaled guidance."""
        return rescale_noise_cfg(*tensors(guided, cond), float(phi))
