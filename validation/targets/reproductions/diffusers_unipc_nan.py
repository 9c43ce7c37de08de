"""diffusers 0.42.1: `UniPCMultistepScheduler` returns NaN with some of its options.

The last step goes to sigma = 0, where the half log-SNR is infinite. The default
(`predict_x0=True`, `solver_type="bh2"`, `lower_order_final=True`) is finite there. Predicting eps,
`bh1`, and a last step of second order are not, and nothing refuses them.
"""

import torch
from diffusers import UniPCMultistepScheduler

for options in (
    {},
    {"predict_x0": False},
    {"solver_type": "bh1"},
    {"lower_order_final": False},
):
    scheduler = UniPCMultistepScheduler(**options)
    scheduler.set_timesteps(10)
    x = torch.ones(1, 1, 1, 1)
    for t in scheduler.timesteps:
        x = scheduler.step(torch.zeros_like(x), t, x).prev_sample
    print(f"{options}: {x.item()}, expected a finite number")
