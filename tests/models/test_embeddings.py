"""How time and class reach the network."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from refdiff.models.embeddings import ClassEmbedding, TimeEmbedding, sinusoidal_embedding
from refdiff.testing import assert_close

times = st.lists(st.integers(1, 4000), min_size=1, max_size=5)
widths = st.integers(1, 64).map(lambda half: 2 * half)


@given(t=times, width=widths)
def test_cosines_then_sines_of_falling_frequency(t: list[int], width: int):
    half = width // 2
    frequencies = 10_000.0 ** (-np.arange(half) / half)
    angles = np.array(t, dtype=np.float64)[:, None] * frequencies
    expected = np.concatenate((np.cos(angles), np.sin(angles)), axis=1)
    # An angle is rounded in float32: its error is a few units of the angle itself, of which the
    # exponential brings the most, since its argument reaches ln(10000).
    terms = 1 + np.concatenate((angles, angles), axis=1) * np.log(10_000.0)
    assert_close(sinusoidal_embedding(torch.tensor(t), width), expected, terms=terms)


@given(t=st.integers(1, 3000), u=st.integers(1, 3000), shift=st.integers(0, 1000), width=widths)
def test_inner_products_depend_on_the_distance_in_time_alone(t, u, shift, width):
    first = sinusoidal_embedding(torch.tensor([t, u]), width).double()
    later = sinusoidal_embedding(torch.tensor([t + shift, u + shift]), width).double()
    terms = width * (t + u + 2 * shift) * np.log(10_000.0)
    assert_close(first[0] @ first[1], later[0] @ later[1], terms=terms, dtype="float32")


def test_shorter_types_do_not_round_the_time():
    embedding = TimeEmbedding(32, 8)
    half = TimeEmbedding(32, 8).to(torch.bfloat16)
    half.load_state_dict(embedding.state_dict())
    embedding.load_state_dict(half.state_dict())  # now both hold the same, short weights
    t = torch.tensor([998, 999])
    short, full = half(t), embedding(t)
    assert_close(short, full, terms=float(full.detach().abs().max()), units=8)
    # bfloat16 has no 999: had the time been rounded, both rows would be the same.
    assert not torch.equal(short[0], short[1])


@pytest.mark.parametrize("num_classes", [1, 10])
def test_the_null_class_has_a_vector_of_its_own(num_classes: int):
    embedding = ClassEmbedding(num_classes, 4)
    assert embedding.null_label == num_classes
    vectors = embedding(torch.arange(num_classes + 1)).detach()
    assert len(torch.unique(vectors, dim=0)) == num_classes + 1
