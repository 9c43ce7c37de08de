"""diffusers 0.42.1: `EulerDiscreteScheduler.get_velocity` takes positions for times.

It looks for the time in the list of times and reads alphas_cumprod at the position where it found
it. That list descends, so that the noisiest time gets the levels of the first.
"""

import torch
from diffusers import DDIMScheduler, EulerDiscreteScheduler

x, eps, t = torch.zeros(1, 1, 1, 1), torch.ones(1, 1, 1, 1), torch.tensor([999.0])
for scheduler in (EulerDiscreteScheduler(), DDIMScheduler()):
    time = t if isinstance(scheduler, EulerDiscreteScheduler) else t.long()
    velocity = scheduler.get_velocity(x, eps, time).item()
    print(f"{type(scheduler).__name__}: v of x_0 = 0, eps = 1 at time 999 = {velocity:.6f}")
print(f"expected sqrt(alphas_cumprod[999]) = {scheduler.alphas_cumprod[999].sqrt():.6f}")
