"""What `refdiff sample` does once its options are parsed."""

from __future__ import annotations

import time
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from refdiff._errors import UserError
from refdiff._files import atomic_write_files
from refdiff.cli.outcome import argument_errors
from refdiff.cli.progress import bar
from refdiff.cli.targets import check_file, check_folder
from refdiff.pictures import (
    denoising_path,
    grid,
    labelled_grid,
    png_bytes,
    save_npz,
    save_png,
    to_uint8,
)
from refdiff.training.run import Run, load_run
from refdiff.training.sampling import SampleConfig, Samples, sample_images

if TYPE_CHECKING:
    from refdiff.cli.sample import Sample

__all__ = ["draw_and_write", "find_network", "sheet"]

_SHIPPED = ("digits", "fashion-mnist")
_PATH_ROWS = 10
_TITLES = {
    "dpm-solver++": "DPM-Solver++ 2M",
    "sde-dpm-solver++": "SDE-DPM-Solver++ 2M",
    "unipc": "UniPC",
}


def draw_and_write(options: Sample, network: str, output: Path) -> None:
    """Sample as the options say, and write the files.

    Parameters
    ----------
    options : Sample
        The options.
    network : str
        Run folder, or name of shipped weights.
    output : Path
        Where to write.

    Raises
    ------
    UserError
        If an argument cannot be used; nothing is computed or written then.
    MachineError
        If the disk is full or fails.
    """
    _check_outputs(options, output)
    run = load_run(find_network(network), device=options.device)
    config = _config(options)
    began = time.perf_counter()
    with argument_errors(), bar("sampling") as on_step:
        samples = sample_images(
            run,
            count=options.count,
            config=config,
            labels=options.labels,
            seed=options.seed,
            batch_size=options.batch_size,
            path_rows=_path_rows(options),
            on_step=on_step,
        )
    seconds = time.perf_counter() - began
    _write(samples, run, output)
    if options.path is not None:
        rows = _captions(samples, run, len(samples.path[0]))
        save_png(options.path, denoising_path(samples.path, samples.path_times, rows=rows))
    count = "1 image" if options.count == 1 else f"{options.count} images"
    words = _in_words(config, config.steps_for(len(run.alpha_bars) - 1))
    print(f"{output}: {count} by {words} ({seconds:.1f} s)")
    if options.path is not None:
        print(f"{options.path}: the way from noise to image")


def find_network(name: str) -> Path:
    """Find a run folder, or weights that are shipped with refdiff.

    Parameters
    ----------
    name : str
        Path, or the name of shipped weights; a folder of the same name is given as ./digits.

    Returns
    -------
    Path
        A run folder.

    Raises
    ------
    UserError
        If there is no such folder, or there are no such weights.
    """
    if name not in _SHIPPED:
        folder = Path(name).expanduser()
        if (folder / "config.json").is_file():
            return folder
        problem = "it holds no config.json" if folder.is_dir() else "there is no such folder"
        raise UserError(
            f"{name} is not a run folder ({problem}): `refdiff train --data digits --output DIR` "
            "and `refdiff demo` make one."
        )
    shipped = Path(str(resources.files("refdiff"))) / "pretrained" / name
    if (shipped / "config.json").is_file():
        return shipped
    raise UserError(
        f"weights for {name!r} are not shipped with this version: train them by `refdiff train "
        f"--data {name} --output runs/{name}`, then `refdiff sample runs/{name}` (a folder of "
        f"yours that is called {name} is given as ./{name})."
    )


def sheet(samples: Samples, run: Run) -> NDArray[np.uint8]:
    """Put samples on one sheet: a row a class where the classes come out even.

    Parameters
    ----------
    samples : Samples
        The samples.
    run : Run
        Where they are from; its class names caption the rows.

    Returns
    -------
    ndarray of uint8, (H, W, C)
        The sheet.
    """
    images = to_uint8(samples.images)
    if samples.labels is None or run.class_names is None:
        return grid(images)
    period = _period(samples.labels.tolist())
    each, rest = divmod(len(images), period)
    if rest or each < 2:
        return grid(images, columns=period if 1 < period <= 20 else None)
    rows = _captions(samples, run, period)
    by_class = images.reshape(each, period, *images.shape[1:]).swapaxes(0, 1)
    return labelled_grid(by_class.reshape(images.shape), rows=rows, columns=each)


def _period(labels: list[int]) -> int:
    """Length after which the labels repeat."""
    for period in range(1, len(labels)):
        if all(label == labels[i % period] for i, label in enumerate(labels)):
            return period
    return len(labels)


def _captions(samples: Samples, run: Run, count: int) -> list[str] | None:
    if samples.labels is None or run.class_names is None:
        return None
    return [run.class_names[label] for label in samples.labels[:count].tolist()]


def _check_outputs(options: Sample, output: Path) -> None:
    suffix = output.suffix.lower()
    if suffix in (".png", ".npz"):
        check_file("--output", output)
    elif suffix in (".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".npy", ".pt", ".tif", ".tiff"):
        raise UserError(
            f"--output {output} cannot be written: a file must end in .png (a sheet) or .npz "
            "(arrays); anything else is a folder."
        )
    else:
        check_folder("--output", output)
    if options.path is not None:
        if options.path.suffix.lower() != ".png":
            raise UserError(f"--path {options.path} must end in .png.")
        check_file("--path", options.path)


def _path_rows(options: Sample) -> int:
    # The way is kept of samples of the first batch. Counts out of their domain are refused later.
    rows = min(_PATH_ROWS, options.count, options.batch_size)
    return 0 if options.path is None else max(rows, 0)


def _config(options: Sample) -> SampleConfig:
    """Configuration of the sampler, all of its arguments checked."""
    limit: dict[str, Any] = {"limit": "none" if options.no_clip else "clip"}
    if options.threshold is not None:
        limit = {"limit": "dynamic", "percentile": options.threshold}
    with argument_errors():
        return SampleConfig(
            sampler=options.sampler,
            steps=options.steps,
            eta=0.0 if options.eta is None else options.eta,
            guidance=options.guidance,
            spacing=options.spacing,
            variance=options.variance,
            **limit,
        )


def _in_words(config: SampleConfig, count: int) -> str:
    eta = f", eta {config.eta:g}" if config.sampler == "ddim" else ""
    guidance = f", w {config.guidance:g}" if config.guidance else ""
    steps = "1 step" if count == 1 else f"{count} steps"
    name = _TITLES.get(config.sampler, config.sampler.upper())
    return f"{name} with {steps}{eta}{guidance}"


def _write(samples: Samples, run: Run, output: Path) -> None:
    images = to_uint8(samples.images)
    match output.suffix.lower():
        case ".png":
            save_png(output, sheet(samples, run))
        case ".npz":
            plain = images[..., 0] if images.shape[-1] == 1 else images
            labels = None if samples.labels is None else samples.labels.numpy()
            save_npz(output, plain, labels)
        case _:
            digits = max(5, len(str(len(images) - 1)))
            atomic_write_files(
                {
                    output / f"{number:0{digits}d}{_tag(samples, number)}.png": png_bytes(image)
                    for number, image in enumerate(images)
                }
            )


def _tag(samples: Samples, number: int) -> str:
    """The class as part of a file's name."""
    return "" if samples.labels is None else f"-{int(samples.labels[number])}"
