"""What a call disturbs is told and put back, also if the call fails."""

# Targets call the legacy functions, so the tests do.
# ruff: noqa: NPY002

import random
import sys
import warnings

import numpy as np
import pytest
import torch

from refdiff.conformance.probe.draws import tagged_draws
from refdiff.conformance.probe.guard import guarded


def test_a_quiet_function_disturbs_nothing():
    x = torch.tensor([1.0, float("nan")])
    result, found = guarded(lambda y: y * torch.randn(2) + np.random.randn(), x)
    assert result.shape == (2,)
    assert not found
    assert found.sentences() == []


@pytest.mark.parametrize(
    "write",
    [
        lambda x: x.__setitem__(0, 7.0),
        lambda x: x.fill_(3.0) if torch.is_tensor(x) else x.fill(3.0),
    ],
)
@pytest.mark.parametrize("make", [lambda: np.ones(3), lambda: torch.ones(3)])
def test_arguments_that_are_written_into_are_named_and_mended(make, write):
    x, nested = make(), {"a": [make()]}
    _, found = guarded(lambda x, keep: (write(x), write(keep["a"][0])), x, keep=nested)
    assert found.mutated == ("0", "keep")
    assert np.all(np.asarray(x) == 1)
    assert np.all(np.asarray(nested["a"][0]) == 1)


@pytest.mark.parametrize(
    ("seed", "what"),
    [
        (lambda: torch.manual_seed(0), "torch"),
        (lambda: torch.random.manual_seed(0), "torch"),
        (lambda: torch.set_rng_state(torch.get_rng_state()), "torch"),
        (lambda: torch.default_generator.manual_seed(0), "torch"),
        (lambda: np.random.seed(0), "numpy"),
        (lambda: np.random.set_state(np.random.get_state()), "numpy"),
        (lambda: random.seed(0), "random"),
    ],
)
def test_seeding_is_told_from_drawing(seed, what):
    def reseeds():
        torch.randn(2), np.random.randn(2), random.random()
        seed()

    _, found = guarded(reseeds)
    assert found.reseeded == (what,)

    def recorded():
        with tagged_draws():
            reseeds()

    if (
        what != "torch"
        or seed.__code__.co_names[0] != "torch"
        or "default_generator" not in (seed.__code__.co_names)
    ):
        assert guarded(recorded)[1].reseeded == (what,)


def test_the_probes_own_seeding_is_no_disturbance():
    def records():
        with tagged_draws(seed=4) as draws:
            torch.randn(2)
        return draws

    draws, found = guarded(records)
    assert not found
    assert draws.tagged


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (lambda: torch.set_default_dtype(torch.float64), "torch.default_dtype"),
        (lambda: torch.set_grad_enabled(False), "torch.grad_enabled"),
        (lambda: torch.use_deterministic_algorithms(True), "torch.deterministic_algorithms"),
        (lambda: setattr(torch.backends.cudnn, "benchmark", True), "torch.backends.cudnn"),
        (lambda: np.seterr(all="raise"), "numpy.errstate"),
    ],
)
def test_settings_are_named_and_put_back(change, name):
    def look():
        return (
            torch.get_default_dtype(),
            torch.is_grad_enabled(),
            torch.are_deterministic_algorithms_enabled(),
            torch.backends.cudnn.benchmark,
            np.geterr(),
        )

    before = look()
    _, found = guarded(change)
    assert list(found.settings) == [name]
    assert look() == before


def test_words_are_kept_and_no_disturbance(capsys):
    def talks():
        sys.stdout.write("first line\n")
        warnings.warn("careful", UserWarning, stacklevel=1)

    _, found = guarded(talks)
    assert not found
    assert found.printed == "first line\n"
    assert found.warned == ("UserWarning: careful",)
    assert capsys.readouterr().out == ""


def test_a_failure_passes_and_everything_is_put_back():
    x, state = np.ones(3), torch.get_rng_state()
    original = np.random.seed

    def fails(x):
        x[:] = 0
        torch.manual_seed(0)
        torch.set_grad_enabled(False)
        raise RuntimeError("of the target")

    with pytest.raises(RuntimeError, match="of the target"):
        guarded(fails, x)
    assert np.all(x == 1)
    assert torch.is_grad_enabled()
    assert torch.equal(torch.get_rng_state(), state)
    assert np.random.seed is original
