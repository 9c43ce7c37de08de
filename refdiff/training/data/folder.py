"""Any folder of pictures, with or without a subfolder for each class.

Pictures directly in the folder have no classes; pictures in subfolders have the class of the first
subfolder on their way. What is not a picture by its ending is passed over and counted; a picture
that cannot be read is named and left out, or refused when that is asked for. Links are followed,
each folder once, so a loop of links ends.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from refdiff._errors import MachineError, UserError
from refdiff._extras import require
from refdiff.training.data.image_data import ImageData

__all__ = ["PICTURE_ENDINGS", "load_image_folder"]

PICTURE_ENDINGS = frozenset(
    [".bmp", ".gif", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"]
)

_GREY_MODES = frozenset({"1", "L", "LA", "La", "I;16", "I;16B", "I;16L", "I;16N"})
_ALPHA_MODES = frozenset({"LA", "La", "PA", "RGBA", "RGBa"})
# Pillow's 32-bit modes say nothing about which value is white.
_UNSCALED_MODES = frozenset({"I", "F"})

Progress = Callable[[int, int], None]


class _Bad(Exception):
    """A picture that cannot be used, and why."""


@dataclass(frozen=True)
class _Scan:
    paths: list[Path]
    ignored: int


def load_image_folder(
    folder: str | os.PathLike[str],
    *,
    strict: bool = False,
    image_size: int | None = None,
    channels: int | None = None,
    progress: Progress | None = None,
) -> ImageData:
    """Load a folder of pictures.

    Parameters
    ----------
    folder : path
        The folder. Files ending in one of `PICTURE_ENDINGS` count as pictures; names that start
        with a dot are hidden.
    strict : bool
        Refuse the folder if a picture cannot be read, instead of leaving the picture out.
    image_size : int, optional
        Cut the middle square out of each picture and resize it to this side (Lanczos). Without it,
        all pictures must have one size already.
    channels : {1, 3}, optional
        Grey or colour; without it, what the most pictures are (colour if as many are either).
    progress : callable, optional
        Called as ``progress(number, total)`` as each picture is read, counting from 1.

    Returns
    -------
    ImageData
        Pictures in the order of their paths; `skipped` names those left out, `ignored` counts other
        files. Transparent parts are shown on white, 16-bit grey is brought to 8 bits, and cameras'
        rotation marks are obeyed.

    Raises
    ------
    UserError
        If there is no picture, a picture cannot be read and `strict` is set, sizes differ without
        `image_size`, or pictures lie both in the folder itself and in subfolders.
    MachineError
        If there is not enough memory for the pictures.
    """
    folder = Path(folder)
    if image_size is not None and image_size < 1:
        raise UserError(f"image_size={image_size} must be at least 1 pixel")
    if channels not in (None, 1, 3):
        raise UserError(f"channels={channels} must be 1 (grey) or 3 (colour)")
    image_module = require("PIL.Image", extra="images", purpose="reading a folder of images")
    scan = _scan(folder)
    names = _class_names(folder, scan.paths)
    if not scan.paths:
        raise UserError(
            f"the folder {_show(folder)} has no images (files ending in "
            f"{', '.join(sorted(PICTURE_ENDINGS))}); {scan.ignored} other files were ignored"
        )

    skipped: list[str] = []

    def leave_out(path: Path, reason: Exception) -> None:
        message = f"{_show(path.relative_to(folder))}: {reason}"
        if strict:
            raise UserError(f"refused an image of {_show(folder)}, as strict asks: {message}")
        skipped.append(message)

    readable = scan.paths
    if channels is None:
        readable = []
        grey = 0
        for path in scan.paths:
            try:
                grey += _is_grey(image_module, path)
                readable.append(path)
            except _Bad as error:
                leave_out(path, error)
        channels = 1 if 2 * grey > len(readable) else 3

    images: NDArray[np.uint8] | None = None
    kept: list[Path] = []
    for done, path in enumerate(readable, start=1):
        if progress is not None:
            progress(done, len(readable))
        try:
            pixels = _decode(image_module, path, image_size, channels)
        except _Bad as error:
            leave_out(path, error)
            continue
        if images is None:
            images = _allocate((len(readable), *pixels.shape), folder)
        if pixels.shape != images.shape[1:]:
            raise UserError(
                f"images of {_show(folder)} differ in size: "
                f"{_show(kept[0].relative_to(folder))} is "
                f"{images.shape[2]}x{images.shape[1]}, {_show(path.relative_to(folder))} is "
                f"{pixels.shape[1]}x{pixels.shape[0]}; give image_size to resize all to one"
            )
        images[len(kept)] = pixels
        kept.append(path)
    if images is None:
        raise UserError(
            f"none of the {len(skipped)} images of {_show(folder)} can be read; "
            f"the first: {skipped[0]}"
        )
    labels = None
    if names is not None:
        number = {name: index for index, name in enumerate(names)}
        classes = [number[path.relative_to(folder).parts[0]] for path in kept]
        labels = np.array(classes, dtype=np.int64)
    return ImageData(
        images=images[: len(kept)],
        labels=labels,
        class_names=None if names is None else tuple(_show(name) for name in names),
        name=_show(folder.resolve().name),
        skipped=tuple(skipped),
        ignored=scan.ignored,
    )


def _scan(folder: Path) -> _Scan:
    paths: list[Path] = []
    ignored = 0
    for path in _files(folder):
        if path.suffix.lower() in PICTURE_ENDINGS:
            paths.append(path)
        else:
            ignored += 1
    # By the parts of the path, so that a class's pictures stay together whatever else its name
    # starts with.
    return _Scan(sorted(paths, key=lambda path: path.parts), ignored)


def _files(folder: Path) -> Iterator[Path]:
    """Yield all files under a folder, entering every real folder at most once."""
    entered: set[tuple[int, int]] = set()
    waiting = [folder]
    while waiting:
        current = waiting.pop(0)
        try:
            status = current.stat()
            if (status.st_dev, status.st_ino) in entered:
                continue
            entered.add((status.st_dev, status.st_ino))
            entries = sorted(current.iterdir())
        except OSError as error:
            raise UserError(f"cannot read {_show(current)}: {error.strerror}") from error
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir():
                waiting.append(entry)
            else:
                yield entry


def _class_names(folder: Path, paths: list[Path]) -> list[str] | None:
    """List the first subfolders that hold pictures, or None where the pictures lie in the folder
    itself.
    """
    relative = [path.relative_to(folder) for path in paths]
    flat = [path for path in relative if len(path.parts) == 1]
    names = sorted({path.parts[0] for path in relative if len(path.parts) > 1})
    if flat and names:
        raise UserError(
            f"the folder {_show(folder)} has images both in itself ({_show(flat[0])}) and in "
            f"subfolders ({_show(names[0])}): put all in subfolders, one a class, or none"
        )
    return names or None


def _open(image_module: Any, path: Path) -> Any:
    """Open a picture, with Pillow's warning about far too many pixels made an error."""
    if not path.is_file():  # also keeps a pipe or a device from being waited for
        raise _Bad("not a readable file")
    with warnings.catch_warnings():
        warnings.simplefilter("error", image_module.DecompressionBombWarning)
        return image_module.open(path)


