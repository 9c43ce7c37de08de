"""Images from a trained run.

Sample i depends on the seed, i and its label alone: its noise is bit-equal whatever the batch size,
and its pixels agree to the rounding of the network.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from refdiff import equations, samplers
from refdiff._checks import CLOSED_UNIT, Interval, check_count, check_in
from refdiff.pictures import evenly_spaced
from refdiff.samplers.schedule import discrete
from refdiff.samplers.step import Model
from refdiff.training.run import Run

__all__ = ["Limit", "SampleConfig", "Samples", "Spacing", "Variance", "sample_images"]

SamplerName = Literal["ddpm", "ddim", "dpm-solver++", "sde-dpm-solver++", "unipc", "lms"]
Spacing = Literal["trailing", "leading", "linspace"]
Variance = Literal["fixed-small", "fixed-large", "learned-range"]
Limit = Literal["clip", "dynamic", "none"]

_GRIDS: dict[str, Callable[[int, int], Any]] = {
    "trailing": equations.trailing_timesteps,
    "leading": equations.leading_timesteps,
    "linspace": equations.linspace_timesteps,
}
# Solvers that ask a network at its own times only, and step in the log-SNR or by several noises. In
# sigma / alpha, as Heun's method does, a first step down from almost no signal is far too long.
_SOLVERS: dict[str, Callable[..., samplers.Trajectory]] = {
    "dpm-solver++": partial(samplers.dpm_solver_pp, variant="2M"),
    "sde-dpm-solver++": partial(samplers.dpm_solver_pp, variant="SDE-2M"),
    "unipc": partial(samplers.unipc, order=2, form="x_0"),
    "lms": samplers.lms,
}
_W = Interval(-1.0, float("inf"), has_high=False)


@dataclass(frozen=True)
class SampleConfig:
    """How to sample.

    Raises
    ------
    ValueError
        If a value lies outside its domain.
    """

    sampler: SamplerName = "ddim"
    """DDPM's ancestral sampler, DDIM, or a solver of higher order with one call a step:
    DPM-Solver++ 2M, its SDE form, UniPC of order 2, Adams-Bashforth of order 4."""
    steps: int | None = None
    """Sampler steps S, at most T; by default all T for DDPM, and else 50 or all if fewer."""
    eta: float = 0.0
    """DDIM's noise: 0 for none, 1 for as much as DDPM has."""
    guidance: float = 0.0
    """Weight w of classifier-free guidance: 0 for none, -1 for no class at all."""
    spacing: Spacing = "trailing"
    """Which S of the T times are visited; leading does not begin at T."""
    variance: Variance | None = None
    """DDPM's variance; by default learned-range where the network learned it, else fixed-small."""
    limit: Limit = "clip"
    """How the predicted image is kept in range at each step: clipped to [-1, 1], by dynamic
    thresholding, or not."""
    percentile: float = 99.5
    """Percentile of dynamic thresholding, in percent."""

    def __post_init__(self) -> None:
        for name, choices in (
            ("sampler", SamplerName),
            ("spacing", Spacing),
            ("limit", Limit),
            ("variance", Variance),
        ):
            value = getattr(self, name)
            if value not in get_args(choices) and not (name == "variance" and value is None):
                allowed = ", ".join(map(repr, get_args(choices)))
                raise ValueError(f"{name}={value!r} must be one of {allowed}.")
        if self.steps is not None:
            check_count("steps", self.steps, low=1, cure="50 is usual for DDIM, 20 for solvers.")
        check_in(CLOSED_UNIT, "0 is deterministic DDIM, 1 has the noise of DDPM.", eta=self.eta)
        check_in(_W, "0 means no guidance, 1 to 3 is usual.", guidance=self.guidance)
        percent = Interval(0.0, 100.0, has_low=False)
        check_in(percent, "it is in percent; 99.5 is usual.", percentile=self.percentile)

    def steps_for(self, num_train_steps: int) -> int:
        """Sampler steps S for a network with T noise levels.

        Raises
        ------
        ValueError
            If more than T were asked for.
        """
        if self.steps is None:
            return num_train_steps if self.sampler == "ddpm" else min(50, num_train_steps)
        cure = "the network has no more noise levels."
        return check_count("steps", self.steps, low=1, high=num_train_steps, cure=cure)


