"""The schedule of a sampler's target: names, files, and what is no table of alpha_bar."""

import numpy as np
import pytest

from refdiff._errors import UserError
from refdiff.conformance.schedule_option import read_schedule
from refdiff.equations import alpha_bars_from_betas, cosine_betas, linear_betas, scaled_linear_betas


@pytest.mark.parametrize(
    ("text", "betas"),
    [
        ("linear:50", linear_betas(50)),
        ("linear", linear_betas(1000)),
        ("cosine:7", cosine_betas(7)),
        ("scaled-linear:1000", scaled_linear_betas(1000)),
    ],
)
def test_names(text, betas):
    assert np.array_equal(read_schedule(text), alpha_bars_from_betas(betas))


def test_a_file_and_a_table(tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, np.array([1.0, 0.5, 0.25, 0.0], np.float32))
    assert read_schedule(str(path)).tolist() == [1.0, 0.5, 0.25, 0.0]
    assert read_schedule(str(path)).dtype == np.float64
    assert read_schedule(np.array([1, 0.5])).tolist() == [1.0, 0.5]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("liner:10", "did you mean linear?"),
        ("linear:0", "'0' is no number of noise levels"),
        ("linear:ten", "'ten' is no number"),
        ("linear:-3", "'-3' is no number"),
        ("linear:²", "'²' is no number"),
        ("linear:", "'' is no number"),
        ("missing.npy", "there is no such file"),
    ],
)
def test_bad_texts_are_refused(text, words):
    with pytest.raises(UserError) as caught:
        read_schedule(text)
    assert words in str(caught.value)
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.array([[1.0, 0.5]]), "shape (1, 2)"),
        (np.array([1.0]), "shape (1,)"),
        (np.array(["a", "b"]), "<U1"),
        (np.array([0.9, 0.5]), "put a 1 in front"),
        (np.array([1.0, 0.5, 0.6]), "0.6 at time 2, after 0.5"),
        (np.array([1.0, 0.5, -0.1]), "-0.1 at time 2"),
        (np.array([1.0, np.nan]), "nan at time 1"),
        (np.array([1.0, 0.5, 0.5]), "0.5 at time 2, after 0.5"),
    ],
)
def test_tables_that_are_none_of_alpha_bar(values, words):
    with pytest.raises(UserError) as caught:
        read_schedule(values)
    assert words in str(caught.value)


def test_a_file_that_is_no_array(tmp_path):
    path = tmp_path / "a.npy"
    path.write_text("x")
    with pytest.raises(UserError, match=r"numpy\.save"):
        read_schedule(str(path))
    np.save(path, np.array([object()]))
    with pytest.raises(UserError, match="cannot be read"):
        read_schedule(str(path))
