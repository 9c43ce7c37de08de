"""Files are seen whole or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from refdiff._errors import MachineError, UserError
from refdiff._files import (
    atomic_folder,
    atomic_write_bytes,
    atomic_write_files,
    atomic_write_text,
    remove_temporary,
    translated_os_errors,
)


def tree(folder: Path) -> dict[str, bytes | None]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def fail(monkeypatch: pytest.MonkeyPatch, name: str, error: BaseException, *, at: int = 1) -> None:
    """Let the given function of `os` raise at its n-th call."""
    original, calls = getattr(os, name), iter(range(1, 1000))

    def replacement(*args, **kwargs):
        if next(calls) == at:
            raise error
        return original(*args, **kwargs)

    monkeypatch.setattr(os, name, replacement)


FULL = OSError(errno.ENOSPC, "No space left on device")


def test_writing_and_replacing(tmp_path: Path):
    path = tmp_path / "new" / "folder" / "a.txt"
    atomic_write_text(path, "α")
    assert path.read_bytes() == "α".encode()
    atomic_write_bytes(path, b"second")
    assert tree(tmp_path / "new") == {"folder": None, "folder/a.txt": b"second"}


def test_permissions_follow_the_umask(tmp_path: Path):
    plain, ours = tmp_path / "plain", tmp_path / "ours"
    plain.write_bytes(b"")
    atomic_write_bytes(ours, b"")
    assert ours.stat().st_mode == plain.stat().st_mode


def test_names_of_the_greatest_length(tmp_path: Path):
    atomic_write_bytes(tmp_path / ("n" * 255), b"x")
    assert tree(tmp_path) == {"n" * 255: b"x"}


@pytest.mark.parametrize("error", [FULL, KeyboardInterrupt()], ids=["full", "interrupted"])
@pytest.mark.parametrize("call", [1, 2])
def test_a_failed_write_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, call: int
):
    atomic_write_files({tmp_path / "a": b"1", tmp_path / "b": b"1"})
    before = tree(tmp_path)
    fail(monkeypatch, "fsync", error, at=call)
    with pytest.raises((MachineError, KeyboardInterrupt)):
        atomic_write_files({tmp_path / "a": b"2", tmp_path / "b": b"2"})
    assert tree(tmp_path) == before


def test_a_failed_rename_leaves_no_temporary_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    fail(monkeypatch, "replace", OSError(errno.EIO, "Input/output error"))
    with pytest.raises(MachineError, match=r"cannot write .*a: Input/output error"):
        atomic_write_bytes(tmp_path / "a", b"1")
    assert tree(tmp_path) == {}


@pytest.mark.parametrize(
    ("number", "kind", "words"),
    [
        (errno.ENOSPC, MachineError, "disk is full; free some space"),
        (errno.EDQUOT, MachineError, "disk is full"),
        (errno.EIO, MachineError, "cannot read x: "),
        (errno.EACCES, UserError, "cannot read x: Permission denied"),
        (errno.ENOENT, UserError, "cannot read x: No such file"),
    ],
)
def test_failures_become_sentences(number: int, kind: type[Exception], words: str):
    with pytest.raises(kind, match=words), translated_os_errors("read x"):
        raise OSError(number, os.strerror(number))


def test_a_file_where_a_folder_should_be(tmp_path: Path):
    (tmp_path / "a").write_bytes(b"kept")
    with pytest.raises(UserError, match=r"cannot write .*a/b: "):
        atomic_write_bytes(tmp_path / "a" / "b", b"1")
    with pytest.raises(UserError, match=r"cannot write .*: Is a directory"):
        atomic_write_bytes(tmp_path, b"1")
    assert tree(tmp_path) == {"a": b"kept"}


def test_a_folder_appears_when_it_is_complete(tmp_path: Path):
    target = tmp_path / "runs" / "step-1"
    with atomic_folder(target) as inside:
        (inside / "sub").mkdir()
        (inside / "sub" / "a").write_bytes(b"1")
        assert not target.exists()
    assert tree(tmp_path / "runs") == {"step-1": None, "step-1/sub": None, "step-1/sub/a": b"1"}
    with pytest.raises(UserError, match="exists"), atomic_folder(target):
        pytest.fail("a complete folder is never replaced")
    assert (target / "sub" / "a").read_bytes() == b"1"


@pytest.mark.parametrize("error", [FULL, KeyboardInterrupt(), ValueError("a bug")])
def test_an_unfinished_folder_disappears(tmp_path: Path, error: BaseException):
    expected = MachineError if error is FULL else type(error)

    def fill() -> None:
        with atomic_folder(tmp_path / "step-1") as inside:
            (inside / "a").write_bytes(b"1")
            raise error

    with pytest.raises(expected):
        fill()
    assert tree(tmp_path) == {}


def test_leftovers_of_a_killed_process_can_be_removed(tmp_path: Path):
    atomic_write_bytes(tmp_path / ".hidden", b"kept")
    if os.fork() == 0:  # a process that is killed between writing and renaming
        os.replace = lambda *names: os._exit(9)
        os.rename = lambda *names: os._exit(9)
        try:
            atomic_write_bytes(tmp_path / "a", b"1")
        finally:
            os._exit(1)
    os.wait()
    assert len(tree(tmp_path)) == 2
    assert len(remove_temporary(tmp_path)) == 1
    assert tree(tmp_path) == {".hidden": b"kept"}
