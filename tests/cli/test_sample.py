"""`refdiff sample`: what it writes, that noise belongs to the sample, and bad input."""

import errno
import json
import os
import shutil

import numpy as np
import pytest
from PIL import Image

from refdiff.cli.sampling import find_network


def arrays(program, trained, tmp_path, *options):
    target = tmp_path / "out.npz"
    ended = program("sample", trained, "--steps", 4, "--output", target, *options)
    assert ended.status == 0, ended.err
    with np.load(target, allow_pickle=False) as content:
        return content["images"], content["labels"]


def test_npz_holds_images_and_labels(program, trained, tmp_path):
    images, labels = arrays(program, trained, tmp_path, "--count", 7, "--labels", "3,1")
    assert (images.dtype, images.shape) == (np.uint8, (7, 8, 8))
    assert labels.tolist() == [3, 1, 3, 1, 3, 1, 3]


def test_sample_i_depends_on_seed_and_i_alone(program, trained, tmp_path):
    options = ("--sampler", "ddim", "--eta", 0.7, "--labels", "5")
    together, _ = arrays(program, trained, tmp_path, "--count", 9, *options)
    in_parts, _ = arrays(program, trained, tmp_path, "--count", 9, "--batch-size", 2, *options)
    fewer, _ = arrays(program, trained, tmp_path, "--count", 4, *options)
    # One grey level: the network may round differently in another batch.
    assert np.abs(together.astype(int) - in_parts).max() <= 1
    assert np.abs(together[:4].astype(int) - fewer).max() <= 1
    other, _ = arrays(program, trained, tmp_path, "--count", 9, "--seed", 1, *options)
    assert (np.abs(together.astype(int) - other) > 10).mean() > 0.2


def test_options_reach_the_sampler(program, trained, tmp_path):
    plain, _ = arrays(program, trained, tmp_path, "--count", 5)
    for options in (
        ("--guidance", 3),
        ("--sampler", "ddpm"),
        ("--eta", 1),
        ("--no-clip",),
        ("--threshold", 60),
        ("--spacing", "leading"),
        ("--labels", "9"),
    ):
        other, _ = arrays(program, trained, tmp_path, "--count", 5, *options)
        assert not np.array_equal(plain, other), options
    same, _ = arrays(program, trained, tmp_path, "--count", 5, "--eta", 0, "--guidance", 0)
    assert np.array_equal(plain, same)
    small, _ = arrays(program, trained, tmp_path, "--count", 5, "--sampler", "ddpm")
    large, _ = arrays(
        program,
        trained,
        tmp_path,
        *["--count", "5", "--sampler", "ddpm", "--variance", "fixed-large"],
    )
    assert not np.array_equal(small, large)


def test_a_sheet_has_a_row_for_each_class(program, trained, tmp_path):
    options = ("--count", 6, "--labels", "2,7", "--steps", 3)
    images, _ = arrays(program, trained, tmp_path, *options[:4], "--steps", 3)
    target = tmp_path / "sheet.png"
    assert program("sample", trained, *options, "--output", target).status == 0
    sheet = np.asarray(Image.open(target))
    # Samples 0, 2, 4 are the first row; each pixel is enlarged by the same whole number.
    scale, padding = 5, 2
    left = sheet.shape[1] - 3 * (8 * scale + padding)
    for row, column, number in ((0, 0, 0), (0, 2, 4), (1, 0, 1), (1, 1, 3)):
        top = padding + row * (8 * scale + padding)
        start = left + column * (8 * scale + padding)
        cell = sheet[top : top + 8 * scale : scale, start : start + 8 * scale : scale]
        assert np.array_equal(cell, images[number])


def test_a_folder_gets_one_picture_a_sample(program, trained, tmp_path, files_in):
    images, _ = arrays(program, trained, tmp_path, "--count", 3, "--labels", "4,0")
    folder = tmp_path / "pictures"
    ended = program(
        "sample", trained, "--steps", 4, "--count", 3, "--labels", "4,0", "--output", folder
    )
    assert ended.status == 0
    assert files_in(folder) == ["00000-4.png", "00001-0.png", "00002-4.png"]
    assert np.array_equal(np.asarray(Image.open(folder / "00001-0.png")), images[1])


