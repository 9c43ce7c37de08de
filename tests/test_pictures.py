"""Pictures: pixel levels and [-1, 1], sheets placed to the pixel, and files that are whole or not
there."""

import errno
import io
import os
import re

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from refdiff import pictures
from refdiff._errors import MachineError, UserError
from refdiff.testing import assert_close

LEVELS = st.integers(2, 256)


@given(levels=LEVELS)
def test_every_level_comes_back_and_the_ends_are_exact(levels):
    every = np.arange(levels, dtype=np.uint8).reshape(1, levels, 1, 1)
    tensor = pictures.to_tensor(every, levels)
    assert (tensor.dtype, tensor.shape) == (torch.float32, (1, 1, levels, 1))
    assert (tensor[0, 0, 0, 0].item(), tensor[0, 0, -1, 0].item()) == (-1.0, 1.0)
    np.testing.assert_array_equal(pictures.from_tensor(tensor, levels), every, strict=True)


@given(levels=LEVELS, data=st.data())
def test_levels_are_evenly_spaced_in_the_interval(levels, data):
    level = data.draw(st.integers(0, levels - 1))
    scaled = pictures.scale_pixels(np.uint8([level]), levels)
    assert_close(scaled, np.array([-1 + 2 * level / (levels - 1)]), terms=2, units=1)


