"""Checkpoints: folders of safetensors and JSON that are there whole or not at all.

``checkpoints/step-00001234/`` holds ``weights.safetensors``, ``ema.safetensors``,
``optimizer.safetensors`` and ``state.json``. It is written under another name, flushed to the disk,
and renamed when complete, so that a crash at any moment leaves the earlier checkpoints as they were
and never a half-written one under a name that is looked for. Older checkpoints are removed only
after that. ``state.json`` holds the size and the SHA-256 of each file: a damaged checkpoint is
noticed when it is read, and named.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from refdiff._errors import MachineError, UserError
from refdiff._files import atomic_folder

__all__ = [
    "Checkpoint",
    "all_checkpoints",
    "latest_checkpoint",
    "load_checkpoint",
    "save_checkpoint",
]

FORMAT = 1
PARTS = ("weights", "ema", "optimizer")
_NAME = re.compile(r"step-(\d{8,})")


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint holds.

    Parameters
    ----------
    step : int
        Steps done.
    tensors : mapping of str to dict of Tensor
        ``weights``, ``ema`` and ``optimizer``, on the CPU.
    state : dict
        Whatever else the run needs, as JSON.
    """

    step: int
    tensors: Mapping[str, dict[str, Tensor]]
    state: dict[str, Any]


def all_checkpoints(run: Path) -> list[Path]:
    """Complete checkpoints of a run folder, oldest first."""
    root = run / "checkpoints"
    if not root.is_dir():
        return []
    found = [p for p in root.iterdir() if _NAME.fullmatch(p.name) and p.is_dir()]
    return sorted(found, key=_step_of)


def latest_checkpoint(run: Path) -> Path | None:
    """Newest complete checkpoint of a run folder, None where there is none."""
    return next(reversed(all_checkpoints(run)), None)


def _step_of(folder: Path) -> int:
    return int(folder.name.removeprefix("step-"))


def save_checkpoint(run: Path, checkpoint: Checkpoint, *, keep: int) -> Path:
    """Write a checkpoint, then remove the oldest ones.

    Parameters
    ----------
    run : Path
        The run folder.
    checkpoint : Checkpoint
        What to write.
    keep : int
        How many checkpoints to keep, this one included.

    Returns
    -------
    Path
        The checkpoint's folder.

    Raises
    ------
    MachineError
        If the disk is full or fails; the earlier checkpoints are as they were.
    """
    final = run / "checkpoints" / f"step-{checkpoint.step:08d}"
    if final.exists():  # only a complete one bears the name, and the step decides what it holds
        return final
    try:
        with atomic_folder(final) as folder:
            files = {
                f"{part}.safetensors": _write_tensors(folder / f"{part}.safetensors", tensors)
                for part, tensors in checkpoint.tensors.items()
            }
            own = {"format": FORMAT, "step": checkpoint.step, "files": files}
            state = {**checkpoint.state, **own}
            (folder / "state.json").write_text(json.dumps(state, indent=1), encoding="utf-8")
    except (UserError, MachineError) as error:
        latest = latest_checkpoint(run)
        rest = "no earlier checkpoint" if latest is None else f"{latest.name} as it was"
        raise type(error)(f"{error} (the run folder holds {rest})") from error
    for old in all_checkpoints(run)[:-keep]:
        shutil.rmtree(old, ignore_errors=True)
    return final


def _write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    contiguous = {name: tensor.detach().contiguous() for name, tensor in tensors.items()}
    try:
        save_file(contiguous, path)
    except SafetensorError as error:  # its way of passing on an error of the system
        number = re.search(r"os error (\d+)", str(error))
        code = errno.EIO if number is None else int(number[1])
        raise OSError(code, os.strerror(code), str(path)) from error
    return {"bytes": path.stat().st_size, "sha256": _digest(path)}


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def load_checkpoint(folder: Path) -> Checkpoint:
    """Read a checkpoint, every byte of it checked.

    Parameters
    ----------
    folder : Path
        From `latest_checkpoint`.

    Returns
    -------
    Checkpoint
        As it was saved.

    Raises
    ------
    UserError
        If a file is missing or damaged, or the checkpoint is of another version.
    """
    state = _read_state(folder)
    tensors = {}
    for part in PARTS:
        path = folder / f"{part}.safetensors"
        expected = state["files"].get(path.name)
        if not path.is_file():
            raise UserError(_damaged(folder, path, "is missing"))
        if expected is None or path.stat().st_size != expected["bytes"]:
            raise UserError(_damaged(folder, path, "does not have the size that was written"))
        if _digest(path) != expected["sha256"]:
            raise UserError(_damaged(folder, path, "does not hold the bytes that were written"))
        tensors[part] = load_file(path)
    return Checkpoint(step=state["step"], tensors=tensors, state=state)


def _read_state(folder: Path) -> dict[str, Any]:
    path = folder / "state.json"
    try:
        state = json.loads(path.read_bytes())
        found = state["format"]
    except FileNotFoundError:
        raise UserError(_damaged(folder, path, "is missing")) from None
    except (ValueError, KeyError, TypeError):
        raise UserError(_damaged(folder, path, "is not the JSON that was written")) from None
    if found != FORMAT:
        raise UserError(
            f"{path} has checkpoint format {found!r}, and this refdiff reads format {FORMAT}: use "
            "the version of refdiff that wrote it, or start a new run."
        )
    if not isinstance(state.get("files"), dict) or state.get("step") != _step_of(folder):
        raise UserError(_damaged(folder, path, "is not the JSON that was written"))
    return state


def _damaged(folder: Path, file: Path, how: str) -> str:
    earlier = [p for p in all_checkpoints(folder.parent.parent) if _step_of(p) < _step_of(folder)]
    cure = (
        f"remove the folder {folder} to continue from {earlier[-1].name}"
        if earlier
        else "there is no earlier checkpoint, so start a new run in another folder"
    )
    return f"the checkpoint {folder.name} is damaged: {file} {how}; {cure}."
