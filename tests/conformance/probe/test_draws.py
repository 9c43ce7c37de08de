"""Every draw is recorded in standard form, can be replaced, and leaves no trace."""

# Targets call the legacy functions, so the tests do.
# ruff: noqa: NPY002

import random

import numpy as np
import pytest
import torch

from refdiff.conformance.probe.draws import repeats, scripted_draws, tagged_draws

imported_by_name = np.random.randn
OWN = np.random.default_rng(5)

NORMAL = {
    "randn": lambda: torch.randn(2, 3),
    "randn of a generator": lambda: torch.randn(2, 3, generator=torch.Generator().manual_seed(1)),
    "randn_like": lambda: torch.randn_like(torch.zeros(2, 3)),
    "torch.normal": lambda: torch.normal(2.0, 3.0, (2, 3)),
    "torch.normal of tensors": lambda: torch.normal(torch.full((2, 3), 2.0), torch.tensor(3.0)),
    "normal_": lambda: torch.empty(2, 3).normal_(2.0, std=3.0),
    "distribution": lambda: torch.distributions.Normal(2.0, 3.0).sample((2, 3)),
    "numpy randn": lambda: np.random.randn(2, 3),
    "numpy normal": lambda: np.random.normal(2.0, 3.0, (2, 3)),
    "default_rng": lambda: np.random.default_rng(1).normal(loc=2.0, scale=3.0, size=(2, 3)),
    "float32 of default_rng": lambda: np.random.default_rng(1).standard_normal((2, 3), np.float32),
    "RandomState": lambda: np.random.RandomState(1).standard_normal((2, 3)),
}
OTHERS = {
    "uniform": [
        lambda: torch.rand(4),
        lambda: torch.rand_like(torch.zeros(4)),
        lambda: torch.empty(4).uniform_(0.0, 1.0),
        lambda: np.random.rand(4),
        lambda: np.random.uniform(size=4),
        lambda: random.random(),
    ],
    "integers": [
        lambda: torch.randint(0, 10, (4,)),
        lambda: torch.empty(4, dtype=torch.long).random_(0, 10),
        lambda: torch.bernoulli(torch.full((4,), 0.5)),
        lambda: torch.multinomial(torch.ones(8), 4),
        lambda: np.random.randint(0, 10, 4),
        lambda: np.random.default_rng(0).integers(0, 10, 4),
        lambda: random.randint(0, 10),
    ],
    "permutation": [lambda: torch.randperm(4), lambda: np.random.permutation(4)],
}


def numbers(values):
    return np.asarray(values.double().numpy() if torch.is_tensor(values) else values, np.float64)


@pytest.mark.parametrize("name", NORMAL)
def test_normal_draws_are_recorded_in_standard_form(name):
    with tagged_draws() as draws:
        made = numbers(NORMAL[name]())
    (draw,) = draws.records
    assert draw.kind == "normal"
    assert draw.values.shape == (2, 3)
    scaled = any(word in name for word in ("normal", "distribution", "default_rng")) and (
        "float32" not in name
    )
    wanted = 2.0 + 3.0 * draw.values if scaled else draw.values
    assert np.max(np.abs(made - wanted)) < 2.0**-20
    assert draws.tagged


@pytest.mark.parametrize("name", NORMAL)
def test_normal_draws_are_replaced_before_they_are_scaled(name):
    with tagged_draws(script=lambda index, kind, shape: np.full(shape, 0.5)) as draws:
        made = numbers(NORMAL[name]())
    plain = name in ("randn", "randn of a generator", "randn_like", "numpy randn", "RandomState")
    wanted = 0.5 if plain or "float32" in name else 3.5
    np.testing.assert_array_equal(made, np.full((2, 3), wanted))
    np.testing.assert_array_equal(draws.records[0].values, np.full((2, 3), 0.5))


