"""Configurations refuse what cannot work, in one sentence, and survive the way through JSON."""

import dataclasses
import json
import re

import pytest

from refdiff._errors import UserError
from refdiff.models import PRESETS
from refdiff.training.config import (
    DataConfig,
    ObjectiveConfig,
    OptimizerConfig,
    ScheduleConfig,
    TrainConfig,
)
from refdiff.training.defaults import default_config
from refdiff.training.records import (
    config_from_json,
    config_to_json,
    deciding_digest,
    differing_fields,
)
from refdiff.training.schedule import alpha_bars_of

SCHEDULES = [
    ScheduleConfig("linear"),
    ScheduleConfig("linear", beta_start=1e-3, beta_end=0.05),
    ScheduleConfig("linear", 100, beta_start=1e-3, beta_end=1.0),
    ScheduleConfig("scaled-linear"),
    ScheduleConfig("cosine"),
    ScheduleConfig("cosine", 50, max_beta=1.0),
    ScheduleConfig("cosine", offset=0.01, zero_terminal_snr=True),
    ScheduleConfig("sigmoid"),
    ScheduleConfig("sigmoid", 30, start=-2.0, end=2.5, tau=0.7),
]


@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
def test_schedule_knows_whether_it_ends_in_pure_noise(schedule):
    table = alpha_bars_of(schedule)
    assert len(table) == schedule.num_steps + 1
    assert schedule.reaches_pure_noise == (table[-1] == 0)


def test_parameters_reach_the_schedule():
    short = alpha_bars_of(ScheduleConfig("linear", 10, beta_start=0.1, beta_end=0.9))
    assert short[1] == 1 - 0.1
    clipped = alpha_bars_of(ScheduleConfig("cosine", max_beta=0.5))
    assert clipped[-1] == 0.5 * clipped[-2]


def test_schedule_that_leaves_the_image_visible_is_refused():
    with pytest.raises(ValueError, match=r"num_steps=100 leaves alpha_bar_T=0\.36.*more steps"):
        alpha_bars_of(ScheduleConfig("linear", 100))


REFUSED = [
    (lambda: DataConfig(source=""), "data.source is empty: name a data set"),
    (lambda: ScheduleConfig("quadratic"), "schedule.name='quadratic' must be one of 'linear'"),
    (lambda: ScheduleConfig(num_steps=1), "schedule.num_steps=1 must be an integer >= 2"),
    (
        lambda: ScheduleConfig("cosine", beta_end=0.02),
        "schedule.beta_end=0.02 belongs to linear and scaled-linear, not to cosine",
    ),
    (lambda: ObjectiveConfig("noise"), "objective.prediction='noise' must be one of 'eps'"),
    (lambda: ObjectiveConfig(weighting="snr"), "objective.weighting='snr' must be one of"),
    (lambda: ObjectiveConfig(gamma=0.0), "objective.gamma=0 must be in (0, inf]: 5 is usual"),
    (lambda: ObjectiveConfig(label_dropout=1.5), "objective.label_dropout=1.5 must be in [0, 1]"),
    (lambda: ObjectiveConfig(label_dropout=-0.1), "objective.label_dropout=-0.1"),
    (lambda: ObjectiveConfig(vlb_weight=-1.0), "objective.vlb_weight=-1 must be in [0, inf]"),
    (lambda: OptimizerConfig(steps=0), "optimizer.steps=0 must be an integer >= 1"),
    (lambda: OptimizerConfig(steps=-5), "optimizer.steps=-5 must be an integer >= 1"),
    (lambda: OptimizerConfig(batch_size=0), "optimizer.batch_size=0 must be an integer >= 1"),
    (lambda: OptimizerConfig(learning_rate=0.0), "optimizer.learning_rate=0 must be in (0, inf]"),
    (lambda: OptimizerConfig(learning_rate=float("nan")), "optimizer.learning_rate=nan"),
    (lambda: OptimizerConfig(betas=(0.9, 1.0)), "optimizer.betas=1 must be in [0, 1)"),
    (lambda: OptimizerConfig(weight_decay=-0.1), "optimizer.weight_decay=-0.1"),
    (lambda: OptimizerConfig(warmup_steps=-1), "optimizer.warmup_steps=-1"),
    (lambda: OptimizerConfig(clip_norm=0.0), "optimizer.clip_norm=0 must be in (0, inf]"),
    (
        lambda: OptimizerConfig(batch_size=10, micro_batches=4),
        "optimizer.batch_size=10 cannot be divided into micro_batches=4 equal parts",
    ),
    (lambda: TrainConfig(seed=-1), "seed=-1 must be an integer >= 0"),
    (lambda: TrainConfig(precision="fp16"), "precision='fp16' must be one of 'fp32', 'bf16'"),
    (lambda: TrainConfig(ema_decay=1.0), "ema_decay=1 must be in [0, 1)"),
    (lambda: TrainConfig(checkpoint_every=0), "checkpoint_every=0 must be an integer >= 1"),
    (lambda: TrainConfig(keep_checkpoints=0), "keep_checkpoints=0 must be an integer >= 1"),
    (lambda: TrainConfig(sample_guidance=-2.0), "sample_guidance=-2 must be in [-1, inf)"),
    (
        lambda: TrainConfig(schedule=ScheduleConfig(zero_terminal_snr=True)),
        "objective.prediction='eps' cannot work with a schedule of zero terminal SNR",
    ),
    (
        lambda: TrainConfig(schedule=ScheduleConfig("sigmoid")),
        "says nothing of the image; predict 'v' or 'x_0'",
    ),
    (
        lambda: TrainConfig(
            schedule=ScheduleConfig("sigmoid"), objective=ObjectiveConfig("v", "min-snr")
        ),
        "objective.weighting='min-snr' cannot work with a schedule of zero terminal SNR",
    ),
]


