"""diffusers 0.42.1: the last step of `PNDMScheduler` with default settings goes nowhere.

`set_alpha_to_one` is False, so that the last step ends at alphas_cumprod[0]. That belongs together
with `steps_offset=1`; with the default 0 the model is asked at time 0 already, and the step goes
from its level to the same level. For data that is a single point the noise of that level is left.
"""

import torch
from diffusers import PNDMScheduler

POINT = 0.5
for options in ({}, {"set_alpha_to_one": True}):
    scheduler = PNDMScheduler(skip_prk_steps=True, **options)
    scheduler.set_timesteps(10)
    x = torch.randn(1, 1, 64, 64)
    for t in scheduler.timesteps:
        before = x
        level = scheduler.alphas_cumprod[t]
        eps = (x - level.sqrt() * POINT) / (1 - level).sqrt()
        x = scheduler.step(eps, t, x).prev_sample
    moved = (x - before).abs().max()
    print(f"{options}: last step moves by {moved:.1e}, leaves a standard deviation {x.std():.4f}")
print("expected: 0")
