"""From the options of `refdiff train` to the configuration of a run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from refdiff._errors import UserError
from refdiff.cli.outcome import argument_errors
from refdiff.training.config import TrainConfig
from refdiff.training.data import ImageData, load_data
from refdiff.training.defaults import default_config
from refdiff.training.records import config_from_json, read_record

if TYPE_CHECKING:
    from refdiff.cli.train import Train

__all__ = ["data_of", "settings"]

_FIELDS = {
    "optimizer": ("steps", "batch_size", "micro_batches", "learning_rate"),
    "objective": ("prediction", "weighting", "label_dropout"),
    "": ("ema_decay", "precision", "seed", "log_every", "checkpoint_every", "sample_every"),
}
"""Options by the part of the configuration that has a field of the same name."""


def settings(options: Train) -> tuple[TrainConfig, ImageData | None]:
    """Build the configuration.

    It starts from the file that ``--config`` names, else from the run that the folder holds, else
    from what suits the data; options that were given go before it.

    Parameters
    ----------
    options : Train
        The options.

    Returns
    -------
    config : TrainConfig
        The configuration.
    data : ImageData or None
        The data, where they had to be read to choose a configuration.

    Raises
    ------
    UserError
        If an option is out of its domain, or it is not said what to train on.
    """
    data: ImageData | None = None
    if options.config is not None:
        base = _from_file(options.config)
        if options.data is not None:
            base = replace(base, data=replace(base.data, source=options.data))
    elif options.data is None or _holds_run(options):
        base = _of_run(options)
    else:
        data = _load(options, options.data)
        height, width, channels = data.shape
        classes = None if options.unconditional else data.num_classes
        with argument_errors():
            base = default_config(options.data, (channels, height, width), classes)
    with argument_errors():
        return _overlaid(base, options), data


def data_of(options: Train, config: TrainConfig) -> ImageData:
    """Read the data of a configuration that was not chosen by looking at them.

    Parameters
    ----------
    options : Train
        The options.
    config : TrainConfig
        The configuration.

    Returns
    -------
    ImageData
        Pictures in a folder have the size and the channels that the network takes.

    Raises
    ------
    UserError
        If they cannot be used.
    """
    model = config.model
    return load_data(
        config.data.source,
        strict=config.data.strict,
        image_size=model.image_size if options.image_size is None else options.image_size,
        channels=model.in_channels if options.channels is None else options.channels,
    )


def _load(options: Train, source: str) -> ImageData:
    if options.image_size is not None and options.image_size < 1:
        raise UserError(f"--image-size {options.image_size} must be at least 1.")
    if options.channels not in (None, 1, 3):
        raise UserError(f"--channels {options.channels} must be 1 for grey or 3 for colour.")
    return load_data(
        source, strict=options.strict, image_size=options.image_size, channels=options.channels
    )


def _holds_run(options: Train) -> bool:
    return options.output is not None and (options.output / "config.json").is_file()


def _of_run(options: Train) -> TrainConfig:
    if not _holds_run(options) or options.output is None:
        raise UserError(
            "refdiff train needs --data NAME|PATH: digits, fashion-mnist, mnist, cifar10, or a "
            "folder. Without it a run is continued, and "
            f"{options.output} holds none."
        )
    config = read_record(options.output).config
    if options.data is not None and options.data != config.data.source:
        config = replace(config, data=replace(config.data, source=options.data))
    return config


def _from_file(path: Path) -> TrainConfig:
    """Read a configuration, or the ``config.json`` of a run, which holds one."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise UserError(f"--config {path} cannot be read: {reason}.") from error
    try:
        content = json.loads(text)
    except ValueError:
        content = None
    # The config.json of a run holds the configuration further in.
    for key in ("extra", "run", "config"):
        inner = content.get(key) if isinstance(content, dict) else None
        if not isinstance(inner, dict):
            break
        content = inner
    else:
        text = json.dumps(content)
    return config_from_json(text, source=f"--config {path}")


def _overlaid(config: TrainConfig, options: Train) -> TrainConfig:
    """Put the options that were given in the place of the configuration's own values."""
    given = {part: _given(options, names) for part, names in _FIELDS.items()}
    model: dict[str, Any] = {}
    if options.learned_variance:
        model["learned_variance"] = True
    if options.unconditional:
        model["num_classes"] = None
    schedule: dict[str, Any] = {}
    if options.schedule is not None and options.schedule != config.schedule.name:
        # The parameters of another family mean nothing here.
        schedule = dict.fromkeys(config.schedule.parameters()) | {"name": options.schedule}
    if options.noise_levels is not None:
        schedule["num_steps"] = options.noise_levels
    if options.zero_terminal_snr:
        schedule["zero_terminal_snr"] = True
    top = dict(given[""])
    if options.compile:
        top["compile"] = True
    return replace(
        config,
        model=replace(config.model, **model),
        data=replace(config.data, strict=options.strict or config.data.strict),
        schedule=replace(config.schedule, **schedule),
        objective=replace(config.objective, **given["objective"]),
        optimizer=replace(config.optimizer, **given["optimizer"]),
        **top,
    )


def _given(options: Train, names: tuple[str, ...]) -> dict[str, Any]:
    values = {name: getattr(options, name) for name in names}
    return {name: value for name, value in values.items() if value is not None}