def _reason(error: Exception) -> _Bad:
    text = " ".join(str(error).split()) or type(error).__name__
    if "cannot identify image file" in text:
        text = "no image that can be recognised"
    return _Bad(text)


def _is_grey(image_module: Any, path: Path) -> bool:
    try:
        with _open(image_module, path) as image:
            if image.mode == "P" and image.palette is not None:
                colours = np.frombuffer(image.palette.tobytes(), dtype=np.uint8)
                step = len(image.palette.mode)
                planes = colours[: len(colours) // step * step].reshape(-1, step)
                return bool((planes[:, :1] == planes[:, :3]).all())
            return image.mode in _GREY_MODES
    except _Bad:
        raise
    except Exception as error:  # Pillow's decoders meet damaged files with nearly any exception
        raise _reason(error) from error


def _decode(
    image_module: Any, path: Path, image_size: int | None, channels: int
) -> NDArray[np.uint8]:
    operations = require("PIL.ImageOps", extra="images", purpose="reading a folder of images")
    try:
        with _open(image_module, path) as opened:
            opened.load()
            image = _plain(image_module, operations.exif_transpose(opened), channels)
        if image_size is not None and image.size != (image_size, image_size):
            image = operations.fit(
                image, (image_size, image_size), method=image_module.Resampling.LANCZOS
            )
    except _Bad:
        raise
    except Exception as error:  # as in _is_grey
        raise _reason(error) from error
    return np.array(image, dtype=np.uint8).reshape(image.height, image.width, channels)


def _plain(image_module: Any, image: Any, channels: int) -> Any:
    """Bring any mode to 8-bit grey or colour without transparency."""
    if image.mode in _UNSCALED_MODES:
        raise _Bad(f"pixels of mode {image.mode} have no fixed white; convert it to 8 bits")
    if image.mode.startswith("I;16"):
        # Pillow's own conversion cuts off at 255 instead of scaling; 65535 must become 255.
        wide = np.array(image).astype(np.uint32)
        image = image_module.fromarray(((wide * 255 + 32767) // 65535).astype(np.uint8))
    if image.mode in _ALPHA_MODES or "transparency" in image.info:
        image = image.convert("RGBA")
        white = image_module.new("RGBA", image.size, (255, 255, 255, 255))
        image = image_module.alpha_composite(white, image)
    return image.convert("L" if channels == 1 else "RGB")


def _allocate(shape: tuple[int, ...], folder: Path) -> NDArray[np.uint8]:
    try:
        return np.empty(shape, dtype=np.uint8)
    except MemoryError as error:
        raise MachineError(
            f"not enough memory for the {shape[0]} images of {_show(folder)} "
            f"at {shape[2]}x{shape[1]}"
        ) from error


def _show(path: Path | str) -> str:
    """Write a path so that it can always be printed, even if its bytes are no valid text."""
    return str(path).encode("utf-8", "backslashreplace").decode("utf-8")
