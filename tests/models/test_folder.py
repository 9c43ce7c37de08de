"""Networks on disk: round trips, and every way in which the files can be wrong."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load, save

from refdiff._errors import MachineError, UserError
from refdiff.models import UNet, load_model, read_description, save_model
from tests.models.networks import CONDITIONAL, awake, images

WEIGHTS, CONFIG = "model.safetensors", "config.json"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_model(tmp_path / "run", awake(CONDITIONAL), extra={"seed": 3})
    return tmp_path / "run"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@torch.no_grad()
def test_round_trip(folder: Path):
    model = load_model(folder)
    assert model.config == CONDITIONAL
    assert not model.training
    x, t, y = images(CONDITIONAL, 2)
    assert torch.equal(model(x, t, y), awake(CONDITIONAL)(x, t, y))
    assert all(p.requires_grad and p.dtype == torch.float32 for p in model.parameters())
    assert read_description(folder)["extra"] == {"seed": 3}
    assert sorted(contents(folder)) == [CONFIG, WEIGHTS]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_on_the_disk(tmp_path: Path, dtype: torch.dtype):
    model = awake(CONDITIONAL)
    save_model(tmp_path, model, dtype=dtype)
    assert read_description(tmp_path)["weights_dtype"] == str(dtype).removeprefix("torch.")
    loaded = load_model(tmp_path).state_dict()
    for name, value in model.state_dict().items():
        assert torch.equal(loaded[name], value.to(dtype).float()), name
    stored = load((tmp_path / WEIGHTS).read_bytes())
    assert {value.dtype for value in stored.values()} == {dtype}


def test_a_double_network_is_stored_in_single(tmp_path: Path):
    save_model(tmp_path, awake(CONDITIONAL, dtype=torch.float64))
    assert load_model(tmp_path).stem.weight.dtype == torch.float32
    with pytest.raises(ValueError, match="float64"):
        save_model(tmp_path, awake(CONDITIONAL), dtype=torch.float64)


def test_loading_draws_no_random_numbers_and_keeps_no_file_open(folder: Path):
    before = torch.get_rng_state()
    model = load_model(folder)
    assert torch.equal(torch.get_rng_state(), before)
    expected = {name: value.clone() for name, value in model.state_dict().items()}
    with open(folder / WEIGHTS, "rb+") as file:
        file.write(b"\xff" * (folder / WEIGHTS).stat().st_size)
    assert all(torch.equal(value, expected[name]) for name, value in model.state_dict().items())


def test_a_folder_that_moved_is_whole(folder: Path, tmp_path: Path):
    os.rename(folder, tmp_path / "elsewhere")
    assert load_model(tmp_path / "elsewhere").config == CONDITIONAL


def rewrite_config(**changes: object) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        description = json.loads((folder / CONFIG).read_text())
        description.update(changes)
        description = {key: value for key, value in description.items() if value is not ...}
        (folder / CONFIG).write_text(json.dumps(description))

    return damage


def rewrite_model(**changes: object) -> Callable[[Path], None]:
    return rewrite_config(model={**CONDITIONAL.to_dict(), **changes})


def rewrite_weights(change: Callable[[dict[str, torch.Tensor]], None]) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        weights = load((folder / WEIGHTS).read_bytes())
        change(weights)
        (folder / WEIGHTS).write_bytes(save(weights))

    return damage


def cut(name: str, share: float) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        data = (folder / name).read_bytes()
        (folder / name).write_bytes(data[: int(share * len(data))])

    return damage


def remove(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


DAMAGES = {
    "no-config": (remove(CONFIG), "holds no config.json"),
    "no-weights": (remove(WEIGHTS), "holds no model.safetensors"),
    "cut-config": (cut(CONFIG, 0.5), "config.json is damaged"),
    "empty-config": (cut(CONFIG, 0), "config.json is damaged"),
    "cut-weights": (cut(WEIGHTS, 0.5), "model.safetensors is damaged or cut short"),
    "nearly-whole-weights": (cut(WEIGHTS, 0.999), "model.safetensors is damaged or cut short"),
    "empty-weights": (cut(WEIGHTS, 0), "model.safetensors is damaged or cut short"),
    "binary-config": (lambda f: (f / CONFIG).write_bytes(b"\xff\x00\xfe"), "damaged"),
    "a-list": (lambda f: (f / CONFIG).write_text("[]"), "does not describe a refdiff model"),
    "another-format": (rewrite_config(format="UNet2DModel"), "does not describe a refdiff model"),
    "another-version": (rewrite_config(format_version=2), "format version 2.*reads version 1"),
    "no-version": (rewrite_config(format_version=...), "format version None"),
    "no-model": (rewrite_config(model=...), "lacks 'model'"),
    "model-no-object": (rewrite_config(model=3), "does not describe a network"),
    "wrong-dtype": (rewrite_config(weights_dtype="int8"), "weights_dtype 'int8'"),
    "unknown-field": (rewrite_model(chanels=3), "no field 'chanels'"),
    "impossible-field": (rewrite_model(norm_groups=5), "norm_groups=5"),
    "another-network": (rewrite_model(channels=16), "two different models"),
    "missing": (rewrite_weights(lambda w: w.pop("stem.bias")), "lacks stem.bias"),
    "extra": (rewrite_weights(lambda w: w.update(a=torch.ones(1))), "has unexpected a"),
    "many-missing": (rewrite_weights(lambda w: w.clear()), "lacks .* and [0-9]+ more"),
    "shape": (
        rewrite_weights(lambda w: w.update({"stem.bias": torch.ones(3)})),
        r"stem.bias has shape \(3,\) instead of \(8,\)",
    ),
    "integers": (
        rewrite_weights(lambda w: w.update({"stem.bias": torch.ones(8, dtype=torch.int32)})),
        "stem.bias has dtype torch.int32",
    ),
}


@pytest.mark.parametrize("kind", DAMAGES)
def test_damage_is_named_in_a_sentence(folder: Path, kind: str):
    damage, sentence = DAMAGES[kind]
    damage(folder)
    with pytest.raises(UserError, match=sentence) as caught:
        load_model(folder)
    assert "\n" not in str(caught.value)


def test_missing_folders_are_named(tmp_path: Path):
    with pytest.raises(UserError, match="nowhere is not a folder"):
        load_model(tmp_path / "nowhere")


def test_weights_without_our_header_are_read(folder: Path):
    # Another program may have written the same tensors.
    rewrite_weights(lambda weights: None)(folder)
    assert load_model(folder).config == CONDITIONAL


@pytest.mark.parametrize("failing_call", [1, 2])
def test_a_full_disk_leaves_the_earlier_model(
    folder: Path, monkeypatch: pytest.MonkeyPatch, failing_call: int
):
    before = contents(folder)
    calls = iter(range(1, 100))

    def fsync(handle: int) -> None:
        if next(calls) == failing_call:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(MachineError, match="disk is full"):
        save_model(folder, UNet(dataclasses.replace(CONDITIONAL, channels=16)))
    assert contents(folder) == before
