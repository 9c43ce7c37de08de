"""A network on disk: a folder of ``config.json`` and ``model.safetensors``.

``config.json`` holds the format's version, the dtype of the stored weights, the `UNetConfig`, and
whatever its writer adds under ``extra``. ``model.safetensors`` holds the weights and, in its
header, the same `UNetConfig`, so that two files which do not belong together are recognised.
Nothing is pickled, and nothing is fetched from anywhere.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import torch
from safetensors.torch import save as safetensors_bytes
from torch import Tensor

from refdiff._errors import UserError
from refdiff._files import atomic_write_files, translated_os_errors
from refdiff.models.config import UNetConfig
from refdiff.models.unet import UNet

__all__ = [
    "CONFIG_NAME",
    "FORMAT_VERSION",
    "WEIGHTS_NAME",
    "load_model",
    "model_files",
    "read_description",
    "save_model",
]

CONFIG_NAME = "config.json"
WEIGHTS_NAME = "model.safetensors"
FORMAT_VERSION = 1
_FORMAT = "refdiff-unet"
_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def model_files(
    model: UNet, *, dtype: torch.dtype | None = None, extra: Mapping[str, Any] | None = None
) -> dict[str, bytes]:
    """Return the two files of a network by name, to be written by the caller.

    Parameters
    ----------
    model : UNet
        The network.
    dtype : torch.dtype, optional
        float32, bfloat16 or float16: the dtype on the disk, None for float32.
    extra : mapping, optional
        A JSON object to keep in ``config.json``, such as how the network was trained.

    Returns
    -------
    dict of str to bytes
        Weights first.

    Raises
    ------
    ValueError
        If `dtype` is another.
    """
    names = {value: name for name, value in _DTYPES.items()}
    dtype = torch.float32 if dtype is None else dtype
    if dtype not in names:
        raise ValueError(f"dtype={dtype} must be one of {', '.join(map(str, names))}")
    config = model.config.to_dict()
    weights = {
        name: value.detach().to("cpu", dtype).contiguous()
        for name, value in model.state_dict().items()
    }
    description = {
        "format": _FORMAT,
        "format_version": FORMAT_VERSION,
        "weights_dtype": names[dtype],
        "model": config,
        "extra": dict(extra or {}),
    }
    header = {"format": "pt", "refdiff_model": json.dumps(config, sort_keys=True)}
    return {
        WEIGHTS_NAME: safetensors_bytes(weights, metadata=header),
        CONFIG_NAME: (json.dumps(description, indent=2) + "\n").encode(),
    }


def save_model(
    folder: str | os.PathLike[str],
    model: UNet,
    *,
    dtype: torch.dtype | None = None,
    extra: Mapping[str, Any] | None = None,
) -> None:
    """Write a network into a folder, which is made if need be; earlier files are replaced.

    Parameters
    ----------
    folder : path
        Where to write.
    model, dtype, extra
        As for `model_files`.

    Raises
    ------
    MachineError
        If the disk is full or fails; earlier files are intact.
    UserError
        If the folder cannot be written.
    """
    files = model_files(model, dtype=dtype, extra=extra)
    atomic_write_files({Path(folder) / name: data for name, data in files.items()})


def load_model(folder: str | os.PathLike[str]) -> UNet:
    """Read the network that `save_model` wrote.

    Parameters
    ----------
    folder : path
        The folder.

    Returns
    -------
    UNet
        On the CPU, in float32 and in evaluation mode. Random generators are left alone.

    Raises
    ------
    UserError
        If a file is missing, damaged, of another version, or does not fit the other.
    """
    folder = Path(folder)
    config = read_description(folder)["model"]
    path = folder / WEIGHTS_NAME
    weights = _read_weights(path, config)
    # Built without memory or random numbers, since every weight is about to be replaced.
    with torch.device("meta"):
        model = UNet(config)
    _check_weights(path, weights, model.state_dict())
    model.load_state_dict(weights, assign=True)
    return model.requires_grad_(True).eval()


def read_description(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """Read ``config.json``: keys ``model`` (a `UNetConfig`), ``weights_dtype`` and ``extra``.

    Raises
    ------
    UserError
        If the file is missing, damaged or of another version.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder: give the folder that holds {CONFIG_NAME}")
    path = folder / CONFIG_NAME
    if not path.is_file():
        raise UserError(f"{folder} holds no {CONFIG_NAME}: it is not a folder of a saved model")
    with translated_os_errors(f"read {path}"):
        data = path.read_bytes()
    try:
        description = json.loads(data)
    except ValueError as error:
        raise UserError(f"{path} is damaged, as it is not JSON ({error}): restore it") from error
    if not isinstance(description, dict) or description.get("format") != _FORMAT:
        raise UserError(f'{path} does not describe a refdiff model: its "format" is not {_FORMAT}')
    version = description.get("format_version")
    if version != FORMAT_VERSION:
        raise UserError(
            f"{path} has format version {version!r}, and this refdiff reads version "
            f"{FORMAT_VERSION}: use the refdiff that wrote it"
        )
    missing = [key for key in ("weights_dtype", "model") if key not in description]
    if missing:
        raise UserError(f"{path} is damaged: it lacks {', '.join(map(repr, missing))}")
    if description["weights_dtype"] not in _DTYPES:
        raise UserError(
            f"{path} has weights_dtype {description['weights_dtype']!r}, and it must be one of "
            f"{', '.join(_DTYPES)}"
        )
    try:
        config = UNetConfig.from_dict(description["model"])
    except (TypeError, ValueError) as error:
        raise UserError(f"{path} does not describe a network: {error}") from error
    return {
        "model": config,
        "weights_dtype": description["weights_dtype"],
        "extra": description.get("extra", {}),
    }


def _read_weights(path: Path, config: UNetConfig) -> dict[str, Tensor]:
    if not path.is_file():
        raise UserError(f"{path.parent} holds no {WEIGHTS_NAME}: the weights are missing")
    try:
        with (
            translated_os_errors(f"read {path}"),
            safetensors.safe_open(path, framework="pt") as file,
        ):
            header = file.metadata() or {}
            # Copies: what is returned must not change with the file.
            weights = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
    except safetensors.SafetensorError as error:
        raise UserError(
            f"{path} is damaged or cut short ({error}): restore it from another copy"
        ) from error
    described = header.get("refdiff_model")
    if described is not None and described != json.dumps(config.to_dict(), sort_keys=True):
        raise UserError(
            f"{path} and {CONFIG_NAME} beside it are of two different models: "
            "restore the one that was replaced"
        )
    return weights


def _check_weights(path: Path, weights: dict[str, Tensor], wanted: Mapping[str, Tensor]) -> None:
    for problem, names in (
        ("lacks", sorted(set(wanted) - set(weights))),
        ("has unexpected", sorted(set(weights) - set(wanted))),
    ):
        if names:
            listed = ", ".join(names[:3]) + (f" and {len(names) - 3} more" * (len(names) > 3))
            raise UserError(f"{path} does not fit its {CONFIG_NAME}: it {problem} {listed}")
    for name, target in wanted.items():
        value = weights[name]
        if value.shape != target.shape:
            raise UserError(
                f"{path} does not fit its {CONFIG_NAME}: {name} has shape {tuple(value.shape)} "
                f"instead of {tuple(target.shape)}"
            )
        if value.dtype not in _DTYPES.values():
            raise UserError(f"{path} is damaged: {name} has dtype {value.dtype}")
        weights[name] = value.float()
