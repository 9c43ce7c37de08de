"""Sampling from a run: exact with an exact network, and reproducible sample by sample."""

import dataclasses
import re

import numpy as np
import pytest
import torch
from torch import nn

from refdiff import equations
from refdiff.testing import assert_close
from refdiff.training import sample_images, train
from refdiff.training.records import DataFacts
from refdiff.training.run import run_of
from refdiff.training.sampling import SampleConfig
from tests.training.tiny import TINY, stripes_data

SHAPE = (1, 4, 4)


class OneImageAClass(nn.Module):
    """Exact network for data with a single image in each class; the null class is their mean."""

    def __init__(self, config, alpha_bars, images):
        super().__init__()
        self.config, self.alpha_bars = config, alpha_bars
        self.images = nn.Parameter(torch.cat([images, images.mean(dim=0, keepdim=True)]))
        self.calls = 0

    def forward(self, x, t, y=None):
        self.calls += 1
        x_0 = self.images[torch.full((len(x),), -1) if y is None else y]
        at_t = {"alpha_bar_t": float(self.alpha_bars[t])}
        prediction = {
            "eps": lambda: equations.eps_from_x_0(x, x_0, **at_t),
            "x_0": lambda: x_0,
            "v": lambda: equations.v_from_x_0(x, x_0, **at_t),
        }[self.config.objective.prediction]()
        if self.config.model.learned_variance:
            return torch.cat((prediction, torch.full_like(prediction, -3.0)), dim=1)
        return prediction


@pytest.fixture
def images():
    return torch.rand((3, *SHAPE), generator=torch.Generator().manual_seed(2)) * 1.6 - 0.8


@pytest.fixture
def exact_run(tiny, images):
    def build(**changes):
        config = tiny(**changes)
        run = run_of(nn.Identity(), config, DataFacts.of(stripes_data()))
        return dataclasses.replace(run, model=OneImageAClass(config, run.alpha_bars, images))

    return build


# An x_0 implied by eps carries the rounding of x_t, blown up by 1/sqrt(alpha_bar_T), then clipped;
# what is left at time 1 is a few roundings of numbers of size 1.
EXACT = {"terms": 1.0, "units": 64, "dtype": "float32"}


@pytest.mark.parametrize("learned_variance", [False, True])
@pytest.mark.parametrize("prediction", ["eps", "x_0", "v"])
@pytest.mark.parametrize(
    "config",
    [
        SampleConfig(steps=4),
        SampleConfig(steps=20, eta=0.5, spacing="linspace"),
        SampleConfig(steps=7, eta=1.0, spacing="leading", limit="none"),
        SampleConfig("ddpm", steps=20),
        SampleConfig("ddpm", steps=5, variance="fixed-large", limit="dynamic"),
        SampleConfig("dpm-solver++", steps=6),
        SampleConfig("sde-dpm-solver++", steps=5, spacing="leading"),
        SampleConfig("unipc", steps=6, limit="none"),
        SampleConfig("lms", steps=10),
    ],
    ids=lambda config: f"{config.sampler}-{config.eta:g}-{config.limit}",
)
def test_each_sample_is_the_image_of_its_class(
    exact_run, images, config, prediction, learned_variance
):
    run = exact_run(objective__prediction=prediction, model__learned_variance=learned_variance)
    samples = sample_images(run, count=5, config=config, labels=[2, 0], seed=1, batch_size=3)
    assert samples.labels.tolist() == [2, 0, 2, 0, 2]
    assert samples.images.dtype == torch.float32
    assert_close(samples.images, images[samples.labels], **EXACT)


def test_guidance_moves_away_from_the_null_class(exact_run, images):
    run = exact_run()
    mean = images.mean(dim=0)
    for w in (-1.0, -0.5, 0.0, 0.4):
        config = SampleConfig(steps=4, guidance=w, limit="none")
        samples = sample_images(run, count=3, config=config).images
        expected = ((1 + w) * images - w * mean).clamp(-1, 1)
        assert_close(samples, expected, terms=200.0, units=8, dtype="float32")


@pytest.mark.parametrize("sampler", ["ddim", "dpm-solver++", "sde-dpm-solver++", "unipc", "lms"])
def test_guidance_takes_one_call_a_step(exact_run, sampler):
    run = exact_run()
    sample_images(run, count=2, config=SampleConfig(sampler, steps=4, guidance=1.0))
    assert run.model.calls == 4


def test_classes_take_turns_where_none_is_asked_for(exact_run):
    assert sample_images(exact_run(), count=5).labels.tolist() == [0, 1, 2, 0, 1]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    return train(TINY, folder, data=stripes_data(), progress=False)


