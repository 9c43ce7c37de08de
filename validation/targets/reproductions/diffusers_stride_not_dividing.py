"""diffusers 0.42.1: with `trailing`, DDIM steps go to other levels than those of the next call.

`step` subtracts T // S from the time. With 7 steps of 1000 the list of times has strides of 142 and
143, so that it holds only where the stride was rounded down. With exact data (a single point) the
sample shows where it is.
https://github.com/huggingface/diffusers/issues/9261
"""

import torch
from diffusers import DDIMScheduler

scheduler = DDIMScheduler(timestep_spacing="trailing", clip_sample=False)
scheduler.set_timesteps(7)
times = scheduler.timesteps.tolist()
for now, following in zip(times, times[1:], strict=False):
    eps = torch.ones(1, 1, 1, 1)  # the data is 0: x_t = sqrt(1 - alphas_cumprod[t]) eps
    x = torch.sqrt(1 - scheduler.alphas_cumprod[now]) * eps
    noise = scheduler.step(eps, now, x).prev_sample.item()
    reached = torch.argmin((torch.sqrt(1 - scheduler.alphas_cumprod) - noise).abs()).item()
    print(f"from {now} the step goes to {reached}, the next call is told {following}")
