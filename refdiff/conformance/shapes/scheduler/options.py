"""The options of DDIM's and DDPM's steps: kinds of variance, clipping, thresholding, the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from refdiff._namespace import maximum, minimum
from refdiff.conformance.bounded import Bounded
from refdiff.conformance.checks import Check
from refdiff.conformance.explain import Case, fit
from refdiff.conformance.parts import Parts
from refdiff.conformance.shapes.scheduler import claims
from refdiff.conformance.shapes.scheduler.driving import (
    Drive,
    Driven,
    drive,
    drive_one,
    fixed_numbers,
)
from refdiff.conformance.shapes.scheduler.findings import explained, named, where_built
from refdiff.conformance.shapes.scheduler.target import PREDICTIONS, CannotBuild, Scheduler
from refdiff.conformance.variants.scheduler import OPTION_WITHOUT_EFFECT
from refdiff.conformance.verdicts import Outcome, inconclusive, not_provided

__all__ = ["option_checks"]

_DDPM = ("ho2020/posterior-mean", "ho2020/posterior-variance")
_DDIM = ("song2021ddim/step", "song2021ddim/sigma")
VARIANCES = (
    "fixed_small",
    "fixed_small_log",
    "fixed_large",
    "fixed_large_log",
    "learned",
    "learned_range",
)
_INDICES = (0, 1, 5, -2, -1)


def option_checks(target: Scheduler) -> list[Check]:
    """Return the checks of single steps under each option."""
    made = [
        Check(
            f"step/predicted-x-0-from-{name.replace('_', '-')}",
            (),
            where_built(_predicted(target, name)),
        )
        for name in PREDICTIONS
    ]
    made += [
        Check(
            f"step/variance-{kind.replace('_', '-')}",
            _DDPM,
            where_built(_variance(target, kind)),
        )
        for kind in VARIANCES
    ]
    made += [
        Check("step/clip-sample", _DDIM, where_built(_clipped(target, 1.0))),
        Check("step/clip-sample-range", _DDIM, where_built(_clipped(target, 0.5))),
        Check(
            "step/thresholding",
            ("saharia2022/dynamic-threshold",),
            where_built(_thresholded(target)),
        ),
        Check("step/corrected-after-clipping", _DDIM, where_built(_corrected(target))),
        Check("step/set-alpha-to-one", _DDIM, where_built(_end(target, to_one=True))),
        Check("step/set-alpha-to-first", _DDIM, where_built(_end(target, to_one=False))),
    ]
    made += [
        Check(f"step/next-time-{spacing}", _DDIM, where_built(_next_time(target, spacing)))
        for spacing in ("leading", "trailing", "linspace")
    ]
    return made


# ---------------------------------------------------------------------- programs


def _limited(parts: Parts, x_0: Any, bound: float) -> Any:
    return parts.lift(maximum(minimum(x_0, bound), -bound))


Limit = Callable[[Parts, Any], Any]


def _pair(
    drive: Drive, step: Driven, parts: Parts, level: Any, limit: Limit | None
) -> tuple[Any, Any, Any]:
    """Return the state, and the x_0 and eps that its step uses."""
    prediction = drive.target.prediction
    assert prediction is not None
    x, output = parts.lift(step.x), parts.lift(step.output[:, : step.x.shape[1]])
    known = {"alpha_bar_t": level, "prediction": prediction}
    x_0, eps = parts.predicted_x_0(output, x, **known), parts.predicted_eps(output, x, **known)
    if limit is None:
        return x, x_0, eps
    limited = limit(parts, x_0)
    return x, limited, parts.eps_after_limit(limited, x_0, eps, x, alpha_bar_t=level)


def _ddim_case(drive: Drive, step: Driven, eta: float, limit: Limit | None = None) -> Case:
    def program(parts: Parts) -> Any:
        walk = drive.walk(parts)
        levels = {
            "alpha_bar_t": parts.level_at(walk, step.k),
            "alpha_bar_s": parts.level_after(walk, step.k),
        }
        _, x_0, eps = _pair(drive, step, parts, levels["alpha_bar_t"], limit)
        noise = 0.0 if step.noise is None else parts.lift(step.noise)
        return parts.ddim_update(x_0, eps, noise, **levels, eta=eta)

    return Case(drive.at(step), step.prev_sample, program)


def _ddpm_case(drive: Drive, step: Driven, kind: str, limit: Limit | None = None) -> Case:
    last = step.k + 1 == len(drive.times)

    def program(parts: Parts) -> Any:
        walk = drive.walk(parts)
        levels = {
            "alpha_bar_t": parts.level_at(walk, step.k),
            "alpha_bar_s": parts.level_after(walk, step.k),
        }
        x, x_0, eps = _pair(drive, step, parts, levels["alpha_bar_t"], limit)
        before = {"alpha_bar_before": parts.level_before(walk, step.k)}
        mean = parts.ddpm_mean(x_0, eps, x, **levels, **before)
        if step.noise is None and last:
            return mean
        noise = 0.0 if step.noise is None else parts.lift(step.noise)
        variance = _variance_of(parts, step, kind, levels, before)
        weight = parts.noise_weight(walk, step.k)
        return parts.ddpm_update(mean, noise, variance=variance, weight=weight)

    return Case(drive.at(step) | {"variance_type": kind}, step.prev_sample, program)


def _variance_of(
    parts: Parts, step: Driven, kind: str, levels: Mapping[str, Any], before: Mapping[str, Any]
) -> Any:
    """Return the variance of the kind that the option names."""
    if kind.startswith("fixed_small"):
        return parts.ddpm_variance(**levels, **before)
    if kind.startswith("fixed_large"):
        return parts.large_variance(**levels)
    raw = parts.lift(step.output[:, step.x.shape[1] :])
    if kind == "learned":
        return parts.learned_output_variance(raw)
    return parts.learned_variance(raw, **levels, **before)


# ---------------------------------------------------------------------- checks


def _predicted(target: Scheduler, prediction: str) -> Callable[[], Outcome]:
    """Judge ``pred_original_sample`` at every step, whatever the method."""

    def judge() -> Outcome:
        why = claims.why_no_loop(target)
        if why is not None or claims.is_preconditioned(target):
            return not_provided(why or f"{target.name} wraps its models")
        if claims.is_inverse(target):
            return inconclusive("an inversion asks its model at the level before its step")
        if prediction not in claims.predictions(target):
            return not_provided(f"{target.name} takes no {prediction} models")
        driven = drive(claims.unclipped(target), prediction=prediction)
        cases = [
            Case(driven.at(step), step.pred_original_sample, _x_0_program(driven, step))
            for step in driven.steps
            if step.pred_original_sample is not None
        ]
        if not cases:
            return not_provided(f"{target.name}.step returns no pred_original_sample")
        return explained(cases, "pred_original_sample", "float32")

    return judge


def _x_0_program(driven: Drive, step: Driven) -> Callable[[Parts], Any]:
    prediction = driven.target.prediction
    exploding = claims.coordinates(driven.target, driven.target.usual_steps) == "ve"

    def program(parts: Parts) -> Any:
        x, output = parts.lift(step.x), parts.lift(step.output)
        if exploding and driven.sigmas is not None:
            sigma = parts.lift(driven.sigmas[step.k])
            return parts.denoised(output, x, sigma=sigma, prediction=prediction)
        level = parts.level_at(driven.walk(parts), step.k)
        return parts.predicted_x_0(output, x, alpha_bar_t=level, prediction=prediction)

    return program


def _variance(target: Scheduler, kind: str) -> Callable[[], Outcome]:
    def judge() -> Outcome:
        if claims.method(target) != "ddpm":
            return not_provided(f"{target.name} has no choice of a variance")
        plain = claims.unclipped(target).with_options(variance_type=kind)
        cases = []
        for index, k in enumerate(_INDICES):
            output = fixed_numbers(50 + index)
            if kind.startswith("learned"):
                # Within the range of both meanings: a positive number below 1.
                chosen = np.abs(np.tanh(fixed_numbers(80 + index)))
                output = np.concatenate([output, chosen], axis=1)
            made = _drive_one(target, plain, k, output)
            cases.append(_ddpm_case(made, made.steps[0], kind))
        if "timestep_spacing" in plain.config:
            # The last step of trailing times is a whole stride: noise there would show.
            trailing = plain.with_options(timestep_spacing="trailing")
            made = _drive_one(target, trailing, -1, output)
            cases.append(_ddpm_case(made, made.steps[0], kind))
        what = f"a step with variance_type={kind!r}"
        outcome = explained(cases, what, "float32")
        if outcome.verdict == "deviates" and kind == "learned_range":
            # A bound of the smaller variance shows at the last step alone, and only with noise.
            bounded = explained(cases, what, "float32", base=("learned-range-at-least-1e-20",))
            return bounded if bounded.verdict != "deviates" else outcome
        return outcome

    return judge


def _drive_one(
    own: Scheduler,
    chosen: Scheduler,
    k: int,
    output: np.ndarray,
    options: Mapping[str, Any] | None = None,
) -> Drive:
    """Take one step in a configuration; what another one than its own raises is a refusal."""
    try:
        return drive_one(chosen, k, output=output, options=options)
    except Exception as error:
        if chosen.config == own.config:
            raise
        changed = {k: v for k, v in chosen.config.items() if own.config.get(k) != v}
        words = ", ".join(f"{k}={v!r}" for k, v in changed.items())
        message = f"{own.name}.step refuses {words} ({type(error).__name__}: {error})"
        raise CannotBuild(message) from error


def _limit_cases(
    own: Scheduler, target: Scheduler, limit: Limit | None, options: Mapping[str, Any]
) -> list[Case]:
    cases = []
    for index, k in enumerate(_INDICES):
        output = 2 * fixed_numbers(60 + index)
        made = _drive_one(own, target, k, output, options)
        step = made.steps[0]
        if claims.method(target) == "ddim":
            cases.append(_ddim_case(made, step, 0.0, limit))
        else:
            kind = str(target.option("variance_type", "fixed_small"))
            cases.append(_ddpm_case(made, step, kind, limit))
    return cases


def _steps_alone(target: Scheduler) -> Outcome | None:
    if claims.method(target) not in ("ddim", "ddpm"):
        return not_provided(f"the steps of {target.name} are judged in whole runs")
    return None


def _clipped(target: Scheduler, bound: float) -> Callable[[], Outcome]:
    def judge() -> Outcome:
        refused = _steps_alone(target)
        if refused is not None:
            return refused
        changes: dict[str, Any] = {"clip_sample": True}
        if "thresholding" in target.config:
            changes["thresholding"] = False
        if bound != 1.0:
            changes["clip_sample_range"] = bound
        chosen = _fixed_variance(target).with_options(**changes)
        limit: Limit = lambda parts, x_0: _limited(parts, x_0, bound)  # noqa: E731
        cases = _limit_cases(target, chosen, limit, {})
        if fit(_limit_cases(target, chosen, None, {}), dtype="float32").holds:
            return named(
                OPTION_WITHOUT_EFFECT,
                "clip_sample=True has no effect: the predicted x_0 is not clipped",
                at={"clip_sample": True},
            )
        return explained(cases, f"a step that clips x_0 at {bound:g}", "float32")

    return judge


def _fixed_variance(target: Scheduler) -> Scheduler:
    kind = str(target.option("variance_type", ""))
    return (
        target.with_options(variance_type="fixed_small") if kind.startswith("learned") else target
    )


def _corrected(target: Scheduler) -> Callable[[], Outcome]:
    def judge() -> Outcome:
        if "use_clipped_model_output" not in target.parameters("step"):
            return not_provided(f"{target.name}.step has no use_clipped_model_output")
        refused = _steps_alone(target)
        if refused is not None:
            return refused
        chosen = target.with_options(clip_sample=True)
        bound = float(chosen.option("clip_sample_range", 1.0))
        limit: Limit = lambda parts, x_0: _limited(parts, x_0, bound)  # noqa: E731
        options = {"use_clipped_model_output": True}
        cases = _limit_cases(target, chosen, limit, options)
        if fit(_limit_cases(target, chosen, None, options), dtype="float32").holds:
            return inconclusive("nothing is clipped: step/clip-sample tells why")
        return explained(cases, "a step that corrects eps after clipping", "float32")

    return judge


def _thresholded(target: Scheduler) -> Callable[[], Outcome]:
    def judge() -> Outcome:
        refused = _steps_alone(target)
        if refused is not None:
            return refused
        ratio, most = 0.9, 1.5
        chosen = _fixed_variance(target).with_options(
            thresholding=True, dynamic_thresholding_ratio=ratio, sample_max_value=most
        )

        def limit(parts: Parts, x_0: Any) -> Any:
            values = np.abs(np.asarray(x_0.value, np.float64)).reshape(len(x_0.value), -1)
            quantile = np.clip(np.quantile(values, ratio, axis=1), 1.0, most)
            # The quantile moves by no more than the numbers that it is one of.
            moved = np.asarray(x_0.error).reshape(len(values), -1).max(axis=1)
            s = Bounded(np.asarray(quantile, np.longdouble), moved, parts.dtype)
            s = s.reshape(-1, 1, 1, 1)
            return maximum(minimum(x_0, s), -s) / s

        cases = _limit_cases(target, chosen, limit, {})
        return explained(cases, "a step with dynamic thresholding", "float32")

    return judge


def _end(target: Scheduler, *, to_one: bool) -> Callable[[], Outcome]:
    """Judge the last step: to the data, or to the first noise level by the option that says so."""

    def judge() -> Outcome:
        if claims.method(target) != "ddim":
            return not_provided(f"{target.name} is no DDIM")
        changes: dict[str, Any] = {"set_alpha_to_one": to_one}
        if not to_one:  # the two belong together: the last time shown is one stride above the end
            changes |= {"steps_offset": 1, "timestep_spacing": "leading"}
        chosen = claims.unclipped(target).with_options(**changes)
        made = _drive_one(target, chosen, -1, fixed_numbers(70))
        return explained([_ddim_case(made, made.steps[0], 0.0)], "the last step", "float32")

    return judge


def _next_time(target: Scheduler, spacing: str) -> Callable[[], Outcome]:
    """Judge all steps of a number that does not divide T: each goes to the next of the times."""

    def judge() -> Outcome:
        refused = _steps_alone(target)
        if refused is not None:
            return refused
        plain = claims.unclipped(_fixed_variance(target)).with_options(timestep_spacing=spacing)
        try:
            driven = drive(plain, count=min(24, plain.most_steps))
        except (ValueError, NotImplementedError) as refusal:
            raise CannotBuild(f"{target.name}: {refusal}") from refusal
        cases = []
        for step in driven.steps:
            if claims.method(plain) == "ddim":
                cases.append(_ddim_case(driven, step, 0.0))
            else:
                kind = str(plain.option("variance_type"))
                cases.append(_ddpm_case(driven, step, kind))
        what = f"a run of {len(cases)} steps with {spacing} spacing"
        return explained(cases, what, "float32")

    return judge
