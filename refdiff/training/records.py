"""The run folder's ``config.json``: what was trained, on what, and in which format it is kept.

A run folder is also the folder of a saved network (`refdiff.models.save_model`); how it was
trained is kept under ``extra.run`` of its ``config.json``.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

from pydantic import TypeAdapter, ValidationError

import refdiff
from refdiff._errors import UserError
from refdiff._files import atomic_write_bytes
from refdiff.models import UNet, model_files, read_description, save_model
from refdiff.models.folder import CONFIG_NAME
from refdiff.training.batches import fingerprint
from refdiff.training.config import TrainConfig
from refdiff.training.data import ImageData

__all__ = [
    "FORMAT",
    "DataFacts",
    "RunRecord",
    "config_from_json",
    "config_to_json",
    "deciding_digest",
    "differing_fields",
    "read_record",
    "write_record",
    "write_run",
]

FORMAT = 1
"""Version of the run folder's layout. A reader refuses any other."""

_FREE = (
    *("optimizer.steps", "log_every", "checkpoint_every", "keep_checkpoints"),
    *("sample_every", "sample_steps", "sample_guidance", "data.strict"),
)
"""Fields that may change when a run is continued, since no weight depends on them so far."""


@dataclass(frozen=True)
class DataFacts:
    """What sampling and resuming need to know of the data.

    Parameters
    ----------
    name : str
        Name of the data set.
    image_shape : tuple of int
        (C, H, W).
    levels : int
        Number of grey levels of a pixel.
    class_names : tuple of str, or None
        Names of the classes.
    num_images : int
        Images of the training set.
    fingerprint : str
        Checksum of pixels and labels.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    name: str
    image_shape: tuple[int, int, int]
    levels: int
    class_names: tuple[str, ...] | None
    num_images: int
    fingerprint: str

    @classmethod
    def of(cls, data: ImageData) -> DataFacts:
        """Facts of a data set."""
        height, width, channels = data.shape
        return cls(
            name=data.name,
            image_shape=(channels, height, width),
            levels=data.levels,
            class_names=data.class_names,
            num_images=len(data),
            fingerprint=fingerprint(data),
        )


@dataclass(frozen=True)
class RunRecord:
    """How a network was trained.

    Parameters
    ----------
    format : int
        `FORMAT`.
    refdiff : str
        Version of refdiff that began the run.
    data : DataFacts
        The data.
    config : TrainConfig
        The configuration.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    format: int
    refdiff: str
    data: DataFacts
    config: TrainConfig

    @classmethod
    def new(cls, config: TrainConfig, data: DataFacts) -> RunRecord:
        """Record of a run that begins now."""
        return cls(FORMAT, refdiff.__version__, data, config)


_RECORD: TypeAdapter[RunRecord] = TypeAdapter(RunRecord)
_CONFIG: TypeAdapter[TrainConfig] = TypeAdapter(TrainConfig)


def _parse(adapter: TypeAdapter[Any], text: str | bytes, source: str) -> Any:
    try:
        return adapter.validate_json(text, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        message = first["msg"].removeprefix("Value error, ")
        raise UserError(f"{source}: {where}: {message}") from None


def config_to_json(config: TrainConfig) -> str:
    """Write a configuration as JSON.

    Returns
    -------
    str
        Indented; `config_from_json` gives an equal configuration.
    """
    return _CONFIG.dump_json(config, indent=1).decode()


def config_from_json(text: str | bytes, *, source: str = "the configuration") -> TrainConfig:
    """Read a configuration, as strictly as it was written.

    Parameters
    ----------
    text : str or bytes
        JSON.
    source : str
        What to call it in the sentence about a mistake.

    Returns
    -------
    TrainConfig
        Missing fields have their defaults.

    Raises
    ------
    UserError
        If it is not JSON, holds an unknown key, or a value outside its domain; the field is named.
    """
    return _parse(_CONFIG, text, source)


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(value, dict):
        return {prefix: value}
    flat: dict[str, Any] = {}
    for key, inner in value.items():
        flat |= _flat(inner, f"{prefix}.{key}" if prefix else key)
    return flat


def differing_fields(old: TrainConfig, new: TrainConfig) -> list[tuple[str, Any, Any]]:
    """Fields that decide the weights and differ between two configurations.

    Returns
    -------
    list of (name, old value, new value)
        Without those that may change when a run is continued: `optimizer.steps`, and how often
        something is logged, saved or sampled.
    """
    before, after = _flat(asdict(old)), _flat(asdict(new))
    return [(k, before[k], after[k]) for k in before if before[k] != after[k] and k not in _FREE]


def deciding_digest(config: TrainConfig) -> str:
    """Digest of the fields that decide the weights.

    Returns
    -------
    str
        Hexadecimal; equal exactly when `differing_fields` is empty.
    """
    flat = {k: v for k, v in _flat(asdict(config)).items() if k not in _FREE}
    return hashlib.sha256(json.dumps(flat, sort_keys=True).encode()).hexdigest()[:16]


def _extra(record: RunRecord) -> dict[str, Any]:
    return {"run": json.loads(_RECORD.dump_json(record))}


def write_record(run: Path, model: UNet, record: RunRecord) -> None:
    """Write ``config.json`` of a run folder that has no weights yet.

    Raises
    ------
    UserError, MachineError
        If it cannot be written; nothing has changed then.
    """
    atomic_write_bytes(run / CONFIG_NAME, model_files(model, extra=_extra(record))[CONFIG_NAME])


def write_run(run: Path, model: UNet, record: RunRecord) -> None:
    """Write the weights to sample with, and ``config.json`` beside them.

    Raises
    ------
    UserError, MachineError
        If they cannot be written; nothing has changed then.
    """
    save_model(run, model, extra=_extra(record))


def read_record(run: Path) -> RunRecord:
    """Read ``config.json`` of a run folder.

    Parameters
    ----------
    run : Path
        The run folder.

    Returns
    -------
    RunRecord
        As it was written.

    Raises
    ------
    UserError
        If there is no such folder or file, it is damaged, or of another version.
    """
    description = read_description(run)
    path, fields = run / CONFIG_NAME, description["extra"].get("run")
    if not isinstance(fields, dict):
        raise UserError(
            f"{path} describes a network but not how it was trained, so {run} is not the folder of "
            "a training run."
        )
    if fields.get("format") != FORMAT:
        raise UserError(
            f"{path} has run format {fields.get('format')!r}, and this refdiff "
            f"({refdiff.__version__}) reads format {FORMAT}: use the refdiff that wrote it, or "
            "train anew."
        )
    record: RunRecord = _parse(_RECORD, json.dumps(fields), str(path))
    if record.config.model != description["model"]:
        raise UserError(f"{path} describes two different networks: restore the file.")
    return record
