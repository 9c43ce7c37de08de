"""Sheets of samples that a training run writes now and then, to see how it is doing."""

from __future__ import annotations

from pathlib import Path

from refdiff._files import translated_os_errors
from refdiff.pictures import grid, save_png, to_uint8
from refdiff.training.run import Run
from refdiff.training.sampling import SampleConfig, sample_images

__all__ = ["write_sheet"]

_ROWS, _COLUMNS = 8, 10


def write_sheet(run: Run, path: Path) -> None:
    """Write a PNG of samples: one column a class where there are up to ten, else 8 by 10.

    The noise is the same each time, so that the sheets of a run show the same pictures ripen.

    Parameters
    ----------
    run : Run
        The network.
    path : Path
        The file; its folder is made if missing.

    Raises
    ------
    MachineError
        If the disk is full or fails.
    """
    num_classes = run.config.model.num_classes
    columns = _COLUMNS if num_classes is None else min(_COLUMNS, num_classes)
    config = SampleConfig(
        steps=min(run.config.sample_steps, len(run.alpha_bars) - 1),
        guidance=0.0 if num_classes is None else run.config.sample_guidance,
    )
    samples = sample_images(
        run,
        count=_ROWS * columns,
        config=config,
        labels=None if num_classes is None else range(columns),
        seed=run.config.seed,
    )
    with translated_os_errors(f"write {path}"):
        path.parent.mkdir(parents=True, exist_ok=True)
    save_png(path, grid(to_uint8(samples.images), columns))
