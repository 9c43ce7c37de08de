"""What is checked before the first step, so that a mistake costs a second and not a night."""

from __future__ import annotations

from pathlib import Path

from refdiff._errors import UserError
from refdiff.training.config import TrainConfig
from refdiff.training.records import DataFacts, differing_fields, read_record

__all__ = ["check_data", "check_folder", "check_share"]


def check_data(config: TrainConfig, facts: DataFacts) -> None:
    """Refuse a network that does not take these images.

    Raises
    ------
    UserError
        If size, channels or classes do not fit, or there is no image.
    """
    model = config.model
    expected = (model.in_channels, model.image_size, model.image_size)
    if facts.image_shape != expected:
        raise UserError(
            f"{facts.name} holds images of {_size(facts.image_shape)}, but the network takes "
            f"{_size(expected)}: set model.in_channels and model.image_size to fit, or resize the "
            "images."
        )
    classes = None if facts.class_names is None else len(facts.class_names)
    if model.num_classes is not None and model.num_classes != classes:
        has = "no classes" if classes is None else f"{classes} classes"
        raise UserError(
            f"{facts.name} has {has}, but model.num_classes={model.num_classes}: set it to "
            f"{classes}{'' if classes is None else ', or to none for an unconditional network'}."
        )
    if facts.num_images == 0:
        raise UserError(f"{facts.name} holds no image: there is nothing to train on.")


def _size(shape: tuple[int, int, int]) -> str:
    channels, height, width = shape
    return f"{height}x{width} pixels with {channels} channel{'s' if channels > 1 else ''}"


def check_share(config: TrainConfig, num_processes: int) -> None:
    """Refuse a batch that the processes cannot share evenly.

    Raises
    ------
    UserError
        If the batch size is no multiple of processes times micro-batches.
    """
    optimizer = config.optimizer
    parts = num_processes * optimizer.micro_batches
    if optimizer.batch_size % parts:
        raise UserError(
            f"optimizer.batch_size={optimizer.batch_size} cannot be divided among {num_processes} "
            f"processes with {optimizer.micro_batches} micro-batches each: make it a multiple of "
            f"{parts}."
        )


def check_folder(output: Path, config: TrainConfig, facts: DataFacts, *, resume: bool) -> None:
    """Refuse a folder that holds something else than the beginning of this run.

    Raises
    ------
    UserError
        If the folder holds other files, another run, or a run that is not to be continued.
    """
    if output.exists() and not output.is_dir():
        raise UserError(f"{output} is a file: name a folder for the run.")
    if not output.is_dir() or not any(output.iterdir()):
        return
    if not (output / "config.json").is_file():
        raise UserError(
            f"{output} is not empty and holds no run: name another folder, or empty this one."
        )
    if not resume:
        raise UserError(f"{output} already holds a run: name another folder, or continue that run.")
    record = read_record(output)
    for name, old, new in differing_fields(record.config, config):
        raise UserError(
            f"{output} was begun with {name}={old!r}, not {new!r}: continue it with the same "
            "configuration, or train in another folder."
        )
    if record.data != facts:
        raise UserError(
            f"the data of {output} are not what they were ({record.data.num_images} images with "
            f"checksum {record.data.fingerprint}; now {facts.num_images} with {facts.fingerprint})"
            ": restore them, or train in another folder."
        )
