"""disanda/GM (1db09ec): `ddim_sample` takes its number of steps from elsewhere and ends early.

The argument `ddim_timesteps` spaces the times, but the loop runs over the module's constant
`ddim_steps`: with 50 asked for, 10 are made, and the first is not near the noisy end. The last
step leads to alphas_cumprod[0] in place of 1: for data that is a single point some noise remains.

Run with the checkout on the search path:
    PYTHONPATH=.:path/to/GM python validation/targets/reproductions/gm_ddim.py
"""

import torch

from validation.targets.adapters.gm import diffusion

POINT, gaussian = 0.5, diffusion(300)
told: list[int] = []


def model(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """Return the exact eps for data that is a single point."""
    told.append(int(t[0]))
    level = gaussian.alphas_cumprod[t].view(-1, 1, 1, 1)
    return (x - level.sqrt() * POINT) / (1 - level).sqrt()


states = gaussian.ddim_sample(model, image_size=2, ddim_timesteps=50, batch_size=500, channels=1)
print(f"asked for 50 steps from time 299; made {len(told)}, from time {told[0]} to {told[-1]}")
print(f"standard deviation of the result {states[-1].std():.4f}, expected 0")
