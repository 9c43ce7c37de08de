"""The order of the images and the seeds of the steps."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from refdiff.pictures import to_tensor
from refdiff.training.batches import (
    STREAMS,
    ImageStore,
    entropy,
    epoch_and_position,
    fingerprint,
    seeded,
    stream_indices,
)
from refdiff.training.data import ImageData


def pictures(count=6, *, levels=256, channels=1, labels=True):
    rng = np.random.default_rng(0)
    return ImageData(
        images=rng.integers(0, levels, (count, 4, 4, channels), dtype=np.uint8),
        labels=np.arange(count, dtype=np.int64) % 3 if labels else None,
        class_names=("a", "b", "c") if labels else None,
        name="noise",
        levels=levels,
    )


@given(num_images=st.integers(1, 30), epochs=st.integers(1, 4), seed=st.integers(0, 2**40))
def test_every_epoch_holds_every_image_once(num_images, epochs, seed):
    row = stream_indices(seed, 0, epochs * num_images, num_images)
    for epoch in np.split(row, epochs):
        assert sorted(epoch) == list(range(num_images))


@given(
    num_images=st.integers(1, 20),
    start=st.integers(0, 50),
    parts=st.lists(st.integers(1, 30), min_size=1, max_size=5),
)
def test_the_row_does_not_depend_on_how_it_is_cut(num_images, start, parts):
    cuts = [start, *itertools.accumulate(parts, initial=start)][1:]
    pieces = [stream_indices(5, a, n, num_images) for a, n in zip(cuts, parts, strict=False)]
    whole = stream_indices(5, start, sum(parts), num_images)
    assert np.concatenate(pieces).tolist() == whole.tolist()


def test_epochs_and_seeds_give_different_orders():
    row = stream_indices(0, 0, 150, 50)
    orders = [tuple(part) for part in np.split(row, 3)] + [tuple(stream_indices(1, 0, 50, 50))]
    assert len(set(orders)) == 4


def test_epoch_and_position_say_where_the_next_step_begins():
    assert epoch_and_position(0, 8, 20) == (0, 0)
    assert epoch_and_position(7, 8, 20) == (2, 16)


def test_no_two_purposes_or_steps_share_a_seed():
    seeds = {
        entropy(seed, stream, step) for seed in range(3) for stream in STREAMS for step in range(50)
    }
    assert len(seeds) == 3 * len(STREAMS) * 50


def test_generators_begin_anew_each_time():
    first, again = (torch.rand(3, generator=seeded(1, "noise", 4)) for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, torch.rand(3, generator=seeded(1, "noise", 5)))


@pytest.mark.parametrize("levels", [256, 17])
@pytest.mark.parametrize("channels", [1, 3])
def test_batches_hold_the_pixels_in_the_models_scale(levels, channels):
    data = pictures(levels=levels, channels=channels)
    where = np.array([3, 0, 3])
    batch = ImageStore(data, device="cpu", channels_last=True).batch(where)
    assert torch.equal(batch.x_0, to_tensor(data.images[where], levels))
    assert batch.labels.tolist() == [0, 0, 0]


def test_only_the_chosen_images_are_mirrored():
    data = pictures(labels=False)
    store = ImageStore(data, device="cpu")
    batch = store.batch(np.array([1, 2]), mirrored=torch.tensor([False, True]))
    assert torch.equal(batch.x_0[0], to_tensor(data.images)[1])
    assert torch.equal(batch.x_0[1], to_tensor(data.images[:, :, ::-1])[2])
    assert batch.labels is None


def test_fingerprint_notices_one_pixel_and_one_label():
    data = pictures()
    images, labels = data.images.copy(), data.labels.copy()
    images[2, 1, 1, 0] ^= 1
    labels[0] = 2
    kinds = [
        fingerprint(data),
        fingerprint(ImageData(images, data.labels, data.class_names, "x")),
        fingerprint(ImageData(data.images, labels, data.class_names, "x")),
        fingerprint(pictures(labels=False)),
    ]
    assert len(set(kinds)) == 4
    assert fingerprint(pictures()) == kinds[0]
