"""``add_noise`` and ``get_velocity``: the training side of a scheduler."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from refdiff.conformance.checks import Check
from refdiff.conformance.explain import Case, Program, fit
from refdiff.conformance.parts import Parts
from refdiff.conformance.shapes.scheduler import claims
from refdiff.conformance.shapes.scheduler.findings import explained, named
from refdiff.conformance.shapes.scheduler.levels import sigmas_of_table, told_by_time
from refdiff.conformance.shapes.scheduler.target import Scheduler, numbers, quiet, tensor
from refdiff.conformance.variants import variant
from refdiff.conformance.variants.scheduler import FORWARD_TABLE_OVERWRITTEN, OTHER_COORDINATES
from refdiff.conformance.verdicts import Outcome, conforms, inconclusive, not_provided

__all__ = ["noising_checks"]

_MARGINAL = ("ho2020/marginal-sample",)
_V = ("salimans2022/v-from-eps",)
_SHAPE = (1, 4, 4)


def noising_checks(target: Scheduler) -> list[Check]:
    """Return the checks of how a scheduler mixes data and noise."""
    return [
        Check("add-noise/training-times", _MARGINAL, _training(target)),
        Check("add-noise/sampling-times", _MARGINAL, _sampling(target)),
        Check("add-noise/one-time-for-each-sample", _MARGINAL, _batch(target)),
        Check("add-noise/uses-the-given-noise", _MARGINAL, _given(target)),
        Check("add-noise/keeps-the-tables", _MARGINAL, _kept(target)),
        Check("add-noise/half-precision", _MARGINAL, _half(target)),
        Check("get-velocity/training-times", _V, _velocity(target)),
        Check("get-velocity/sampling-times", _V, _sampling_velocity(target)),
    ]


def _data(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return data and noise that float16 holds exactly."""
    random = np.random.Generator(np.random.Philox(key=seed))
    values = random.integers(-64, 65, size=(2, count, *_SHAPE)) / 32
    return values[0], values[1]


def _refusal(target: Scheduler, method: str) -> Outcome | None:
    why = target.lacks(method, ("original_samples", "noise", "timesteps"))
    if why is None and claims.is_flow(target):
        why = f"{target.name} mixes data and noise along straight paths"
    if why is None and target.alpha_bars is None and target.table("sigmas") is None:
        why = f"{target.name} has no table that gives its times a noise level"
    return None if why is None else not_provided(why)


def _asked(target: Scheduler, method: str, judge: Callable[[], Outcome]) -> Callable[[], Outcome]:
    """Judge unless the method cannot be called, or says that it is not implemented."""

    def judged() -> Outcome:
        refused = _refusal(target, method)
        if refused is not None:
            return refused
        try:
            return judge()
        except NotImplementedError as refusal:
            return not_provided(f"{target.name}.{method}: {refusal}")

    return judged


def _exploding(target: Scheduler) -> bool:
    return claims.coordinates(target, target.usual_steps) == "ve"


def _level(parts: Parts, target: Scheduler, scheduler: Any, t: Any) -> Any:
    """Return alpha_bar of one of the scheduler's times, lifted.

    A whole time is an index of the table; others have the level that the list of sigmas gives.
    """
    table, time = target.table("alphas_cumprod"), float(t)
    by_time = not hasattr(scheduler, "sigmas") or told_by_time(target, target.usual_steps)
    if table is not None and by_time and time == round(time) and 0 <= time < table.size:
        known = parts.lift(table)
        return parts.level_of_told_time(known, numbers(scheduler.timesteps), time)
    index = int(np.argmax(numbers(scheduler.timesteps) == time))
    sigma = parts.lift(numbers(scheduler.sigmas)[index])
    return 1 / (1 + sigma * sigma)


def _mixed(
    target: Scheduler,
    scheduler: Any,
    x_0: Any,
    eps: Any,
    times: Sequence[Any],
    *,
    exploding: bool,
) -> Program:

    def program(parts: Parts) -> Any:
        data, noise = parts.lift(x_0, exact=True), parts.lift(eps, exact=True)
        levels = _columns([_level(parts, target, scheduler, t) for t in times])
        if exploding:
            return data + parts.sigma_of_level(levels) * noise
        return parts.forward_sample(data, noise, alpha_bar_t=levels)

    return program


def _columns(levels: list[Any]) -> Any:
    """Return one level for each sample, shaped to broadcast over them."""
    from refdiff.conformance.bounded import Bounded

    shape = (len(levels), *(1,) * len(_SHAPE))
    return Bounded(
        np.array([one.value for one in levels]).reshape(shape),
        np.array([one.error for one in levels]).reshape(shape),
        levels[0].dtype,
    )