@given(
    images=hnp.arrays(
        np.uint8, hnp.array_shapes(min_dims=4, max_dims=4, max_side=5), elements=st.integers(0, 16)
    )
)
def test_pixels_keep_their_places(images):
    tensor = pictures.to_tensor(images, 17)
    count, height, width, channels = images.shape
    assert tensor.shape == (count, channels, height, width)
    assert tensor.is_contiguous()
    at = (count - 1, height // 2, width - 1, channels // 2)
    assert tensor[at[0], at[3], at[1], at[2]].item() == images[at] / 8 - 1
    np.testing.assert_array_equal(pictures.from_tensor(tensor, 17), images)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_values_beyond_the_interval_are_black_or_white(dtype):
    values = torch.tensor([-1e4, -1.5, -1, 0, 1, 1.5, 1e4], dtype=dtype, requires_grad=True)
    pixels = pictures.to_uint8(values.reshape(1, 1, 1, -1))
    assert pixels.ravel().tolist() == [0, 0, 0, 128, 255, 255, 255]


def test_values_are_rounded_to_the_nearest_pixel_not_down():
    values = np.array([100.49, 100.51, 0.49, 254.51]) / 127.5 - 1
    assert pictures.to_uint8(values.reshape(1, 1, 2, 2)).ravel().tolist() == [100, 101, 0, 255]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused_with_their_place(bad):
    values = np.zeros((2, 1, 3, 3))
    values[1, 0, 2, 1] = bad
    with pytest.raises(ValueError, match=r"1 values .* first at index \(1, 0, 2, 1\)"):
        pictures.to_uint8(values)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: pictures.to_uint8(np.zeros((1, 8, 8))), r"expected \(N, C, H, W\)"),
        (lambda: pictures.to_uint8(np.zeros((1, 1, 8, 8), int)), "dtype int64; expected floats"),
        (lambda: pictures.to_uint8(torch.zeros((1, 1, 8, 8), dtype=int)), "expected floats"),
        (lambda: pictures.to_tensor(np.zeros((8, 8, 1), np.uint8)), r"expected \(N, H, W, C\)"),
        (lambda: pictures.to_tensor(np.zeros((1, 8, 8, 1))), "must be uint8"),
        (lambda: pictures.to_tensor(np.full((1, 8, 8, 1), 17, np.uint8), 17), "level 17, above 16"),
        (lambda: pictures.scale_pixels(np.uint8([0]), 1), "levels=1 must be in 2..256"),
        (lambda: pictures.from_tensor(np.zeros((1, 1, 8, 8)), 257), "levels=257"),
    ],
)
def test_other_arrays_are_refused(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()


@st.composite
def sheets(draw):
    shape = (draw(st.integers(1, 7)), draw(st.integers(1, 4)), draw(st.integers(1, 4)))
    channels = draw(st.sampled_from([1, 3]))
    images = draw(hnp.arrays(np.uint8, (*shape, channels)))
    return images, draw(st.integers(1, 8)), draw(st.integers(1, 3)), draw(st.integers(0, 3))


@given(sheet=sheets(), background=st.integers(0, 255))
def test_a_grid_is_the_pictures_at_their_places_and_background_elsewhere(sheet, background):
    images, columns, scale, padding = sheet
    result = pictures.grid(images, columns, scale=scale, padding=padding, background=background)
    count, height, width, channels = images.shape
    rows = -(-count // columns)
    down, across = height * scale + padding, width * scale + padding
    expected = np.full(
        (rows * down + padding, columns * across + padding, channels), background, np.uint8
    )
    for number, image in enumerate(images):
        row, column = divmod(number, columns)
        for y, x in np.ndindex(height * scale, width * scale):
            place = (padding + row * down + y, padding + column * across + x)
            expected[place] = image[y // scale, x // scale]
    np.testing.assert_array_equal(result, expected, strict=True)


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (4, 2), (5, 3), (9, 3), (10, 4)])
def test_a_grid_without_columns_is_about_square(count, columns):
    images = np.zeros((count, 2, 2, 1), np.uint8)
    assert pictures.grid(images, scale=1, padding=0).shape[1] == 2 * columns


@pytest.mark.parametrize(("side", "scale"), [(8, 5), (28, 2), (39, 2), (40, 1), (256, 1)])
def test_small_pictures_are_enlarged_until_they_can_be_seen(side, scale):
    images = np.zeros((1, side, side, 1), np.uint8)
    assert pictures.grid(images, padding=0).shape == (side * scale, side * scale, 1)


@pytest.mark.parametrize("channels", [1, 3])
def test_captions_leave_the_pictures_as_they_are(channels):
    images = np.random.default_rng(0).integers(0, 200, (6, 8, 8, channels), dtype=np.uint8)
    sheet = pictures.labelled_grid(images, rows=["one", "two"], columns=["a", "b", "c"], scale=5)
    bare = pictures.grid(images, 3, scale=5)
    assert sheet.shape[-1] == channels
    top, left = sheet.shape[0] - bare.shape[0], sheet.shape[1] - bare.shape[1]
    assert top > 5
    assert left > 5
    np.testing.assert_array_equal(sheet[top:, left:], bare)
    dark = (sheet < 128).all(axis=-1)
    dark[top:, left:] = False
    # Something is written above the middle of each column and left of the middle of each row ...
    for column in range(3):
        middle = left + 2 + column * 42 + 20
        assert dark[:top, middle - 8 : middle + 8].any()
    for row in range(2):
        middle = top + 2 + row * 42 + 20
        assert dark[middle - 8 : middle + 8, :left].any()
    # ... and nothing in the corner or between captions.
    assert not dark[:top, :left].any()
    assert not dark[top + 40 : top + 46, :left].any()


def test_long_captions_widen_their_columns_and_never_meet():
    images = np.zeros((2, 4, 4, 1), np.uint8)
    sheet = pictures.labelled_grid(images, columns=["guidance 1", "guidance 2"], scale=1, padding=2)
    top = sheet.shape[0] - (4 + 4)
    written = np.flatnonzero((sheet[:top, :, 0] < 128).any(axis=0))
    middle = sheet.shape[1] / 2
    assert not ((written > middle - 2) & (written < middle + 2)).any()
    assert written.min() >= 0
    assert written.max() < sheet.shape[1] - 1
    black = np.flatnonzero((sheet[top:, :, 0] == 0).any(axis=0))
    assert len(black) == 8  # both pictures, each still 4 wide
    centres = black.reshape(2, 4).mean(axis=1)
    halves = [written[written < middle], written[written > middle]]
    for centre, half in zip(centres, halves, strict=True):
        assert abs((half.min() + half.max()) / 2 - centre) <= 2


def test_no_captions_no_margins():
    images = np.random.default_rng(0).integers(0, 256, (4, 5, 5, 3), dtype=np.uint8)
    np.testing.assert_array_equal(
        pictures.labelled_grid(images, columns=2), pictures.grid(images, 2), strict=True
    )


def test_a_denoising_path_has_rows_of_samples_and_columns_of_times():
    # Sample n at the k-th time is of the one grey value 100 n + 20 k.
    values = 100 * np.arange(2)[:, None] + 20 * np.arange(3)
    states = [
        torch.tensor(values[:, k] / 127.5 - 1, dtype=torch.float32)
        .reshape(2, 1, 1, 1)
        .expand(2, 1, 4, 4)
        for k in range(3)
    ]
    sheet = pictures.denoising_path(states, [1000, 500.5, "data"], scale=20, padding=2)
    top = sheet.shape[0] - (2 * 82 + 2)
    assert sheet.shape == (top + 166, 3 * 82 + 2, 1)
    for n, k in np.ndindex(2, 3):
        block = sheet[top + 2 + 82 * n : top + 82 + 82 * n, 2 + 82 * k : 82 + 82 * k]
        assert (block == values[n, k]).all()
    captioned = pictures.labelled_grid(
        np.concatenate([pictures.to_uint8(state)[:1] for state in states]),
        columns=["t=1000", "t=500.5", "data"],
        scale=20,
    )
    np.testing.assert_array_equal(sheet[:top], captioned[:top])


@given(count=st.integers(1, 2000), wanted=st.integers(1, 50))
def test_evenly_spaced_indices(count, wanted):
    chosen = pictures.evenly_spaced(count, wanted)
    assert len(chosen) == min(count, wanted)
    assert chosen[-1] == count - 1
    assert chosen[0] == (0 if len(chosen) > 1 else count - 1)
    gaps = np.diff(chosen)
    assert len(gaps) == 0 or gaps.min() >= max(1, gaps.max() - 1)


GREY = np.zeros((4, 8, 8, 1), np.uint8)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: pictures.grid(GREY.astype(float)), "dtype float64; expected uint8"),
        (lambda: pictures.grid(GREY[0]), r"expected \(N, H, W, C\)"),
        (lambda: pictures.grid(GREY[:0]), "nothing to show"),
        (lambda: pictures.grid(GREY, 0), "columns=0 must be at least 1"),
        (lambda: pictures.grid(GREY, scale=0), "scale=0"),
        (lambda: pictures.grid(GREY, padding=-1), "padding=-1 must be at least 0"),
        (lambda: pictures.grid(GREY, background=256), "background=256"),
        (lambda: pictures.labelled_grid(GREY, columns=3), "4 images do not fill rows of 3"),
        (lambda: pictures.labelled_grid(GREY, columns=2, rows=["a"]), "1 captions for 2 rows"),
        (lambda: pictures.denoising_path([np.zeros((1, 1, 2, 2))], [1, 0]), "1 states for 2 times"),
        (lambda: pictures.denoising_path([], []), "0 states"),
        (
            lambda: pictures.denoising_path([np.zeros((n, 1, 2, 2)) for n in (1, 2)], [1, 0]),
            "states differ in shape",
        ),
        (lambda: pictures.evenly_spaced(0, 3), "count=0"),
        (lambda: pictures.png_bytes(GREY), "expected .H, W, C."),
        (lambda: pictures.png_bytes(GREY[0].astype(float)), "dtype float64"),
        (lambda: pictures.save_npz("x.npz", GREY[0, :, :, 0]), r"expected uint8 \(N, H, W\)"),
        (lambda: pictures.save_npz("x.npz", GREY, [1, 2]), "expected 4 integers"),
        (lambda: pictures.save_npz("x.npz", GREY, [0.5] * 4), "labels are float64"),
    ],
)
def test_bad_arguments_are_refused(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 1), (5, 7, 3)])
def test_a_png_holds_the_pixels(tmp_path, shape):
    image = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    pictures.save_png(tmp_path / "a.png", image)
    with Image.open(tmp_path / "a.png") as read:
        np.testing.assert_array_equal(np.array(read).reshape(shape), image)
    with Image.open(io.BytesIO(pictures.png_bytes(image))) as read:
        assert read.format == "PNG"


