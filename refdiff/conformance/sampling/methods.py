"""Methods that refdiff knows by name, each as the programs that predict a run step by step.

A method turns a `Run` into transitions: what followed a call of the model, and the program over
parts that predicts it from what was seen before. A method that does not fit the structure of a run
(another number of calls) has none.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from refdiff.conformance.explain import Case
from refdiff.conformance.parts import Parts
from refdiff.conformance.parts.grids import Walk
from refdiff.conformance.sampling.session import Run

__all__ = ["Method", "Transition", "one_call_methods", "recovered", "step_inputs", "transitions_of"]

Step = Callable[[Parts, Walk, int, "Inputs"], Any]


@dataclass(frozen=True)
class Inputs:
    """What a step was made of, lifted: the state, the answer, the noise, the choice of variance."""

    x: Any
    output: Any
    noise: Callable[[], Any]
    raw: Any = None
    last: bool = False


@dataclass(frozen=True)
class Transition:
    """One observed step and the program that predicts it."""

    k: int
    last: bool
    index: int
    case: Case


@dataclass(frozen=True)
class Method:
    """A sampling method.

    Parameters
    ----------
    name : str
        Such as ``"ddim"``.
    title : str
        As a sentence says it.
    words : tuple of str
        Names of targets that contain one of these claim to be it.
    stochastic : bool
        Whether its steps add noise.
    transitions : callable
        From a `Run` to its transitions; empty where the run has another structure.
    follows : tuple of str
        Conventions that this form of the method makes; they are told, and held against nobody.
    """

    name: str
    title: str
    words: tuple[str, ...]
    stochastic: bool
    transitions: Callable[[Run], list[Transition]]
    follows: tuple[str, ...] = ()


def step_inputs(parts: Parts, run: Run, index: int, k: int, steps: int, noises: Any) -> Inputs:
    """Return what the step that begins with call `index` was made of."""
    call = run.calls[index]
    channels = call.state.shape[1]
    output, raw = call.output, None
    if run.learned and output.shape[1] == 2 * channels:
        output, raw = output[:, :channels], output[:, channels:]
    last = k + 1 == steps

    def noise() -> Any:
        found = parts.fresh_noise(noises, k, last=last)
        return found if isinstance(found, float) else parts.lift(found)

    return Inputs(
        parts.lift(call.state),
        parts.lift(output) if run.answer is None else run.answer(parts, index),
        noise,
        None if raw is None else parts.lift(raw),
        last,
    )


def one_call_methods(name: str, step: Step, run: Run) -> list[Transition]:
    """Return the transitions of a method that asks the model once a step."""
    indices = list(range(len(run.calls)))
    return transitions_of(name, step, run, indices, {k: k for k in indices})


def transitions_of(
    name: str, step: Step, run: Run, kept: Sequence[int], ends: dict[int, int]
) -> list[Transition]:
    """Return transitions: step k begins with call kept[k] and is over after call ends[k]."""
    noises = run.noises(kept)
    made = []

    def program(parts: Parts, k: int) -> Any:
        walk = run.walk(parts, kept)
        x = step(parts, walk, k, step_inputs(parts, run, kept[k], k, len(kept), noises))
        return parts.returned(x) if k + 1 == len(kept) else x

    for k, index in enumerate(kept):
        last = k + 1 == len(kept)
        at = {"step": k, "of": len(kept), "steps": run.steps, "told": run.told[index]}
        made.append(
            Transition(
                k, last, index, Case(at, run.after(ends[k]), functools.partial(program, k=k))
            )
        )
    return made


def recovered(run: Run, index: int, observed: Any, noise: Any) -> str:
    """Return the coefficients of x, of the answer and of the noise, by least squares."""
    call = run.calls[index]
    output = call.output[:, : call.state.shape[1]] if run.learned else call.output
    columns, names = [call.state, output], ["x", run.prediction]
    if noise is not None:
        columns.append(np.broadcast_to(noise, call.state.shape))
        names.append("z")
    matrix = np.stack([np.ravel(column) for column in columns], axis=1)
    values = np.ravel(np.asarray(observed, np.float64))
    if not (np.isfinite(values).all() and np.isfinite(matrix).all()):
        return "numbers that are not finite"
    found = np.linalg.lstsq(matrix, values, rcond=None)[0]
    return " + ".join(f"{c:.6g} {n}" for c, n in zip(found, names, strict=True))
