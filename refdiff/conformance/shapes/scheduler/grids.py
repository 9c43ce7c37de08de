"""``set_timesteps``: how many times, which ones, at which levels, and what it leaves behind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from refdiff.conformance.checks import Check
from refdiff.conformance.shapes.scheduler import claims
from refdiff.conformance.shapes.scheduler.findings import named, where_built
from refdiff.conformance.shapes.scheduler.spacing import judge_spacing
from refdiff.conformance.shapes.scheduler.target import (
    CannotBuild,
    Scheduler,
    numbers,
    quiet,
    tensor,
)
from refdiff.conformance.variants.scheduler import (
    NUMBER_OF_STEPS,
    REPEATED_LEVEL,
    STALE_STATE,
    TIME_BEYOND_TABLE,
    UNREACHED_LEVELS,
)
from refdiff.conformance.verdicts import (
    Outcome,
    conforms,
    deviates,
    inconclusive,
    not_provided,
)

__all__ = ["grid_checks"]

_GRID = ("lin2024/leading-timesteps", "lin2024/trailing-timesteps", "lin2024/linspace-timesteps")
SPACINGS = ("leading", "trailing", "linspace")
REFUSALS = (ValueError, NotImplementedError)
"""What a method raises to say that it does not take its arguments."""
_COUNTS = (1, 2, 3, 7, 9, 12, 27, 53)
"""Numbers of steps most of which divide no usual T."""


def grid_checks(target: Scheduler) -> list[Check]:
    """Return the checks of what ``set_timesteps`` makes."""
    made = [
        Check("set-timesteps/number-of-steps", _GRID, _guarded(target, _count)),
        Check("set-timesteps/one-step", _GRID, _guarded(target, _one)),
        Check("set-timesteps/all-steps", _GRID, _guarded(target, _all)),
        Check("set-timesteps/within-the-table", _GRID, _guarded(target, _inside)),
        Check("set-timesteps/in-order", _GRID, _guarded(target, _ordered)),
        Check("set-timesteps/as-many-levels", _GRID, _guarded(target, _sizes)),
        Check("set-timesteps/repeatable", (), _guarded(target, _repeatable)),
        Check("set-timesteps/after-a-run", (), _guarded(target, _after_run)),
    ]
    for spacing in SPACINGS:
        made.append(
            Check(
                f"set-timesteps/spacing-{spacing}",
                (f"lin2024/{spacing}-timesteps",),
                where_built(_spacing(target, spacing)),
            )
        )
    return made


def _guarded(target: Scheduler, judge: Callable[[Scheduler], Outcome]) -> Callable[[], Outcome]:
    def judged() -> Outcome:
        why = claims.why_no_loop(target)
        if why is not None:
            return not_provided(why)
        try:
            return judge(target)
        except CannotBuild as refusal:
            return not_provided(str(refusal))

    return judged


def _lists(target: Scheduler, counts: tuple[int, ...]) -> tuple[dict[int, np.ndarray], list[str]]:
    """Return the times for each number of steps, and what was refused."""
    found: dict[int, np.ndarray] = {}
    refused = []
    for count in counts:
        try:
            found[count] = numbers(target.prepared(count).timesteps)
        except Exception as error:  # a refusal is not judged here: it is shown, or its check fails
            refused.append(f"{count} ({type(error).__name__}: {error})")
    if not found:
        raise CannotBuild(f"{target.name}.set_timesteps refuses {', '.join(refused)}")
    return found, refused


def _count(target: Scheduler) -> Outcome:
    """Judge the lengths: linear in S, as they are where S divides T."""
    total = target.train_steps
    dividing = tuple(n for n in (5, 10, 20, 25, 40, 50) if total % n == 0 and n < total)
    measured, _ = _lists(target, dividing or (4, 8, 16))
    if len(measured) < 2:
        return inconclusive(f"{target.name} takes too few numbers of steps to compare")
    (a, first), (b, second) = [(n, len(times)) for n, times in list(measured.items())[-2:]]
    slope, rest = divmod(second - first, b - a)
    if rest:
        return inconclusive("the number of times is no linear function of the number of steps")
    lists, refused = _lists(target, tuple(n for n in _COUNTS if n < total))
    for n, times in lists.items():
        expected = first + slope * (n - a)
        # A method that starts up differently has its own count below its order.
        if len(times) != expected and total % n and n > 4:
            return named(
                NUMBER_OF_STEPS,
                f"set_timesteps({n}) gives {len(times)} times in place of {expected}",
                at={"num_inference_steps": n},
                expected=expected,
                observed=len(times),
            )
    shown = f"; refused: {', '.join(refused)}" if refused else ""
    return conforms(f"the number of times is right for {', '.join(map(str, lists))} steps{shown}")


def _one(target: Scheduler) -> Outcome:
    try:
        scheduler = target.prepared(1)
    except REFUSALS as error:
        return inconclusive(f"{target.name} refuses a single step ({error})")
    return _runs(target, scheduler, 1)


def _all(target: Scheduler) -> Outcome:
    most = target.most_steps
    try:
        scheduler = target.prepared(most)
    except REFUSALS as error:
        return inconclusive(f"{target.name} refuses {most} steps ({error})")
    return _runs(target, scheduler, most)


def _runs(target: Scheduler, scheduler: Any, count: int) -> Outcome:
    """Take the first and the last step of a walk: neither may fail, and both stay finite."""
    from refdiff.conformance.shapes.scheduler.loops import first_of

    x = tensor(np.full((1, 1, 2, 2), 0.5))
    times = scheduler.timesteps
    walked = times if count <= 100 or claims.claimed_order(target) != 1 else times[[0, -1]]
    with quiet():
        for t in walked:
            if callable(getattr(scheduler, "scale_model_input", None)):
                scheduler.scale_model_input(x, t)
            x = first_of(scheduler.step(x * 0, t, x))
            if not np.isfinite(numbers(x)).all():
                known = {
                    "at": {"num_inference_steps": count, "timestep": float(t)},
                    "observed": float(numbers(x).ravel()[0]),
                }
                message = f"with {count} steps the state after time {float(t):g} is not finite"
                if _repeats(scheduler):
                    return named(
                        REPEATED_LEVEL, f"{message}: a noise level is listed twice", **known
                    )
                return deviates(message, **known)
    return conforms(f"{count} step{'s run' if count > 1 else ' runs'} to a finite end")


def _repeats(scheduler: Any) -> bool:
    """Say whether a step has no length: two of the levels that follow each other are equal."""
    sigmas = getattr(scheduler, "sigmas", None)
    levels = numbers(scheduler.timesteps if sigmas is None else sigmas)
    return bool((np.diff(levels) == 0).any())


def _inside(target: Scheduler) -> Outcome:
    table = target.table("alphas_cumprod")
    if table is None:
        return not_provided(f"{target.name} has no table alphas_cumprod that its times index")
    if target.option("timestep_type") == "continuous":
        return inconclusive("its times are logarithms of noise levels, and index no table")
    counts = tuple({1, 3, 10, target.most_steps})
    lists, _ = _lists(target, counts)
    for n, times in sorted(lists.items()):
        if times.min() < 0 or times.max() > table.size - 1:
            worst = times.max() if times.max() > table.size - 1 else times.min()
            return named(
                TIME_BEYOND_TABLE,
                f"set_timesteps({n}) gives the time {worst:g}, and the table ends at "
                f"{table.size - 1}",
                at={"num_inference_steps": n},
                expected=table.size - 1,
                observed=float(worst),
            )
    return conforms(f"all times of {', '.join(map(str, sorted(lists)))} steps are in the table")


def _ordered(target: Scheduler) -> Outcome:
    lists, _ = _lists(target, (3, 7, 10))
    for n, times in lists.items():
        rises = np.diff(times)
        if times[0] < times[-1]:
            rises = -rises
        # A second stage at the next level is told a time that was interpolated another way.
        if (rises >= 1).any():
            k = int(np.argmax(rises >= 1))
            return deviates(
                f"set_timesteps({n}) gives {times[k + 1]:g} after {times[k]:g}",
                at={"num_inference_steps": n, "index": k},
                expected=f"at most {times[k]:g}",
                observed=float(times[k + 1]),
            )
    return conforms("the times run in one direction")


def _sizes(target: Scheduler) -> Outcome:
    """Judge that the last level of the list is the one that the last step goes to."""
    if getattr(target.prepared(target.usual_steps), "sigmas", None) is None:
        return not_provided(f"{target.name} keeps no list sigmas")
    counts = tuple(n for n in (1, 3, 10) if n <= target.most_steps)
    for n in counts:
        try:
            scheduler = target.prepared(n)
        except REFUSALS:
            continue
        times, sigmas = numbers(scheduler.timesteps), numbers(scheduler.sigmas)
        if sigmas.size < times.size:
            return deviates(
                f"set_timesteps({n}) gives {times.size} times and {sigmas.size} noise levels",
                at={"num_inference_steps": n},
                expected=times.size + 1,
                observed=sigmas.size,
            )
        reached = sigmas[min(times.size, sigmas.size - 1)]
        if sigmas[-1] != reached:
            return named(
                UNREACHED_LEVELS,
                f"set_timesteps({n}) gives {times.size} times and {sigmas.size} noise levels: the "
                f"last step ends at sigma={reached:.4g}, not at the list's last, {sigmas[-1]:.4g}",
                at={"num_inference_steps": n},
                expected=float(sigmas[-1]),
                observed=float(reached),
            )
    return conforms("the last noise level is the one that the last step goes to")


def _state(scheduler: Any) -> Mapping[str, np.ndarray]:
    """Return the lists that the next run depends on."""
    return {
        name: numbers(getattr(scheduler, name))
        for name in ("timesteps", "sigmas", "alphas_cumprod", "init_noise_sigma")
        if getattr(scheduler, name, None) is not None
    }


def _first_difference(a: Mapping[str, np.ndarray], b: Mapping[str, np.ndarray]) -> str | None:
    for name, values in a.items():
        other = b.get(name)
        if other is None or not np.array_equal(values, other, equal_nan=True):
            return name
    return None


def _repeatable(target: Scheduler) -> Outcome:
    """Judge that calling it again, or with another number between, changes nothing."""
    count = target.usual_steps
    once = _state(target.prepared(count))
    for between in (count, max(count - 3, 1)):
        again = target.copy()
        with quiet():
            again.set_timesteps(count)
            try:
                again.set_timesteps(between)
            except Exception:  # another check judges which numbers it takes
                continue
            again.set_timesteps(count)
        name = _first_difference(once, _state(again))
        if name is not None:
            return named(
                STALE_STATE,
                f"{name} differs when set_timesteps({count}) is called again after "
                f"set_timesteps({between})",
                at={"num_inference_steps": count},
            )
    return conforms("calling it again changes nothing")


def _after_run(target: Scheduler) -> Outcome:
    """Judge that a second run on the same object is the first one again."""
    from refdiff.conformance.probe.draws import tagged_draws
    from refdiff.conformance.shapes.scheduler.loops import first_of

    scheduler, results = target.copy(), []
    random = np.random.Generator(np.random.Philox(key=1))
    begin, answers = random.standard_normal((1, 1, 2, 2)), random.standard_normal((200, 1, 1, 2, 2))
    for _ in range(2):
        with quiet(), tagged_draws(seed=7):
            scheduler.set_timesteps(target.usual_steps)
            x = tensor(begin)
            for k, t in enumerate(scheduler.timesteps):
                if callable(getattr(scheduler, "scale_model_input", None)):
                    scheduler.scale_model_input(x, t)
                x = first_of(scheduler.step(tensor(answers[k]), t, x))
        results.append(numbers(x))
    if np.array_equal(results[0], results[1], equal_nan=True):
        return conforms("a second run on the same object repeats the first")
    gap = float(np.abs(results[0] - results[1]).max())
    return named(
        STALE_STATE,
        f"after set_timesteps, a second run on the same object differs from the first by {gap:.3g}",
        at={"num_inference_steps": target.usual_steps},
        expected=float(results[0].ravel()[0]),
        observed=float(results[1].ravel()[0]),
    )


def _spacing(target: Scheduler, spacing: str) -> Callable[[], Outcome]:
    def judge() -> Outcome:
        if target.lacks("set_timesteps", ("num_inference_steps",)) is not None:
            return not_provided(f"{target.name} has no set_timesteps(num_inference_steps)")
        if claims.is_consistency(target):
            return inconclusive("the times of a consistency model are those of its teacher")
        if claims.is_inverse(target):
            return inconclusive("the times of an inversion are counted from the data")
        chosen = target.with_options(timestep_spacing=spacing)
        try:
            return judge_spacing(chosen, spacing)
        except REFUSALS as refusal:
            return not_provided(f"{target.name}.set_timesteps: {refusal}")

    return judge
