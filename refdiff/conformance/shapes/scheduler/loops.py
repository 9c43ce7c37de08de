"""A scheduler driven as its users drive it: `SchedulerLoop`."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from refdiff.conformance.loops import Call, Coordinates, Model, Recording
from refdiff.conformance.shapes.scheduler import claims
from refdiff.conformance.shapes.scheduler.levels import levels_of_calls, told_by_time
from refdiff.conformance.shapes.scheduler.target import Scheduler, numbers, quiet, tensor
from refdiff.equations import edm_c_out, edm_c_skip

__all__ = ["SchedulerLoop", "first_of"]

_MOST_STEPS = 128


def first_of(result: Any) -> Any:
    """Return the sample that a step leads to: what ``prev_sample`` or a tuple holds."""
    found = getattr(result, "prev_sample", None)
    if found is not None:
        return found
    return result[0] if isinstance(result, tuple) else result


class SchedulerLoop:
    """The loop ``for t in timesteps: scale, ask the model, step``, with everything recorded.

    A model of a scheduler with whole times is told these. Where times are fractions, or stand for
    other levels than those of the table, how a network would read them is not the scheduler's
    affair: the model is then told the scheduler's own sigma, and shown the state in VE
    coordinates.

    Parameters
    ----------
    target : Scheduler
        In the configuration to run; clipping is switched off.
    name : str
        Beginning of the ids of the checks.
    step_options : mapping, optional
        Further arguments of ``step``, such as ``eta``.
    deterministic : bool or None, optional
        What it claims with these options; left out, what the scheduler claims.
    most_steps : int
        The largest number of steps of a run.
    """

    time_base = 0

    def __init__(
        self,
        target: Scheduler,
        name: str = "sampling-loop",
        *,
        step_options: dict[str, Any] | None = None,
        deterministic: bool | Literal["as-claimed"] | None = "as-claimed",
        most_steps: int = _MOST_STEPS,
    ) -> None:
        self.target = claims.unclipped(target)
        self.name = name
        self.step_options = step_options or {}
        if "eta" in target.parameters("step"):
            default = target.parameters("step")["eta"].default
            self.eta = float(self.step_options.get("eta", default))
        self._deterministic = deterministic
        self._most_steps = most_steps
        self._levels: dict[int, list[float] | None] = {}

    # ------------------------------------------------------------------ what it claims

    @functools.cached_property
    def alpha_bars(self) -> np.ndarray:
        """The scheduler's own table, or that of its sigmas."""
        table = self.target.alpha_bars
        if table is not None:
            return table
        sigmas = self.target.table("sigmas")
        known = np.unique(sigmas[sigmas > 0]) if sigmas is not None else np.array([1.0])
        return np.concatenate([[1.0], 1 / (1 + known**2)])

    @functools.cached_property
    def tells(self) -> Literal["time", "sigma"]:
        """Whether the model is told times."""
        return "time" if told_by_time(self.target, self.target.usual_steps) else "sigma"

    @functools.cached_property
    def coordinates(self) -> Coordinates:
        """Whether the states are VP or VE."""
        return claims.coordinates(self.target, self.target.usual_steps)

    @functools.cached_property
    def predictions(self) -> Sequence[str]:
        """What its models may predict."""
        return claims.predictions(self.target)

    @functools.cached_property
    def deterministic(self) -> bool | None:
        """Whether it claims to draw nothing."""
        if self._deterministic == "as-claimed":
            return claims.claims_determinism(self.target)
        return self._deterministic

    @functools.cached_property
    def order(self) -> int | None:
        """The order of convergence that it claims."""
        return claims.claimed_order(self.target) if self.deterministic else None

    @functools.cached_property
    def dtype(self) -> str:
        """The coarser one of the dtypes of its tables and its states."""
        kept = {self.target.table_dtype(name) for name in ("alphas_cumprod", "sigmas")}
        return "float64" if kept == {"float64"} else "float32"

    @functools.cached_property
    def steps(self) -> Sequence[int]:
        """Numbers of steps that it can be asked for."""
        least = next((n for n in range(1, self.full) if self._takes(n)), self.full)
        return range(least, self.full + 1)

    def _takes(self, steps: int) -> bool:
        try:
            self.target.prepared(steps)
        except Exception:  # whatever it raises: the checks of set_timesteps report it
            return False
        return True

    @functools.cached_property
    def full(self) -> int:
        """The largest number of steps that runs are made with.

        It may take more; that these run to a finite end is a check of ``set_timesteps``.
        """
        # A step of LMS, which takes its order, integrates numerically: runs of it are slow.
        slow = "order" in self.target.parameters("step")
        most = min(self._most_steps // 2 if slow else self._most_steps, self.target.most_steps)
        total = self.target.train_steps
        # One that divides T, as the largest one does: no list of times has a remainder.
        return next((n for n in range(most, most // 2, -1) if total % n == 0), most)

    def initial_scale(self, steps: int) -> float:
        """Return its ``init_noise_sigma``."""
        return float(getattr(self.target.prepared(steps), "init_noise_sigma", 1.0))

    # ------------------------------------------------------------------ running

    def run(self, model: Model, x_T: np.ndarray, *, steps: int, prediction: str) -> Recording:
        """Run it once.

        Parameters
        ----------
        model : callable
            ``model(x, t)``, or ``model(x, sigma)`` of VE states, as `tells` says.
        x_T : numpy.ndarray
            What to begin with, already multiplied by the initial scale.
        steps : int
            What ``set_timesteps`` is asked for.
        prediction : str
            What the model predicts.

        Returns
        -------
        Recording
            All calls and draws; the states before each step and after the last.
        """
        from refdiff.conformance.probe.draws import tagged_draws

        wrapped = claims.is_preconditioned(self.target)
        target = self.target if wrapped else self.target.predicting(prediction)
        scheduler = target.prepared(steps)
        levels = self._levels_of(steps, target, scheduler)
        asked = _Asked()
        x, states = tensor(x_T), [np.array(x_T, dtype=np.float64)]
        with quiet(), tagged_draws(asked) as draws:
            for k, t in enumerate(scheduler.timesteps):
                shown = x
                if callable(getattr(scheduler, "scale_model_input", None)):
                    shown = scheduler.scale_model_input(x, t)
                sigma = None if levels is None else levels[k]
                output = self._ask(model, asked, x, shown, t, sigma, prediction, wrapped=wrapped)
                options = target.step_arguments(scheduler, k) | self.step_options
                x = first_of(scheduler.step(output, t, x, **options))
                states.append(numbers(x))
        return Recording(
            x_T=states[0],
            calls=tuple(asked.calls),
            draws=tuple(draws.records),
            result=states[-1],
            tagged=draws.tagged,
            states=tuple(states),
        )

    def _levels_of(self, steps: int, target: Scheduler, scheduler: Any) -> list[float] | None:
        """Return the scheduler's sigmas at the calls of a run, where the model is told them."""
        if self.tells == "time":
            return None
        if steps not in self._levels:
            self._levels[steps] = levels_of_calls(target, scheduler)
        return self._levels[steps]

    def _ask(
        self,
        model: Model,
        asked: _Asked,
        x: Any,
        shown: Any,
        t: Any,
        sigma: float | None,
        prediction: str,
        *,
        wrapped: bool,
    ) -> Any:
        """Ask the model and return its answer as the scheduler wants it."""
        count = len(x)
        if sigma is None:
            output = model(shown, t)
            told = np.full(count, float(t))
            asked.calls.append(Call(numbers(shown), told, None, numbers(output), numbers(x)))
            return output
        total = (1 + sigma * sigma) ** 0.5
        exploding = x * total if self.coordinates == "vp" else x
        output = model(exploding, sigma)
        if prediction == "v":  # of the state of variance one, as schedulers mean it
            output = output / total
        told = np.full(count, sigma)
        asked.calls.append(Call(numbers(exploding), told, None, numbers(output), numbers(x)))
        return self._as_network(output, exploding, sigma) if wrapped else output

    def _as_network(self, x_0: Any, x: Any, sigma: float) -> Any:
        """Return the raw output F of an EDM network whose wrapped prediction is this x_0."""
        data = float(self.target.option("sigma_data"))
        skip = edm_c_skip(sigma=sigma, sigma_data=data)
        out = edm_c_out(sigma=sigma, sigma_data=data)
        sign = -1.0 if self.target.prediction == "v" else 1.0
        return (x_0 - skip * x) / (sign * out)


class _Asked:
    """What the recorder of draws reads to know which call of the model comes next."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