@pytest.mark.parametrize(
    "config",
    [
        SampleConfig(steps=6, eta=1.0, guidance=1.0),
        SampleConfig("ddpm", steps=6),
        SampleConfig("sde-dpm-solver++", steps=6),
        SampleConfig("unipc", steps=6),
    ],
    ids=lambda config: config.sampler,
)
def test_a_sample_depends_on_seed_and_index_alone(trained, config):
    whole = sample_images(trained, count=9, config=config, seed=3).images
    cut = sample_images(trained, count=7, config=config, seed=3, batch_size=2).images
    # The noise is bit-equal; sums inside the network may be taken in another order.
    assert_close(cut, whole[:7], terms=1.0, units=512)
    other = sample_images(trained, count=7, config=config, seed=4).images
    assert (other - cut).abs().flatten(1).max(dim=1).values.min() > 0.01
    again = sample_images(trained, count=9, config=config, seed=3).images
    assert torch.equal(again, whole)


def test_the_path_leads_from_noise_to_the_image(trained):
    config = SampleConfig(steps=8, eta=0.3)
    samples = sample_images(
        trained, count=5, config=config, batch_size=3, path_rows=2, path_columns=4
    )
    assert samples.path_times == (20, 12, 8, 0)
    assert [state.shape for state in samples.path] == [(2, *SHAPE)] * 4
    assert torch.equal(samples.path[-1], samples.images[:2])
    assert samples.path[0].std() > 0.7
    bare = sample_images(trained, count=5, config=config, batch_size=3)
    assert torch.equal(bare.images, samples.images)
    assert bare.path == ()


def test_every_step_of_every_batch_is_told(trained):
    told = []
    sample_images(
        trained,
        count=5,
        config=SampleConfig(steps=2),
        batch_size=3,
        on_step=lambda done, total: told.append((done, total)),
    )
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_samples_stay_in_range_and_no_gradient_is_kept(trained):
    images = sample_images(trained, count=4, config=SampleConfig(steps=3, limit="none")).images
    assert images.abs().max() <= 1
    assert not images.requires_grad
    assert np.isfinite(images.numpy()).all()


REFUSED = [
    ({"config": SampleConfig(steps=21)}, "steps=21 must be an integer in 1..20"),
    ({"labels": [0, 3]}, "labels=3 must be an integer in 0..2: these are the network's classes"),
    ({"labels": [-1]}, "labels=-1 must be an integer in 0..2"),
    ({"labels": []}, "labels=[] names no class"),
    ({"count": 0}, "count=0 must be an integer >= 1"),
    ({"batch_size": 0}, "batch_size=0 must be an integer >= 1"),
    ({"seed": -1}, "seed=-1 must be an integer >= 0"),
    ({"path_rows": 3}, "path_rows=3 must be an integer in 0..2"),
    (
        {"config": SampleConfig("ddpm", steps=5, variance="learned-range")},
        "variance='learned-range' needs a network that learned its variance",
    ),
]


@pytest.mark.parametrize(("options", "sentence"), REFUSED, ids=[r[1][:24] for r in REFUSED])
def test_what_the_network_cannot_do_is_refused(trained, options, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        sample_images(trained, **{"count": 2, **options})


def test_an_unconditional_network_takes_no_labels_and_no_guidance(exact_run, images):
    run = exact_run(model__num_classes=None)
    samples = sample_images(run, count=2)
    assert samples.labels is None
    assert_close(samples.images, images.mean(dim=0).expand(2, *SHAPE), **EXACT)
    with pytest.raises(ValueError, match="trained without classes; leave them out"):
        sample_images(run, count=2, labels=[1])
    with pytest.raises(ValueError, match="guidance=2 needs a class-conditional network"):
        sample_images(run, count=2, config=SampleConfig(guidance=2.0))


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"sampler": "euler"}, "sampler='euler' must be one of 'ddpm', 'ddim'"),
        ({"spacing": "even"}, "spacing='even' must be one of"),
        ({"limit": "tanh"}, "limit='tanh' must be one of"),
        ({"variance": "large"}, "variance='large' must be one of"),
        ({"steps": 0}, "steps=0 must be an integer >= 1"),
        ({"eta": 1.5}, "eta=1.5 must be in [0, 1]"),
        ({"eta": -0.1}, "eta=-0.1 must be in [0, 1]"),
        ({"guidance": -2.0}, "guidance=-2 must be in [-1, inf)"),
        ({"percentile": 0.0}, "percentile=0 must be in (0, 100]"),
    ],
)
def test_bad_settings_are_refused_by_name(fields, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        SampleConfig(**fields)


def test_the_number_of_steps_is_that_asked_for_or_a_usual_one():
    assert SampleConfig("ddpm").steps_for(1000) == 1000
    assert SampleConfig("ddim").steps_for(1000) == 50
    assert SampleConfig("ddim").steps_for(20) == 20
    assert SampleConfig("ddpm", steps=7).steps_for(1000) == 7
