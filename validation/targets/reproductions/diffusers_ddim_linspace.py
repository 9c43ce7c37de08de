"""diffusers 0.42.1: `DDIMScheduler` with `linspace` goes to a noise level that it is not at next.

`step` ends at alphas_cumprod[t - T // S]; the next entry of `timesteps` is another time, at which
the model is then asked. For exact data (a single point) and S = 10 of T = 1000, the sample that
is shown as time 888 holds the noise of time 899.
https://github.com/huggingface/diffusers/issues/12633
"""

import torch
from diffusers import DDIMScheduler

scheduler = DDIMScheduler(timestep_spacing="linspace", clip_sample=False)
scheduler.set_timesteps(10)
eps = torch.tensor([[[[1.0]]]])  # the data is 0: x_t = sqrt(1 - alphas_cumprod[t]) eps
now, following = scheduler.timesteps[:2]
x = torch.sqrt(1 - scheduler.alphas_cumprod[now]) * eps
x = scheduler.step(eps, now, x).prev_sample

told = torch.sqrt(1 - scheduler.alphas_cumprod[following])
print(f"noise shown to the model at time {following}: {x.item():.6f}, of that time: {told:.6f}")
