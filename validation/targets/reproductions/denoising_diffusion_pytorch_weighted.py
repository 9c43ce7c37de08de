"""denoising-diffusion-pytorch 2.3.4: `WeightedObjectiveGaussianDiffusion` cannot sample.

`p_sample` passes `x_self_cond` to `p_mean_variance`, which this class overrides without that
argument and with three results in place of four.

Packages that are imported and not used here (torchvision, ema_pytorch, pytorch_fid) may be missing.
"""

from validation.targets.adapters.denoising_diffusion_pytorch import weighted

print("expected: a sample of shape (2, 1, 4, 4)")
try:
    print("observed:", tuple(weighted(timesteps=10).sample(batch_size=2).shape))
except TypeError as error:
    print("observed: TypeError:", error)
