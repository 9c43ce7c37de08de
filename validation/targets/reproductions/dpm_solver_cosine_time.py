"""dpm-solver (52bc3fb): with a cosine schedule the model is told wrong times.

`numerical_clip_alpha` drops the noisiest levels and `NoiseScheduleVP` spreads the remaining ones
over the whole of [0, 1], but the model was trained with the old numbers. With 100 steps one level
is dropped, and the level with index 89 is shown as time 899 of 1000, almost that of index 90.

Run with the checkout on the search path:  PYTHONPATH=path/to/dpm-solver python THIS_FILE
"""

import torch
from dpm_solver_pytorch import NoiseScheduleVP, model_wrapper

T, INDEX = 100, 89
level = torch.cos((torch.arange(T + 1) / T + 0.008) / 1.008 * torch.pi / 2).double() ** 2
betas = torch.clamp(1 - level[1:] / level[:-1], max=0.999)
schedule = NoiseScheduleVP("discrete", betas=betas, dtype=torch.float64)


def model(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """Print what the model is told."""
    print(f"told {t.item():.2f}, trained with {1000 * INDEX / T:.2f}")
    return x


now = schedule.t_array[0, INDEX : INDEX + 1]
alpha_bar = torch.cumprod(1 - betas, 0)[INDEX]
print(f"alpha_bar of the state {schedule.marginal_alpha(now).item() ** 2:.6f}, ", end="")
print(f"of index {INDEX} in training {alpha_bar:.6f}")
model_wrapper(model, schedule)(torch.zeros(1, 1).double(), now)
