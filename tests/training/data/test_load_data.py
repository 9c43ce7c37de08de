"""Data by name: the digits, Fashion-MNIST, and the sentences for what is not there."""

from pathlib import Path

import numpy as np
import pytest
from sklearn import datasets

from refdiff._errors import UserError
from refdiff.training.data import KNOWN_DATA, ImageData, load_data
from refdiff.training.data import registry as registry_module

FASHION = Path("/usr/share/datasets/fashion-mnist")


def test_the_digits_are_scikit_learns_each_exactly_once():
    data = load_data("digits")
    bunch = datasets.load_digits()
    assert (data.shape, data.levels, data.num_classes) == ((8, 8, 1), 17, 10)
    assert len(data) + len(data.test) == 1797

    def pairs(images, labels):
        return sorted(zip(map(bytes, images.astype(np.uint8)), labels.tolist(), strict=True))

    everything = data.joined()
    assert pairs(everything.images[..., 0], everything.labels) == pairs(bunch.images, bunch.target)
    assert everything.test is None


def test_the_held_out_digits_are_others_of_every_class_and_always_the_same():
    data = load_data("digits")
    seen = {image.tobytes() for image in data.images}
    assert not any(image.tobytes() in seen for image in data.test.images)
    shares = np.bincount(data.test.labels) / np.bincount(data.joined().labels)
    assert 0.19 < shares.min() <= shares.max() <= 0.2
    # By the rule in the docstring, straight from the file.
    bunch = datasets.load_digits()
    fifth_seven = bunch.images[np.flatnonzero(bunch.target == 7)[4]]
    np.testing.assert_array_equal(data.test.images[data.test.labels == 7][0, ..., 0], fifth_seven)


needs_fashion = pytest.mark.skipif(
    not FASHION.is_dir(), reason="Debian's package dataset-fashion-mnist is not installed"
)


@needs_fashion
def test_fashion_mnist_from_debians_package(monkeypatch):
    monkeypatch.delenv("REFDIFF_DATA", raising=False)
    data = load_data("fashion-mnist")
    assert (data.images.shape, data.test.images.shape) == ((60000, 28, 28, 1), (10000, 28, 28, 1))
    assert np.bincount(data.labels).tolist() == [6000] * 10
    assert np.bincount(data.test.labels).tolist() == [1000] * 10
    assert (data.class_names[0], data.class_names[9]) == ("T-shirt/top", "Ankle boot")
    # Trousers are tall and narrow, bags fill the frame: labels and names belong to the pictures.
    bright = [data.images[data.labels == number].mean(axis=(0, 3)) for number in range(10)]
    trouser, bag = (
        bright[data.class_names.index(name)].mean(axis=0) for name in ("Trouser", "Bag")
    )
    assert trouser[[3, 24]].max() < 0.1 * trouser[13] < bag[[3, 24]].min()


@needs_fashion
def test_fashion_mnist_by_path_has_its_class_names_too():
    assert load_data(FASHION).class_names[8] == "Bag"


@pytest.fixture
def no_system_folder(monkeypatch, tmp_path):
    monkeypatch.setattr(registry_module, "_SYSTEM_FOLDER", tmp_path / "system")


@pytest.mark.usefixtures("no_system_folder")
def test_missing_files_name_the_package_and_the_folders(monkeypatch, tmp_path):
    monkeypatch.setenv("REFDIFF_DATA", str(tmp_path / "mine"))
    with pytest.raises(UserError) as missing:
        load_data("fashion-mnist")
    sentence = str(missing.value)
    assert "dataset-fashion-mnist" in sentence
    assert str(tmp_path / "mine" / "fashion-mnist") in sentence
    assert str(tmp_path / "system" / "fashion-mnist") in sentence


@pytest.mark.usefixtures("no_system_folder")
@pytest.mark.parametrize("name", ["fashion-mnist", "mnist", "cifar10"])
def test_missing_files_point_at_the_variable(monkeypatch, name):
    monkeypatch.delenv("REFDIFF_DATA", raising=False)
    with pytest.raises(UserError, match=rf"files of the data set '{name}' .*REFDIFF_DATA"):
        load_data(name)


@pytest.mark.usefixtures("no_system_folder")
def test_ones_own_folder_goes_before_the_systems(monkeypatch, tmp_path):
    for place, value in (("mine", 1), ("system", 2)):
        folder = tmp_path / place / "mnist"
        folder.mkdir(parents=True)
        (folder / "train-images-idx3-ubyte").write_bytes(
            bytes([0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, value])
        )
        (folder / "train-labels-idx1-ubyte").write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 1, 9]))
    monkeypatch.setenv("REFDIFF_DATA", str(tmp_path / "mine"))
    data = load_data("mnist")
    assert (data.images.item(), data.name) == (1, "mnist")
    assert data.class_names == tuple("0123456789")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("digit", "digits"),
        ("Fashion-MNIST", "fashion-mnist"),
        ("fashion_mnist", "fashion-mnist"),
        ("cifar-10", "cifar10"),
    ],
)
def test_a_name_nearly_right_is_answered_with_the_right_one(name, meant):
    with pytest.raises(UserError, match=f"unknown data set '{name}' .did you mean '{meant}'"):
        load_data(name)


def test_an_unknown_name_is_answered_with_all_names():
    with pytest.raises(UserError, match=", ".join(KNOWN_DATA)) as unknown:
        load_data("zzz")
    assert "did you mean" not in str(unknown.value)
    assert str(unknown.value).endswith("or give the path of a folder")


def test_a_file_instead_of_a_folder(tmp_path):
    (tmp_path / "a.png").touch()
    with pytest.raises(UserError, match=r"a.png is a file; give the folder"):
        load_data(tmp_path / "a.png")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [({"image_size": 28}, "images are 8x8"), ({"channels": 3}, "whose images have 1")],
)
def test_a_size_that_does_not_fit_the_digits(options, sentence):
    with pytest.raises(UserError, match=sentence):
        load_data("digits", **options)
    assert len(load_data("digits", image_size=8, channels=1)) == 1442


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"images": np.zeros((3, 8, 8, 1), np.float32)}, "images are float32"),
        ({"images": np.zeros((3, 8, 8), np.uint8)}, "C = 1 or 3"),
        ({"images": np.zeros((3, 8, 8, 2), np.uint8)}, "C = 1 or 3"),
        ({"labels": np.array([0, 1, 2])}, "labels run from 0 to 2; 2 classes allow 0..1"),
        ({"labels": np.array([0, -1, 1])}, "labels run from -1"),
        ({"labels": np.array([0, 1])}, r"expected int64 of shape \(3,\)"),
        ({"labels": np.zeros(3, np.int32)}, "labels are int32"),
        ({"labels": None}, "labels and class_names come together"),
    ],
)
def test_image_data_checks_itself(change, sentence):
    good = {
        "images": np.zeros((3, 8, 8, 1), np.uint8),
        "labels": np.array([0, 1, 0]),
        "class_names": ("a", "b"),
        "name": "x",
    }
    assert len(ImageData(**good)) == 3
    with pytest.raises(ValueError, match=sentence):
        ImageData(**(good | change))
