"""Features of the real digits: what they must keep, and what they must tell apart."""

import numpy as np
import pytest

from refdiff.evaluation import Features, ImageClassifier, PixelPCA
from refdiff.testing import assert_close
from refdiff.training.data import ImageData, load_data


@pytest.fixture(scope="module")
def digits():
    return load_data("digits")


@pytest.fixture(scope="module")
def classifier(digits):
    return ImageClassifier(digits)


def flat(data):
    return data.images.reshape(len(data), -1) / 8.0 - 1


def test_all_components_keep_all_distances(digits):
    whole = PixelPCA(digits, 64)
    images = digits.test.images[:40]
    features, pixels = whole(images), images.reshape(40, -1) / 8.0
    for array in (features, pixels):
        array -= array[0]
    assert_close(features @ features.T, pixels @ pixels.T, terms=64 * 64, units=4)
    assert_close(whole.explained, 1.0, units=64)


def test_components_are_centred_uncorrelated_and_in_order(digits):
    few = PixelPCA(digits, 8)
    features = few(digits.images)
    covariance = features.T @ features / len(features)
    variances = np.diag(covariance)
    assert_close(features.mean(axis=0), np.zeros(8), terms=64.0, units=64)
    assert_close(covariance, np.diag(variances), terms=64.0, units=64)
    assert (np.diff(variances) < 0).all()
    total = flat(digits).var(axis=0).sum()
    assert_close(few.explained, variances.sum() / total, units=200)
    # No eight directions hold more than the first eight singular values do.
    singular = np.linalg.svd(flat(digits) - flat(digits).mean(axis=0), compute_uv=False)
    assert_close(few.explained, np.sum(singular[:8] ** 2) / np.sum(singular**2), units=200)


def test_the_classifier_knows_digits_that_it_never_saw(digits, classifier):
    right = classifier.predict(digits.test.images) == digits.test.labels
    assert classifier.accuracy == right.mean()
    assert classifier.accuracy > 0.98
    for digit in range(10):
        assert right[digits.test.labels == digit].mean() > 0.9


def test_the_seed_decides_the_classifier(digits, classifier):
    other = ImageClassifier(digits, seed=1)
    assert not np.array_equal(other(digits.test.images), classifier(digits.test.images))


def test_its_features_are_the_layer_that_its_answers_come_from(digits, classifier, monkeypatch):
    from sklearn.neural_network import MLPClassifier

    networks = []
    fit = MLPClassifier.fit

    def keep(self, *arguments):
        networks.append(self)
        return fit(self, *arguments)

    monkeypatch.setattr(MLPClassifier, "fit", keep)
    again = ImageClassifier(digits)
    np.testing.assert_array_equal(again(digits.test.images), classifier(digits.test.images))
    (network,) = networks
    features = classifier(digits.test.images)
    assert features.shape == (355, 32)
    assert features.min() == 0.0
    scores = features @ network.coefs_[-1] + network.intercepts_[-1]
    odds = np.exp(scores - scores.max(axis=1, keepdims=True))
    # The library works in float32, as its input was.
    assert_close(
        odds / odds.sum(axis=1, keepdims=True),
        network.predict_proba(flat(digits.test).astype(np.float32)),
        terms=1.0,
        units=200,
    )
    np.testing.assert_array_equal(
        classifier.predict(digits.test.images), network.predict(flat(digits.test))
    )


def test_two_classes_with_numbers_of_their_own():
    # Class 1 does not occur; classes 0 and 2 are dark and bright.
    generator = np.random.default_rng(0)
    labels = np.repeat([0, 2], 50)
    images = generator.integers(0, 100, (100, 4, 4, 1)) + 155 * (labels > 0)[:, None, None, None]
    data = ImageData(images.astype(np.uint8), labels, ("dark", "none", "bright"), "brightness")
    classifier = ImageClassifier(data)
    assert classifier.accuracy is None
    np.testing.assert_array_equal(classifier.predict(data.images), labels)


def test_both_are_features_with_names_and_dimensions(digits, classifier):
    for extractor, words in ((PixelPCA(digits, 5), "5 principal"), (classifier, "32 hidden units")):
        assert isinstance(extractor, Features)
        assert extractor.name.startswith(words)
        assert "digits" in extractor.name
        measured = extractor(digits.test.images[:3])
        assert (measured.dtype, measured.shape) == (np.float64, (3, extractor.dim))
        # One picture's features do not depend on the others.
        assert_close(extractor(digits.test.images[1:2]), measured[1:2], terms=64.0, units=16)


@pytest.mark.parametrize("dim", [0, -1, 65])
def test_a_dimension_out_of_range(digits, dim):
    with pytest.raises(ValueError, match=rf"dim={dim} must be in 1\.\.64"):
        PixelPCA(digits, dim)


def test_pictures_of_another_size_or_scale_are_refused(digits, classifier):
    for extractor in (PixelPCA(digits, 5), classifier):
        with pytest.raises(ValueError, match=r"fitted on \(N, 8, 8, 1\)"):
            extractor(np.zeros((3, 28, 28, 1), np.uint8))
        with pytest.raises(ValueError, match="level 255, above 16"):
            extractor(np.full((3, 8, 8, 1), 255, np.uint8))


def test_a_classifier_needs_classes(digits):
    for data in (
        ImageData(digits.images, None, None, "bare"),
        ImageData(digits.images, 0 * digits.labels, ("one",), "one class"),
    ):
        with pytest.raises(ValueError, match="need labels of two classes or more"):
            ImageClassifier(data)