def test_an_npz_holds_images_and_labels(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (3, 4, 4, 1), dtype=np.uint8)
    pictures.save_npz(tmp_path / "a.npz", images, torch.tensor([2, 0, 1], dtype=torch.int32))
    pictures.save_npz(tmp_path / "b.npz", images)
    with np.load(tmp_path / "a.npz", allow_pickle=False) as read:
        assert sorted(read) == ["images", "labels"]
        np.testing.assert_array_equal(read["images"], images, strict=True)
        np.testing.assert_array_equal(read["labels"], np.array([2, 0, 1]), strict=True)
    with np.load(tmp_path / "b.npz", allow_pickle=False) as read:
        assert sorted(read) == ["images"]


SAVERS = {
    "a.png": lambda path: pictures.save_png(path, GREY[0]),
    "a.npz": lambda path: pictures.save_npz(path, GREY),
}


@pytest.mark.parametrize("name", SAVERS)
@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, name, call):
    path = tmp_path / name
    path.write_bytes(b"old")

    def full(*_arguments, **_options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, call, full)
    with pytest.raises(MachineError, match=re.escape(f"{path}") + ".*disk is full"):
        SAVERS[name](path)
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", SAVERS)
def test_missing_folders_are_made_but_no_file_is_taken_for_one(tmp_path, name):
    SAVERS[name](tmp_path / "new" / "newer" / name)
    assert (tmp_path / "new" / "newer" / name).is_file()
    (tmp_path / "file").write_bytes(b"kept")
    with pytest.raises(UserError, match=f"cannot write .*file.{name}"):
        SAVERS[name](tmp_path / "file" / name)
    assert (tmp_path / "file").read_bytes() == b"kept"


@pytest.mark.parametrize("name", SAVERS)
def test_a_folder_in_the_place_of_the_file_is_refused(tmp_path, name):
    (tmp_path / name).mkdir()
    with pytest.raises(UserError, match=name):
        SAVERS[name](tmp_path / name)
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", SAVERS)
def test_a_new_file_may_be_read_like_any_other(tmp_path, name):
    SAVERS[name](tmp_path / name)
    (tmp_path / "plain").touch()
    assert (tmp_path / name).stat().st_mode == (tmp_path / "plain").stat().st_mode
