"""`refdiff train`: options, resuming, Ctrl-C, and bad input."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image


def configuration(run):
    return json.loads((run / "config.json").read_text())["extra"]["run"]["config"]


def test_a_run_ends_with_what_to_type_next(program, tiny_config, tmp_path):
    run = tmp_path / "my run"
    ended = program("train", "--config", tiny_config, "--output", run, "--steps", 1)
    assert ended.status == 0
    assert f"refdiff sample '{run}' --guidance 1 --output samples.png" in ended.out
    assert "parameters" in ended.err
    assert "FLOP" in ended.err
    assert "step 1/1" in ended.err


def test_settings_are_chosen_for_the_data_and_options_go_before_them(
    monkeypatch, program, tmp_path
):
    seen = {}

    def train(config, output, **options):
        seen.update(config=config, output=output, **options)

    monkeypatch.setattr("refdiff.training.train", train, raising=False)
    options = (
        "--steps 7 --batch-size 6 --micro-batches 2 --learning-rate 0.5 --ema-decay 0.25 "
        "--prediction x_0 --weighting min-snr --learned-variance --label-dropout 0.75 "
        "--schedule linear --noise-levels 500 --precision bf16 --seed 11 --log-every 3 "
        "--checkpoint-every 4 --sample-every 5 --compile --strict --fresh --device cpu"
    )
    ended = program("train", "--data", "digits", "--output", tmp_path / "run", *options.split())
    assert ended.status == 0, ended.err
    config = seen["config"]
    assert (config.optimizer.steps, config.optimizer.batch_size) == (7, 6)
    assert (config.optimizer.micro_batches, config.optimizer.learning_rate) == (2, 0.5)
    assert (config.ema_decay, config.precision, config.seed) == (0.25, "bf16", 11)
    assert (config.objective.prediction, config.objective.weighting) == ("x_0", "min-snr")
    assert config.objective.label_dropout == 0.75
    assert (config.schedule.name, config.schedule.num_steps) == ("linear", 500)
    assert (config.log_every, config.checkpoint_every, config.sample_every) == (3, 4, 5)
    assert config.model.learned_variance
    assert config.compile
    assert config.data.strict
    assert (config.data.source, config.model.num_classes) == ("digits", 10)
    assert not seen["resume"]
    assert seen["device"] == "cpu"


def test_without_labels_the_network_is_unconditional(program, tiny_config, tmp_path):
    run = tmp_path / "run"
    program("train", "--config", tiny_config, "--output", run, "--unconditional")
    assert configuration(run)["model"]["num_classes"] is None
    target = tmp_path / "x.npz"
    arguments = ("sample", run, "--steps", 2, "--count", 3, "--output", target)
    assert program(*arguments).status == 0
    with np.load(target) as content:
        assert content["images"].shape == (3, 8, 8)
        assert "labels" not in content
    ended = program(*arguments, "--labels", "1")
    assert ended.status == 2
    assert "without classes" in ended.sentence


def test_the_output_alone_continues_a_run(program, trained, tmp_path):
    run = shutil.copytree(trained, tmp_path / "run")
    ended = program("train", "--output", run, "--steps", 5)
    assert ended.status == 0
    assert f"continuing {run} after step 3" in ended.err
    assert (run / "checkpoints" / "step-00000005").is_dir()


def test_a_run_is_not_continued_with_other_settings(program, trained, tmp_path, files_in):
    run = shutil.copytree(trained, tmp_path / "run")
    before = files_in(run)
    ended = program("train", "--output", run, "--learning-rate", 0.125)
    assert ended.status == 2
    assert "learning_rate" in ended.sentence
    assert program("train", "--output", run, "--fresh").status == 2
    assert files_in(run) == before


def folder_of_pictures(path, sizes):
    for number, size in enumerate(sizes):
        place = path / "ab"[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        pixels = np.full((size, size), 10 * number, np.uint8)
        Image.fromarray(pixels).save(place / f"{number}.png")
    return path


def test_a_folder_of_pictures_with_one_that_cannot_be_read(program, tmp_path):
    data = folder_of_pictures(tmp_path / "data", [8] * 6)
    broken = data / "a" / "0.png"
    broken.write_bytes(broken.read_bytes()[:40])
    options = ["--steps", "1", "--batch-size", "2", "--sample-every", "0"]
    ended = program("train", "--data", data, "--output", tmp_path / "run", *options)
    assert ended.status == 0
    assert "1 of 6 pictures are skipped" in ended.err
    assert "0.png" in ended.err
    ended = program("train", "--data", data, "--output", tmp_path / "b", "--strict", *options)
    assert ended.status == 2
    assert "0.png" in ended.sentence
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--data digitz", ("unknown data set", "did you mean 'digits'")),
        ("--data no/such/folder", ("unknown data set", "digits")),
        ("--data digits --image-size 32", ("image_size=32", "8x8")),
        ("--data digits --channels 3", ("channels=3",)),
        ("--data digits --channels 2", ("--channels 2", "1 for grey or 3")),
        ("--data digits --image-size 0", ("--image-size 0",)),
        ("--data digits --steps 0", ("steps=0",)),
        ("--data digits --steps -5", ("steps=-5",)),
        ("--data digits --batch-size 0", ("batch_size=0",)),
        ("--data digits --batch-size 5 --micro-batches 2", ("batch_size=5", "micro_batches=2")),
        ("--data digits --learning-rate 0", ("learning_rate=0",)),
        ("--data digits --learning-rate nan", ("learning_rate=nan",)),
        ("--data digits --label-dropout 1.5", ("label_dropout=1.5", "[0, 1]")),
        ("--data digits --ema-decay 1", ("ema_decay=1",)),
        ("--data digits --noise-levels 1", ("num_steps=1",)),
        ("--data digits --schedule linear --noise-levels 50", ("alpha_bar_T", "more steps")),
        ("--data digits --prediction noise", ("'noise' is no choice",)),
        ("--data digits --schedule sigmoid --prediction eps", ("zero terminal SNR",)),
        ("--data digits --device abacus", ("abacus",)),
        ("--config none.json", ("--config none.json cannot be read",)),
        ("", ("needs --data",)),
    ],
)
def test_bad_arguments_are_one_sentence_and_write_nothing(
    program, tmp_path, monkeypatch, options, words, files_in
):
    monkeypatch.chdir(tmp_path)
    ended = program("train", "--output", "run", *options.split())
    assert ended.status == 2
    for word in words:
        assert word in ended.sentence
    assert files_in(tmp_path) == []


def test_the_output_must_be_said(program):
    ended = program("train", "--data", "digits")
    assert ended.status == 2
    assert "needs --output" in ended.sentence


@pytest.mark.parametrize("name", ["fashion-mnist", "mnist", "cifar10"])
def test_missing_files_name_what_provides_them(program, tmp_path, monkeypatch, name):
    monkeypatch.setenv("REFDIFF_DATA", str(tmp_path / "data"))
    monkeypatch.setattr("refdiff.training.data.registry._SYSTEM_FOLDER", tmp_path / "system")
    ended = program("train", "--data", name, "--output", tmp_path / "run")
    assert ended.status == 2
    assert str(tmp_path / "data" / name) in ended.sentence
    if name == "fashion-mnist":
        assert "package dataset-fashion-mnist" in ended.sentence


def test_pictures_of_several_sizes_ask_for_one(program, tmp_path):
    data = folder_of_pictures(tmp_path / "data", [8, 16])
    ended = program("train", "--data", data, "--output", tmp_path / "run")
    assert ended.status == 2
    assert "image" in ended.sentence
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("content", ["{", '{"steps": 3}', '{"optimizer": {"steps": 0}}', "\xff"])
def test_a_wrong_configuration_names_the_file(program, tmp_path, content):
    path = tmp_path / "c.json"
    path.write_text(content, "latin-1")
    ended = program("train", "--config", path, "--output", tmp_path / "run")
    assert ended.status == 2
    assert "c.json" in ended.sentence
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("damage", ["cut", "missing", "flipped"])
def test_a_damaged_checkpoint_is_named_and_left(program, trained, tmp_path, damage, files_in):
    run = shutil.copytree(trained, tmp_path / "run")
    part = run / "checkpoints" / "step-00000003" / "weights.safetensors"
    content = part.read_bytes()
    match damage:
        case "cut":
            part.write_bytes(content[: len(content) // 2])
        case "missing":
            part.unlink()
        case "flipped":
            part.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    before = files_in(run)
    ended = program("train", "--output", run, "--steps", 5)
    assert ended.status == 2
    assert "step-00000003 is damaged" in ended.err
    assert "step-00000002" in ended.err  # the earlier one to go on from
    assert files_in(run) == before


def test_a_full_disk_leaves_the_earlier_checkpoints(
    program, trained, tmp_path, monkeypatch, files_in
):
    run = shutil.copytree(trained, tmp_path / "run")
    before = files_in(run / "checkpoints")

    def full(*arguments, **options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("refdiff.training.checkpoints.os.fsync", full)
    ended = program("train", "--output", run, "--steps", 5)
    assert ended.status == 1
    assert "Traceback" not in ended.err
    assert "disk" in ended.err
    assert files_in(run / "checkpoints") == before


def test_ctrl_c_leaves_a_checkpoint_and_the_command_to_go_on(tiny_config, tmp_path):
    run = tmp_path / "run"
    arguments = ["train", "--config", str(tiny_config), "--output", str(run)]
    process = subprocess.Popen(
        [sys.executable, "-m", "refdiff.cli", *arguments, "--steps", "1000000"],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        for line in process.stderr:
            if line.startswith("step "):
                break
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert f"refdiff train --output {run}" in err
    assert "Traceback" not in err
    (kept,) = sorted((run / "checkpoints").iterdir())[-1:]
    assert kept.name in {f"step-{int(word):08d}" for word in err.split() if word.isdigit()} or (
        f"after step {int(kept.name[5:])}" in err
    )
    assert (run / "model.safetensors").is_file()
