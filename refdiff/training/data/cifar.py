"""CIFAR-10 in its "python version": five pickled training batches, a test batch, and the names of
the classes.

A pickle is a program, and running a stranger's program to read a picture is a poor bargain. These
batches need only dictionaries, lists, strings, numbers, and one NumPy array; the reader below knows
these and refuses the rest by name. Even the array is not rebuilt by NumPy's own unpickling, which
trusts the file's dtype and shape, but from its bytes.
"""

from __future__ import annotations

import io
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from refdiff._errors import MachineError, UserError
from refdiff.training.data.image_data import ImageData

__all__ = ["is_cifar_folder", "load_cifar", "read_cifar_batch"]

_TRAIN = tuple(f"data_batch_{number}" for number in range(1, 6))
_TEST = "test_batch"
_META = "batches.meta"
_SIDE = 32
_ROW = 3 * _SIDE * _SIDE
# A batch has 31 MB.
_MOST_BYTES = 1 << 28
_NAMES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)


class _Refused(pickle.UnpicklingError):
    """The pickle asks for something that a batch does not need."""


class _Array:
    """Stands for a NumPy array: keeps the uint8 values that its state describes."""

    __slots__ = ("values",)

    def __setstate__(self, state: Any) -> None:
        match state:
            case (int(), tuple() as shape, _Dtype() as dtype, bool() | int() as fortran, content):
                pass
            case _:
                raise _Refused("an array with a state of another form")
        if not isinstance(content, bytes) or dtype.code not in ("u1", "|u1", "uint8"):
            raise _Refused(f"an array of type {dtype.code!r}, not of bytes")
        if not all(isinstance(side, int) and side >= 0 for side in shape):
            raise _Refused(f"an array of shape {shape!r}")
        flat = np.frombuffer(content, dtype=np.uint8)
        self.values = flat.reshape(shape, order="F" if fortran else "C")


class _Dtype:
    """Stands for a NumPy dtype: keeps its code only; byte order does not matter to bytes."""

    __slots__ = ("code",)

    def __init__(self, code: str) -> None:
        self.code = code

    def __setstate__(self, state: Any) -> None:
        """Leave the rest of the state aside."""


class _Constructor:
    """A callable without attributes, so that a pickle has nothing on it to write to."""

    __slots__ = ("_make",)

    def __init__(self, make: Callable[..., Any]) -> None:
        self._make = make

    def __call__(self, *arguments: Any) -> Any:
        return self._make(*arguments)

    def __setstate__(self, state: Any) -> None:
        raise _Refused("a change to a constructor")


def _make_array(*_: Any) -> _Array:
    return _Array()


def _make_dtype(code: Any, *_: Any) -> _Dtype:
    return _Dtype(_text(code))


def _make_bytes(text: Any, encoding: Any) -> bytes:
    # How pickles of protocol 2 written by Python 3 spell bytes.
    if not isinstance(text, str) or _text(encoding) != "latin1":
        raise _Refused(f"_codecs.encode with encoding {encoding!r}")
    return text.encode("latin1")


def _text(value: Any) -> str:
    return value.decode("latin1") if isinstance(value, bytes) else str(value)


# The Python implementation, not the one in C: its memo is a dictionary, so a forged index cannot
# exhaust the memory.
class _BatchUnpickler(pickle._Unpickler):
    """Reads the pickles of CIFAR batches and nothing else; no code named by the file ever runs."""

    def find_class(self, module: str, name: str) -> Any:
        known: dict[tuple[str, str], Callable[..., Any]] = {
            ("numpy.core.multiarray", "_reconstruct"): _make_array,
            ("numpy._core.multiarray", "_reconstruct"): _make_array,
            ("numpy", "dtype"): _make_dtype,
            ("_codecs", "encode"): _make_bytes,
        }
        if (module, name) == ("numpy", "ndarray"):
            return _Constructor(_make_array)  # only ever an argument of _reconstruct
        if (module, name) not in known:
            raise _Refused(f"{module}.{name}")
        return _Constructor(known[module, name])

    def persistent_load(self, pid: Any) -> Any:
        raise _Refused("a persistent object")


