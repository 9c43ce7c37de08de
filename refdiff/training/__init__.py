"""Training: configuration, data, objective, loop, checkpoints, and what a finished run offers.

`train` makes a run folder, `load_run` opens one, `sample_images` draws from it. Everything is
loaded when first used, so that the command line can list its options without torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from refdiff.training.config import (
        DataConfig,
        ObjectiveConfig,
        OptimizerConfig,
        ScheduleConfig,
        TrainConfig,
    )
    from refdiff.training.defaults import default_config
    from refdiff.training.interrupts import Interrupted
    from refdiff.training.log import LogEntry, read_log
    from refdiff.training.loop import train
    from refdiff.training.objective import Objective
    from refdiff.training.records import config_from_json, config_to_json
    from refdiff.training.run import Run, load_run
    from refdiff.training.sampling import SampleConfig, Samples, sample_images
    from refdiff.training.schedule import alpha_bars_of

_HOME = {
    "DataConfig": "config",
    "Interrupted": "interrupts",
    "LogEntry": "log",
    "Objective": "objective",
    "ObjectiveConfig": "config",
    "OptimizerConfig": "config",
    "Run": "run",
    "SampleConfig": "sampling",
    "Samples": "sampling",
    "ScheduleConfig": "config",
    "TrainConfig": "config",
    "alpha_bars_of": "schedule",
    "config_from_json": "records",
    "config_to_json": "records",
    "default_config": "defaults",
    "load_run": "run",
    "read_log": "log",
    "sample_images": "sampling",
    "train": "loop",
}

__all__ = [
    "DataConfig",
    "Interrupted",
    "LogEntry",
    "Objective",
    "ObjectiveConfig",
    "OptimizerConfig",
    "Run",
    "SampleConfig",
    "Samples",
    "ScheduleConfig",
    "TrainConfig",
    "alpha_bars_of",
    "config_from_json",
    "config_to_json",
    "default_config",
    "load_run",
    "read_log",
    "sample_images",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'refdiff.training' has no attribute {name!r}")
    return getattr(import_module(f"refdiff.training.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
