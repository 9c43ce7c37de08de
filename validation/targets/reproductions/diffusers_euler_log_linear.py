"""diffusers 0.42.1: `EulerDiscreteScheduler` with `log_linear` shows times of other noise levels.

`interpolation_type="log_linear"` spaces the sigmas evenly in their logarithm, while the discrete
times, which the model is told, stay evenly spaced. The two lists belong together only at the ends.
"""

import torch
from diffusers import EulerDiscreteScheduler

scheduler = EulerDiscreteScheduler(interpolation_type="log_linear")
scheduler.set_timesteps(5)
levels = scheduler.alphas_cumprod
trained = torch.sqrt((1 - levels) / levels)
for t, sigma in zip(scheduler.timesteps, scheduler.sigmas, strict=False):
    print(f"time {t:6.1f}: sigma {sigma:9.4f}, in training {trained[int(t.round())]:9.4f}")