@dataclass(frozen=True, eq=False)
class Samples:
    """Images from a network.

    Parameters
    ----------
    images : Tensor of shape (N, C, H, W), float32, on the CPU
        In [-1, 1].
    labels : Tensor of shape (N,), int64, or None
        The class that each was asked for; None for an unconditional network.
    path : tuple of Tensor, each of shape (P, C, H, W)
        States of the first P samples on the way, from noise to image; empty if not asked for.
    path_times : tuple of int
        Their times, from T to 0.
    """

    images: Tensor
    labels: Tensor | None
    path: tuple[Tensor, ...] = ()
    path_times: tuple[int, ...] = ()


@dataclass
class _Path:
    """States of the first samples at some of the times."""

    rows: int
    keep: set[int]
    times: list[int] = field(default_factory=list)
    states: list[Tensor] = field(default_factory=list)

    def see(self, index: int, time: int, x: Tensor) -> None:
        if index in self.keep:
            self.times.append(time)
            self.states.append(x[: self.rows].float().cpu().clone())


def sample_images(
    run: Run,
    *,
    count: int,
    config: SampleConfig | None = None,
    labels: Sequence[int] | None = None,
    seed: int = 0,
    batch_size: int = 256,
    path_rows: int = 0,
    path_columns: int = 10,
    on_step: Callable[[int, int], None] | None = None,
) -> Samples:
    """Draw images from a trained network.

    Parameters
    ----------
    run : Run
        From `load_run` or `train`.
    count : int
        How many images, N.
    config : SampleConfig, optional
        Sampler, steps, guidance ...
    labels : sequence of int, optional
        Classes to ask for, taken in turn; by default all of the network's.
    seed : int
        Seed of the noise.
    batch_size : int
        Images computed together; changes no noise.
    path_rows : int
        Of how many of the first samples the way from noise to image is kept.
    path_columns : int
        At how many times.
    on_step : callable, optional
        Called with the number of network steps done and the number in all.

    Returns
    -------
    Samples
        Images, labels, and the way of the first ones.

    Raises
    ------
    ValueError
        If an argument is out of its domain: more steps than the network has noise levels, labels
        that it does not know ...
    """
    config = config or SampleConfig()
    check_count("count", count, low=1, cure="draw at least one image.")
    check_count("batch_size", batch_size, low=1, cure="256 is usual.")
    check_count("seed", seed, low=0, cure="choose a whole number from 0.")
    most = min(count, batch_size)
    check_count("path_rows", path_rows, low=0, high=most, cure="it counts among the first batch.")
    check_count("path_columns", path_columns, low=2, cure="show at least the noise and the image.")
    num_steps = len(run.alpha_bars) - 1
    grid = _GRIDS[config.spacing](num_steps, config.steps_for(num_steps))
    times = [int(t) for t in grid]
    wanted = _labels(run, labels, count)
    _check_variance(run, config)
    path = _Path(path_rows, set(evenly_spaced(len(times) + 1, path_columns)))
    batches = range(0, count, batch_size)
    images = []
    with torch.inference_mode():
        for number, start in enumerate(batches):
            indices = range(start, min(start + batch_size, count))
            of_these = None if wanted is None else wanted[indices.start : indices.stop]
            noise = samplers.SampleNoise(
                seed, indices, run.image_shape, dtype=torch.float32, device=run.device
            )
            x = noise.initial()
            record = path if number == 0 and path_rows else None
            if record is not None:
                record.see(0, times[0], x)
            for step in _steps(run, config, of_these, times, noise, x):
                x = step.x
                if record is not None:
                    record.see(step.index + 1, int(step.s), x)
                if on_step is not None:
                    on_step(number * len(times) + step.index + 1, len(batches) * len(times))
            images.append(x.float().clamp(-1, 1).cpu())
    return Samples(
        images=torch.cat(images).contiguous(),
        labels=wanted,
        path=tuple(path.states),
        path_times=tuple(path.times),
    )