@pytest.mark.parametrize(("make", "sentence"), REFUSED, ids=[r[1][:40] for r in REFUSED])
def test_bad_value_is_refused_by_name(make, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        make()


@pytest.mark.parametrize(
    "config",
    [
        TrainConfig(),
        default_config("fashion-mnist", (1, 28, 28), 10),
        default_config("cifar10", (3, 32, 32), None),
        default_config("photos", (3, 64, 64), 5),
        TrainConfig(
            schedule=ScheduleConfig("sigmoid", 200, tau=0.9),
            objective=ObjectiveConfig("v", label_dropout=0.25),
            optimizer=OptimizerConfig(betas=(0.5, 0.75), clip_norm=None),
            seed=2**40,
        ),
    ],
    ids=["default", "fashion-mnist", "cifar10", "photos", "own"],
)
def test_json_gives_the_configuration_back(config):
    assert config_from_json(config_to_json(config)) == config


def edited(path, value):
    """Default configuration as JSON with one entry changed."""
    fields = json.loads(config_to_json(TrainConfig()))
    *parents, last = path.split(".")
    place = fields
    for parent in parents:
        place = place[parent]
    place[last] = value
    return json.dumps(fields)


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("sed", 1, "here.json: sed: Unexpected keyword argument"),
        ("model.chanels", 8, "here.json: model.chanels: Unexpected keyword argument"),
        ("optimizer.lr", 0.1, "here.json: optimizer.lr: Unexpected keyword argument"),
        ("optimizer.steps", "100", "here.json: optimizer.steps: Input should be a valid integer"),
        ("optimizer.steps", 0, "here.json: optimizer: optimizer.steps=0 must be"),
        ("objective.prediction", "eta", "here.json: objective.prediction: Input should be 'eps'"),
        ("model.channels", 60, "norm_groups=8 must divide every level's width"),
        ("schedule.zero_terminal_snr", True, "predict 'v' or 'x_0'"),
    ],
)
def test_json_with_a_mistake_is_refused_by_the_name_of_the_field(path, value, sentence):
    with pytest.raises(UserError, match=re.escape(sentence)) as caught:
        config_from_json(edited(path, value), source="here.json")
    assert "\n" not in str(caught.value)


def test_text_that_is_no_json_is_refused():
    with pytest.raises(UserError, match=r"here\.json: the file: Invalid JSON"):
        config_from_json("{", source="here.json")


def test_differing_fields_are_those_that_decide_the_weights():
    old = TrainConfig()
    longer = dataclasses.replace(
        old, optimizer=dataclasses.replace(old.optimizer, steps=9999), log_every=7, sample_every=0
    )
    assert differing_fields(old, longer) == []
    assert deciding_digest(old) == deciding_digest(longer)
    other = dataclasses.replace(
        longer, optimizer=dataclasses.replace(old.optimizer, learning_rate=0.5), seed=3
    )
    assert differing_fields(old, other) == [
        ("optimizer.learning_rate", 1e-3, 0.5),
        ("seed", 0, 3),
    ]
    assert deciding_digest(old) != deciding_digest(other)


def test_defaults_fit_the_images():
    digits = default_config("digits", (1, 8, 8), 10)
    assert digits.model == PRESETS["digits"]
    assert digits.data == DataConfig("digits")
    assert default_config("digits", (1, 8, 8), None).model.num_classes is None
    assert not default_config("fashion-mnist", (1, 28, 28), 10).data.horizontal_flip
    assert default_config("cifar10", (3, 32, 32), 10).data.horizontal_flip
    own = default_config("some/folder", (3, 16, 16), 4).model
    assert (own.in_channels, own.image_size, own.num_classes) == (3, 16, 4)


@pytest.mark.parametrize(
    ("shape", "sentence"),
    [
        ((1, 28, 32), "holds images of 28x32 pixels, but the networks take square images"),
        ((3, 33, 33), "no network fits the images of 'some/folder'"),
    ],
)
def test_images_that_no_network_takes_are_refused(shape, sentence):
    with pytest.raises(UserError, match=sentence):
        default_config("some/folder", shape, None)
