"""The training loop: `train` begins a run folder or continues one.

The work of a step is a function of the weights, the optimizer's state, the seed and the number of
steps done (see `refdiff.training.batches`), so stopping and continuing changes no bit of it.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path

import torch

from refdiff._errors import UserError
from refdiff._files import remove_temporary
from refdiff.models import count_flops, count_parameters
from refdiff.training import launch as launching
from refdiff.training.checkpoints import latest_checkpoint, load_checkpoint, save_checkpoint
from refdiff.training.config import TrainConfig
from refdiff.training.data import ImageData, load_data
from refdiff.training.interrupts import Interrupted, InterruptWatch
from refdiff.training.log import LogEntry, TrainLog
from refdiff.training.preflight import check_data, check_folder, check_share
from refdiff.training.progress import Progress, quiet, show
from refdiff.training.records import DataFacts, RunRecord, write_record, write_run
from refdiff.training.run import Run, load_run, run_of
from refdiff.training.sheets import write_sheet
from refdiff.training.trainer import Trainer

__all__ = ["train"]

# Between processes the wish to stop is compared this often: each comparison makes them wait.
_STOP_TOGETHER_EVERY = 10


def train(
    config: TrainConfig,
    output: str | Path,
    *,
    data: ImageData | None = None,
    resume: bool = True,
    device: str = "auto",
    progress: bool = True,
    on_log: Callable[[LogEntry], None] | None = None,
) -> Run:
    """Train a network, or continue where the run folder stopped.

    Parameters
    ----------
    config : TrainConfig
        What to train. To continue a run it must be that run's, but for `optimizer.steps` and how
        often things are logged, saved and sampled.
    output : path
        The run folder; made if missing.
    data : ImageData, optional
        The images; by default those that ``config.data`` names.
    resume : bool
        Continue a run that the folder holds; False refuses such a folder.
    device : str
        ``"auto"`` for an accelerator where there is one, or torch's name of a device.
    progress : bool
        Show progress on standard error.
    on_log : callable, optional
        Called with each entry of the log, in the process that writes it.

    Returns
    -------
    Run
        The trained network with its averaged weights, ready to sample.

    Raises
    ------
    UserError
        If the data, the folder or the configuration cannot be used, a checkpoint is damaged, or the
        loss is no longer a number.
    MachineError
        If the disk is full or fails. Earlier checkpoints are as they were.
    Interrupted
        After SIGINT or SIGTERM, when the checkpoint is written.
    """
    output = Path(output)
    launch = launching.start(device)
    if data is None:
        data = load_data(config.data.source, strict=config.data.strict)
    facts = DataFacts.of(data)
    check_data(config, facts)
    check_share(config, launch.count)
    check_folder(output, config, facts, resume=resume)
    # The caller's generators are given back as they were.
    with torch.random.fork_rng(devices=_generators_of(launch.device)), InterruptWatch() as watch:
        try:
            trainer = Trainer(config, data, launch)
        except ValueError as error:
            raise UserError(str(error)) from error
        if (latest := latest_checkpoint(output)) is not None:
            trainer.restore(load_checkpoint(latest))
        if trainer.step > config.optimizer.steps:
            raise UserError(
                f"optimizer.steps={config.optimizer.steps} is fewer than the {trainer.step} steps "
                f"that {output} has done: ask for more, or train in another folder."
            )
        launch.wait()  # nobody writes before everybody has read
        session = _Session(trainer, output, facts, watch)
        if launch.is_main:
            session.open_files(on_log)
            if progress:
                session.progress = show(
                    config.optimizer.steps,
                    done=trainer.step,
                    batch_size=config.optimizer.batch_size,
                )
        session.run()
        launch.wait()
    return load_run(output, device=str(launch.device))


def _generators_of(device: torch.device) -> list[int]:
    return list(range(torch.cuda.device_count())) if device.type == "cuda" else []


class _Session:
    """One call of `train`: the steps, and what is written and shown on the way."""

    def __init__(
        self, trainer: Trainer, output: Path, facts: DataFacts, watch: InterruptWatch
    ) -> None:
        self.trainer, self.output, self.facts, self.watch = trainer, output, facts, watch
        self.config, self.launch = trainer.config, trainer.launch
        self._record = RunRecord.new(self.config, facts)
        self.progress: Progress = quiet()
        self._log: TrainLog | None = None
        self._on_log: Callable[[LogEntry], None] | None = None
        self._saved_step = trainer.step if latest_checkpoint(output) else None

    def open_files(self, on_log: Callable[[LogEntry], None] | None) -> None:
        """Make the run folder what a reader expects, before the first step."""
        for folder in (self.output, self.output / "checkpoints"):
            remove_temporary(folder)
        write_record(self.output, self.trainer.network, self._record)
        self._log = TrainLog(self.output, step=self.trainer.step, every=self.config.log_every)
        self._on_log = on_log

    def run(self) -> None:
        trainer, config = self.trainer, self.config
        steps = config.optimizer.steps
        with self.progress:
            self._introduce()
            self._restart_clock()
            while trainer.step < steps:
                trainer.advance()
                self.progress.advance(trainer.step)
                last = trainer.step == steps
                if last or trainer.step % config.log_every == 0:
                    self._write_log()
                if trainer.step % config.checkpoint_every == 0:
                    self._save()
                if config.sample_every and (last or trainer.step % config.sample_every == 0):
                    self._sample()
                if not last and self._must_stop():
                    self._save()
                    number = self.watch.received or signal.SIGTERM
                    raise Interrupted(self.output, trainer.step, number)
            self._save()

    def _introduce(self) -> None:
        model, data = self.config.model, self.facts
        batch = self.config.optimizer.batch_size
        forward = count_flops(self.trainer.network)
        self.progress.note(
            f"{data.name}: {data.num_images} images of {model.image_size}x{model.image_size}, "
            f"{model.num_classes or 'no'} classes"
        )
        self.progress.note(
            f"network: {count_parameters(self.trainer.network):,} parameters, {forward:.3g} FLOP "
            f"an image, about {3 * forward * batch:.3g} a step of {batch} images "
            f"(on {self.launch.device}, {self.launch.count} process"
            f"{'' if self.launch.count == 1 else 'es'})"
        )
        if self.trainer.step:
            self.progress.note(f"continuing {self.output} after step {self.trainer.step}")

    def _restart_clock(self) -> None:
        self._clock, self._clock_step = time.perf_counter(), self.trainer.step

    def _write_log(self) -> None:
        """Add a line to the log, and show it."""
        trainer, batch_size = self.trainer, self.config.optimizer.batch_size
        figures = trainer.figures()
        elapsed = max(time.perf_counter() - self._clock, 1e-9)
        entry = LogEntry(
            step=trainer.step,
            loss=figures.loss,
            grad_norm=figures.grad_norm,
            learning_rate=figures.learning_rate,
            images_per_second=(trainer.step - self._clock_step) * batch_size / elapsed,
            seconds=trainer.seconds + elapsed,
        )
        if self._log is not None:
            self._log.write(entry)
            self.progress.report(entry.step, entry.loss, entry.images_per_second)
        if self._on_log is not None:
            self._on_log(entry)
        # A line at the end of a run that stops between two lines is an extra one: the mean goes on,
        # so that a run continued from here logs what it would have logged without the stop.
        if trainer.step % self.config.log_every == 0:
            trainer.forget_figures()
        trainer.seconds = entry.seconds
        self._restart_clock()

    def _save(self) -> None:
        """Write a checkpoint and the weights to sample with."""
        began = time.perf_counter()
        if self._saved_step != self.trainer.step:
            snapshot = self.trainer.snapshot()
            if self.launch.is_main:
                save_checkpoint(self.output, snapshot, keep=self.config.keep_checkpoints)
            self._saved_step = self.trainer.step
        if self.launch.is_main:
            write_run(self.output, self.trainer.averaged, self._record)
        self._clock += time.perf_counter() - began  # images/s is the speed of training

    def _sample(self) -> None:
        """Draw a sheet of samples with the averaged weights."""
        began = time.perf_counter()
        if self.launch.is_main:
            run = run_of(self.trainer.averaged, self.config, self.facts)
            write_sheet(run, self.output / "samples" / f"step-{self.trainer.step:08d}.png")
        self._clock += time.perf_counter() - began

    def _must_stop(self) -> bool:
        wanted = self.watch.received is not None
        if self.launch.count == 1:
            return wanted
        return self.trainer.step % _STOP_TOGETHER_EVERY == 0 and self.launch.any(wanted)
