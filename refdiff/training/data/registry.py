"""From a name or a path to the data: which reader, and where to look."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable
from pathlib import Path

from refdiff._errors import UserError
from refdiff.training.data.cifar import is_cifar_folder, load_cifar
from refdiff.training.data.digits import load_digits
from refdiff.training.data.folder import load_image_folder
from refdiff.training.data.idx import idx_parts, load_idx_folder
from refdiff.training.data.image_data import ImageData

__all__ = ["KNOWN_DATA", "load_data"]

KNOWN_DATA = ("digits", "fashion-mnist", "mnist", "cifar10")

_SYSTEM_FOLDER = Path("/usr/share/datasets")
_WHERE_FROM = {
    "fashion-mnist": (
        "install Debian's package dataset-fashion-mnist (it fills {system}), "
        "or put its four IDX files in {own}"
    ),
    "mnist": "put its four IDX files in {own}",
    "cifar10": "put data_batch_1 to data_batch_5 and test_batch of its python version in {own}",
}


def load_data(
    name_or_path: str | os.PathLike[str],
    *,
    strict: bool = False,
    image_size: int | None = None,
    channels: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> ImageData:
    """Load a data set by name, or from a folder.

    Parameters
    ----------
    name_or_path : str or path
        "digits", "fashion-mnist", "mnist" or "cifar10"; or a folder with the four IDX files of
        MNIST, with CIFAR-10's python batches, or with pictures. A folder that is called like a data
        set is given as "./digits".
    strict : bool
        Refuse a folder with a picture that cannot be read, instead of leaving the picture out.
    image_size : int, optional
        Side to which a folder's pictures are cut and resized. The other data have their own size,
        and any other is refused.
    channels : {1, 3}, optional
        Grey or colour, likewise.
    progress : callable, optional
        Called as ``progress(done, total)`` while a folder of pictures is read.

    Returns
    -------
    ImageData
        The pictures.

    Raises
    ------
    UserError
        If the name is unknown, files are missing or damaged, or size or channels do not fit.
    MachineError
        If the machine cannot read a file.
    """
    text = os.fspath(name_or_path)
    if text in KNOWN_DATA:
        data = load_digits() if text == "digits" else _load_named(text)
    else:
        folder = _existing_folder(text)
        if idx_parts(folder):
            data = load_idx_folder(folder)
        elif is_cifar_folder(folder):
            data = load_cifar(folder)
        else:
            return load_image_folder(
                folder, strict=strict, image_size=image_size, channels=channels, progress=progress
            )
    height, width, own_channels = data.shape
    if image_size is not None and (height, width) != (image_size, image_size):
        raise UserError(
            f"image_size={image_size} does not fit the data set {text!r}, whose images are "
            f"{width}x{height}: leave image_size out"
        )
    if channels is not None and channels != own_channels:
        raise UserError(
            f"channels={channels} does not fit the data set {text!r}, whose images have "
            f"{own_channels}: leave channels out"
        )
    return data


def _existing_folder(text: str) -> Path:
    path = Path(text).expanduser()
    if path.is_dir():
        return path
    if path.exists():
        raise UserError(f"{text} is a file; give the folder that the data lie in")
    known = ", ".join(KNOWN_DATA)
    close = difflib.get_close_matches(text.lower(), KNOWN_DATA, n=1)
    meant = f" (did you mean {close[0]!r}?)" if close else ""
    raise UserError(
        f"unknown data set {text!r}{meant}: known names are {known}; or give the path of a folder"
    )


def _load_named(name: str) -> ImageData:
    own = os.environ.get("REFDIFF_DATA")
    system = _SYSTEM_FOLDER / name
    places = [Path(own).expanduser() / name] if own else []
    places.append(system)
    for place in places:
        if name == "cifar10":
            for folder in (place, place / "cifar-10-batches-py"):
                if is_cifar_folder(folder):
                    return load_cifar(folder, name=name)
        elif idx_parts(place):
            return load_idx_folder(place, name=name)
    advice = _WHERE_FROM[name].format(
        system=system, own=places[0] if own else f"the folder {name} under $REFDIFF_DATA"
    )
    looked = " and ".join(str(place) for place in places)
    raise UserError(
        f"the files of the data set {name!r} are missing (looked in {looked}): {advice}"
    )
