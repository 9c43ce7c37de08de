"""What a training run is made of, as frozen dataclasses that check themselves.

One `TrainConfig` says everything that decides the weights of a run: data, network, noise schedule,
objective, optimizer, seed. It is written to the run folder as JSON (see `refdiff.training.records`)
and offered by the command line as flags, so each field is documented beside its definition.

Conventions: a *step* is one update of the weights, and always sees ``optimizer.batch_size`` images,
however many processes or micro-batches share the work.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, get_args

from refdiff._checks import (
    CLOSED_UNIT,
    HALF_OPEN_AT_1,
    NON_NEGATIVE,
    POSITIVE,
    Interval,
    check_count,
    check_in,
)
from refdiff.models.config import PRESETS, UNetConfig

__all__ = [
    "DataConfig",
    "ObjectiveConfig",
    "OptimizerConfig",
    "Precision",
    "Prediction",
    "ScheduleConfig",
    "ScheduleName",
    "TrainConfig",
    "Weighting",
]

Prediction = Literal["eps", "x_0", "v"]
ScheduleName = Literal["linear", "scaled-linear", "cosine", "sigmoid"]
Weighting = Literal["simple", "min-snr"]
Precision = Literal["fp32", "bf16"]

_PARAMETERS: dict[str, tuple[str, ...]] = {
    "linear": ("beta_start", "beta_end"),
    "scaled-linear": ("beta_start", "beta_end"),
    "cosine": ("offset", "max_beta"),
    "sigmoid": ("start", "end", "tau"),
}


def _check_choice(name: str, value: Any, choices: Any) -> None:
    allowed = get_args(choices)
    if value not in allowed:
        raise ValueError(f"{name}={value!r} must be one of {', '.join(map(repr, allowed))}.")


@dataclass(frozen=True)
class DataConfig:
    """Which images to train on.

    Raises
    ------
    ValueError
        If `source` is empty.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    source: str = "digits"
    """Name of a data set (digits, fashion-mnist) or path of a folder."""
    strict: bool = False
    """Refuse a folder that holds an unreadable image, in place of skipping and counting it."""
    horizontal_flip: bool = False
    """Mirror each image left to right with probability one half."""

    def __post_init__(self) -> None:
        if not self.source:
            raise ValueError("data.source is empty: name a data set or the path of a folder.")


@dataclass(frozen=True)
class ScheduleConfig:
    """The noise schedule: a table of alpha_bar over the times 0..T.

    A parameter left out has the default of the equation it belongs to.

    Raises
    ------
    ValueError
        If `num_steps` is below 2 or a parameter belongs to another schedule.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    name: ScheduleName = "cosine"
    """Family of the schedule."""
    num_steps: int = 1000
    """Number of noise levels, T."""
    beta_start: float | None = None
    """First beta (linear, scaled-linear)."""
    beta_end: float | None = None
    """Last beta (linear, scaled-linear)."""
    offset: float | None = None
    """The small offset s near the data (cosine)."""
    max_beta: float | None = None
    """Largest beta (cosine)."""
    start: float | None = None
    """Where the sigmoid begins (sigmoid)."""
    end: float | None = None
    """Where the sigmoid ends (sigmoid)."""
    tau: float | None = None
    """Temperature of the sigmoid (sigmoid)."""
    zero_terminal_snr: bool = False
    """Rescale the schedule so that nothing of the image is left at time T."""

    def __post_init__(self) -> None:
        _check_choice("schedule.name", self.name, ScheduleName)
        check_count(
            "schedule.num_steps", self.num_steps, low=2, cure="1000 noise levels are usual."
        )
        for parameter in dict.fromkeys(p for group in _PARAMETERS.values() for p in group):
            value = getattr(self, parameter)
            if value is not None and parameter not in _PARAMETERS[self.name]:
                homes = " and ".join(n for n, group in _PARAMETERS.items() if parameter in group)
                raise ValueError(
                    f"schedule.{parameter}={value!r} belongs to {homes}, not to {self.name}: "
                    "leave it out or choose another schedule."
                )

    @property
    def reaches_pure_noise(self) -> bool:
        """Whether alpha_bar at time T is exactly 0, so that the SNR there is 0."""
        return (
            self.zero_terminal_snr
            or self.name == "sigmoid"
            or 1.0 in (self.max_beta, self.beta_end)
        )

    def parameters(self) -> dict[str, float]:
        """Parameters of the schedule that were given.

        Returns
        -------
        dict of str to float
            Keyword arguments for the schedule's function in `refdiff.equations`.
        """
        values = {name: getattr(self, name) for name in _PARAMETERS[self.name]}
        return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True)
class ObjectiveConfig:
    """What the network learns to predict, and how the noise levels are weighted.

    A network with ``learned_variance`` is trained with the hybrid loss
    L_simple + `vlb_weight` L_vlb.

    Raises
    ------
    ValueError
        If a value lies outside its domain.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    prediction: Prediction = "eps"
    """What the network predicts: the noise, the clean image, or the velocity."""
    weighting: Weighting = "simple"
    """Weight of each noise level: 1, or the min-SNR weight."""
    gamma: float = 5.0
    """Where the min-SNR weight cuts the signal-to-noise ratio."""
    vlb_weight: float = 0.001
    """Lambda, the weight of L_vlb in the hybrid loss (with model.learned_variance)."""
    label_dropout: float = 0.1
    """Chance, per image, that the label is replaced by the null label."""

    def __post_init__(self) -> None:
        _check_choice("objective.prediction", self.prediction, Prediction)
        _check_choice("objective.weighting", self.weighting, Weighting)
        _check_named(POSITIVE, "5 is usual.", "objective", gamma=self.gamma)
        _check_named(NON_NEGATIVE, "0.001 is usual.", "objective", vlb_weight=self.vlb_weight)
        _check_named(
            CLOSED_UNIT,
            "it is a probability; 0.1 is usual.",
            "objective",
            label_dropout=self.label_dropout,
        )


