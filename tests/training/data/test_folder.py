"""Folders of pictures: good, odd and damaged ones, and folders that lead back to themselves."""

import os
import struct
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image

from refdiff._errors import UserError
from refdiff.training.data import load_data
from refdiff.training.data.folder import load_image_folder


def save(path, pixels, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(pixels, dtype=np.uint8)).save(path, **options)


def plain(value, side=(4, 4), channels=None):
    return np.full(side if channels is None else (*side, channels), value, np.uint8)


def noise(seed, shape):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def test_a_flat_folder_has_no_classes(tmp_path):
    pictures = [noise(n, (5, 4, 3)) for n in range(3)]
    for number, pixels in enumerate(pictures):
        save(tmp_path / f"{number}.png", pixels)
    data = load_data(tmp_path)
    np.testing.assert_array_equal(data.images, pictures)
    assert (data.labels, data.class_names, data.skipped, data.ignored) == (None, None, (), 0)
    assert (data.name, data.levels, data.test) == (tmp_path.name, 256, None)


def test_subfolders_are_classes_in_order_of_their_names(tmp_path):
    save(tmp_path / "dog" / "1.png", plain(1))
    save(tmp_path / "cat" / "b" / "deep.PNG", plain(2))
    save(tmp_path / "cat" / "a.png", plain(3))
    (tmp_path / "no pictures").mkdir()
    data = load_image_folder(tmp_path)
    assert data.class_names == ("cat", "dog")
    np.testing.assert_array_equal(data.labels, [0, 0, 1])
    np.testing.assert_array_equal(data.images[:, 0, 0, 0], [3, 2, 1])


def test_pictures_beside_class_folders_are_refused(tmp_path):
    save(tmp_path / "a.png", plain(1))
    save(tmp_path / "cat" / "a.png", plain(1))
    with pytest.raises(UserError, match=r"both in itself \(a.png\) and in subfolders \(cat\)"):
        load_image_folder(tmp_path)


def test_other_and_hidden_files_are_ignored_and_counted(tmp_path):
    save(tmp_path / "a.png", plain(1))
    (tmp_path / "notes.txt").write_text("not a picture")
    (tmp_path / "labels.csv").write_text("a,1")
    (tmp_path / ".hidden.png").write_text("not a picture")
    data = load_image_folder(tmp_path)
    assert (len(data), data.ignored, data.skipped) == (1, 2, ())


