"""A scheduler behind one small surface: its options, its copies, its numbers.

Nothing here judges. A `Scheduler` hides how the shape is spelled: a config that is a mapping or an
object, results that are tuples or carry ``prev_sample``, arguments that some classes lack.
"""

from __future__ import annotations

import contextlib
import copy
import inspect
import logging
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

__all__ = ["PREDICTIONS", "CannotBuild", "Scheduler", "numbers", "quiet", "tensor"]

PREDICTIONS: Mapping[str, tuple[str, ...]] = {
    "eps": ("epsilon", "eps"),
    "x_0": ("sample", "x_0", "x0"),
    "v": ("v_prediction", "v"),
}
"""What the shape calls each prediction; the first name is the usual one."""

_NAMES = {name: ours for ours, names in PREDICTIONS.items() for name in names}


class CannotBuild(Exception):
    """The target has no such configuration: it refused, or cannot be made anew."""


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence warnings and log messages of the target: they are no finding."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def numbers(values: Any) -> np.ndarray:
    """Return an array or tensor as NumPy float64."""
    detach = getattr(values, "detach", None)
    if detach is None:
        return np.asarray(values, dtype=np.float64)
    import torch

    return np.asarray(detach().to(device="cpu", dtype=torch.float64).numpy())


def tensor(values: Any, dtype: str = "float64") -> Any:
    """Return numbers as a tensor."""
    import torch

    return torch.as_tensor(np.asarray(values), dtype=getattr(torch, dtype))


class Scheduler:
    """One scheduler object and what can be asked of it.

    Parameters
    ----------
    target : object
        The scheduler. It is never changed: every question goes to a copy.
    """

    def __init__(self, target: Any) -> None:
        self.target = target

    # ------------------------------------------------------------------ configuration

    @property
    def config(self) -> dict[str, Any]:
        """The options as a dictionary; empty if the target shows none."""
        config = getattr(self.target, "config", None)
        if config is None:
            return {}
        if isinstance(config, Mapping):
            return dict(config)
        return {k: v for k, v in vars(config).items() if not k.startswith("_")}

    def option(self, name: str, default: Any = None) -> Any:
        """Return one option."""
        found = self.config.get(name)
        return default if found is None else found

    @property
    def name(self) -> str:
        """Name of the class."""
        return type(self.target).__name__

    @property
    def prediction(self) -> str | None:
        """``"eps"``, ``"x_0"`` or ``"v"``; None if it is called otherwise."""
        return _NAMES.get(str(self.option("prediction_type", "epsilon")))

    def with_options(self, **changes: Any) -> Scheduler:
        """Return the same scheduler built anew with some options changed.

        Raises
        ------
        CannotBuild
            If it has no such option or refuses this value.
        """
        config = self.config
        missing = sorted(changes.keys() - config.keys())
        if missing:
            raise CannotBuild(f"{self.name} has no option {', '.join(missing)}")
        if all(config[k] == v for k, v in changes.items()):
            return self
        try:
            with quiet():
                return Scheduler(_built(self.target, config | changes))
        except Exception as error:
            chosen = ", ".join(f"{k}={v!r}" for k, v in changes.items())
            raise CannotBuild(f"{self.name} cannot be built with {chosen} ({error})") from error

    def predicting(self, prediction: str) -> Scheduler:
        """Return it for models that predict this.

        Raises
        ------
        CannotBuild
            If it takes no such models.
        """
        if self.prediction == prediction:
            return self
        failure = CannotBuild(f"{self.name} takes no {prediction} models")
        for word in PREDICTIONS[prediction]:
            try:
                return self.with_options(prediction_type=word)
            except CannotBuild as error:
                failure = error
        raise failure

    # ------------------------------------------------------------------ copies and calls

    def copy(self) -> Any:
        """Return a copy of the target that may be used up."""
        return copy.deepcopy(self.target)

    def prepared(self, steps: int) -> Any:
        """Return a copy on which ``set_timesteps`` was called."""
        made = self.copy()
        with quiet():
            made.set_timesteps(steps)
        return made

    def parameters(self, method: str) -> Mapping[str, inspect.Parameter]:
        """Return the parameters of a method; none if it is missing."""
        function = getattr(self.target, method, None)
        if not callable(function):
            return {}
        try:
            return inspect.signature(function).parameters
        except (TypeError, ValueError):
            return {}

    def lacks(self, method: str, known: tuple[str, ...]) -> str | None:
        """Say why a method cannot be called with what a plain sampling loop has."""
        if not callable(getattr(self.target, method, None)):
            return f"{self.name} has no method {method}"
        more = [
            name
            for name, parameter in self.parameters(method).items()
            if parameter.default is inspect.Parameter.empty
            and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        ][len(known) :]
        if more:
            return f"{self.name}.{method} needs {', '.join(more)} as well"
        return None

    def step_arguments(self, prepared: Any, k: int) -> dict[str, Any]:
        """Return further arguments that a loop passes to step k: the time that follows, if asked.

        Parameters
        ----------
        prepared : object
            The copy that is driven.
        k : int
            Index of the step.
        """
        if "prev_timestep" not in self.parameters("step") or k + 1 >= len(prepared.timesteps):
            return {}
        return {"prev_timestep": prepared.timesteps[k + 1]}

    # ------------------------------------------------------------------ tables

    def table(self, name: str) -> np.ndarray | None:
        """Return a table that the target keeps, float64; None if it has none of that name."""
        values = getattr(self.target, name, None)
        if values is None or callable(values):
            return None
        return numbers(values)

    def table_dtype(self, name: str) -> str:
        """Return the dtype that a table is kept in."""
        return str(getattr(getattr(self.target, name, None), "dtype", "float64")).rpartition(".")[2]

    @property
    def alpha_bars(self) -> np.ndarray | None:
        """Its own ``alphas_cumprod`` with the 1 in front that refdiff's tables have."""
        table = self.table("alphas_cumprod")
        if table is None or table.ndim != 1 or not table.size:
            return None
        return np.concatenate([[1.0], table])

    @property
    def train_steps(self) -> int:
        """The number T of training times."""
        table = self.table("alphas_cumprod")
        known = 1000 if table is None else table.size
        return int(self.option("num_train_timesteps", known))

    @property
    def most_steps(self) -> int:
        """The largest number of steps: T, or the steps of a consistency model's teacher."""
        return int(self.option("original_inference_steps", self.train_steps))

    @property
    def usual_steps(self) -> int:
        """A number of steps that any sampler can be asked for: 10 if there are as many."""
        return min(10, self.most_steps)


def _built(target: Any, config: Mapping[str, Any]) -> Any:
    kind = type(target)
    taken = inspect.signature(kind.__init__).parameters
    if any(p.kind is p.VAR_KEYWORD for p in taken.values()):
        taken_names = {k for k in config if not k.startswith("_")}
    else:
        taken_names = set(taken)
    return kind(**{k: v for k, v in config.items() if k in taken_names})
