"""The expected numbers, against oracles that share nothing with the code that made them."""

import inspect
from fractions import Fraction

import mpmath
import pytest

from refdiff.conformance import vectors
from refdiff.testing.budgets import DIGITS
from tests.support import textbook_arrays
from tests.support.groups import function_named
from tests.support.textbook import TEXTBOOK

every_function = pytest.mark.parametrize("name", vectors.names())

BATCHES = {"dynamic_threshold", "rescale_guidance", "simple_loss"}
# The papers' forms subtract logarithms or numbers near 1: these digits are lost to them.
SPARE = 15


def exactly(value):
    if isinstance(value, list):
        return [exactly(branch) for branch in value]
    return value if isinstance(value, int) else mpmath.mpf(value)


def flat(tree):
    """Return each sample's components in one list, as the oracles of batches take them."""
    return [leaf for b in tree for leaf in flat(b)] if isinstance(tree, list) else [tree]


def reshaped(values, like):
    """Give numbers, taken from an iterator, the nesting of another tree."""
    if isinstance(like, list):
        return [reshaped(values, branch) for branch in like]
    return next(values)


def per_sample(values, x):
    def wrapped(value, like):
        return [wrapped(value, like[0])] if isinstance(like, list) else value

    return [wrapped(value, sample) for value, sample in zip(values, x, strict=True)]


def of_samples(oracle, inputs):
    """Call an oracle of batches, whose samples are lists, and give the result x_0's shape."""
    first, *_ = (value for value in inputs.values() if isinstance(value, list))
    rows = {
        name: [flat(sample) for sample in value] if isinstance(value, list) else value
        for name, value in inputs.items()
    }
    tensors = [rows.pop(name) for name in list(rows) if isinstance(rows[name], list)]
    found = oracle(*tensors, **rows)
    return found if oracle.__name__ == "simple_loss" else reshaped(iter(flat(found)), first)


def expected_by_oracle(vector):
    inputs = {name: exactly(value) for name, value in vector.inputs.items()}
    if vector.function == "per_sample":
        return per_sample(**inputs)
    if vector.function in TEXTBOOK:
        tensors = [inputs.pop(name) for name in positional(vector.function)]
        return TEXTBOOK[vector.function](*tensors, **inputs)
    oracle = getattr(textbook_arrays, vector.function)
    if vector.function in BATCHES:
        return of_samples(oracle, inputs)
    if vector.function.endswith("_timesteps"):
        found = oracle(*inputs.values())
    else:
        plain = [inputs.pop(n) for n in ("num_steps", "betas", "alpha_bars") if n in inputs]
        found = oracle(*plain, **inputs)
    return [found[i] for i in vector.entries] if vector.entries else found


def positional(name):
    parameters = inspect.signature(function_named(name)).parameters.values()
    return [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]


def at_infinity(vector):
    """Say whether the oracle would meet inf / inf: these limits are checked by themselves."""
    values = vector.inputs.values()
    return any(isinstance(v, float) and abs(v) == float("inf") for v in values)


@every_function
def test_an_independent_formula_gives_the_same_digits(name):
    with mpmath.workdps(DIGITS):
        for vector in vectors.load(name):
            if at_infinity(vector):
                continue
            expected = [exactly(n) for n in flat(vector.expected)]
            found = flat(expected_by_oracle(vector))
            assert len(found) == len(expected)
            for number, other in zip(found, expected, strict=True):
                lost = mpmath.mpf(10) ** (SPARE - 50) * abs(other)
                assert number == other or abs(number - other) <= lost, vector.id


LIMITS = {
    "alpha-bar-from-log-snr/clean": "1.0",
    "alpha-bar-from-log-snr/noise": "0.0",
    "min-snr-weight-x-0/clean": "5.0",
    "min-snr-weight-eps/clean": "0.0",
    "min-snr-weight-v/clean": "0.0",
}


def test_limits_at_infinity():
    found = {v.id: v.expected for v in vectors.iterate() if at_infinity(v)}
    assert found == LIMITS


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_reference_passes_its_own_vectors(dtype):
    functions = {name: function_named(name) for name in vectors.names()}
    assert [str(miss) for miss in vectors.check(functions, dtype=dtype)] == []


@every_function
def test_budgets_are_of_the_size_of_rounding(name):
    """Even where nearly all digits cancel, some are asked for."""
    for vector in vectors.load(name):
        for text, allowed in zip(
            flat(vector.expected), flat(vector.budget["float64"]), strict=True
        ):
            if isinstance(text, str) and "inf" not in text:
                assert Fraction(allowed) <= Fraction(1, 2**20) * max(abs(Fraction(text)), 1)
