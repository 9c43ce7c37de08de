"""The shape `sampler`: a callable ``f(model, x_T, ...)`` whose model predicts eps.

The model is called by the target as ``model(x, t)`` or ``model(x, t, labels)``. What else the
target asks for is passed by the name of its parameter:

* a number of steps: ``steps``, ``num_steps``, ``num_inference_steps``, ``S`` ...
* a list of times, as the model shall be told them: ``timesteps``, ``times``, ``seq`` ...; where its
  default or annotation is an int, ``timesteps`` is a number of steps;
* the schedule: ``alphas_cumprod``, ``alpha_bars``, ``betas`` ...: tensors whose entry t belongs to
  the told time t, so that they begin with the clean level if the time base is 1;
* T: ``num_train_timesteps``, ``T``, ``n_T``; ``eta``; labels, guidance weight and null class;
* ``device``, ``dtype``, ``shape``, ``generator`` and ``verbose`` where they have no default.

Everything else keeps its default. The target gets torch tensors.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from refdiff import equations
from refdiff.conformance.checks import Check, Settings
from refdiff.conformance.loops import Recording
from refdiff.conformance.sampling import name_of, recorded, step_checks, whole_run_check
from refdiff.conformance.sampling.inputs import inputs_check, overwritten
from refdiff.conformance.sampling.own_schedule import foreign_schedule
from refdiff.conformance.sampling.session import Session
from refdiff.conformance.verdicts import Outcome

__all__ = ["NAME", "SamplerLoop", "checks", "recognises"]

NAME = "sampler"
Array = NDArray[np.float64]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


STEPS = _words(
    """
    steps num_steps n_steps nsteps num_inference_steps inference_steps sampling_steps S
    num_sampling_steps sampling_timesteps ddim_steps ddim_timesteps num_sample_steps nfe
    """
)
TIMES = _words(
    """
    timesteps times time_steps ts seq timestep_list time_list
    """
)
TRAINED = _words(
    """
    T n_T num_timesteps num_train_timesteps train_timesteps num_train_steps noise_steps
    total_timesteps num_diffusion_timesteps
    """
)
LEVELS = _words(
    """
    alphas_cumprod alpha_cumprod alphas_cum_prod alpha_bars alpha_bar alphas_bar alphabars
    alphabar alpha_hat alphas_hat abar abars a_bar a_bars acp
    """
)
LABELS = _words(
    """
    y labels label class_labels classes class_label cond condition c
    """
)
WEIGHT = _words(
    """
    w guidance_scale cfg_scale guidance_weight guide_w cfg_weight cfg guidance weight
    unconditional_guidance_scale guidance_strength
    """
)
NULL = _words(
    """
    null_label null_class num_classes n_classes null_index null
    """
)
BETAS = frozenset(("betas", "beta"))
ALPHAS = frozenset(("alphas", "alpha"))
ETA = frozenset(("eta", "ddim_eta"))
CLASSES = 10
"""Number of classes that a sampler is told, and so the label of the null class."""


def recognises(target: Any) -> bool:
    """Say whether the target is a callable with at least two parameters by position."""
    if not callable(target) or isinstance(target, type):
        return False
    return len(_positional(target)) >= 2


def _parameters(target: Any) -> dict[str, inspect.Parameter]:
    try:
        return dict(inspect.signature(target).parameters)
    except (TypeError, ValueError):
        return {}


def _positional(target: Any) -> list[inspect.Parameter]:
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [p for p in _parameters(target).values() if p.kind in kinds]


def _takes_number(parameter: inspect.Parameter) -> bool:
    annotated = parameter.annotation in (int, "int")
    return annotated or isinstance(parameter.default, int)


class SamplerLoop:
    """A sampler as a `refdiff.conformance.loops.Loop`.

    Parameters
    ----------
    target : callable
        The sampler.
    settings : Settings
        Schedule and time base.
    eta : float, optional
        Passed as ``eta``, if the target has it.
    dtype : str
        Of the states.
    """

    tells: Literal["time", "sigma"] = "time"
    coordinates: Literal["vp", "ve"] = "vp"
    predictions: Sequence[str] = ("eps",)
    order: int | None = None

    def __init__(
        self,
        target: Callable[..., Any],
        settings: Settings,
        *,
        eta: float | None = None,
        dtype: str = "float64",
    ) -> None:
        self.target, self.eta, self.dtype = target, eta, dtype
        self._settings = settings
        self.alpha_bars = np.asarray(settings.schedule, np.float64)
        self.time_base = settings.time_base
        # The first two parameters are the model and x_T, whatever they are called.
        self._given = list(_parameters(target).values())[2:]
        names = {p.name for p in self._given}
        self._by_list = bool(names & TIMES) and not names & STEPS
        countable = bool(names & (STEPS | TIMES))
        self.full = len(self.alpha_bars) - 1
        self.steps: Sequence[int] = range(1, self.full + 1) if countable else ()
        self.schedule_given = bool(names & (LEVELS | BETAS | ALPHAS))
        self.guided = bool(names & LABELS) and bool(names & WEIGHT)
        self.name = name_of(target, eta)
        claims = None if eta is None else eta == 0
        self.deterministic: bool | None = claims
        self.written: set[str] = set()

    def in_dtype(self, dtype: str) -> SamplerLoop | None:
        """Return the loop with states of another dtype, if samplers are asked for it."""
        if dtype != "float32":
            return None
        return SamplerLoop(self.target, self._settings, eta=self.eta, dtype=dtype)

    def initial_scale(self, steps: int) -> float:
        """Return 1: sampling begins with standard normal noise."""
        return 1.0

    def run(self, model: Any, x_T: Array, *, steps: int, prediction: str) -> Recording:
        """Run the sampler, without guidance, and record all."""
        return self._run(model, x_T, steps, {})

    def run_guided(
        self, model: Any, x_T: Array, *, steps: int, labels: Array, weight: float
    ) -> Recording:
        """Run the sampler with labels and a guidance weight, and record all."""
        import torch

        given: dict[str, Any] = {}
        for parameter in self._given:
            if parameter.name in LABELS:
                given[parameter.name] = torch.as_tensor(labels, dtype=torch.int64)
            elif parameter.name in WEIGHT:
                given[parameter.name] = weight
        return self._run(model, x_T, steps, given)

    def _run(self, model: Any, x_T: Array, steps: int, given: dict[str, Any]) -> Recording:
        import torch

        dtype = getattr(torch, self.dtype)
        first = torch.as_tensor(np.array(x_T), dtype=dtype)
        call = functools.partial(self._call, first=first, steps=steps, given=given, dtype=dtype)
        return recorded(call, model, np.asarray(first.to(torch.float64)))

    def _call(
        self, model: Any, *, first: Any, steps: int, given: dict[str, Any], dtype: Any
    ) -> Any:
        arguments = self._arguments(first, steps, dtype) | given
        positional, named = [], {}
        for parameter in self._given:
            if parameter.name not in arguments:
                continue
            if parameter.kind is inspect.Parameter.POSITIONAL_ONLY:
                positional.append(arguments[parameter.name])
            else:
                named[parameter.name] = arguments[parameter.name]
        import torch

        begun = first.clone()
        shown = {name: v for name, v in arguments.items() if isinstance(v, torch.Tensor)}
        kept = {name: value.clone() for name, value in shown.items()}
        returned = self.target(model, begun, *positional, **named)
        self.written |= overwritten(shown | {"x_T": begun}, kept | {"x_T": first})
        return returned

    def _arguments(self, first: Any, steps: int, dtype: Any) -> dict[str, Any]:
        """Return what the target asks for, by the names of its parameters."""
        made: dict[str, Any] = {}
        for parameter in self._given:
            name = parameter.name
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                continue
            value = self._argument(parameter, first, steps, dtype)
            if value is not None:
                made[name] = value
            elif parameter.default is parameter.empty:
                if name in LABELS:
                    made[name] = None
                    continue
                raise ValueError(
                    f"the sampler's parameter {name!r} has no default and no name that refdiff "
                    f"knows; give it a default, or wrap the sampler in a function without it."
                )
        return made

    def _argument(self, parameter: inspect.Parameter, first: Any, steps: int, dtype: Any) -> Any:
        import torch

        name, total = parameter.name, len(self.alpha_bars) - 1
        if name in STEPS or (name in TIMES and _takes_number(parameter)):
            return steps
        if name in TIMES:
            times = equations.trailing_timesteps(total, steps) - 1 + self.time_base
            return [int(t) for t in times]
        if name in TRAINED:
            return total
        tables = self._tables()
        for names, key in ((LEVELS, "levels"), (BETAS, "betas"), (ALPHAS, "alphas")):
            if name in names:
                return torch.as_tensor(tables[key], dtype=dtype)
        if name in ETA:
            return self.eta
        if parameter.default is not parameter.empty:
            return None
        required = {
            "device": first.device,
            "dtype": dtype,
            "shape": tuple(first.shape),
            "generator": torch.default_generator,
            "verbose": False,
            "progress": False,
        }
        if name in WEIGHT:
            return 0.0
        return CLASSES if name in NULL else required.get(name)

    def _tables(self) -> dict[str, Array]:
        """Return the schedule so that entry t belongs to the told time t."""
        levels = self.alpha_bars if self.time_base else self.alpha_bars[1:]
        betas = equations.betas_from_alpha_bars(self.alpha_bars)
        if self.time_base:
            betas = np.concatenate([[0.0], betas])
        return {"levels": levels, "betas": betas, "alphas": 1.0 - betas}


def checks(target: Any, settings: Settings) -> list[Check]:
    """Return all checks of a sampler.

    Parameters
    ----------
    target : callable
        The sampler.
    settings : Settings
        Schedule and time base.

    Returns
    -------
    list of Check
        For each eta, if it takes one: step by step, and by its law.
    """
    takes_eta = any(p.name in ETA for p in list(_parameters(target).values())[2:])
    made: list[Check] = []
    for eta in (0.0, 0.5, 1.0) if takes_eta else (None,):
        loop = SamplerLoop(target, settings, eta=eta)
        by_steps = step_checks(loop)
        clipping = [check for check in by_steps if check.id.endswith("/clipping")]
        made += [inputs_check(loop), *(check for check in by_steps if check not in clipping)]
        made += _by_the_schedule(loop, [*clipping, *_free_checks(loop)])
    eta = 0.0 if takes_eta else None
    single = SamplerLoop(target, settings, eta=eta, dtype="float32")
    # Levels are recovered from the run in float64: in float32 too few of their digits are left.
    double = SamplerLoop(target, settings, eta=eta)
    return [*made, *_by_the_schedule(double, [whole_run_check(single, "float32")])]


def _by_the_schedule(loop: SamplerLoop, checks: Sequence[Check]) -> list[Check]:
    """Let no check judge a sampler by a schedule that is not its own."""
    if loop.schedule_given:
        return list(checks)
    session = Session(loop)

    def unless_foreign(judge: Callable[[], Outcome]) -> Callable[[], Outcome]:
        return lambda: foreign_schedule(session) or judge()

    return [replace(check, judge=unless_foreign(check.judge)) for check in checks]


def _free_checks(loop: SamplerLoop) -> Sequence[Check]:
    from refdiff.conformance.free import free_checks

    return free_checks(loop)
