"""diffusers 0.42.1: with `trailing`, `DDPMScheduler` adds noise in its last step.

`step` leaves the noise out where the time is 0. Trailing times end above 0: the posterior variance
is 0 there all the same, but beta (`fixed_large`) and a learned variance are not. For data that is
a single point the result keeps that noise.
"""

import torch
from diffusers import DDPMScheduler

POINT = 0.5
for variance_type in ("fixed_small", "fixed_large"):
    options = {"variance_type": variance_type, "timestep_spacing": "trailing"}
    scheduler = DDPMScheduler(clip_sample=False, **options)
    scheduler.set_timesteps(10)
    x = torch.randn(1, 1, 64, 64)
    for t in scheduler.timesteps:
        level = scheduler.alphas_cumprod[t]
        eps = (x - level.sqrt() * POINT) / (1 - level).sqrt()
        x = scheduler.step(eps, t, x).prev_sample
    print(f"{variance_type}: standard deviation of the result {x.std():.4f}, expected 0")
