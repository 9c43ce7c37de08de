"""The network, its sizes, its averaged weights, and how it is kept on disk.

`UNet` predicts from a noisy image, its time and its class. `PRESETS` holds sizes from 8x8 to
256x256. `ExponentialAverage` keeps the averaged weights that one samples with. `save_model` and
`load_model` keep a network in a folder of ``config.json`` and ``model.safetensors``.
"""

from refdiff.models.config import PRESETS, UNetConfig, config_for
from refdiff.models.counting import count_flops, count_multiply_adds, count_parameters, summary
from refdiff.models.ema import ExponentialAverage
from refdiff.models.folder import load_model, model_files, read_description, save_model
from refdiff.models.unet import UNet

__all__ = [
    "PRESETS",
    "ExponentialAverage",
    "UNet",
    "UNetConfig",
    "config_for",
    "count_flops",
    "count_multiply_adds",
    "count_parameters",
    "load_model",
    "model_files",
    "read_description",
    "save_model",
    "summary",
]
