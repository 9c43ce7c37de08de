"""denoising-diffusion-pytorch 2.3.4: `LearnedGaussianDiffusion` cannot sample by DDIM.

Its `model_predictions` calls `partial`, which its module does not import.

Packages that are imported and not used here (torchvision, ema_pytorch, pytorch_fid) may be missing.
"""

from validation.targets.adapters.denoising_diffusion_pytorch import learned

print("expected: a sample of shape (2, 1, 4, 4)")
try:
    diffusion = learned(objective="pred_noise", timesteps=10, sampling_timesteps=5)
    print("observed:", tuple(diffusion.sample(batch_size=2).shape))
except NameError as error:
    print("observed: NameError:", error)