@dataclass(frozen=True)
class OptimizerConfig:
    """AdamW and the size of a step.

    Raises
    ------
    ValueError
        If a value lies outside its domain.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    steps: int = 2000
    """Updates of the weights in the whole run."""
    batch_size: int = 128
    """Images per update, over all processes and micro-batches."""
    micro_batches: int = 1
    """Parts in which the batch is computed (gradient accumulation), to save memory."""
    learning_rate: float = 1e-3
    """Learning rate after the warm-up."""
    betas: tuple[float, float] = (0.9, 0.999)
    """Decay rates of Adam's two running means."""
    weight_decay: float = 0.0
    """Decoupled weight decay."""
    warmup_steps: int = 100
    """Steps over which the learning rate rises linearly from 0."""
    clip_norm: float | None = 1.0
    """Largest norm of the gradient; none for no clipping."""

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "micro_batches"):
            cure = "choose a whole number from 1."
            check_count(f"optimizer.{name}", getattr(self, name), low=1, cure=cure)
        check_count("optimizer.warmup_steps", self.warmup_steps, low=0, cure="0 means no warm-up.")
        _check_named(
            POSITIVE, "1e-4 to 1e-3 is usual.", "optimizer", learning_rate=self.learning_rate
        )
        _check_named(NON_NEGATIVE, "0 means none.", "optimizer", weight_decay=self.weight_decay)
        for beta in self.betas:
            _check_named(HALF_OPEN_AT_1, "(0.9, 0.999) is usual.", "optimizer", betas=beta)
        if self.clip_norm is not None:
            _check_named(
                POSITIVE,
                "1 is usual, none means no clipping.",
                "optimizer",
                clip_norm=self.clip_norm,
            )
        if self.batch_size % self.micro_batches:
            raise ValueError(
                f"optimizer.batch_size={self.batch_size} cannot be divided into "
                f"micro_batches={self.micro_batches} equal parts: change one of the two."
            )


@dataclass(frozen=True)
class TrainConfig:
    """Everything that decides the weights of a run.

    Raises
    ------
    ValueError
        If a value lies outside its domain, or two choices contradict each other.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    model: UNetConfig = field(default_factory=lambda: PRESETS["digits"])
    """The network."""
    data: DataConfig = field(default_factory=DataConfig)
    """The images."""
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    """The noise levels."""
    objective: ObjectiveConfig = field(default_factory=ObjectiveConfig)
    """The loss."""
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    """The optimizer."""
    seed: int = 0
    """Seed of the initial weights and of every random draw."""
    ema_decay: float = 0.999
    """Decay per step of the averaged weights that are used for sampling."""
    precision: Precision = "fp32"
    """Arithmetic of the network: fp32, or bf16 autocast."""
    channels_last: bool = True
    """Store images with the channels innermost, which most convolutions are fastest with."""
    compile: bool = False
    """Compile the network with torch.compile: slow to start, faster after."""
    log_every: int = 50
    """Steps between two lines of the log."""
    checkpoint_every: int = 1000
    """Steps between two checkpoints."""
    keep_checkpoints: int = 2
    """How many of the newest checkpoints are kept."""
    sample_every: int = 1000
    """Steps between two sheets of samples; 0 for none."""
    sample_steps: int = 50
    """Sampler steps of those sheets."""
    sample_guidance: float = 1.0
    """Guidance weight w of those sheets, for class-conditional networks; 0 for none."""

    def __post_init__(self) -> None:
        check_count("seed", self.seed, low=0, cure="choose a whole number from 0.")
        _check_choice("precision", self.precision, Precision)
        check_in(HALF_OPEN_AT_1, "0.999 to 0.9999 is usual.", ema_decay=self.ema_decay)
        for name in ("log_every", "checkpoint_every", "keep_checkpoints", "sample_steps"):
            check_count(name, getattr(self, name), low=1, cure="choose a whole number from 1.")
        check_count("sample_every", self.sample_every, low=0, cure="0 means no sheets of samples.")
        check_in(
            Interval(-1.0, float("inf"), has_high=False),
            "0 means no guidance.",
            sample_guidance=self.sample_guidance,
        )
        _check_combination(self)


def _check_named(interval: Interval, cure: str, owner: str, **named: float) -> None:
    check_in(interval, cure, **{f"{owner}.{name}": value for name, value in named.items()})


def _check_combination(config: TrainConfig) -> None:
    """Refuse choices that are each right and together cannot work."""
    if not config.schedule.reaches_pure_noise:
        return
    if config.objective.prediction == "eps":
        raise ValueError(
            "objective.prediction='eps' cannot work with a schedule of zero terminal SNR "
            "(zero_terminal_snr, or 'sigmoid'): at time T the input is pure noise, and the noise "
            "says nothing of the image; predict 'v' or 'x_0', or use another schedule."
        )
    if config.objective.weighting == "min-snr":
        raise ValueError(
            "objective.weighting='min-snr' cannot work with a schedule of zero terminal SNR "
            "(zero_terminal_snr, or 'sigmoid'): time T would have weight 0, so the first step of "
            "every sampler would be untrained; use weighting 'simple', or another schedule."
        )
