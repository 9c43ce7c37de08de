"""diffusers 0.42.1: ancestral schedulers return NaN with the cosine schedule and few steps.

sigma_to^2 - sigma_up^2 is formed in float32, where it becomes negative if the step is large.
https://github.com/huggingface/diffusers/issues/14213
"""

import torch
from diffusers import EulerAncestralDiscreteScheduler, KDPM2AncestralDiscreteScheduler

scheduler = EulerAncestralDiscreteScheduler(beta_schedule="squaredcos_cap_v2")
scheduler.set_timesteps(4)
x = torch.ones(1, 1, 1, 1) * scheduler.init_noise_sigma
for t in scheduler.timesteps:
    scheduler.scale_model_input(x, t)
    x = scheduler.step(torch.zeros_like(x), t, x).prev_sample
print(f"EulerAncestralDiscreteScheduler: {x.item()}, expected a finite number")

print("KDPM2AncestralDiscreteScheduler: times ", end="")
try:
    scheduler = KDPM2AncestralDiscreteScheduler(beta_schedule="squaredcos_cap_v2")
    scheduler.set_timesteps(4)
    print(scheduler.timesteps.tolist(), "expected finite numbers")
except ValueError as error:
    print(f"ValueError: {error}")
