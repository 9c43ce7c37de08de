"""A run folder is self-sufficient, and says what is wrong with it."""

import json
import shutil

import pytest
import torch

from refdiff._errors import UserError
from refdiff.models import UNet, load_model, save_model
from refdiff.training import alpha_bars_of, load_run, train
from tests.training.tiny import TINY, stripes_data


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "run"
    train(TINY, folder, data=stripes_data(), progress=False)
    return folder


@pytest.fixture
def copy(trained, tmp_path):
    """Copy of the two files that sampling needs, in another place."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    for name in ("config.json", "model.safetensors"):
        shutil.copy(trained / name, folder)
    return folder


def test_two_files_are_all_that_a_run_needs(trained, copy, tiny):
    before = torch.manual_seed(5).get_state()
    original, run = load_run(trained), load_run(copy)
    assert torch.equal(torch.get_rng_state(), before)
    for name, value in original.model.state_dict().items():
        assert torch.equal(value, run.model.state_dict()[name])
    assert run.config == tiny()
    assert run.alpha_bars.tolist() == alpha_bars_of(tiny().schedule).tolist()
    assert (run.class_names, run.image_shape, run.levels) == (("a", "b", "c"), (1, 4, 4), 256)
    assert run.data_name == "stripes"
    assert not run.model.training
    assert not any(p.requires_grad for p in run.model.parameters())


def test_a_run_folder_is_the_folder_of_a_saved_network(copy):
    weights = load_run(copy).model.state_dict()
    assert all(torch.equal(v, weights[n]) for n, v in load_model(copy).state_dict().items())


def refusal(folder):
    with pytest.raises(UserError) as caught:
        load_run(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def edit(folder, change):
    path = folder / "config.json"
    fields = json.loads(path.read_text())
    change(fields)
    path.write_text(json.dumps(fields))


def test_what_is_no_run_folder_is_refused(tmp_path, copy, tiny):
    assert "nowhere is not a folder" in refusal(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    assert "holds no config.json" in refusal(tmp_path / "empty")
    save_model(tmp_path / "network", UNet(tiny().model))
    assert "describes a network but not how it was trained" in refusal(tmp_path / "network")


def test_a_run_without_weights_is_refused(copy):
    (copy / "model.safetensors").unlink()
    assert "stopped before the first checkpoint: train it further" in refusal(copy)


def test_damaged_weights_are_refused(copy):
    path = copy / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-10])
    assert f"{path} is damaged or cut short" in refusal(copy)


def test_a_damaged_config_is_refused(copy):
    path = copy / "config.json"
    path.write_text(path.read_text()[:-20])
    assert f"{path} is damaged" in refusal(copy)


def test_runs_of_another_version_are_refused(copy):
    edit(copy, lambda fields: fields["extra"]["run"].update(format=7))
    assert "has run format 7, and this refdiff" in refusal(copy)
    edit(copy, lambda fields: fields.update(format_version=7))
    assert "format version 7" in refusal(copy)


def test_mistakes_in_the_config_are_named(copy):
    edit(copy, lambda fields: fields["extra"]["run"]["config"].update(sede=1))
    assert "config.json: config.sede: Unexpected keyword argument" in refusal(copy)
    edit(copy, lambda fields: fields["extra"]["run"]["config"].pop("sede"))
    edit(copy, lambda fields: fields["extra"]["run"]["config"]["model"].update(dropout=0.5))
    assert "describes two different networks" in refusal(copy)
