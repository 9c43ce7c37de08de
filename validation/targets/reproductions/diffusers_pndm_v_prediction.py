"""diffusers 0.42.1: `PNDMScheduler` combines v of several times as if it were eps.

The multistep formulas are stated for eps. Combined as v and converted afterwards, with the alphas
and the sample of another time, they give another result. The same exact denoiser, of data that is
a single point, is asked here once for eps and once for v.
https://github.com/huggingface/diffusers/issues/14816
"""

import torch
from diffusers import PNDMScheduler

POINT = 0.5


def run(prediction_type: str) -> float:
    """Return the sample of a model that knows the data."""
    scheduler = PNDMScheduler(prediction_type=prediction_type, set_alpha_to_one=True)
    scheduler.set_timesteps(50)
    x = torch.full((1, 1, 1, 1), 1.0)
    for t in scheduler.timesteps:
        alpha = scheduler.alphas_cumprod[t].sqrt()
        sigma = (1 - scheduler.alphas_cumprod[t]).sqrt()
        eps = (x - alpha * POINT) / sigma
        answer = eps if prediction_type == "epsilon" else alpha * eps - sigma * POINT
        x = scheduler.step(answer, t, x).prev_sample
    return x.item()


print(f"data {POINT}; from eps: {run('epsilon'):.6f}, from v: {run('v_prediction'):.6f}")
