"""Places to write to, checked before the work rather than after it."""

from __future__ import annotations

import os
from pathlib import Path

from refdiff._errors import UserError

__all__ = ["check_file", "check_folder"]


def check_file(option: str, path: Path) -> None:
    """Refuse a file that could not be written.

    Parameters
    ----------
    option : str
        The option that names it.
    path : Path
        The file.

    Raises
    ------
    UserError
        If its folder is missing or may not be written to, or it is a folder itself.
    """
    if path.is_dir():
        raise UserError(f"{option} {path} is a folder, and a file is to be written: name a file.")
    folder = path.parent
    if not folder.is_dir():
        problem = "is a file" if folder.exists() else "does not exist"
        raise UserError(f"{option} {path} cannot be written: the folder {folder} {problem}.")
    _check_writable(option, path, folder)


def check_folder(option: str, path: Path) -> None:
    """Refuse a folder that could not be filled; it need not exist, but the one it is in must.

    Parameters
    ----------
    option : str
        The option that names it.
    path : Path
        The folder.

    Raises
    ------
    UserError
        If it is a file, or cannot be made or written to.
    """
    if path.is_dir():
        _check_writable(option, path, path)
        return
    if path.exists():
        raise UserError(f"{option} {path} is a file, and a folder is to be filled: name a folder.")
    if not path.parent.is_dir():
        raise UserError(f"{option} {path} cannot be made: the folder {path.parent} does not exist.")
    _check_writable(option, path, path.parent)


def _check_writable(option: str, path: Path, folder: Path) -> None:
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UserError(
            f"{option} {path} cannot be written: {folder} is read-only; name another place."
        )
