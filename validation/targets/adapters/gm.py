"""disanda/GM: the user's own copy of ``DDPM-DDIM-ClassifierFree``."""

from typing import Any

import torch

from validation.targets.adapters.script import definitions


def diffusion(timesteps: int = 300) -> Any:
    """Return `GaussianDiffusion` of ``ddpm.py``."""
    script = definitions("DDPM-DDIM-ClassifierFree/ddpm.py")
    script.device = torch.device("cpu")
    return script.GaussianDiffusion(timesteps=timesteps)