@pytest.mark.parametrize(
    ("kind", "make"), [(kind, make) for kind, made in OTHERS.items() for make in made]
)
def test_other_draws_are_recorded_by_their_kind(kind, make):
    with tagged_draws() as draws:
        made = numbers(make())
    assert [draw.kind for draw in draws.records] == [kind]
    np.testing.assert_array_equal(draws.records[0].values, made)
    assert draws.tagged


def test_draws_know_which_call_of_the_model_came_next():
    class Model:
        calls = ()

    model = Model()
    with tagged_draws(model) as draws:
        torch.randn(1)
        model.calls = (1, 2)
        np.random.randn(1)
    assert [draw.before_call for draw in draws.records] == [0, 2]


def test_what_was_imported_before_is_noticed_and_not_recorded():
    with tagged_draws() as draws:
        imported_by_name(3)
    assert draws.records == []
    assert not draws.tagged
    assert draws.unseen == ["numpy.random"]


def test_seeds_that_the_target_sets_are_no_hidden_draws():
    with tagged_draws() as draws:
        torch.manual_seed(3)
        a = torch.randn(2)
        np.random.seed(3)
        b = np.random.randn(2)
        random.seed(3)
        random.gauss(0.0, 1.0)
    assert draws.tagged
    np.testing.assert_array_equal(draws.records[0].values, a.double().numpy())
    np.testing.assert_array_equal(draws.records[1].values, b)


def test_a_generator_of_its_own_passes_where_numpy_expects_one():
    with tagged_draws() as draws:
        assert isinstance(OWN, np.random.Generator)
        assert isinstance(np.random.default_rng(1), np.random.Generator)
        assert np.random.default_rng(OWN) is OWN
    assert draws.tagged


@pytest.mark.parametrize("fails", [False, True])
def test_everything_is_put_back_whatever_happens(fails):
    names = ("randn", "normal", "default_rng", "RandomState", "Generator", "seed")
    before = [getattr(np.random, name) for name in names]
    plain = (random.gauss, random.random, torch.manual_seed, torch.randn)
    states = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()
    try:
        with tagged_draws(), scripted_draws(lambda i, k, s: None):
            torch.randn(3), np.random.randn(3), random.random()
            if fails:
                raise KeyError("of the target")
    except KeyError:
        assert fails
    assert [getattr(np.random, name) for name in names] == before
    assert (random.gauss, random.random, torch.manual_seed, torch.randn) == plain
    assert torch.equal(torch.get_rng_state(), states[0])
    np.testing.assert_array_equal(np.random.get_state()[1], states[1])
    assert random.getstate() == states[2]
    with tagged_draws() as draws:
        pass
    torch.randn(1)
    assert draws.records == []


def test_runs_are_repeatable_and_can_be_seeded():
    def drawn(seed):
        with tagged_draws(seed=seed) as draws:
            torch.randn(3), np.random.randn(3), random.random()
        return [draw.values for draw in draws.records]

    for one, other in zip(drawn(1), drawn(1), strict=True):
        np.testing.assert_array_equal(one, other)
    for one, other in zip(drawn(1), drawn(2), strict=True):
        assert np.all(one != other)


@pytest.mark.parametrize(
    ("draw", "honest"),
    [
        (lambda: torch.randn(3).double().numpy(), True),
        (lambda: np.random.normal(1.0, 2.0, 3), True),
        (lambda: OWN.standard_normal(3), False),
    ],
)
def test_a_source_that_cannot_be_seen_is_found_by_repeating(draw, honest):
    def run(script):
        with tagged_draws(script=script) as draws:
            result = draw()
        return draws.records, [result]

    assert repeats(run) is honest


def test_dropout_is_seen_where_it_acts():
    with tagged_draws() as draws:
        torch.nn.functional.dropout(torch.ones(8), 0.5, training=True)
        torch.nn.functional.dropout(torch.ones(8), 0.5, training=False)
    assert [draw.kind for draw in draws.records] == ["dropout"]
    assert draws.tagged
