"""What the demonstration trains and how it samples."""

from __future__ import annotations

from dataclasses import dataclass, replace

from refdiff.models.config import PRESETS
from refdiff.training.config import (
    DataConfig,
    ObjectiveConfig,
    OptimizerConfig,
    ScheduleConfig,
    TrainConfig,
)
from refdiff.training.sampling import SampleConfig

__all__ = ["PER_CLASS", "STEPS", "Method", "methods", "training"]

STEPS = 800
"""Training steps: a fixed number and no time limit, so that a seed gives the same network."""

PER_CLASS = 10
"""Samples of each class and method."""


@dataclass(frozen=True)
class Method:
    """A way to sample that the report shows.

    Attributes
    ----------
    name : str
        As in the report.
    slug : str
        As in file names and links.
    config : SampleConfig
        Its settings.
    about : str
        One sentence for a reader who meets it for the first time.
    """

    name: str
    slug: str
    config: SampleConfig
    about: str


def training(*, seed: int, steps: int = STEPS) -> TrainConfig:
    """Say how the network of the demonstration is trained.

    The network predicts v under the cosine schedule. After as many steps, a network that predicted
    eps or x_0 gave fewer samples that are recognised without guidance.

    Parameters
    ----------
    seed : int
        Seed of weights, batches and noise.
    steps : int
        Updates of the weights.

    Returns
    -------
    TrainConfig
        For `refdiff.training.train`.
    """
    return TrainConfig(
        model=replace(PRESETS["digits"], num_classes=10),
        data=DataConfig(source="digits"),
        schedule=ScheduleConfig(name="cosine", num_steps=1000),
        objective=ObjectiveConfig(prediction="v", label_dropout=0.1),
        optimizer=OptimizerConfig(
            steps=steps, batch_size=128, learning_rate=2e-3, warmup_steps=min(100, steps)
        ),
        seed=seed,
        ema_decay=0.995,
        log_every=20,
        checkpoint_every=max(1, steps // 4),
        sample_every=0,
    )


def methods() -> tuple[Method, ...]:
    """List the methods, in the order of the report."""
    ddim = SampleConfig(sampler="ddim", steps=50, eta=0.0)
    return (
        Method(
            "DDPM, 250 steps",
            "ddpm",
            SampleConfig(sampler="ddpm", steps=250),
            "The ancestral sampler: every step removes some noise and adds a little fresh noise.",
        ),
        Method(
            "DDIM, eta 0",
            "ddim",
            ddim,
            "Deterministic: the first noise alone decides the picture, and 50 steps suffice.",
        ),
        Method(
            "DDIM, eta 0.5",
            "ddim-eta-half",
            replace(ddim, eta=0.5),
            "Half way between the two: each step adds half as much noise as DDPM would.",
        ),
        *(
            Method(
                f"DDIM, guidance w = {w:g}",
                f"guided-{w:g}".replace(".", "_"),
                replace(ddim, guidance=w),
                f"Classifier-free guidance with weight {w:g}: every step also moves away from what "
                "the network would draw without the label.",
            )
            for w in (0.5, 1.0, 2.0, 4.0)
        ),
    )
