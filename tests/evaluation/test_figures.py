"""The figures of samples: real pictures must do well, wrong ones badly, and draws must be fair."""

import dataclasses

import numpy as np
import pytest

from refdiff.evaluation import ImageClassifier, PixelPCA, frechet_distance, sample_figures
from refdiff.testing import assert_close
from refdiff.training.data import load_data


@pytest.fixture(scope="module")
def digits():
    return load_data("digits")


@pytest.fixture(scope="module")
def tools(digits):
    classifier = ImageClassifier(digits)
    return {"classifier": classifier, "features": [classifier, PixelPCA(digits, 16)]}


def ten_of_each(data, seed=0):
    generator = np.random.default_rng(seed)
    return np.concatenate(
        [generator.choice(np.flatnonzero(data.labels == k), 10, replace=False) for k in range(10)]
    )


def test_real_pictures_do_as_well_as_held_out_ones(digits, tools):
    chosen = ten_of_each(digits)
    figures = sample_figures(digits.images[chosen], digits.labels[chosen], digits, **tools)
    assert figures.count == 100
    assert figures.accuracy > 0.98
    assert figures.held_out_accuracy == tools["classifier"].accuracy
    assert [figure.features for figure in figures.frechet] == [
        extractor.name for extractor in tools["features"]
    ]
    for figure in figures.frechet:
        assert figure.count == 100
        assert 0 < figure.held_out_spread < figure.held_out
        assert abs(figure.samples - figure.held_out) < 5 * figure.held_out_spread


def test_wrong_pictures_do_badly(digits, tools):
    chosen = ten_of_each(digits)
    labels = digits.labels[chosen]
    wrongs = {
        "inverted": 16 - digits.images[chosen],
        "noise": np.random.default_rng(0).integers(0, 17, (100, 8, 8, 1), dtype=np.uint8),
        "one digit only": digits.images[digits.labels == 3][:100],
        "one picture only": np.repeat(digits.images[chosen[:1]], 100, axis=0),
    }
    for wrong, images in wrongs.items():
        figures = sample_figures(images, labels, digits, **tools)
        assert figures.accuracy < 0.5, wrong
        for figure in figures.frechet:
            worse = figure.samples - figure.held_out
            assert worse > 10 * figure.held_out_spread, (wrong, figure)


def test_accuracy_is_counted_class_by_class(digits, tools):
    chosen = ten_of_each(digits)[:90]  # no nines
    labels = digits.labels[chosen].copy()
    labels[:5] = 9  # five zeros asked for as nines
    figures = sample_figures(digits.images[chosen], labels, digits, classifier=tools["classifier"])
    right = tools["classifier"].predict(digits.images[chosen]) == labels
    assert figures.accuracy == right.mean()
    assert_close(
        np.array(figures.class_accuracy), [right[labels == k].mean() for k in range(10)], units=1
    )
    assert figures.class_accuracy[9] == 0.0
    assert figures.frechet == ()
    fewer = sample_figures(
        digits.images[chosen[:10]],
        digits.labels[chosen[:10]],
        digits,
        classifier=tools["classifier"],
    )
    assert np.isnan(fewer.class_accuracy[1:]).all()


def test_held_out_pictures_against_themselves(digits, tools):
    held_out = digits.test
    extractor = tools["features"][1]
    (figure,) = sample_figures(
        held_out.images, held_out.labels, digits, features=[extractor]
    ).frechet
    exact = frechet_distance(
        extractor(held_out.images), extractor(digits.images), features=extractor.name
    ).squared
    # Drawn class by class: the same pictures in another order.
    assert_close(figure.samples, exact, units=1000)
    assert (figure.held_out, figure.held_out_spread) == (figure.samples, 0.0)
    assert figure.count == 355


def test_more_samples_than_held_out_pictures_are_measured_in_draws(digits, tools):
    figures = sample_figures(digits.images, digits.labels, digits, **tools)
    for figure in figures.frechet:
        assert figure.count == 355
        # All 1442 training pictures would be at distance 0 from themselves: no fair comparison.
        assert 0.5 < figure.samples / figure.held_out < 2


def test_held_out_draws_have_the_samples_classes(digits, tools):
    # Measured on zeros alone, real held-out zeros are as far from all digits as the samples are.
    zeros = digits.images[digits.labels == 0][:30]
    extractor = tools["features"][1]
    (alike,) = sample_figures(zeros, np.zeros(30, np.int64), digits, features=[extractor]).frechet
    (plain,) = sample_figures(zeros, None, digits, features=[extractor]).frechet
    assert abs(alike.samples - alike.held_out) < 0.2 * alike.samples
    assert plain.held_out < 0.5 * plain.samples


def test_without_labels_or_tools(digits, tools):
    bare = sample_figures(digits.images[:50], None, digits, classifier=tools["classifier"])
    assert (bare.accuracy, bare.class_accuracy) == (None, ())
    assert bare.held_out_accuracy == tools["classifier"].accuracy
    assert sample_figures(digits.images[:50], None, digits).held_out_accuracy is None


def test_the_seed_decides_the_draws(digits, tools):
    chosen = ten_of_each(digits)
    first, again, other = (
        sample_figures(
            digits.images[chosen], digits.labels[chosen], digits, **tools, seed=seed, draws=3
        )
        for seed in (0, 0, 1)
    )
    assert first == again
    assert first.frechet[0].held_out != other.frechet[0].held_out


def test_bad_arguments_are_refused(digits):
    images = digits.images[:10]
    with pytest.raises(ValueError, match="have no held-out pictures"):
        sample_figures(images, None, dataclasses.replace(digits, test=None))
    with pytest.raises(ValueError, match=r"labels have shape \(3,\) for 10 images"):
        sample_figures(images, digits.labels[:3], digits)
    with pytest.raises(ValueError, match="draws=0"):
        sample_figures(images, None, digits, draws=0)
