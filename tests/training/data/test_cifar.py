"""CIFAR-10's batches: pickles laid out as the original's, and pickles with other plans."""

import os
import pickle
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refdiff._errors import UserError
from refdiff.training.data import load_data
from refdiff.training.data.cifar import load_cifar, read_cifar_batch


def rows_and_labels(count, seed=0):
    generator = np.random.default_rng(seed)
    rows = generator.integers(0, 256, (count, 3072), dtype=np.uint8)
    return rows, generator.integers(0, 10, count).tolist()


def short(text):
    return b"U" + bytes([len(text)]) + text


def python_2_batch(rows, labels):
    """Write opcodes as Python 2's cPickle does at protocol 2: str as bytes, numpy.core's names."""
    content = rows.tobytes()
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\n"
        + (b"cnumpy\nndarray\n" + b"K\0\x85" + short(b"b") + b"\x87R")
        + (b"(K\1" + b"M" + struct.pack("<H", len(rows)) + b"M" + struct.pack("<H", 3072) + b"\x86")
        + (b"cnumpy\ndtype\n" + short(b"u1") + b"K\0K\1\x87R")
        + (b"(K\3" + short(b"|") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb")
        + (b"\x89" + b"T" + struct.pack("<i", len(content)) + content + b"tb")
    )
    numbers = b"](" + b"".join(b"K" + bytes([label]) for label in labels) + b"e"
    pairs = short(b"data") + array + short(b"labels") + numbers
    pairs += short(b"batch_label") + short(b"training batch 1 of 5")
    return b"\x80\2}(" + pairs + b"u."


def test_the_python_2_form_is_what_python_3_reads_too():
    # Shows that the opcodes written above are the format, before refdiff's reader is held to them.
    rows, labels = rows_and_labels(3)
    batch = pickle.loads(python_2_batch(rows, labels), encoding="bytes")
    np.testing.assert_array_equal(batch[b"data"], rows)
    assert batch[b"labels"] == labels


def test_a_batch_by_python_2(tmp_path):
    rows, labels = rows_and_labels(3)
    rows[0] = np.repeat([10, 20, 30], 1024)  # the first image is of one colour
    rows[1, :2] = [1, 2]  # red of its first row's first two pixels
    (tmp_path / "b").write_bytes(python_2_batch(rows, labels))
    images, numbers = read_cifar_batch(tmp_path / "b")
    assert (images.dtype, images.shape, numbers.dtype) == (np.uint8, (3, 32, 32, 3), np.int64)
    assert (images[0] == [10, 20, 30]).all()
    np.testing.assert_array_equal(images[1, 0, :2, 0], [1, 2])
    for colour in range(3):
        np.testing.assert_array_equal(
            images[2, ..., colour].reshape(-1), rows[2, 1024 * colour : 1024 * (colour + 1)]
        )
    np.testing.assert_array_equal(numbers, labels)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_a_batch_by_todays_python_and_numpy(tmp_path, protocol, order):
    rows, labels = rows_and_labels(4)
    batch = {
        b"data": np.asarray(rows, order=order),
        b"labels": labels,
        b"filenames": [b"a.png"] * 4,
    }
    (tmp_path / "b").write_bytes(pickle.dumps(batch, protocol=protocol))
    images, numbers = read_cifar_batch(tmp_path / "b")
    np.testing.assert_array_equal(images.transpose(0, 3, 1, 2).reshape(4, -1), rows)
    np.testing.assert_array_equal(numbers, labels)


