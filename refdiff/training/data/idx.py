"""IDX files, the format of MNIST and its kin, plain or gzipped, and folders of four of them.

An IDX file starts with two zero bytes, a byte for the type, a byte for the number of dimensions,
and each dimension as a big-endian 32-bit number; the values follow, big-endian, in C order, and
nothing after them. The size is worked out from the header and held against the file before anything
is allocated.
"""

from __future__ import annotations

import gzip
import math
import os
import struct
import zlib
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from refdiff._errors import MachineError, UserError
from refdiff.training.data.image_data import ImageData

__all__ = ["idx_parts", "load_idx_folder", "read_idx"]

_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_MOST_DIMENSIONS = 8
# No deflate stream expands more than 1032-fold, so a header that claims more than that of its file
# is lying.
_MOST_EXPANSION = 1032
_CHUNK = 1 << 20

_Stream = BinaryIO | gzip.GzipFile

_PARTS = {
    "train": ("train-images", "train-labels"),
    "test": ("t10k-images", "t10k-labels"),
}
_FASHION = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)


def read_idx(path: str | os.PathLike[str]) -> NDArray[Any]:
    """Read one IDX file.

    Parameters
    ----------
    path : path
        The file; gzip is recognised by its content, whatever the name.

    Returns
    -------
    ndarray
        uint8, int8, int16, int32, float32 or float64 in the machine's byte order, with the shape in
        the header.

    Raises
    ------
    UserError
        If the file is missing, is no IDX file, or does not have exactly the bytes that its header
        announces.
    MachineError
        If the machine cannot read the file or has no memory for it.
    """
    path = Path(path)
    try:
        size = path.stat().st_size
        with path.open("rb") as raw:
            zipped = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            if not zipped:
                return _parse(raw, path, most=size)
            with gzip.GzipFile(fileobj=raw) as stream:
                return _parse(stream, path, most=_MOST_EXPANSION * size)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(f"{path} is a damaged gzip file ({error}): get it again") from error
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    except (OSError, MemoryError) as error:
        raise MachineError(f"cannot read {path}: {str(error) or 'not enough memory'}") from error


def _parse(stream: _Stream, path: Path, *, most: int) -> NDArray[Any]:
    """Parse an IDX stream that cannot hold more than `most` bytes."""
    head = _read(stream, 4, path)
    if head[:2] != b"\0\0" or head[2] not in _TYPES or not 1 <= head[3] <= _MOST_DIMENSIONS:
        raise UserError(
            f"{path} is not an IDX file: it starts with {head.hex(' ')}, expected 00 00, a type in "
            f"{', '.join(f'{code:02x}' for code in _TYPES)}, and 1 to {_MOST_DIMENSIONS} dimensions"
        )
    shape = struct.unpack(f">{head[3]}I", _read(stream, 4 * head[3], path))
    dtype = np.dtype(_TYPES[head[2]])
    expected = math.prod(shape) * dtype.itemsize
    if expected > most:
        raise UserError(
            f"{path} is truncated or its header is wrong: the header announces {expected} bytes of "
            f"values (shape {'x'.join(map(str, shape))}), more than the file can hold"
        )
    values = _read(stream, expected, path)
    if stream.read(1):
        raise UserError(
            f"{path} goes on after the {expected} bytes of values that its header announces "
            f"(shape {'x'.join(map(str, shape))}): it is damaged"
        )
    array = np.frombuffer(values, dtype=dtype).reshape(shape)
    return array.astype(dtype.newbyteorder("="), copy=False)


def _read(stream: _Stream, count: int, path: Path) -> bytearray:
    # In chunks: read(count) may set aside count bytes before it knows whether they are there.
    content = bytearray()
    while len(content) < count:
        chunk = stream.read(min(_CHUNK, count - len(content)))
        if not chunk:
            raise UserError(
                f"{path} is truncated: {len(content)} bytes where {count} should be; get it again"
            )
        content += chunk
    return content


def idx_parts(folder: Path) -> dict[str, Path]:
    """Find the IDX files of a folder.

    Parameters
    ----------
    folder : Path
        Where to look; the names are those of MNIST, as ``train-images-idx3-ubyte``, with
        ``.idx3-ubyte`` allowed for the ending, with or without ``.gz``.

    Returns
    -------
    dict of str to Path
        From "train-images", "train-labels", "t10k-images", "t10k-labels" to the files that are
        there.
    """
    found: dict[str, Path] = {}
    for images, labels in _PARTS.values():
        for part, rank in ((images, 3), (labels, 1)):
            for joint in "-.":
                for ending in ("", ".gz"):
                    path = folder / f"{part}{joint}idx{rank}-ubyte{ending}"
                    if part not in found and path.is_file():
                        found[part] = path
    return found


def load_idx_folder(folder: str | os.PathLike[str], *, name: str | None = None) -> ImageData:
    """Load a folder with the four IDX files of MNIST, Fashion-MNIST or a data set like them.

    Parameters
    ----------
    folder : path
        Folder with train-images, train-labels and, unless both are missing, t10k-images and
        t10k-labels.
    name : str, optional
        Name of the data; the folder's name when left out. "fashion-mnist" brings the names of its
        classes; the classes of other data are called by their numbers.

    Returns
    -------
    ImageData
        The training pictures (N, H, W, 1), with the t10k pictures as `test`.

    Raises
    ------
    UserError
        If a file is missing or damaged, or images and labels do not fit together.
    """
    folder = Path(folder)
    name = folder.resolve().name if name is None else name
    found = idx_parts(folder)
    needed = [*_PARTS["train"]]
    if any(part in found for part in _PARTS["test"]):
        needed += _PARTS["test"]
    missing = [part for part in needed if part not in found]
    if missing:
        endings = {"images": "-idx3-ubyte", "labels": "-idx1-ubyte"}
        files = " and ".join(f"{part}{endings[part.partition('-')[2]]}[.gz]" for part in missing)
        raise UserError(f"the folder {folder} has no {files}: an IDX data set needs it")
    test = None
    if len(needed) == 4:
        test = _pair(found, "test")
    train = _pair(found, "train")
    classes = 1 + max(int(part[1].max(initial=0)) for part in (train, test) if part)
    names = tuple(str(number) for number in range(classes))
    if name == "fashion-mnist" and classes <= len(_FASHION):
        names = _FASHION
    held_out = None
    if test is not None:
        if test[0].shape[1:] != train[0].shape[1:]:
            raise UserError(
                f"the t10k images in {folder} are {test[0].shape[1]}x{test[0].shape[2]}, "
                f"the training images {train[0].shape[1]}x{train[0].shape[2]}"
            )
        held_out = ImageData(test[0], test[1], names, f"{name} (held out)")
    return ImageData(train[0], train[1], names, name, test=held_out)


def _pair(found: dict[str, Path], which: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    image_path, label_path = (found[part] for part in _PARTS[which])
    images, labels = read_idx(image_path), read_idx(label_path)
    if images.dtype != np.uint8 or images.ndim != 3 or 0 in images.shape:
        raise UserError(
            f"{image_path} holds {images.dtype} of shape {images.shape}; "
            "images are uint8 (count, height, width)"
        )
    if labels.dtype != np.uint8 or labels.shape != (len(images),):
        raise UserError(
            f"{label_path} holds {labels.dtype} of shape {labels.shape}; "
            f"labels are uint8, one for each of the {len(images)} images"
        )
    return images[..., np.newaxis], labels.astype(np.int64)