def _unpickle(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise UserError(f"{path} is no CIFAR batch: it is larger than any of them")
        content = path.read_bytes()
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    except OSError as error:
        raise MachineError(f"cannot read {path}: {error}") from error
    try:
        batch = _BatchUnpickler(io.BytesIO(content), encoding="bytes").load()
    except _Refused as error:
        raise UserError(
            f"{path} is refused: it asks for {error}, which no CIFAR batch needs and which could "
            "run code; nothing of it was run"
        ) from error
    except Exception as error:
        # The unpickler meets damaged bytes with nearly any exception: ValueError, IndexError,
        # EOFError, KeyError ...
        raise UserError(
            f"{path} is damaged or no pickle ({type(error).__name__}): get it again"
        ) from error
    if not isinstance(batch, dict):
        raise UserError(f"{path} is no CIFAR batch: it holds no dictionary")
    return {_text(key): value for key, value in batch.items() if isinstance(key, str | bytes)}


def read_cifar_batch(
    path: str | os.PathLike[str],
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Read one batch without running anything that the file says.

    Parameters
    ----------
    path : path
        A file such as ``data_batch_1``.

    Returns
    -------
    images : ndarray of uint8, (N, 32, 32, 3)
        Pictures.
    labels : ndarray of int64, (N,)
        Classes 0 .. 9.

    Raises
    ------
    UserError
        If the file is missing, damaged, asks for anything but plain data, or holds other data.
    MachineError
        If the machine cannot read the file.
    """
    path = Path(path)
    batch = _unpickle(path)
    array, numbers = batch.get("data"), batch.get("labels")
    values = getattr(array, "values", None) if isinstance(array, _Array) else None
    if values is None or values.ndim != 2 or values.shape[1] != _ROW or not len(values):
        raise UserError(
            f"{path} is no CIFAR-10 batch: 'data' is not an array of bytes (count, {_ROW})"
        )
    if (
        not isinstance(numbers, list)
        or len(numbers) != len(values)
        or not all(type(number) is int and 0 <= number < len(_NAMES) for number in numbers)
    ):
        raise UserError(
            f"{path} is no CIFAR-10 batch: 'labels' is not a list of {len(values)} numbers 0..9"
        )
    # A row is the red plane, the green, the blue, each 32x32.
    images = values.reshape(-1, 3, _SIDE, _SIDE).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(images), np.array(numbers, dtype=np.int64)


def is_cifar_folder(folder: Path) -> bool:
    """Say whether a folder holds at least one of CIFAR-10's batches."""
    return any((folder / batch).is_file() for batch in (*_TRAIN, _TEST))


def load_cifar(folder: str | os.PathLike[str], *, name: str = "cifar10") -> ImageData:
    """Load CIFAR-10 from the folder of its python version.

    Parameters
    ----------
    folder : path
        Folder with ``data_batch_1`` .. ``data_batch_5`` and, if there, ``test_batch`` and
        ``batches.meta``.
    name : str
        Name of the data, in reports.

    Returns
    -------
    ImageData
        Training pictures (N, 32, 32, 3) in the order of the batches, with the test batch as `test`.

    Raises
    ------
    UserError
        If a batch is missing, damaged or refused.
    MachineError
        If the machine cannot read a file.
    """
    folder = Path(folder)
    missing = [batch for batch in _TRAIN if not (folder / batch).is_file()]
    if missing:
        raise UserError(
            f"the folder {folder} has no {', '.join(missing)}: CIFAR-10's python version has "
            "data_batch_1 to data_batch_5"
        )
    parts = [read_cifar_batch(folder / batch) for batch in _TRAIN]
    names = _class_names(folder / _META)
    test = None
    if (folder / _TEST).is_file():
        test = ImageData(*read_cifar_batch(folder / _TEST), names, f"{name} (held out)")
    images = np.concatenate([part[0] for part in parts])
    labels = np.concatenate([part[1] for part in parts])
    return ImageData(images, labels, names, name, test=test)


def _class_names(path: Path) -> tuple[str, ...]:
    if not path.is_file():
        return _NAMES
    names = _unpickle(path).get("label_names")
    if not isinstance(names, list) or len(names) != len(_NAMES):
        raise UserError(f"{path} has no list of {len(_NAMES)} names in 'label_names'")
    return tuple(_text(name) for name in names)
