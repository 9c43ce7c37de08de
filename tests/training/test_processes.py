"""Two processes train together as one does, but for the order of sums."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import torch

from refdiff._errors import UserError
from refdiff.testing import assert_close
from refdiff.training import config_to_json, read_log, train
from refdiff.training.checkpoints import latest_checkpoint, load_checkpoint
from refdiff.training.launch import Launch, find_device
from refdiff.training.preflight import check_share

ROOT = Path(__file__).parents[2]

SCRIPT = """
    import sys
    from refdiff.training import config_from_json, train
    from tests.training.tiny import stripes_data

    train(config_from_json(sys.argv[1]), sys.argv[2], data=stripes_data(), device="cpu")
"""


def test_two_processes_give_the_run_of_one(tmp_path, tiny, stripes):
    config = tiny(optimizer__micro_batches=2, optimizer__steps=6, sample_every=3)
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(SCRIPT))
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    subprocess.run(
        [*launcher, script, config_to_json(config), tmp_path / "two"],
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        check=True,
        capture_output=True,
    )
    train(config, tmp_path / "one", data=stripes, progress=False)
    one, two = (
        load_checkpoint(latest_checkpoint(tmp_path / name)).tensors["weights"]
        for name in ("one", "two")
    )
    for name, value in one.items():
        # Adam divides by the gradient's size, so that rounding in a gradient near 0 moves a weight
        # by up to the learning rate of 0.003; few are that near.
        assert_close(two[name].mean(), value.mean(), terms=value.abs().mean() + 0.01, units=4096)
    for a, b in zip(*(read_log(tmp_path / name) for name in ("one", "two")), strict=True):
        assert a.step == b.step
        assert_close(b.loss, a.loss, dtype="float32", units=64)


def test_a_batch_that_cannot_be_shared_is_refused(tiny):
    config = tiny(optimizer__batch_size=12, optimizer__micro_batches=2)
    check_share(config, 3)
    with pytest.raises(UserError, match=r"among 4 processes .*a multiple of 8"):
        check_share(config, 4)


def test_shares_cover_the_batch_once():
    rows = []
    for index in range(4):
        launch = Launch(torch.device("cpu"))
        launch.index, launch.count = index, 4
        rows += range(12)[launch.share(12)]
    assert rows == list(range(12))


def test_devices_are_found_by_name():
    assert find_device("cpu") == torch.device("cpu")
    assert find_device("auto").type in ("cpu", "cuda", "mps", "xpu")
    with pytest.raises(UserError, match="device 'warp' cannot be used here"):
        find_device("warp")
