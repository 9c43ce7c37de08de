"""Checkpoints: folders of safetensors and JSON that are there whole or not at all.

``checkpoints/step-00001234/`` holds ``weights.safetensors``, ``ema.safetensors``,
``optimizer.safetensors`` and ``state.json``. It is written under another name, flushed to the disk,
and renamed when complete, so that a crash at any moment leaves the earlier checkpoints as they were
and never a half-written one under a name that is looked for. Older checkpoints are removed only
after that. ``state.json`` holds the size and the SHA-256 of each file: a damaged checkpoint is
noticed when it is read, and named.
"""

from __future__ import annotations

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
_PARTIAL = ".partial-"


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
    root = run / "checkpoints"
    final = root / f"step-{checkpoint.step:08d}"
    partial = root / f"{_PARTIAL}{final.name}"
    try:
        root.mkdir(parents=True, exist_ok=True)
        _remove_partial(root)
        partial.mkdir()
        files = {
            f"{part}.safetensors": _write_tensors(partial / f"{part}.safetensors", tensors)
            for part, tensors in checkpoint.tensors.items()
        }
        state = {"format": FORMAT, "step": checkpoint.step, "files": files} | checkpoint.state
        _write_synced(partial / "state.json", json.dumps(state, indent=1).encode())
        _sync_folder(partial)
        if final.exists():  # the same step once more: the first one is as good
            shutil.rmtree(final)
        os.replace(partial, final)
        _sync_folder(root)
    except (OSError, SafetensorError) as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise MachineError(_cannot_save(final, error, run)) from error
    for old in all_checkpoints(run)[:-keep]:
        shutil.rmtree(old, ignore_errors=True)
    return final


def _cannot_save(folder: Path, error: Exception, run: Path) -> str:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    latest = latest_checkpoint(run)
    rest = (
        "there is no earlier checkpoint"
        if latest is None
        else f"the earlier checkpoint {latest.name} is intact"
    )
    return (
        f"cannot save the checkpoint {folder}: {reason}; {rest}: make room on the disk and run the "
        "same command again."
    )


def _remove_partial(root: Path) -> None:
    """Remove what a killed process left; only one process writes to a run folder."""
    for left in root.glob(f"{_PARTIAL}*"):
        shutil.rmtree(left)


def _write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    save_file({name: tensor.detach().contiguous() for name, tensor in tensors.items()}, path)
    with path.open("rb+") as file:
        os.fsync(file.fileno())
    return {"bytes": path.stat().st_size, "sha256": _digest(path)}


def _write_synced(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Make a rename or a new file durable; Windows cannot, and needs it less."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


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