class Plan:
    """Pickles as a call of any function."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("place", ["data", "labels", "elsewhere", "key"])
@pytest.mark.parametrize(
    ("function", "named"),
    [(os.system, "posix.system|nt.system"), (eval, "builtin.*eval"), (os.mkdir, r"\.mkdir")],
)
def test_a_pickle_that_runs_code_is_refused_and_not_run(tmp_path, function, named, place):
    mark = tmp_path / "mark"
    argument = {
        os.system: f"touch {mark}",
        eval: f"open({str(mark)!r}, 'w')",
        os.mkdir: str(mark),
    }[function]
    rows, labels = rows_and_labels(1)
    batch = {b"data": rows, b"labels": labels}
    plan = Plan(function, argument)
    if place == "key":
        batch[(plan,)] = 1
    else:
        batch[place.encode()] = plan
    (tmp_path / "b").write_bytes(pickle.dumps(batch, protocol=2))
    with pytest.raises(UserError, match=named) as refusal:
        read_cifar_batch(tmp_path / "b")
    assert not mark.exists()
    assert "nothing of it was run" in str(refusal.value)


@pytest.mark.parametrize(
    ("opcodes", "named"),
    [
        # getattr by dots, as protocol 4 allows: numpy.dtype.__class__ ...
        (b"\x80\4\x8c\5numpy\x8c\x0fdtype.__class__\x93.", "numpy.dtype.__class__"),
        (b"\x80\2cnumpy\nload\n.", "numpy.load"),
        (b"\x80\2c_codecs\nlookup\n.", "_codecs.lookup"),
        (b"\x80\2c_codecs\nencode\nX\1\0\0\0aX\3\0\0\0hex\x86R.", "encoding 'hex'"),
        # A state written on to a constructor.
        (b"\x80\2cnumpy\ndtype\n}b.", "a change to a constructor"),
        (b"P1\n.", "a persistent object"),
    ],
)
def test_ways_around_the_list_are_refused(tmp_path, opcodes, named):
    (tmp_path / "b").write_bytes(opcodes)
    with pytest.raises(UserError, match=named):
        read_cifar_batch(tmp_path / "b")


def test_an_array_of_objects_is_refused(tmp_path):
    batch = {b"data": np.array([[1, None]], dtype=object), b"labels": [0]}
    (tmp_path / "b").write_bytes(pickle.dumps(batch, protocol=2))
    with pytest.raises(UserError, match=r"array of type 'O8'|state of another form"):
        read_cifar_batch(tmp_path / "b")


def test_an_array_whose_shape_is_larger_than_its_bytes_is_refused(tmp_path):
    rows, labels = rows_and_labels(2)
    content = python_2_batch(rows, labels)
    lying = content.replace(b"M\2\0M\0\x0c", b"M\3\0M\0\x0c")
    assert lying != content
    (tmp_path / "b").write_bytes(lying)
    with pytest.raises(UserError, match="damaged"):
        read_cifar_batch(tmp_path / "b")


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("cifar") / "batch"


@given(kept=st.integers(0, 3300))
def test_every_truncation_is_refused(path, kept):
    content = python_2_batch(*rows_and_labels(1))
    path.write_bytes(content[: min(kept, len(content) - 1)])
    # Cut within a function's name, it asks for one that is not on the list.
    with pytest.raises(UserError, match=r"damaged or no pickle|is refused"):
        read_cifar_batch(path)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({b"labels": [0, 10]}, "numbers 0..9"),
        ({b"labels": [0, -1]}, "numbers 0..9"),
        ({b"labels": [0]}, "list of 2 numbers"),
        ({b"labels": ["a", "b"]}, "numbers 0..9"),
        ({b"labels": None}, "'labels'"),
        ({b"data": np.zeros((2, 784), np.uint8)}, r"\(count, 3072\)"),
        ({b"data": b"text"}, "'data' is not an array"),
        ({b"data": np.zeros((2, 3072), np.int16)}, "array of type 'i2'"),
    ],
)
def test_other_contents_are_refused(tmp_path, change, sentence):
    rows, labels = rows_and_labels(2)
    batch = {b"data": rows, b"labels": labels} | change
    (tmp_path / "b").write_bytes(pickle.dumps(batch, protocol=2))
    with pytest.raises(UserError, match=sentence):
        read_cifar_batch(tmp_path / "b")


def write_folder(folder):
    folder.mkdir(exist_ok=True)
    parts = {}
    for seed, batch in enumerate([f"data_batch_{n}" for n in range(1, 6)] + ["test_batch"]):
        parts[batch] = rows_and_labels(2, seed)
        (folder / batch).write_bytes(python_2_batch(*parts[batch]))
    return parts


def test_a_folder_of_batches_by_path_and_by_name(tmp_path, monkeypatch):
    parts = write_folder(tmp_path / "cifar10")
    names = [f"class {n}".encode() for n in range(10)]
    (tmp_path / "cifar10" / "batches.meta").write_bytes(pickle.dumps({b"label_names": names}, 2))
    monkeypatch.setenv("REFDIFF_DATA", str(tmp_path))
    for data in (load_data(tmp_path / "cifar10"), load_data("cifar10")):
        assert data.images.shape == (10, 32, 32, 3)
        labels = [label for n in range(1, 6) for label in parts[f"data_batch_{n}"][1]]
        np.testing.assert_array_equal(data.labels, labels)
        np.testing.assert_array_equal(data.test.labels, parts["test_batch"][1])
        assert data.class_names == tuple(f"class {n}" for n in range(10))


def test_missing_batches_are_named(tmp_path):
    write_folder(tmp_path)
    (tmp_path / "data_batch_2").unlink()
    (tmp_path / "data_batch_4").unlink()
    with pytest.raises(UserError, match="has no data_batch_2, data_batch_4"):
        load_cifar(tmp_path)
