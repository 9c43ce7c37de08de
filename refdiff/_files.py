"""Write files so that a reader sees the old content or the new, never a part of it.

Everything is written beside its destination under a temporary name, flushed to the disk, and only
then renamed, which the file system does in one step. When anything fails, Ctrl-C included, the
temporary files are removed and what was there before is intact. Failures of the machine, such as a
full disk, become `MachineError`; paths that the user can mend become `UserError`.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from refdiff._errors import MachineError, UserError

__all__ = [
    "atomic_folder",
    "atomic_write_bytes",
    "atomic_write_files",
    "atomic_write_text",
    "remove_temporary",
    "translated_os_errors",
]

_MARK = ".refdiff-tmp-"

_USER_ERRNOS = frozenset(
    (
        *(errno.EACCES, errno.EPERM, errno.ENOENT, errno.ENOTDIR, errno.EISDIR),
        *(errno.EEXIST, errno.ENOTEMPTY, errno.ENAMETOOLONG, errno.EROFS, errno.EINVAL),
    )
)


@contextlib.contextmanager
def translated_os_errors(action: str) -> Iterator[None]:
    """Turn an `OSError` of the body into one sentence.

    Parameters
    ----------
    action : str
        What was being done, as in "write runs/a/model.safetensors".

    Raises
    ------
    UserError
        If the path is at fault: missing, forbidden, a folder where a file should be.
    MachineError
        If the machine is: disk full, quota used up, an input/output error.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise MachineError(
                f"cannot {action}: the disk is full; free some space and run the command again"
            ) from error
        reason = error.strerror or str(error)
        if error.errno in _USER_ERRNOS:
            raise UserError(f"cannot {action}: {reason}") from error
        raise MachineError(f"cannot {action}: {reason}") from error


def atomic_write_bytes(path: str | os.PathLike[str], data: bytes) -> None:
    """Write or replace one file; see `atomic_write_files`."""
    atomic_write_files({path: data})


def atomic_write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write or replace one UTF-8 file; see `atomic_write_files`."""
    atomic_write_files({path: text.encode("utf-8")})


def atomic_write_files(contents: Mapping[str | os.PathLike[str], bytes]) -> None:
    """Write or replace several files that belong together.

    All of them are on the disk before the first takes its place, so a disk that fills up leaves
    every earlier file as it was. Missing folders are made.

    Parameters
    ----------
    contents : mapping of path to bytes
        What each file is to hold. They take their places in this order.

    Raises
    ------
    UserError, MachineError
        If a file cannot be written; nothing has changed then, unless the failure came between
        two renames.
    """
    staged: list[tuple[Path, Path]] = []
    try:
        for name, data in contents.items():
            path = Path(name)
            with translated_os_errors(f"write {path}"):
                path.parent.mkdir(parents=True, exist_ok=True)
                temporary = _temporary_beside(path)
                staged.append((temporary, path))
                _write_through(temporary, data)
        for temporary, path in staged:
            with translated_os_errors(f"write {path}"):
                os.replace(temporary, path)
        for parent in {path.parent for _, path in staged}:
            _flush_folder(parent)
    except BaseException:
        for temporary, _ in staged:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def atomic_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Fill a new folder that appears only when it is complete.

    Parameters
    ----------
    path : path
        The folder to make. It must not exist: what is complete is never replaced.

    Yields
    ------
    Path
        A temporary folder beside it. Write the files there; when the body ends without an error
        they are flushed to the disk and the folder takes its name, otherwise it is removed.

    Raises
    ------
    UserError, MachineError
        If the folder exists, or cannot be made or filled.
    """
    path = Path(path)
    temporary = _temporary_beside(path)
    try:
        with translated_os_errors(f"write {path}"):
            if path.exists():
                raise FileExistsError(errno.EEXIST, "it exists already", str(path))
            temporary.mkdir(parents=True)
            yield temporary
            for file in sorted(temporary.rglob("*")):
                if file.is_file():
                    _flush_file(file)
                else:
                    _flush_folder(file)
            _flush_folder(temporary)
            os.rename(temporary, path)
            _flush_folder(path.parent)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def remove_temporary(folder: str | os.PathLike[str]) -> tuple[Path, ...]:
    """Remove what a killed process left under temporary names, directly in `folder`.

    Call it only where no other process writes.

    Returns
    -------
    tuple of Path
        What was removed.
    """
    leftovers = tuple(sorted(p for p in Path(folder).glob(f".*{_MARK}*")))
    for leftover in leftovers:
        with translated_os_errors(f"remove {leftover}"):
            if leftover.is_dir():
                shutil.rmtree(leftover)
            else:
                leftover.unlink(missing_ok=True)
    return leftovers


def _temporary_beside(path: Path) -> Path:
    # The same folder, since a rename is one step only within a file system. The name is cut so
    # that a name of the greatest length still has room for the mark.
    return path.with_name(f".{path.name[:100]}{_MARK}{os.getpid()}-{secrets.token_hex(4)}")


def _write_through(path: Path, data: bytes) -> None:
    with open(path, "xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _flush_file(path: Path) -> None:
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def _flush_folder(path: Path) -> None:
    # Makes the rename itself durable. Not every system can open a folder; there it is best effort.
    with contextlib.suppress(OSError):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
