"""Sensible configurations for the data sets that refdiff reads, and for images of any size."""

from __future__ import annotations

from dataclasses import replace

from refdiff._errors import UserError
from refdiff.models.config import PRESETS, UNetConfig, config_for
from refdiff.training.config import (
    DataConfig,
    ObjectiveConfig,
    OptimizerConfig,
    ScheduleConfig,
    TrainConfig,
)

__all__ = ["default_config"]

# Mirroring changes neither a piece of clothing nor a photograph, but makes other digits.
_MIRRORED = ("cifar10",)


def default_config(
    name: str, image_shape: tuple[int, int, int], num_classes: int | None
) -> TrainConfig:
    """Choose a configuration by the data set and the size of its images.

    Parameters
    ----------
    name : str
        ``"digits"``, ``"fashion-mnist"``, ``"mnist"``, ``"cifar10"``, or the path of a folder.
    image_shape : tuple of int
        (C, H, W).
    num_classes : int or None
        Number of classes; None for an unconditional network.

    Returns
    -------
    TrainConfig
        Steps, batch and learning rate grow and shrink with the images.

    Raises
    ------
    UserError
        If no network of refdiff takes images of that shape; the sentence says how to resize.
    """
    channels, height, width = image_shape
    if height != width:
        raise UserError(
            f"{name!r} holds images of {height}x{width} pixels, but the networks take square "
            "images: crop or resize them first."
        )
    if name in PRESETS and (PRESETS[name].image_size, PRESETS[name].in_channels) == (
        height,
        channels,
    ):
        model = replace(PRESETS[name], num_classes=num_classes)
    else:
        try:
            model = config_for(height, channels, num_classes)
        except ValueError as error:
            raise UserError(f"no network fits the images of {name!r}: {error}") from error
    return TrainConfig(
        model=model,
        data=DataConfig(source=name, horizontal_flip=name in _MIRRORED),
        schedule=ScheduleConfig(name="cosine", num_steps=1000),
        # At T the cosine schedule leaves so little of the image that x_0 from eps is an error times
        # 20,000; v is well-conditioned at both ends, and its samples are clean much sooner.
        objective=ObjectiveConfig(prediction="v"),
        **_by_size(model),
    )


def _by_size(model: UNetConfig) -> dict:
    """Length of the run and its rhythm: small images need fewer, larger steps."""
    if model.image_size <= 8:
        return {
            "optimizer": OptimizerConfig(
                steps=3000, batch_size=128, learning_rate=1e-3, warmup_steps=100
            ),
            "ema_decay": 0.995,
            "log_every": 50,
            "checkpoint_every": 500,
            "sample_every": 1000,
        }
    if model.image_size <= 32:
        return {
            "optimizer": OptimizerConfig(
                steps=20_000 if model.in_channels == 1 else 200_000,
                batch_size=128,
                learning_rate=5e-4 if model.in_channels == 1 else 2e-4,
                warmup_steps=500,
            ),
            "ema_decay": 0.999 if model.in_channels == 1 else 0.9999,
            "log_every": 50,
            "checkpoint_every": 1000,
            "sample_every": 2000,
        }
    return {
        "optimizer": OptimizerConfig(
            steps=500_000, batch_size=128, micro_batches=4, learning_rate=1e-4, warmup_steps=2000
        ),
        "ema_decay": 0.9999,
        "precision": "bf16",
        "log_every": 50,
        "checkpoint_every": 5000,
        "sample_every": 10_000,
    }
