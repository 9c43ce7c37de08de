"""IDX files: written here byte by byte from the format's description, read by refdiff."""

import gzip
import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from refdiff._errors import UserError
from refdiff.training.data.idx import load_idx_folder, read_idx

CODES = {
    "uint8": (0x08, "B"),
    "int8": (0x09, "b"),
    "int16": (0x0B, "h"),
    "int32": (0x0C, "i"),
    "float32": (0x0D, "f"),
    "float64": (0x0E, "d"),
}


def idx_bytes(array):
    """Encode with struct alone, value by value, so that NumPy's byte orders play no part."""
    code, letter = CODES[array.dtype.name]
    head = struct.pack(f">BBBB{array.ndim}I", 0, 0, code, array.ndim, *array.shape)
    return head + struct.pack(f">{array.size}{letter}", *array.reshape(-1).tolist())


@st.composite
def arrays(draw):
    dtype = draw(st.sampled_from(sorted(CODES)))
    shape = draw(hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=4))
    return draw(hnp.arrays(dtype, shape, elements={"allow_nan": False} if "f" in dtype else None))


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("idx") / "values-idx"


@given(array=arrays(), zipped=st.booleans())
def test_read_idx_gives_back_what_was_written(path, array, zipped):
    content = idx_bytes(array)
    path.write_bytes(gzip.compress(content) if zipped else content)
    read = read_idx(path)
    assert read.dtype == array.dtype
    assert read.dtype.isnative
    np.testing.assert_array_equal(read, array, strict=True)


@given(array=arrays(), data=st.data())
def test_every_truncation_is_refused(path, array, data):
    content = idx_bytes(array)
    kept = data.draw(st.integers(0, len(content) - 1))
    path.write_bytes(content[:kept])
    with pytest.raises(UserError, match="truncated"):
        read_idx(path)


@pytest.mark.parametrize("kept", [0, 1, 2, 5, 9, 10, 15, 40, -9, -8, -5, -1])
def test_every_truncation_of_a_gzip_file_is_refused(path, kept):
    content = gzip.compress(idx_bytes(np.arange(60, dtype=np.uint8).reshape(5, 3, 4)))
    path.write_bytes(content[:kept])
    with pytest.raises(UserError, match=r"truncated|damaged"):
        read_idx(path)


def test_a_gzip_file_with_a_flipped_bit_is_refused(path):
    content = bytearray(gzip.compress(idx_bytes(np.arange(200, dtype=np.uint8).reshape(2, 100))))
    content[-6] ^= 1  # in the checksum: every value is read before it shows
    path.write_bytes(content)
    with pytest.raises(UserError, match="damaged gzip"):
        read_idx(path)


@given(bit=st.integers(0, 8 * 16 - 1))
def test_every_flipped_bit_of_the_header_is_noticed(path, bit):
    # All of 2, 3, 5, float32: any other type but int32, and any other size, changes the length.
    array = np.ones((2, 3, 5), dtype=np.float32)
    content = bytearray(idx_bytes(array))
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)
    if bit == 8 * 2:  # 0x0d becomes 0x0c, int32: as long as float32, and as right for all IDX says
        assert read_idx(path).dtype == np.int32
        return
    with pytest.raises(UserError):
        read_idx(path)


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize(
    "shape", [(2**32 - 1, 2**32 - 1, 2**31), (70_000, 28, 28), (1, 1, 200_000)]
)
def test_a_header_that_claims_too_much_is_refused_before_memory_is_taken(path, zipped, shape):
    content = struct.pack(">BBBB3I", 0, 0, 8, 3, *shape) + bytes(100)
    path.write_bytes(gzip.compress(content) if zipped else content)
    tracemalloc.start()
    try:
        with pytest.raises(UserError, match="more than the file can hold"):
            read_idx(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 10**6


def test_values_after_the_end_are_refused(path):
    path.write_bytes(idx_bytes(np.arange(6, dtype=np.int16)) + b"\0")
    with pytest.raises(UserError, match="goes on after the 12 bytes"):
        read_idx(path)


@pytest.mark.parametrize(
    "head", [b"\x89PNG", b"\1\0\x08\1", b"\0\0\x0a\1", b"\0\0\x08\0", b"\0\0\x08\xff"]
)
def test_other_files_are_refused_with_their_first_bytes(path, head):
    path.write_bytes(head + bytes(64))
    with pytest.raises(UserError, match=f"not an IDX file: it starts with {head.hex(' ')}"):
        read_idx(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"cannot read .*nowhere: No such file"):
        read_idx(tmp_path / "nowhere")


def write_folder(folder, *, train=7, test=3, joint="-", zipped=False, side=(4, 5)):
    generator = np.random.default_rng(0)
    parts = {}
    for part, count in (("train", train), ("t10k", test)):
        if count is None:
            continue
        parts[f"{part}-images{joint}idx3-ubyte"] = generator.integers(
            0, 256, (count, *side), dtype=np.uint8
        )
        parts[f"{part}-labels{joint}idx1-ubyte"] = np.arange(count, dtype=np.uint8) % 4
    folder.mkdir(exist_ok=True)
    for name, array in parts.items():
        content = idx_bytes(array)
        if zipped:
            name, content = f"{name}.gz", gzip.compress(content)
        (folder / name).write_bytes(content)
    return parts


@pytest.mark.parametrize("joint", ["-", "."])
@pytest.mark.parametrize("zipped", [False, True])
def test_a_folder_of_four_files(tmp_path, joint, zipped):
    parts = write_folder(tmp_path / "letters", joint=joint, zipped=zipped)
    data = load_idx_folder(tmp_path / "letters")
    np.testing.assert_array_equal(data.images[..., 0], parts[f"train-images{joint}idx3-ubyte"])
    np.testing.assert_array_equal(data.labels, [0, 1, 2, 3, 0, 1, 2])
    np.testing.assert_array_equal(data.test.images[..., 0], parts[f"t10k-images{joint}idx3-ubyte"])
    np.testing.assert_array_equal(data.test.labels, [0, 1, 2])
    assert (data.name, data.class_names, data.levels) == ("letters", ("0", "1", "2", "3"), 256)
    assert data.test.class_names == data.class_names


def test_a_folder_without_held_out_files(tmp_path):
    write_folder(tmp_path, test=None)
    assert load_idx_folder(tmp_path).test is None


@pytest.mark.parametrize("missing", ["train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"])
def test_a_missing_part_is_named(tmp_path, missing):
    write_folder(tmp_path)
    (tmp_path / f"{missing}-ubyte").unlink()
    with pytest.raises(UserError, match=f"has no {missing}-ubyte"):
        load_idx_folder(tmp_path)


@pytest.mark.parametrize(
    ("name", "array", "sentence"),
    [
        ("train-labels-idx1", np.zeros(6, np.uint8), "one for each of the 7 images"),
        ("train-labels-idx1", np.zeros(7, np.int32), "labels are uint8"),
        ("train-images-idx3", np.zeros((7, 20), np.uint8), "images are uint8"),
        ("train-images-idx3", np.zeros((7, 4, 5), np.float32), "holds float32"),
        ("t10k-images-idx3", np.zeros((3, 5, 5), np.uint8), "the t10k images .* are 5x5"),
    ],
)
def test_parts_that_do_not_fit_are_refused(tmp_path, name, array, sentence):
    write_folder(tmp_path)
    (tmp_path / f"{name}-ubyte").write_bytes(idx_bytes(array))
    with pytest.raises(UserError, match=sentence):
        load_idx_folder(tmp_path)
