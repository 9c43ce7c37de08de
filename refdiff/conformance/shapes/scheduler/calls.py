"""How ``step`` is called: its forms of result, its generator, and what it leaves alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from refdiff.conformance.checks import Check
from refdiff.conformance.shapes.scheduler import claims
from refdiff.conformance.shapes.scheduler.driving import fixed_numbers
from refdiff.conformance.shapes.scheduler.findings import named
from refdiff.conformance.shapes.scheduler.loops import first_of
from refdiff.conformance.shapes.scheduler.target import Scheduler, numbers, quiet, tensor
from refdiff.conformance.variants import variant
from refdiff.conformance.variants.scheduler import GENERATOR_IGNORED
from refdiff.conformance.verdicts import Outcome, conforms, deviates, not_provided

__all__ = ["call_checks"]


def call_checks(target: Scheduler) -> list[Check]:
    """Return the checks of how steps are called."""
    return [
        Check("step/return-dict", (), _asked(target, _return_dict)),
        Check("step/generator", (), _asked(target, _generator)),
        Check("step/keeps-its-inputs", (), _asked(target, _inputs)),
        Check("step/keeps-global-state", (), _asked(target, _global_state)),
    ]


def _asked(target: Scheduler, judge: Callable[[Scheduler], Outcome]) -> Callable[[], Outcome]:
    def judged() -> Outcome:
        why = claims.why_no_loop(target)
        return judge(target) if why is None else not_provided(why)

    return judged


def _walk(
    target: Scheduler,
    *,
    options: Mapping[str, Any] | None = None,
    steps: int = 4,
    call: Callable[..., Any] | None = None,
) -> list[np.ndarray]:
    """Take some steps from the beginning; return the states."""
    scheduler = target.prepared(target.usual_steps)
    x = tensor(fixed_numbers(1) * float(getattr(scheduler, "init_noise_sigma", 1.0)))
    states = []
    for k, t in enumerate(scheduler.timesteps[:steps]):
        with quiet():
            if callable(getattr(scheduler, "scale_model_input", None)):
                scheduler.scale_model_input(x, t)
            chosen = target.step_arguments(scheduler, k) | dict(options or {})
            output = tensor(fixed_numbers(100 + k))
            step = scheduler.step if call is None else call(scheduler.step)
            x = first_of(step(output, t, x, **chosen))
        states.append(numbers(x))
    return states


def _random_options(target: Scheduler) -> dict[str, Any]:
    """Return the arguments of ``step`` that make it draw, where it has a choice."""
    taken = target.parameters("step")
    if "eta" in taken:
        return {"eta": 1.0}
    # Far above its limit, so that every step adds noise.
    return {"s_churn": 1000.0} if "s_churn" in taken else {}


def _return_dict(target: Scheduler) -> Outcome:
    if "return_dict" not in target.parameters("step"):
        return not_provided(f"{target.name}.step has no return_dict")
    from refdiff.conformance.probe.draws import tagged_draws

    results = []
    for form in (True, False):
        with tagged_draws(seed=3):
            results.append(_walk(target, options={"return_dict": form}))
    for k, (a, b) in enumerate(zip(*results, strict=True)):
        if not np.array_equal(a, b, equal_nan=True):
            return deviates(
                "the first entry of the tuple is not the prev_sample of the object",
                at={"step": k, "return_dict": False},
                expected=float(a.ravel()[0]),
                observed=float(b.ravel()[0]),
            )
    return conforms("the tuple and the object hold the same sample")


def _generator(target: Scheduler) -> Outcome:
    """Judge that the generator alone decides the noise: not the global one, and no other."""
    import torch

    from refdiff.conformance.probe.draws import tagged_draws

    options = _random_options(target)

    def free(seed: int) -> list[np.ndarray]:
        with tagged_draws(seed=seed):
            return _walk(target, options=options)

    if _same(free(1), free(2)):
        return conforms("steps add no noise")
    if "generator" not in target.parameters("step"):
        return not_provided(f"{target.name}.step draws, and takes no generator")

    def run(own: int, others: int) -> list[np.ndarray]:
        generator = torch.Generator().manual_seed(own)
        with tagged_draws(seed=others):
            return _walk(target, options=options | {"generator": generator})

    first, again, other = run(1, 10), run(1, 20), run(2, 10)
    differs = [k for k in range(len(first)) if not np.array_equal(first[k], again[k])]
    if differs:
        k = differs[0]
        return named(
            GENERATOR_IGNORED,
            "with the same generator two runs differ: noise is drawn from the global one",
            at={"step": k},
            expected=float(first[k].ravel()[0]),
            observed=float(again[k].ravel()[0]),
        )
    if _same(first, other):
        return named(GENERATOR_IGNORED, "two generators of different seeds give the same noise")
    return conforms("the generator alone decides the noise")


def _same(a: list[np.ndarray], b: list[np.ndarray]) -> bool:
    return all(np.array_equal(x, y, equal_nan=True) for x, y in zip(a, b, strict=True))


def _guarded(target: Scheduler) -> list[Any]:
    from refdiff.conformance.probe.guard import guarded

    found = []

    def call(step: Callable[..., Any]) -> Callable[..., Any]:
        def one(*arguments: Any, **options: Any) -> Any:
            result, disturbances = guarded(step, *arguments, **options)
            found.append(disturbances)
            return result

        return one

    _walk(target, options=_random_options(target), call=call)
    return found


def _inputs(target: Scheduler) -> Outcome:
    for k, seen in enumerate(_guarded(target)):
        if seen.mutated:
            return named(
                variant("mutates-its-inputs"),
                f"step writes into its argument {', '.join(seen.mutated)}",
                at={"step": k},
            )
    return conforms("step leaves its arguments as they are")


def _global_state(target: Scheduler) -> Outcome:
    for k, seen in enumerate(_guarded(target)):
        if seen.reseeded:
            return named(
                variant("seeds-global-random-state"),
                f"step seeds the global generator of {', '.join(seen.reseeded)}",
                at={"step": k},
            )
        if seen.settings:
            changed = ", ".join(f"{name} to {value}" for name, value in seen.settings.items())
            return named(
                variant("changes-global-settings"), f"step changes {changed}", at={"step": k}
            )
    return conforms("step leaves global generators and settings as they are")
