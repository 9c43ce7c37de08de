"""denoising-diffusion-pytorch 2.3.4: `interpolate` shows states of time t as those of time t - 1.

The two images are noised to time t; the loop of the reverse process begins by telling the model
t - 1.

Packages that are imported and not used here (torchvision, ema_pytorch, pytorch_fid) may be missing.
"""

import torch

from validation.targets.adapters.denoising_diffusion_pytorch import gaussian_diffusion

T = 10
diffusion = gaussian_diffusion(objective="pred_noise", beta_schedule="linear", timesteps=T)
told: list[int] = []


def network(x: torch.Tensor, t: torch.Tensor, *_: object) -> torch.Tensor:
    """Record what the model is told."""
    told.append(int(t[0]))
    return torch.zeros_like(x)


diffusion.model.forward = network
image = torch.zeros(1, 1, 4, 4)
diffusion.interpolate(image, image, t=5)
print(f"noised to time 5; the model is first told time {told[0]}, expected 5")
