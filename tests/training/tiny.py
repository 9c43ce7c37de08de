"""A run small enough to be trained many times: 4x4 pictures and a few thousand weights."""

import numpy as np

from refdiff.models import UNetConfig
from refdiff.training.config import (
    DataConfig,
    ObjectiveConfig,
    OptimizerConfig,
    ScheduleConfig,
    TrainConfig,
)
from refdiff.training.data import ImageData

__all__ = ["TINY", "stripes_data"]

TINY = TrainConfig(
    model=UNetConfig(
        image_size=4,
        in_channels=1,
        channels=8,
        channel_multipliers=(1, 2),
        blocks_per_level=1,
        attention_resolutions=(2,),
        head_channels=8,
        norm_groups=4,
        time_channels=8,
        embedding_channels=16,
        num_classes=3,
    ),
    data=DataConfig("stripes"),
    schedule=ScheduleConfig("cosine", 20),
    objective=ObjectiveConfig(label_dropout=0.2),
    optimizer=OptimizerConfig(steps=9, batch_size=8, learning_rate=3e-3, warmup_steps=4),
    ema_decay=0.9,
    log_every=3,
    checkpoint_every=4,
    sample_every=0,
    sample_steps=4,
)


def stripes_data():
    """Thirty 4x4 pictures of three classes; thirty is no multiple of the batch of eight."""
    labels = np.arange(30, dtype=np.int64) % 3
    images = np.random.default_rng(0).integers(0, 60, (30, 4, 4, 1), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[:, label] += 180
    return ImageData(images=images, labels=labels, class_names=("a", "b", "c"), name="stripes")