def bomb(width, height):
    """Make a PNG of few bytes that announces width x height pixels."""

    def chunk(kind, content):
        body = kind + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def damaged(folder, kind):
    path = folder / f"{kind}.png"
    if kind == "empty":
        path.write_bytes(b"")
    elif kind == "truncated":
        save(folder / "whole.png", noise(0, (40, 40, 3)))
        content = (folder / "whole.png").read_bytes()
        (folder / "whole.png").unlink()
        path.write_bytes(content[: len(content) // 2])
    elif kind == "flipped":
        save(path, noise(0, (40, 40, 3)))
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 0xFF
        path.write_bytes(content)
    elif kind == "text":
        path.write_text("this is no picture")
    elif kind == "bomb":
        path.write_bytes(bomb(60_000, 60_000))
    elif kind == "small-bomb":  # above the limit at which Pillow merely warns
        path.write_bytes(bomb(10_000, 10_000))
    elif kind == "dangling":
        path.symlink_to(folder / "nowhere.png")
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "32-bit":
        path = path.with_suffix(".tif")
        Image.fromarray(np.full((4, 4), 7, np.int32)).save(path)
    return path


@pytest.mark.parametrize(
    "kind",
    [
        "empty",
        "truncated",
        "flipped",
        "text",
        "bomb",
        "small-bomb",
        "dangling",
        "pipe",
        "32-bit",
    ],
)
@pytest.mark.parametrize("channels", [None, 3])
def test_a_bad_picture_is_named_and_left_out_or_refused(tmp_path, kind, channels):
    save(tmp_path / "a.png", plain(1))
    save(tmp_path / "zz.png", plain(2))
    path = damaged(tmp_path, kind)
    data = load_image_folder(tmp_path, channels=channels)
    assert len(data) == 2
    np.testing.assert_array_equal(data.images[:, 0, 0, 0], [1, 2])
    assert len(data.skipped) == 1
    assert data.skipped[0].startswith(f"{path.name}: ")
    assert ("decompression bomb" in data.skipped[0]) == ("bomb" in kind)
    with pytest.raises(UserError, match=path.name):
        load_image_folder(tmp_path, channels=channels, strict=True)


def test_a_bad_picture_does_not_shift_the_labels(tmp_path):
    for name in ("a", "b", "c"):
        save(tmp_path / name / "1.png", plain(ord(name)))
    damaged(tmp_path / "b", "empty")
    damaged(tmp_path / "a", "truncated")
    data = load_image_folder(tmp_path)
    assert [chr(pixel) for pixel in data.images[:, 0, 0, 0]] == ["a", "b", "c"]
    np.testing.assert_array_equal(data.labels, [0, 1, 2])
    assert len(data.skipped) == 2


def test_a_folder_of_bad_pictures_only(tmp_path):
    damaged(tmp_path, "empty")
    damaged(tmp_path, "text")
    with pytest.raises(UserError, match=r"none of the 2 images .* the first: empty.png"):
        load_image_folder(tmp_path)


@pytest.mark.parametrize("names", [[], ["readme.md"]])
def test_a_folder_without_pictures(tmp_path, names):
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(UserError, match=rf"has no images .* {len(names)} other files"):
        load_image_folder(tmp_path)


def test_loops_of_links_end(tmp_path):
    save(tmp_path / "cat" / "a.png", plain(1))
    (tmp_path / "cat" / "again").symlink_to(tmp_path)
    (tmp_path / "cat" / "itself").symlink_to(tmp_path / "cat")
    (tmp_path / "cat" / "knot.png").symlink_to(tmp_path / "cat" / "knot.png")
    data = load_image_folder(tmp_path)
    assert len(data) == 1
    assert [message.partition(":")[0] for message in data.skipped] == ["cat/knot.png"]


def test_links_to_folders_elsewhere_are_followed(tmp_path):
    save(tmp_path / "store" / "a.png", plain(9))
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "cat").symlink_to(tmp_path / "store")
    assert load_image_folder(tmp_path / "data").class_names == ("cat",)


def test_modes_come_to_the_same_pixels(tmp_path):
    grey = np.tile(np.arange(0, 256, 17, dtype=np.uint8), (16, 1))
    image = Image.fromarray(grey)
    image.save(tmp_path / "1-L.png")
    image.convert("RGB").save(tmp_path / "2-RGB.png")
    image.convert("P").save(tmp_path / "3-P.png")
    image.convert("LA").save(tmp_path / "4-LA.png")
    image.convert("RGBA").save(tmp_path / "5-RGBA.png")
    Image.fromarray(grey.astype(np.uint16) * 257).save(tmp_path / "6-16-bit.png")
    Image.fromarray(grey.astype(np.uint16) * 257).save(tmp_path / "7-16-bit.tif")
    data = load_image_folder(tmp_path, strict=True, channels=1)
    with Image.open(tmp_path / "6-16-bit.png") as image:
        assert image.mode.startswith("I;16")  # else the two files would show nothing
    for picture in data.images:
        np.testing.assert_array_equal(picture[..., 0], grey)
    colour = load_image_folder(tmp_path, strict=True, channels=3)
    for picture in colour.images:
        np.testing.assert_array_equal(picture, np.repeat(grey[..., None], 3, axis=-1))


def test_cmyk_black_and_one_bit(tmp_path):
    Image.new("CMYK", (4, 4), (0, 0, 0, 255)).save(tmp_path / "black.tif")
    Image.new("CMYK", (4, 4), (255, 0, 0, 0)).save(tmp_path / "cyan.tif")
    Image.new("1", (4, 4), 1).save(tmp_path / "one.png")
    data = load_image_folder(tmp_path, strict=True, channels=3)
    assert data.images[:, 0, 0].tolist() == [[0, 0, 0], [0, 255, 255], [255, 255, 255]]


def test_transparent_parts_are_white(tmp_path):
    pixels = np.zeros((2, 2, 4), np.uint8)  # transparent black
    pixels[0, 0] = [200, 100, 0, 255]
    save(tmp_path / "a.png", pixels)
    palette = Image.new("P", (2, 2), 0)
    palette.putpalette([10, 20, 30, 200, 100, 0])
    palette.putpixel((0, 0), 1)
    palette.save(tmp_path / "b.png", transparency=0)
    data = load_image_folder(tmp_path, strict=True, channels=3)
    for picture in data.images:
        assert picture.reshape(4, 3).tolist() == [[200, 100, 0]] + [[255] * 3] * 3


def test_cameras_rotation_is_obeyed(tmp_path):
    image = Image.fromarray(noise(0, (4, 6)))
    mark = image.getexif()
    mark[0x0112] = 6  # to be turned clockwise
    image.save(tmp_path / "a.png", exif=mark)
    data = load_image_folder(tmp_path)
    np.testing.assert_array_equal(data.images[0, ..., 0], np.rot90(noise(0, (4, 6)), -1))


@pytest.mark.parametrize(
    ("greys", "colours", "channels"), [(2, 1, 1), (1, 2, 3), (1, 1, 3), (3, 0, 1), (0, 2, 3)]
)
def test_channels_follow_the_majority(tmp_path, greys, colours, channels):
    for number in range(greys):
        save(tmp_path / f"g{number}.png", plain(50))
    for number in range(colours):
        save(tmp_path / f"c{number}.png", np.tile(np.uint8([90, 0, 0]), (4, 4, 1)))
    assert load_image_folder(tmp_path).images.shape[-1] == channels


def test_a_palette_of_colours_counts_as_colour(tmp_path):
    palette = Image.new("P", (4, 4), 0)
    palette.putpalette([200, 0, 0])
    palette.save(tmp_path / "a.png")
    assert load_image_folder(tmp_path).images[0, 0, 0].tolist() == [200, 0, 0]


def test_sizes_that_differ_are_refused_with_both_named(tmp_path):
    save(tmp_path / "a.png", plain(1, (4, 6)))
    save(tmp_path / "b.png", plain(1, (5, 5)))
    with pytest.raises(UserError, match=r"a.png is 6x4, b.png is 5x5; give image_size"):
        load_image_folder(tmp_path)


def test_the_middle_square_is_cut_out(tmp_path):
    # Columns of the middle square are 0..3 of value 100; what lies outside is white and must go.
    wide = plain(255, (4, 10))
    wide[:, 3:7] = noise(1, (4, 4))
    save(tmp_path / "a.png", wide)
    save(tmp_path / "b.png", np.ascontiguousarray(wide.T))
    data = load_image_folder(tmp_path, image_size=4)
    np.testing.assert_array_equal(data.images[0, ..., 0], wide[:, 3:7])
    np.testing.assert_array_equal(data.images[1, ..., 0], wide[:, 3:7].T)


def test_resizing_averages_over_the_pixels_left_out(tmp_path):
    # A fine chessboard comes to its mean; picking pixels would give pure black or white.
    save(tmp_path / "a.png", 255 * (np.indices((64, 64)).sum(axis=0) % 2))
    inside = load_image_folder(tmp_path, image_size=8).images[0, 1:-1, 1:-1, 0]
    assert set(inside.reshape(-1).tolist()) <= {127, 128}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"image_size": 0}, "image_size=0 must be at least 1"),
        ({"image_size": -8}, "image_size=-8"),
        ({"channels": 2}, "channels=2 must be 1"),
    ],
)
def test_bad_options_are_refused(tmp_path, options, sentence):
    save(tmp_path / "a.png", plain(1))
    with pytest.raises(UserError, match=sentence):
        load_data(tmp_path, **options)


def test_names_that_are_no_text_can_be_printed(tmp_path):
    try:
        os.mkdir(os.fsencode(tmp_path) + b"/caf\xe9")
    except OSError:
        pytest.skip("this file system takes no such names")
    save(tmp_path / os.fsdecode(b"caf\xe9") / "a.png", plain(1))
    (tmp_path / os.fsdecode(b"caf\xe9") / "b.png").touch()
    data = load_image_folder(tmp_path)
    assert data.class_names == ("caf\\udce9",)
    data.skipped[0].encode()


def test_progress_counts_every_picture(tmp_path):
    for number in range(3):
        save(tmp_path / f"{number}.png", plain(1))
    calls = []
    load_image_folder(tmp_path, progress=lambda *numbers: calls.append(numbers))
    assert calls == [(1, 3), (2, 3), (3, 3)]


def test_pillows_settings_are_left_as_they_were(tmp_path):
    save(tmp_path / "a.png", plain(1))
    before = list(warnings.filters)
    load_image_folder(tmp_path)
    assert warnings.filters == before