def test_the_way_ends_at_the_samples(program, trained, tmp_path):
    way = tmp_path / "way.png"
    images, _ = arrays(program, trained, tmp_path, "--count", 2, "--path", way)
    picture = np.asarray(Image.open(way))
    pitch, scale = 8 * 5 + 2, 5
    last = picture[-2 * pitch :, -pitch:][: 8 * scale : scale, : 8 * scale : scale]
    assert np.array_equal(last, images[0])
    assert picture.shape[1] > 5 * pitch  # noise, and the states after each of the four steps


def test_what_was_done_is_said(program, trained, tmp_path):
    target = tmp_path / "x.png"
    ended = program(
        *("sample", trained, "--count", 1, "--steps", 2, "--guidance", 1.5, "--output", target)
    )
    assert f"{target}: 1 image by DDIM with 2 steps, eta 0, w 1.5" in ended.out


@pytest.mark.parametrize(
    ("sampler", "words"),
    [
        ("dpm-solver++", "DPM-Solver++ 2M with 3 steps"),
        ("sde-dpm-solver++", "SDE-DPM-Solver++ 2M with 3 steps"),
        ("unipc", "UniPC with 3 steps"),
        ("lms", "LMS with 3 steps"),
    ],
)
def test_other_samplers_are_called_by_their_names(program, trained, tmp_path, sampler, words):
    made = program(
        *("sample", trained, "--count", 2, "--steps", 3, "--sampler", sampler),
        *("--output", tmp_path / "x.npz"),
    )
    assert (made.status, words in made.out) == (0, True)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--steps 0", ("steps=0", ">= 1")),
        ("--steps -3", ("steps=-3",)),
        ("--steps 21", ("steps=21", "20")),  # the network has T = 20
        ("--eta 1.5", ("eta=1.5", "[0, 1]")),
        ("--eta -0.1", ("eta=-0.1",)),
        ("--eta nan", ("eta=nan",)),
        ("--labels 10", ("labels=10", "9")),
        ("--labels 3,-1", ("labels=-1",)),
        ("--count 0", ("count=0",)),
        ("--count -2", ("count=-2",)),
        ("--batch-size 0", ("batch_size=0",)),
        ("--seed -1", ("seed=-1",)),
        ("--guidance nan", ("guidance=nan",)),
        ("--guidance -2", ("guidance=-2",)),
        ("--threshold 0", ("percentile=0",)),
        ("--threshold 101", ("percentile=101",)),
        ("--threshold 99 --no-clip", ("--no-clip and --threshold",)),
        ("--sampler ddpm --eta 0.5", ("--eta 0.5 belongs to --sampler ddim",)),
        ("--variance fixed-large", ("belongs to --sampler ddpm",)),
        ("--sampler unipc --eta 0.5", ("belongs to --sampler ddim, not to unipc",)),
        ("--sampler lms --variance fixed-large", ("belongs to --sampler ddpm, not to lms",)),
        ("--sampler ddpm --variance learned-range", ("learned-range", "did not")),
        ("--device abacus", ("abacus",)),
    ],
)
def test_bad_arguments_are_one_sentence_and_write_nothing(
    program, trained, tmp_path, options, words, files_in
):
    ended = program("sample", trained, "--output", tmp_path / "x.png", *options.split())
    assert ended.status == 2
    for word in words:
        assert word in ended.sentence
    assert files_in(tmp_path) == []


def test_what_is_missing_is_named(program, trained, tmp_path):
    assert "needs a run folder" in program("sample", "--output", tmp_path / "x.png").sentence
    ended = program("sample", trained)
    assert (ended.status, "needs --output" in ended.sentence) == (2, True)


