"""The work of the demonstration: data, training, samples, figures, each with its time."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from refdiff.cli.demo.exact import exact_facts
from refdiff.cli.demo.judging import judged_code
from refdiff.cli.demo.levels import level_losses, training_bound
from refdiff.cli.demo.measuring import Judge, measure
from refdiff.cli.demo.recipe import methods
from refdiff.cli.demo.report import Findings
from refdiff.cli.progress import bar
from refdiff.models import count_parameters
from refdiff.training.config import TrainConfig
from refdiff.training.data import load_data
from refdiff.training.log import read_log
from refdiff.training.loop import train

__all__ = ["carry_out"]


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep torch to one thread, unless OMP_NUM_THREADS asks for another number.

    A network this small gains little from a second thread, and its many short steps wait for the
    slower of the two: beside another busy program two threads are up to forty times slower than
    one. One thread also makes the figures the same whatever the number of cores.
    """
    before = torch.get_num_threads()
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@one_thread()
def carry_out(
    config: TrainConfig, run_folder: Path, *, again: str, say: Callable[[str], None]
) -> Findings:
    """Train, sample and measure.

    Parameters
    ----------
    config : TrainConfig
        What to train; a finished run of it in the folder is used as it is.
    run_folder : Path
        The run folder.
    again : str
        The command that does the same again.
    say : callable
        Called with a line for the terminal as each part begins.

    Returns
    -------
    Findings
        For the report.

    Raises
    ------
    UserError, MachineError, Interrupted
        As `refdiff.training.train`.
    """
    times: list[tuple[str, float]] = []

    @contextmanager
    def part(name: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        times.append((name, time.perf_counter() - began))

    with part("Digits and classifier"):
        data = load_data("digits")
        held_out = 0 if data.test is None else len(data.test)
        say(f"1/5  {len(data):,} real digits to learn from, {held_out} held out; a classifier ...")
        judge = Judge.of(data)
    say(f"2/5  training a network for {config.optimizer.steps:,} steps ...")
    run = train(config, run_folder, data=data)
    log = read_log(run_folder)
    # The log's time counts the parts of a training that was stopped and continued.
    times.append(("Training", log[-1].seconds))
    chosen = methods()
    say(f"3/5  sampling in {len(chosen)} ways ...")
    measured = []
    for method in chosen:
        with part(f"Samples: {method.name}"), bar(method.name) as on_step:
            measured.append(measure(run, method, judge, seed=config.seed, on_step=on_step))
    say("4/5  measuring ...")
    with part("Loss at each noise level"):
        levels = level_losses(run, data, seed=config.seed)
    with part("Exact facts"):
        facts = exact_facts(run.alpha_bars)
    say("5/5  judging other code, and writing the report ...")
    with part("Judging other code"):
        judged = judged_code()
    folder = shlex.quote(str(run_folder))
    return Findings(
        run=run,
        log=log,
        judge=judge,
        measured=measured,
        levels=levels,
        bound=training_bound(data, run.alpha_bars, config.objective.prediction),
        facts=facts,
        judged=judged,
        times=times,
        parameters=count_parameters(run.model),
        command=again,
        sampling=f"refdiff sample {folder} --guidance 1 --output samples.png",
    )
