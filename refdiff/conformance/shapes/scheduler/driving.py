"""A scheduler driven with arbitrary answers: what each step was given, and what it returned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from refdiff.conformance.parts import Parts
from refdiff.conformance.parts.grids import Walk
from refdiff.conformance.shapes.scheduler.levels import levels_of_calls
from refdiff.conformance.shapes.scheduler.loops import first_of
from refdiff.conformance.shapes.scheduler.target import Scheduler, numbers, quiet, tensor

__all__ = ["Drive", "Driven", "drive", "drive_one", "fixed_numbers"]

SHAPE = (2, 2, 4, 4)


def fixed_numbers(seed: int, shape: Sequence[int] = SHAPE) -> np.ndarray:
    """Return standard normal numbers that no library's seed changes."""
    return np.random.Generator(np.random.Philox(key=seed)).standard_normal(tuple(shape))


@dataclass(frozen=True)
class Driven:
    """One step.

    Parameters
    ----------
    k : int
        Index in the list of times.
    t : float
        The time that it was told.
    x, output : numpy.ndarray
        The state and the model's answer that it was given.
    prev_sample : numpy.ndarray
        The state that it returned.
    pred_original_sample : numpy.ndarray or None
        The x_0 that it returned beside, if it does.
    noise : numpy.ndarray or None
        The noise that it drew, if any.
    """

    k: int
    t: float
    x: np.ndarray
    output: np.ndarray
    prev_sample: np.ndarray
    pred_original_sample: np.ndarray | None
    noise: np.ndarray | None


@dataclass(frozen=True)
class Drive:
    """Some steps of one prepared scheduler.

    Parameters
    ----------
    target : Scheduler
        In the configuration that was driven.
    times : numpy.ndarray
        Its list of times, counted from 0.
    sigmas : sequence of float or None
        Its noise levels at these, where it keeps a list.
    steps : sequence of Driven
        What was driven.
    """

    target: Scheduler
    times: np.ndarray
    sigmas: Sequence[float] | None
    steps: Sequence[Driven]

    def walk(self, parts: Parts) -> Walk:
        """Return the levels that its times mean, lifted."""
        table = self.target.alpha_bars
        assert table is not None
        return Walk(alpha_bars=parts.lift(table), times=[float(t) + 1 for t in self.times])

    def at(self, step: Driven) -> dict[str, Any]:
        """Return the inputs of a step, as a report shows them."""
        return {"num_inference_steps": len(self.times), "timestep": step.t, "index": step.k}


def drive(
    target: Scheduler,
    *,
    count: int | None = None,
    prediction: str | None = None,
    constant: bool = False,
    options: Mapping[str, Any] | None = None,
) -> Drive:
    """Take all steps, each with an answer of its own.

    Parameters
    ----------
    target : Scheduler
        Is copied.
    count : int, optional
        Number of steps to ask for; 10 by default.
    prediction : str, optional
        What the answers mean; left out, as configured.
    constant : bool
        Whether all steps get the same answer.
    options : mapping, optional
        Further arguments of ``step``.
    """
    chosen = target if prediction is None else target.predicting(prediction)
    scheduler = chosen.prepared(count or chosen.usual_steps)
    times = numbers(scheduler.timesteps)
    begins = float(getattr(scheduler, "init_noise_sigma", 1.0))
    levels = levels_of_calls(chosen, scheduler)
    x, steps = begins * fixed_numbers(1), []
    for k, t in enumerate(scheduler.timesteps):
        output = fixed_numbers(100 if constant else 100 + k)
        asked = chosen.step_arguments(scheduler, k) | dict(options or {})
        one = _step(scheduler, k, t, x, output, asked)
        steps.append(one)
        x = one.prev_sample
    return Drive(chosen, times, levels, steps)


def drive_one(
    target: Scheduler,
    k: int,
    *,
    count: int | None = None,
    output: np.ndarray,
    x: np.ndarray | None = None,
    options: Mapping[str, Any] | None = None,
) -> Drive:
    """Take one step of a scheduler whose steps depend on nothing before them.

    Parameters
    ----------
    target : Scheduler
        Is copied.
    k : int
        Index in the list of times; negative from its end.
    count : int, optional
        Number of steps to ask for.
    output : numpy.ndarray
        What the model answers.
    x : numpy.ndarray, optional
        The state; standard normal numbers by default.
    options : mapping, optional
        Further arguments of ``step``.
    """
    scheduler = target.prepared(count or target.usual_steps)
    times, levels = numbers(scheduler.timesteps), levels_of_calls(target, scheduler)
    index = k % times.size
    state = fixed_numbers(1) if x is None else x
    asked = target.step_arguments(scheduler, index) | dict(options or {})
    step = _step(scheduler, index, scheduler.timesteps[index], state, output, asked)
    return Drive(target, times, levels, [step])


def _step(
    scheduler: Any, k: int, t: Any, x: np.ndarray, output: np.ndarray, options: Mapping[str, Any]
) -> Driven:
    from refdiff.conformance.probe.draws import tagged_draws

    with quiet(), tagged_draws(seed=k) as draws:
        if callable(getattr(scheduler, "scale_model_input", None)):
            scheduler.scale_model_input(tensor(x), t)
        result = scheduler.step(tensor(output), t, tensor(x), **options)
    returned = getattr(result, "pred_original_sample", None)
    normal = [draw.values for draw in draws.records if draw.kind == "normal"]
    return Driven(
        k=k,
        t=float(t),
        x=np.asarray(x, dtype=np.float64),
        output=np.asarray(output, dtype=np.float64),
        prev_sample=numbers(first_of(result)),
        pred_original_sample=None if returned is None else numbers(returned),
        noise=normal[0].reshape(x.shape) if normal and normal[0].size == x.size else None,
    )
