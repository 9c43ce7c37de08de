"""Stopping and continuing changes no bit, however the run was stopped."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from refdiff.training import Interrupted, config_to_json, read_log, train
from refdiff.training.checkpoints import all_checkpoints, latest_checkpoint, load_checkpoint

ROOT = Path(__file__).parents[2]


def figures(run):
    """Log without what depends on the clock."""
    return [(e.step, e.loss, e.grad_norm, e.learning_rate) for e in read_log(run)]


def assert_same_run(left, right):
    a, b = (load_checkpoint(latest_checkpoint(run)) for run in (left, right))
    assert a.step == b.step
    for part in ("weights", "ema", "optimizer"):
        assert a.tensors[part].keys() == b.tensors[part].keys()
        for name, value in a.tensors[part].items():
            assert torch.equal(value, b.tensors[part][name]), (part, name)
    assert figures(left) == figures(right)
    weights = [load_file(run / "model.safetensors") for run in (left, right)]
    assert all(torch.equal(value, weights[1][name]) for name, value in weights[0].items())


VARIANTS = {
    "plain": {},
    "everything random": {
        "model__dropout": 0.3,
        "data__horizontal_flip": True,
        "objective__prediction": "v",
        "objective__weighting": "min-snr",
        "optimizer__micro_batches": 2,
        "optimizer__weight_decay": 0.1,
        "channels_last": False,
    },
    "hybrid in bf16": {"model__learned_variance": True, "precision": "bf16"},
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_two_runs_in_a_row_are_one_run_bit_for_bit(tmp_path, tiny, stripes, variant):
    changes = VARIANTS[variant]
    torch.manual_seed(1)
    train(tiny(**changes), tmp_path / "one", data=stripes, progress=False)
    torch.manual_seed(2)
    for steps in (5, 9):
        config = tiny(**changes, optimizer__steps=steps)
        train(config, tmp_path / "two", data=stripes, progress=False)
    assert_same_run(tmp_path / "one", tmp_path / "two")
    assert [e.step for e in read_log(tmp_path / "two")] == [3, 6, 9]


def test_other_seeds_give_other_runs(tmp_path, tiny, stripes):
    for seed in (0, 1):
        config = tiny(seed=seed, optimizer__steps=2)
        train(config, tmp_path / str(seed), data=stripes, progress=False)
    first, second = (
        load_checkpoint(latest_checkpoint(tmp_path / name)).tensors["weights"] for name in "01"
    )
    assert any(not torch.equal(value, second[name]) for name, value in first.items())


def test_the_callers_random_numbers_are_left_alone(tmp_path, tiny, stripes):
    before = torch.manual_seed(3).get_state()
    train(tiny(optimizer__steps=2, model__dropout=0.5), tmp_path, data=stripes, progress=False)
    assert torch.equal(torch.get_rng_state(), before)


def test_sheets_of_samples_change_no_weight(tmp_path, tiny, stripes):
    for name, every in (("without", 0), ("with", 2)):
        train(tiny(sample_every=every), tmp_path / name, data=stripes, progress=False)
    assert_same_run(tmp_path / "without", tmp_path / "with")
    sheets = sorted(p.name for p in (tmp_path / "with" / "samples").iterdir())
    assert sheets == [f"step-0000000{n}.png" for n in (2, 4, 6, 8, 9)]
    assert not (tmp_path / "without" / "samples").exists()


def test_a_finished_run_is_left_as_it_is(tmp_path, tiny, stripes):
    train(tiny(), tmp_path, data=stripes, progress=False)
    weights = load_file(tmp_path / "model.safetensors")

    def others():
        # The header of model.safetensors may be written in another order.
        files = (p for p in tmp_path.rglob("*") if p.is_file() and p.name != "model.safetensors")
        return {p: p.read_bytes() for p in files}

    before = others()
    train(tiny(), tmp_path, data=stripes, progress=False)
    assert others() == before
    again = load_file(tmp_path / "model.safetensors")
    assert all(torch.equal(value, again[name]) for name, value in weights.items())


def stop_at(step, number):
    """Callback that sends a signal to this process when the log reaches the step."""

    def on_log(entry):
        if entry.step == step:
            os.kill(os.getpid(), number)

    return on_log


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_with_a_checkpoint(tmp_path, tiny, stripes, number):
    handlers = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)]
    with pytest.raises(Interrupted) as caught:
        train(tiny(), tmp_path / "cut", data=stripes, progress=False, on_log=stop_at(6, number))
    assert [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)] == handlers
    assert caught.value.exit_status == 128 + number
    assert caught.value.step == 6
    assert f"Stopped by {number.name} after step 6" in str(caught.value)
    assert latest_checkpoint(tmp_path / "cut").name == "step-00000006"
    train(tiny(), tmp_path / "cut", data=stripes, progress=False)
    train(tiny(), tmp_path / "whole", data=stripes, progress=False)
    assert_same_run(tmp_path / "cut", tmp_path / "whole")


KILLED = """
    import os, signal, sys
    from refdiff import _files
    from refdiff.training import config_from_json, train
    from tests.training.tiny import stripes_data

    genuine = os.rename

    def dying(source, target):
        if str(target).endswith("step-00000008"):
            os.kill(os.getpid(), signal.SIGKILL)
        genuine(source, target)

    _files.os.rename = dying
    train(config_from_json(sys.argv[1]), sys.argv[2], data=stripes_data(), progress=False)
"""


def test_a_run_killed_while_it_saves_continues_from_the_checkpoint_before(tmp_path, tiny, stripes):
    killed = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(KILLED), config_to_json(tiny()), tmp_path / "cut"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    assert [p.name for p in all_checkpoints(tmp_path / "cut")] == ["step-00000004"]
    assert len(list((tmp_path / "cut" / "checkpoints").iterdir())) == 2  # the unfinished one
    assert read_log(tmp_path / "cut")[-1].step == 6  # a line from after the checkpoint
    train(tiny(), tmp_path / "cut", data=stripes, progress=False)
    train(tiny(), tmp_path / "whole", data=stripes, progress=False)
    assert_same_run(tmp_path / "cut", tmp_path / "whole")
    names = [p.name for p in (tmp_path / "cut" / "checkpoints").iterdir()]
    assert sorted(names) == ["step-00000008", "step-00000009"]


def test_a_torn_last_line_of_the_log_is_left_out(tmp_path, tiny, stripes):
    train(tiny(), tmp_path, data=stripes, progress=False)
    whole = read_log(tmp_path)
    with (tmp_path / "log.jsonl").open("a") as file:
        file.write('{"step": 12, "lo')
    assert read_log(tmp_path) == whole