def _case(
    target: Scheduler, scheduler: Any, times: Sequence[Any], seed: int, *, exploding: bool
) -> Case:
    """Let it add noise to one sample for each of these times of its own."""
    x_0, eps = _data(len(times), seed)
    told = _stacked(scheduler.timesteps, times)
    with quiet():
        noisy = scheduler.add_noise(tensor(x_0), tensor(eps), told)
    at = {"timesteps": [float(t) for t in times]}
    program = _mixed(target, scheduler, x_0, eps, times, exploding=exploding)
    return Case(at, numbers(noisy), program)


def _stacked(timesteps: Any, times: Sequence[Any]) -> Any:
    """Return times as a tensor of the kind that the scheduler's own list is."""
    import torch

    return torch.stack([torch.as_tensor(t, dtype=timesteps.dtype) for t in times])


def _chosen(scheduler: Any) -> list[Any]:
    """Return the first, second, middle, last but one and last of its times, each once."""
    times, count = scheduler.timesteps, len(scheduler.timesteps)
    wanted = sorted({0, min(1, count - 1), count // 2, max(count - 2, 0), count - 1})
    return [times[k] for k in wanted]


def _judged(
    target: Scheduler, prepare: Callable[[], Any], *, together: bool = False
) -> Callable[[], Outcome]:
    def judge() -> Outcome:
        scheduler = prepare()
        if getattr(scheduler, "timesteps", None) is None:
            return not_provided(f"{target.name} has no times before set_timesteps")
        if target.table("sigmas") is None or not _finds_own_times(scheduler):
            # Its times are indices of the table, whatever the dtype of its list.
            scheduler.timesteps = scheduler.timesteps.round().long()
        times = _chosen(scheduler)
        groups = [times] if together else [[t] for t in times]
        right = _exploding(target)

        def cases(*, exploding: bool) -> list[Case]:
            return [
                _case(target, scheduler, group, seed, exploding=exploding)
                for seed, group in enumerate(groups)
            ]

        outcome = explained(cases(exploding=right), "add_noise", _dtype(target))
        if (
            outcome.verdict == "conforms"
            or not fit(cases(exploding=not right), dtype=_dtype(target)).holds
        ):
            return outcome
        kinds = ("x_0 + sigma eps", "sqrt(alpha_bar) x_0 + sqrt(1 - alpha_bar) eps")
        used, wanted = kinds if not right else kinds[::-1]
        return named(
            OTHER_COORDINATES,
            f"add_noise returns {used}, where the sampler's states are {wanted}",
            at=outcome.at,
            expected=outcome.expected,
            observed=outcome.observed,
            error_units=outcome.error_units,
        )

    return _asked(target, "add_noise", judge)


def _finds_own_times(scheduler: Any) -> bool:
    """Say whether it takes an entry of its own list of times, of whatever dtype that is."""
    told = _stacked(scheduler.timesteps, [scheduler.timesteps[0]])
    x_0, eps = _data(1)
    try:
        with quiet():
            scheduler.add_noise(tensor(x_0), tensor(eps), told)
    except IndexError:
        return False
    return True


def _dtype(target: Scheduler) -> str:
    kept = {target.table_dtype(name) for name in ("alphas_cumprod", "sigmas")}
    return "float64" if kept == {"float64"} else "float32"


def _training(target: Scheduler) -> Callable[[], Outcome]:
    """As in training: ``set_timesteps`` was never called."""
    return _judged(target, target.copy)


def _sampling(target: Scheduler) -> Callable[[], Outcome]:
    return _judged(target, lambda: target.prepared(target.usual_steps))


def _batch(target: Scheduler) -> Callable[[], Outcome]:
    return _judged(target, lambda: target.prepared(target.usual_steps), together=True)


def _given(target: Scheduler) -> Callable[[], Outcome]:
    def judge() -> Outcome:
        from refdiff.conformance.probe.draws import tagged_draws

        scheduler = target.prepared(target.usual_steps)
        times = [scheduler.timesteps[len(scheduler.timesteps) // 2]]
        x_0, eps = _data(1)
        told = _stacked(scheduler.timesteps, times)
        results = []
        with quiet(), tagged_draws() as draws:
            for noise in (eps, -eps):
                results.append(numbers(scheduler.add_noise(tensor(x_0), tensor(noise), told)))
        if draws.records or np.array_equal(results[0], results[1]):
            return named(
                variant("given-noise-ignored"),
                "add_noise draws noise of its own in place of the given",
            )
        return conforms("add_noise uses the noise that it is given, and draws none")

    return _asked(target, "add_noise", judge)


def _tables(scheduler: Any) -> dict[str, tuple[str, np.ndarray]]:
    found = {}
    for name in ("betas", "alphas", "alphas_cumprod", "sigmas", "timesteps"):
        values = getattr(scheduler, name, None)
        if values is not None and hasattr(values, "dtype"):
            found[name] = (str(values.dtype), numbers(values).copy())
    return found


def _kept(target: Scheduler) -> Callable[[], Outcome]:
    def judge() -> Outcome:
        scheduler = target.prepared(target.usual_steps)
        before, times = _tables(scheduler), [scheduler.timesteps[0]]
        told = _stacked(scheduler.timesteps, times)
        x_0, eps = _data(1)
        with quiet():
            scheduler.add_noise(tensor(x_0, "float16"), tensor(eps, "float16"), told)
        for name, (dtype, values) in _tables(scheduler).items():
            if dtype != before[name][0] or not np.array_equal(
                values, before[name][1], equal_nan=True
            ):
                return named(
                    FORWARD_TABLE_OVERWRITTEN,
                    f"after add_noise of float16 data, {name} is {dtype} where it was "
                    f"{before[name][0]}",
                    at={"dtype": "float16"},
                )
        return conforms("add_noise leaves the tables as they are")

    return _asked(target, "add_noise", judge)


def _half(target: Scheduler) -> Callable[[], Outcome]:
    def judge() -> Outcome:
        scheduler = target.prepared(target.most_steps)
        t = scheduler.timesteps[-1]
        zeros, ones = np.zeros((1, *_SHAPE)), np.ones((1, *_SHAPE))
        told = _stacked(scheduler.timesteps, [t])
        with quiet():
            noisy, finer = (
                scheduler.add_noise(tensor(zeros, dtype), tensor(ones, dtype), told)
                for dtype in ("float16", "float32")
            )
        factor, own = float(numbers(noisy).ravel()[0]), numbers(finer).ravel()[:1]

        # Only what float16 adds is judged: whether the level is right is told by other checks.
        def program(parts: Parts) -> Any:
            return parts.lift(own)

        at = {"timesteps": [float(t)], "dtype": "float16"}
        outcome = explained([Case(at, [factor], program)], "add_noise of float16 data", "float16")
        if outcome.verdict != "deviates":
            return outcome
        return named(
            variant("half-precision-tables"),
            f"in float16 the noise at time {float(t):g} has the factor {factor:.4g} in place of "
            f"{outcome.expected:.4g}: 1 - alpha_bar is formed in half precision",
            at=at,
            expected=outcome.expected,
            observed=factor,
            error_units=outcome.error_units,
        )

    return _asked(target, "add_noise", judge)


def _velocity_judged(target: Scheduler, prepare: Callable[[], Any]) -> Callable[[], Outcome]:
    def judge() -> Outcome:
        scheduler = prepare()
        if sigmas_of_table(target) is None:
            return not_provided(f"{target.name} has no table alphas_cumprod")
        if not told_by_time(target, target.usual_steps):
            return inconclusive("its times are not those of the table in this configuration")
        cases = []
        for seed, t in enumerate(_chosen(scheduler)):
            x_0, eps = _data(1, seed)
            with quiet():
                told = _stacked(scheduler.timesteps, [t])
                velocity = scheduler.get_velocity(tensor(x_0), tensor(eps), told)
            cases.append(
                Case(
                    {"timesteps": [float(t)]},
                    numbers(velocity),
                    _velocity_program(target, scheduler, x_0, eps, t),
                )
            )
        return explained(cases, "get_velocity", _dtype(target))

    return _asked(target, "get_velocity", judge)


def _velocity_program(target: Scheduler, scheduler: Any, x_0: Any, eps: Any, t: Any) -> Program:
    def program(parts: Parts) -> Any:
        level = _level(parts, target, scheduler, t)
        data, noise = parts.lift(x_0, exact=True), parts.lift(eps, exact=True)
        return parts.velocity(data, noise, alpha_bar_t=level)

    return program


def _velocity(target: Scheduler) -> Callable[[], Outcome]:
    return _velocity_judged(target, target.copy)


def _sampling_velocity(target: Scheduler) -> Callable[[], Outcome]:
    return _velocity_judged(target, lambda: target.prepared(target.usual_steps))
