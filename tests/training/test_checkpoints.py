"""Checkpoints are there whole or not at all, and damage is named."""

import errno
import json
import os
import shutil
from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError

from refdiff._errors import MachineError, UserError
from refdiff.training import checkpoints as module
from refdiff.training.checkpoints import (
    Checkpoint,
    all_checkpoints,
    latest_checkpoint,
    load_checkpoint,
    save_checkpoint,
)


def checkpoint(step):
    generator = torch.Generator().manual_seed(step)
    tensors = {
        part: {
            "matrix": torch.randn(3, 4, generator=generator),
            "channels-last": torch.randn(2, 3, 4, 4, generator=generator).contiguous(
                memory_format=torch.channels_last
            ),
            "count": torch.tensor(step, dtype=torch.int64),
        }
        for part in module.PARTS
    }
    return Checkpoint(step=step, tensors=tensors, state={"loss_sum": 0.1 + step, "epoch": 2})


def assert_same(left, right):
    assert left.step == right.step
    assert left.tensors.keys() == right.tensors.keys()
    for part, tensors in left.tensors.items():
        assert tensors.keys() == right.tensors[part].keys()
        for name, value in tensors.items():
            assert torch.equal(value, right.tensors[part][name])
            assert value.dtype == right.tensors[part][name].dtype


def test_what_is_saved_comes_back_bit_for_bit(tmp_path):
    folder = save_checkpoint(tmp_path, checkpoint(7), keep=2)
    assert folder == tmp_path / "checkpoints" / "step-00000007"
    loaded = load_checkpoint(folder)
    assert_same(loaded, checkpoint(7))
    assert loaded.state["loss_sum"] == 7.1


def test_the_newest_are_kept_in_the_order_of_their_numbers(tmp_path):
    for step in (9, 10, 99_999_999, 100_000_000):
        save_checkpoint(tmp_path, checkpoint(step), keep=3)
    assert [p.name for p in all_checkpoints(tmp_path)] == [
        "step-00000010",
        "step-99999999",
        "step-100000000",
    ]
    assert latest_checkpoint(tmp_path).name == "step-100000000"


def test_a_folder_without_checkpoints_has_no_latest(tmp_path):
    assert latest_checkpoint(tmp_path) is None
    (tmp_path / "checkpoints" / "step-what").mkdir(parents=True)
    assert latest_checkpoint(tmp_path) is None


def full(*arguments, **options):
    raise OSError(errno.ENOSPC, "No space left on device")


def full_inside_safetensors(tensors, path):
    Path(path).write_bytes(b"half of it")
    raise SafetensorError("I/O error: No space left on device (os error 28)")


@pytest.mark.parametrize(
    ("where", "name", "failure"),
    [
        (module, "save_file", full_inside_safetensors),
        (Path, "write_text", full),
        (os, "fsync", full),
        (os, "rename", full),
        (os, "mkdir", full),
    ],
    ids=["tensors", "state", "fsync", "rename", "mkdir"],
)
def test_a_full_disk_leaves_earlier_checkpoints_and_nothing_half_written(
    tmp_path, monkeypatch, where, name, failure
):
    save_checkpoint(tmp_path, checkpoint(4), keep=1)
    with monkeypatch.context() as patch:
        patch.setattr(where, name, failure)
        with pytest.raises(MachineError) as caught:
            save_checkpoint(tmp_path, checkpoint(8), keep=1)
    sentence = str(caught.value)
    assert "step-00000008: the disk is full; free some space" in sentence
    assert "step-00000004 as it was" in sentence
    assert "\n" not in sentence
    assert [p.name for p in (tmp_path / "checkpoints").iterdir()] == ["step-00000004"]
    assert_same(load_checkpoint(latest_checkpoint(tmp_path)), checkpoint(4))


def test_old_checkpoints_go_only_after_the_new_one_is_there(tmp_path, monkeypatch):
    save_checkpoint(tmp_path, checkpoint(4), keep=1)
    removed = []

    def watch(path, **options):
        removed.append(Path(path).name)
        assert_same(load_checkpoint(tmp_path / "checkpoints" / "step-00000008"), checkpoint(8))

    monkeypatch.setattr(shutil, "rmtree", watch)
    save_checkpoint(tmp_path, checkpoint(8), keep=1)
    assert removed == ["step-00000004"]


def test_an_unfinished_checkpoint_is_never_picked_up(tmp_path, monkeypatch):
    save_checkpoint(tmp_path, checkpoint(4), keep=2)

    class Killed(BaseException):
        pass

    def die(*arguments, **options):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", die)
        patch.setattr(shutil, "rmtree", lambda *a, **k: None)  # a killed process cleans nothing up
        with pytest.raises(Killed):
            save_checkpoint(tmp_path, checkpoint(8), keep=2)
    assert len(list((tmp_path / "checkpoints").iterdir())) == 2
    assert latest_checkpoint(tmp_path).name == "step-00000004"


def flip_a_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut(path):
    path.write_bytes(path.read_bytes()[:-1])


DAMAGES = [
    ("weights.safetensors", flip_a_bit, "does not hold the bytes that were written"),
    ("ema.safetensors", cut, "does not have the size that was written"),
    ("optimizer.safetensors", Path.unlink, "is missing"),
    ("state.json", Path.unlink, "is missing"),
    ("state.json", cut, "is not the JSON that was written"),
    ("state.json", lambda p: p.write_text("[]"), "is not the JSON that was written"),
    ("state.json", lambda p: p.write_text('{"format": 1}'), "is not the JSON that was written"),
]


@pytest.mark.parametrize(("file", "damage", "how"), DAMAGES)
@pytest.mark.parametrize("earlier", [True, False])
def test_a_damaged_checkpoint_is_named_with_the_cure(tmp_path, file, damage, how, earlier):
    if earlier:
        save_checkpoint(tmp_path, checkpoint(3), keep=2)
    folder = save_checkpoint(tmp_path, checkpoint(5), keep=2)
    damage(folder / file)
    with pytest.raises(UserError) as caught:
        load_checkpoint(folder)
    sentence = str(caught.value)
    assert sentence.startswith(f"the checkpoint step-00000005 is damaged: {folder / file} {how}")
    if earlier:
        assert f"remove the folder {folder} to continue from step-00000003" in sentence
        shutil.rmtree(folder)
        assert_same(load_checkpoint(latest_checkpoint(tmp_path)), checkpoint(3))
    else:
        assert "there is no earlier checkpoint" in sentence


def test_a_checkpoint_of_another_format_is_refused(tmp_path):
    folder = save_checkpoint(tmp_path, checkpoint(5), keep=2)
    state = json.loads((folder / "state.json").read_text())
    (folder / "state.json").write_text(json.dumps(state | {"format": 9}))
    with pytest.raises(UserError, match="has checkpoint format 9, and this refdiff reads format 1"):
        load_checkpoint(folder)