def _labels(run: Run, labels: Sequence[int] | None, count: int) -> Tensor | None:
    num_classes = run.config.model.num_classes
    if num_classes is None:
        if labels is not None:
            raise ValueError(
                f"labels={list(labels)} cannot be asked for: this network was trained without "
                "classes; leave them out."
            )
        return None
    chosen = list(range(num_classes) if labels is None else labels)
    if not chosen:
        raise ValueError("labels=[] names no class: leave it out for all classes.")
    for label in chosen:
        cure = "these are the network's classes."
        check_count("labels", label, low=0, high=num_classes - 1, cure=cure)
    return torch.tensor([chosen[i % len(chosen)] for i in range(count)], dtype=torch.int64)


def _check_variance(run: Run, config: SampleConfig) -> None:
    if config.variance == "learned-range" and not run.config.model.learned_variance:
        raise ValueError(
            "variance='learned-range' needs a network that learned its variance, and this one did "
            "not: use 'fixed-small' or 'fixed-large'."
        )
    if config.guidance and run.config.model.num_classes is None:
        raise ValueError(
            f"guidance={config.guidance:g} needs a class-conditional network, and this one was "
            "trained without classes: use 0."
        )


def _steps(
    run: Run,
    config: SampleConfig,
    labels: Tensor | None,
    times: list[int],
    noise: samplers.SampleNoise,
    x: Tensor,
) -> samplers.Trajectory:
    """Trajectory of one batch."""
    common: dict[str, Any] = {
        "prediction": run.config.objective.prediction,
        "limit": _limit(config),
        "noise": noise,
    }
    model = _model(run, config, labels)
    if config.sampler in _SOLVERS:
        schedule = discrete(run.alpha_bars)
        return _SOLVERS[config.sampler](model, x, schedule=schedule, times=[*times, 0], **common)
    common |= {"alpha_bars": run.alpha_bars, "timesteps": times}
    if config.sampler == "ddim":
        return samplers.ddim(model, x, eta=config.eta, **common)
    learned = "learned-range" if run.config.model.learned_variance else "fixed-small"
    return samplers.ddpm(model, x, variance=config.variance or learned, **common)


def _limit(config: SampleConfig) -> samplers.Limit | None:
    if config.limit == "clip":
        return samplers.clipping(-1.0, 1.0)
    if config.limit == "dynamic":
        return samplers.dynamic_thresholding(config.percentile)
    return None


def _model(run: Run, config: SampleConfig, labels: Tensor | None) -> Model:
    """Network as a sampler sees it, in the memory format and precision of its training."""
    settings = run.config
    layout = torch.channels_last if settings.channels_last else torch.contiguous_format

    def network(x: Tensor, t: int, y: Tensor | None) -> Any:
        with torch.autocast(
            x.device.type, dtype=torch.bfloat16, enabled=settings.precision == "bf16"
        ):
            output = run.model(x.contiguous(memory_format=layout), t, y)
        if not settings.model.learned_variance:
            return output
        prediction, raw = output.chunk(2, dim=1)
        # The network's output is not bound to its range, and outside it a variance means nothing.
        return prediction, ((raw + 1) / 2).clamp(0, 1)

    null_label = settings.model.null_label
    if labels is None or null_label is None:
        return lambda x, t: network(x, t, None)
    return samplers.classifier_free(
        network,
        labels.to(run.device),
        null_label=null_label,
        w=config.guidance,
    )
