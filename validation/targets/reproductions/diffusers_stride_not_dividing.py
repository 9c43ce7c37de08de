"""diffusers 0.42.1: with `trailing`, DDIM steps go to other levels than those of the next call.

`step` subtracts T // S from the time, also where the strides of the list are larger. With 15 steps
of 1000 the last call is at time 66, from where 1000 // 15 = 66 leads to time 0 and not to the data:
for data that is a single point the noise of the first level is left.
https://github.com/huggingface/diffusers/issues/9261
"""

import torch
from diffusers import DDIMScheduler

POINT = 0.5
scheduler = DDIMScheduler(timestep_spacing="trailing", clip_sample=False)
for steps in (10, 15):
    scheduler.set_timesteps(steps)
    x = torch.randn(1, 1, 64, 64)
    for t in scheduler.timesteps:
        level = scheduler.alphas_cumprod[t]
        eps = (x - level.sqrt() * POINT) / (1 - level).sqrt()
        x = scheduler.step(eps, t, x).prev_sample
    print(f"{steps} steps leave a standard deviation of {x.std():.4f}, expected 0")
