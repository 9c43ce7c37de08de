"""Noise by sample: bits that depend on the seed and the index alone, and that are normal."""

import numpy as np
import pytest
import torch

from refdiff.samplers import NumpySampleNoise, SampleNoise, ddpm, last
from refdiff.testing import assert_within_standard_errors
from tests.samplers.worlds import TABLES

SHAPE = (2, 3, 3)


def drawn(noise, count=3):
    """Return x_T and some draws, shape (count + 1, B, *shape)."""
    like = noise.initial()
    return torch.stack([like, *(noise(t, t - 1, like) for t in range(count, 0, -1))])


@pytest.mark.parametrize("batch", [[3], [0, 1, 2, 3], [3, 1], [5, 3, 0], [3, 3]])
def test_a_sample_has_the_same_bits_in_every_batch(batch):
    alone = drawn(SampleNoise(11, [3], SHAPE))[:, 0]
    together = drawn(SampleNoise(11, batch, SHAPE))
    assert torch.equal(together[:, batch.index(3)], alone)


@pytest.mark.parametrize("split", [[8], [3, 5], [1] * 8])
def test_samples_have_the_same_bits_however_they_are_split(split):
    def model(x, t):
        return (x + 0.1 * t).sin()

    found, start = [], 0
    for size in split:
        noise = SampleNoise(5, range(start, start + size), SHAPE)
        steps = ddpm(
            model, noise.initial(), alpha_bars=TABLES[40], timesteps=[40, 22, 7], noise=noise
        )
        found.append(last(steps))
        start += size
    whole = SampleNoise(5, range(8), SHAPE)
    steps = ddpm(model, whole.initial(), alpha_bars=TABLES[40], timesteps=[40, 22, 7], noise=whole)
    assert torch.equal(torch.cat(found), last(steps))


def test_seed_index_purpose_and_draw_all_change_the_numbers():
    streams = torch.cat(
        [
            drawn(SampleNoise(seed, [index], SHAPE)).reshape(4, -1)
            for seed, index in [(0, 0), (0, 1), (1, 0), (7, 0), (2**32, 0), (5, 7), (7 * 2**32, 0)]
        ]
        # A seed of two words must not run into the index that follows it.
        + [drawn(SampleNoise(5 + 7 * 2**32, [0], SHAPE)).reshape(4, -1)]
    )
    assert len(torch.unique(streams)) == streams.numel()


def test_the_first_state_is_the_same_at_every_time():
    noise = SampleNoise(3, [1, 2], SHAPE)
    before = noise.initial()
    noise(9, 8, before)
    assert torch.equal(noise.initial(), before)


def test_draws_are_counted_without_the_first_state():
    noise = SampleNoise(3, [1, 2], SHAPE)
    assert noise.draws == 0
    like = noise.initial()
    assert noise.draws == 0
    noise(2, 1, like)
    noise(1, 0, like)
    assert noise.draws == 2


def test_other_dtypes_hold_the_same_float32_numbers():
    single = drawn(SampleNoise(3, [1, 2], SHAPE))
    for dtype in (torch.float64, torch.bfloat16):
        other = drawn(SampleNoise(3, [1, 2], SHAPE, dtype=dtype, device="cpu"))
        assert other.dtype == dtype
        assert torch.equal(other, single.to(dtype))
    assert single.dtype == torch.float32


def test_numpy_noise_has_the_same_numbers():
    by_torch, by_numpy = SampleNoise(3, [4], SHAPE), NumpySampleNoise(3, [4], SHAPE, np.float64)
    first = by_numpy.initial()
    assert first.dtype == np.float64
    np.testing.assert_array_equal(by_torch.initial().numpy(), first)
    np.testing.assert_array_equal(
        by_torch(2, 1, torch.zeros(1, *SHAPE)).numpy(), by_numpy(2, 1, first)
    )


def test_the_caller_may_keep_what_was_drawn():
    noise = SampleNoise(3, [4], SHAPE)
    first = noise(3, 2, torch.zeros(1, *SHAPE))
    kept = first.clone()
    noise(2, 1, first)
    assert torch.equal(first, kept)


def test_samples_may_be_single_numbers():
    noise = NumpySampleNoise(3, range(4), ())
    assert noise.initial().shape == (4,)
    assert len(np.unique(noise(2, 1, noise.initial()))) == 4


@pytest.mark.parametrize("power", [1, 2, 3, 4])
def test_the_noise_is_standard_normal_within_and_across_samples(power):
    noise = NumpySampleNoise(17, range(3000), (4,), np.float64)
    first = noise.initial()
    second = noise(2, 1, first)
    moment = {1: 0.0, 2: 1.0, 3: 0.0, 4: 3.0}[power]
    assert_within_standard_errors(first**power, moment)
    assert_within_standard_errors(second**power, moment)
    if power == 1:  # unrelated: to the other draw, to the next sample, to the next element
        assert_within_standard_errors(first * second, 0.0)
        assert_within_standard_errors(first * np.roll(first, 1, axis=0), 0.0)
        assert_within_standard_errors(first * np.roll(first, 1, axis=1), 0.0)


def test_torchs_global_generator_is_not_touched():
    before = torch.get_rng_state().clone()
    drawn(SampleNoise(3, [4], SHAPE))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((-1, [0], SHAPE), "seed=-1 must be an integer >= 0"),
        ((0.5, [0], SHAPE), r"seed=0.5 must be an integer >= 0"),
        ((0, [2, -3], SHAPE), "indices=-3 must be an integer >= 0"),
        ((0, [0], (3, 0)), "shape=0 must be an integer >= 1"),
    ],
)
def test_bad_arguments_are_refused(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        SampleNoise(*arguments)


def test_a_state_of_another_shape_is_refused():
    noise = SampleNoise(3, [4, 5], SHAPE)
    with pytest.raises(ValueError, match=r"the state has shape \(1, 2, 3, 3\) and the noise \(2, "):
        noise(2, 1, torch.zeros(1, *SHAPE))