def test_a_folder_that_is_no_run(program, tmp_path, files_in):
    for folder in (tmp_path, tmp_path / "nowhere"):
        ended = program("sample", folder, "--output", tmp_path / "x.png")
        assert ended.status == 2
        assert f"{folder} is not a run folder" in ended.sentence
    assert files_in(tmp_path) == []


def test_weights_that_are_not_shipped_say_how_to_train_them(program, tmp_path, monkeypatch):
    monkeypatch.setattr("refdiff.cli.sampling._SHIPPED", ("digits",))
    monkeypatch.setattr("refdiff.cli.sampling.resources.files", lambda package: tmp_path)
    ended = program("sample", "digits", "--output", tmp_path / "x.png")
    assert ended.status == 2
    assert "refdiff train --data digits --output runs/digits" in ended.sentence


def test_a_folder_may_be_called_like_shipped_weights(trained, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(trained, tmp_path / "digits")
    assert find_network("./digits").resolve() == tmp_path / "digits"


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("missing/x.png", "does not exist"),
        ("missing/x.npz", "does not exist"),
        ("missing/deep/folder", "does not exist"),
        ("file/x.png", "is a file"),
        ("file", "is a file"),
        ("x.jpg", "must end in .png"),
    ],
)
def test_a_place_that_cannot_be_written_is_refused_before_sampling(
    program, trained, tmp_path, place, words, monkeypatch, files_in
):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr("refdiff.cli.sampling.load_run", pytest.fail)
    ended = program("sample", trained, "--output", tmp_path / place)
    assert ended.status == 2
    assert words in ended.sentence
    assert files_in(tmp_path) == ["file"]


def test_a_read_only_folder_is_refused(program, trained, tmp_path, monkeypatch):
    # The tests may run as root, whom no permission stops.
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    for target in (tmp_path / "x.png", tmp_path / "folder"):
        ended = program("sample", trained, "--output", target)
        assert ended.status == 2
        assert "is read-only" in ended.sentence


@pytest.fixture
def run_copy(trained, tmp_path):
    return shutil.copytree(trained, tmp_path / "run")


@pytest.mark.parametrize("part", ["network", "run"])
def test_a_run_of_another_version_is_refused(program, run_copy, tmp_path, part):
    path = run_copy / "config.json"
    content = json.loads(path.read_text())
    if part == "network":
        content["format_version"] = 99
    else:
        content["extra"]["run"]["format"] = 99
    path.write_text(json.dumps(content))
    ended = program("sample", run_copy, "--output", tmp_path / "x.png")
    assert ended.status == 2
    assert "99" in ended.sentence
    assert not (tmp_path / "x.png").exists()


@pytest.mark.parametrize("kept", [0, 100, -1])
def test_damaged_weights_are_refused(program, run_copy, tmp_path, kept):
    weights = run_copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:kept])
    ended = program("sample", run_copy, "--output", tmp_path / "x.png")
    assert ended.status == 2
    assert "model.safetensors is damaged" in ended.sentence


@pytest.mark.parametrize("content", ["", "{", '{"format": 1}', "[]"])
def test_a_damaged_configuration_is_refused(program, run_copy, tmp_path, content):
    (run_copy / "config.json").write_text(content)
    ended = program("sample", run_copy, "--output", tmp_path / "x.png")
    assert ended.status == 2
    assert "config.json" in ended.sentence


@pytest.mark.parametrize("target", ["x.png", "x.npz", "folder"])
def test_a_full_disk_leaves_nothing_behind(
    program, trained, tmp_path, monkeypatch, target, files_in
):
    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    (tmp_path / "x.png").write_text("old")
    ended = program("sample", trained, "--count", 2, "--steps", 1, "--output", tmp_path / target)
    assert ended.status == 1
    assert "disk is full" in ended.sentence or "No space left" in ended.sentence
    assert [name for name in files_in(tmp_path) if name != "folder"] == ["x.png"]
    assert (tmp_path / "x.png").read_text() == "old"
