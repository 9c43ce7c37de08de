"""A trained run, ready to sample: all that ``refdiff sample RUN_DIR`` needs is in its folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from refdiff._errors import UserError
from refdiff.models import UNet, load_model
from refdiff.models.folder import WEIGHTS_NAME
from refdiff.training.config import TrainConfig
from refdiff.training.launch import find_device
from refdiff.training.records import DataFacts, read_record
from refdiff.training.schedule import alpha_bars_of

__all__ = ["Run", "load_run", "run_of"]


@dataclass(frozen=True, eq=False)
class Run:
    """A trained network with what it was trained for.

    Parameters
    ----------
    model : UNet
        The network with its averaged weights, in evaluation mode.
    config : TrainConfig
        How it was trained.
    alpha_bars : ndarray of shape (T + 1,), float64
        The noise schedule.
    class_names : tuple of str, or None
        Names of the classes that the network can be asked for; None for an unconditional network.
    image_shape : tuple of int
        (C, H, W).
    levels : int
        Number of grey levels of the images that it was trained on.
    data_name : str
        Name of the data set.
    """

    model: UNet
    config: TrainConfig
    alpha_bars: npt.NDArray[np.float64]
    class_names: tuple[str, ...] | None
    image_shape: tuple[int, int, int]
    levels: int
    data_name: str

    @property
    def device(self) -> torch.device:
        """Device of the network."""
        return next(self.model.parameters()).device


def load_run(folder: str | Path, *, device: str = "auto") -> Run:
    """Load a run folder.

    Parameters
    ----------
    folder : path
        What `train` wrote.
    device : str
        ``"auto"`` for an accelerator where there is one, or torch's name of a device.

    Returns
    -------
    Run
        With the averaged weights, in evaluation mode.

    Raises
    ------
    UserError
        If the folder is no run, holds no weights yet, is damaged, or of another version.
    """
    folder = Path(folder)
    place = find_device(device)
    record = read_record(folder)
    if not (folder / WEIGHTS_NAME).is_file():
        raise UserError(
            f"{folder} has no {WEIGHTS_NAME}, since its training was stopped before the first "
            "checkpoint: train it further."
        )
    model = load_model(folder)
    if record.config.channels_last:
        # torch's stubs leave this overload out.
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return run_of(model.to(place), record.config, record.data)


def run_of(model: UNet, config: TrainConfig, data: DataFacts) -> Run:
    """Put a network together with what it was trained for.

    Returns
    -------
    Run
        With this very network, now in evaluation mode and without gradients.
    """
    return Run(
        model=model.eval().requires_grad_(False),
        config=config,
        alpha_bars=alpha_bars_of(config.schedule),
        class_names=None if config.model.num_classes is None else data.class_names,
        image_shape=data.image_shape,
        levels=data.levels,
        data_name=data.name,
    )
