"""disanda/GM: the user's own copy of ``DDPM-DDIM-ClassifierFree``."""

from typing import Any
from unittest import mock

import torch

from refdiff.equations import linear_betas
from validation.targets.adapters.script import definitions


def diffusion(timesteps: int = 300) -> Any:
    """Return `GaussianDiffusion` of ``ddpm.py``."""
    script = definitions("DDPM-DDIM-ClassifierFree/ddpm.py")
    script.device = torch.device("cpu")
    return script.GaussianDiffusion(timesteps=timesteps)


def ddim(model, x, *, steps=10):
    """Sample with `ddim_sample` on the schedule of the check, from x instead of from new noise.

    The number of steps is set in both places that it is taken from.
    """
    script = definitions("DDPM-DDIM-ClassifierFree/ddpm.py")
    script.device, script.ddim_steps = torch.device("cpu"), steps
    script.linear_beta_schedule = lambda count: torch.from_numpy(linear_betas(count))
    gaussian = script.GaussianDiffusion(timesteps=1000)
    with mock.patch.object(torch, "randn", return_value=x):
        return gaussian.ddim_sample(model, 0, ddim_timesteps=steps, batch_size=len(x))[-1]
