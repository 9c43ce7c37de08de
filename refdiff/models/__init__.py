"""The network, its sizes, its averaged weights, and how it is kept on disk.

`UNet` predicts from a noisy image, its time and its class. `PRESETS` holds sizes from 8x8 to
256x256. `ExponentialAverage` keeps the averaged weights that one samples with. `save_model` and
`load_model` keep a network in a folder of ``config.json`` and ``model.safetensors``.
"""

from refdiff.models.config import PRESETS, UNetConfig, config_for
from refdiff.models.unet import UNet

__all__ = ["PRESETS", "UNet", "UNetConfig", "config_for"]
