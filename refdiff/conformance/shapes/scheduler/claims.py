"""What a scheduler says about itself: whether it is random, its order, what its models predict."""

from __future__ import annotations

from typing import Any

import numpy as np

from refdiff.conformance.loops import Coordinates
from refdiff.conformance.shapes.scheduler.target import (
    PREDICTIONS,
    CannotBuild,
    Scheduler,
    numbers,
    quiet,
    tensor,
)

__all__ = [
    "claimed_order",
    "claims_determinism",
    "coordinates",
    "input_scale",
    "is_consistency",
    "is_flow",
    "is_inverse",
    "is_preconditioned",
    "method",
    "predictions",
    "unclipped",
    "why_no_loop",
]


def is_consistency(target: Scheduler) -> bool:
    """Say whether it drives consistency models, whose answers are no predictions of eps or x_0."""
    own = dir(target.target)
    boundary = any(name.startswith("get_scalings_for_boundary") for name in own)
    return boundary or "original_inference_steps" in target.config


def is_flow(target: Scheduler) -> bool:
    """Say whether it drives models that predict the velocity of straight paths."""
    if target.option("use_flow_sigmas") or str(target.option("prediction_type")).startswith("flow"):
        return True
    return target.alpha_bars is None and "shift" in target.config


def is_preconditioned(target: Scheduler) -> bool:
    """Say whether its models are wrapped as in EDM: x_0 = c_skip x + c_out F."""
    return "sigma_data" in target.config and not is_consistency(target)


def is_inverse(target: Scheduler) -> bool:
    """Say whether it leads from data to noise: its constructor's times ascend."""
    times = target.table("timesteps")
    return times is not None and times.ndim == 1 and times.size > 1 and bool(times[1] > times[0])


def unclipped(target: Scheduler) -> Scheduler:
    """Return it with clipping and thresholding switched off, as far as it lets."""
    for name in ("clip_sample", "thresholding"):
        if target.option(name):
            try:
                target = target.with_options(**{name: False})
            except CannotBuild:
                continue
    return target


def predictions(target: Scheduler) -> tuple[str, ...]:
    """Return what models it takes, its own first."""
    if is_preconditioned(target):
        return ("x_0",)
    if "prediction_type" not in target.config:
        return ("eps",)
    found = []
    own = target.prediction
    for name in sorted(PREDICTIONS, key=lambda name: name != own):
        try:
            _one_step(target.predicting(name))
        except CannotBuild:
            continue
        found.append(name)
    return tuple(found)


def _one_step(target: Scheduler) -> None:
    """Take a step, since some refuse a kind of prediction only then."""
    prepared, zeros = target.prepared(target.usual_steps), tensor(np.zeros((1, 1, 2, 2)))
    t = prepared.timesteps[0]
    try:
        with quiet():
            if callable(getattr(prepared, "scale_model_input", None)):
                prepared.scale_model_input(zeros, t)
            prepared.step(zeros, t, zeros)
    except (ValueError, NotImplementedError) as refusal:
        raise CannotBuild(str(refusal)) from refusal


def claims_determinism(target: Scheduler) -> bool | None:
    """Say whether it claims to draw nothing; None where nothing says so."""
    step = target.parameters("step")
    if "tau_func" in target.config or is_consistency(target) or "Ancestral" in target.name:
        return False
    if "noise_sampler_seed" in target.config:  # it owns a source of Brownian motion
        return False
    if "eta" in step:
        return step["eta"].default == 0
    if "algorithm_type" in target.config:
        return "sde" not in str(target.option("algorithm_type"))
    if "s_churn" in step:
        return not target.option("stochastic_sampling", False)
    if str(target.option("variance_type", "")).startswith(("fixed", "learned")):
        return False
    return True if "generator" not in step else None


def claimed_order(target: Scheduler) -> int | None:
    """Return the order of convergence that it claims, if it does and is deterministic."""
    if not claims_determinism(target):
        return None
    step = target.parameters("step")
    if isinstance(target.option("solver_order"), int):
        return int(target.option("solver_order"))
    if "order" in step and isinstance(step["order"].default, int):
        return int(step["order"].default)
    stages = getattr(target.target, "order", None)
    if isinstance(stages, int) and stages > 1:
        return stages
    return 1 if "eta" in step or "s_churn" in step else None


def method(target: Scheduler) -> str | None:
    """Return the method that it claims to be, in words by which `sampling` knows it; else None.

    The signature of ``step`` and the options tell, and for solvers the name of the class.
    """
    if why_no_loop(target) is not None or is_consistency(target) or is_inverse(target):
        return None
    step, name = target.parameters("step"), target.name
    exploding = coordinates(target, target.usual_steps) == "ve"
    if "eta" in step and not exploding:
        return "ddim"
    if "solver_order" in target.config:
        plain = target.option("solver_order") == 2 and target.option("solver_type") == "midpoint"
        multistep = "Multistep" in name and target.option("algorithm_type") == "dpmsolver++"
        # A last step that does not reach sigma = 0 may be of second order as well.
        plain = plain and target.option("final_sigmas_type", "zero") == "zero"
        return "dpm-solver++-2m" if plain and multistep else None
    if str(target.option("variance_type", "")).startswith(("fixed", "learned")):
        return "ddpm"
    for word, known in _SOLVERS.items():
        if word in name:
            return known if exploding else None
    if "PNDM" in name and target.option("skip_prk_steps") and not exploding:
        return "plms"
    return None


_SOLVERS = {
    "KDPM2Ancestral": None,
    "KDPM2": "dpm-2",
    "Ancestral": "euler-ancestral",
    "Euler": "euler",
    "Heun": "heun",
    "LMS": "lms",
}


def input_scale(prepared: Any, t: Any) -> float:
    """Return the factor by which ``scale_model_input`` multiplies; 1 if there is none."""
    scale = getattr(prepared, "scale_model_input", None)
    if scale is None:
        return 1.0
    with quiet():
        shown = numbers(scale(tensor(np.ones((1, 1, 2, 2))), t))
    return float(shown.ravel()[0])


def coordinates(target: Scheduler, steps: int) -> Coordinates:
    """Return ``"ve"`` if its states carry the data with factor 1, seen from what it does to them.

    A scheduler of VE states scales what the model is shown, or begins with noise of a standard
    deviation far above that of a VP state.
    """
    prepared = target.prepared(steps)
    scaled = input_scale(prepared, prepared.timesteps[0])
    begins = float(getattr(prepared, "init_noise_sigma", 1.0))
    return "vp" if scaled == 1.0 and begins == 1.0 else "ve"


def why_no_loop(target: Scheduler) -> str | None:
    """Say why a plain sampling loop cannot be driven; None if it can."""
    for method, known in (
        ("set_timesteps", ("num_inference_steps",)),
        ("step", ("model_output", "timestep", "sample")),
    ):
        reason = target.lacks(method, known)
        if reason is not None:
            return reason
    if getattr(target.target, "timesteps", None) is None and not hasattr(
        target.target, "alphas_cumprod"
    ):
        return f"{target.name} has no list of times before set_timesteps"
    if is_flow(target):
        return f"{target.name} takes models of flow velocities, which are no eps, x_0 or v"
    if target.prediction is None:
        return f"{target.name} takes models of {target.option('prediction_type')}"
    if target.alpha_bars is None and not is_preconditioned(target):
        return f"{target.name} has no table alphas_cumprod that says what its times mean"
    return None
