"""Judging a result: the units, shapes, dtypes, and the name of what is wrong."""

import json
import subprocess
import sys

import numpy as np
import pytest

from refdiff import equations
from refdiff.conformance import vectors
from refdiff.conformance.vectors import Vector


def vector(expected, budget, **more):
    return Vector("f/slug", "f", {}, expected, {"float64": budget}, {}, (), **more)


@pytest.mark.parametrize(
    ("expected", "budget", "found", "units"),
    [
        ("0.5", 2.0**-50, 0.5, 0.0),
        ("0.5", 2.0**-50, 0.5 + 2.0**-49, 2.0),
        ("0.5", 2.0**-50, 0.5 - 2.0**-49, 2.0),
        ("0.1", 1e-17, 0.1, 0.5551115123125783),  # float64 does not hold a tenth
        ("inf", 1e-300, float("inf"), 0.0),
        ("inf", 1e-300, float("-inf"), float("inf")),
        ("inf", 1e-300, 1e308, float("inf")),
        ("0.5", 1.0, float("inf"), float("inf")),
        ("0.5", 1.0, float("nan"), float("inf")),
        ("0.0", 2.0**-1022, 1e10, float("inf")),
        (["1.0", "2.0"], [0.5, 0.25], [1.0, 2.5], 2.0),
        (["1.0", "2.0"], [0.5, 0.25], np.array([2.0, 2.25]), 2.0),
        (["1.0", "2.0"], [0.5, 0.25], [1.0], float("inf")),
        (["1.0"], [0.5], 1.0, float("inf")),
        ("1.0", 0.5, [1.0], float("inf")),
        ([["1.0"]], [[0.5]], [1.0], float("inf")),
        ([3, 1], [0.0625, 0.0625], [3, 1], 0.0),
        ([3, 1], [0.0625, 0.0625], np.array([3, 2]), 16.0),
        ([3, 1], [0.0, 0.0], np.array([3, 2]), float("inf")),
    ],
)
def test_units(expected, budget, found, units):
    assert vectors.units(vector(expected, budget), found) == units


@pytest.mark.parametrize(
    ("found", "units"), [([1.0, 9.0, 3.5], 1.0), ([1.0, 3.5], float("inf")), (1.0, float("inf"))]
)
def test_only_the_entries_that_are_given_count(found, units):
    given = vector(["1.0", "3.0"], [0.5, 0.5], entries=(0, 2), length=3)
    assert vectors.units(given, found) == units


def test_a_dtype_without_a_budget_is_refused():
    with pytest.raises(ValueError, match=r"dtype='float16' must be one of float64"):
        vectors.units(vector("1.0", 0.5), 1.0, dtype="float16")


def test_a_mistake_is_found_and_its_size_told():
    def without_denominator(*, alpha_bar_t, alpha_bar_s):
        return (1 - alpha_bar_t / alpha_bar_s) * (1 - alpha_bar_s)

    misses = vectors.check({"posterior_variance": without_denominator})
    found = {miss.vector.id for miss in misses}
    assert "posterior-variance/linear-1000-second" in found
    assert "posterior-variance/linear-1000-first" not in found  # the variance is 0 there anyway
    assert all(miss.units > 1e6 for miss in misses if miss.vector.id.endswith("/round"))
    assert str(misses[0]).startswith(f"{misses[0].vector.id}: off by ")


def test_an_arithmetic_error_is_a_miss_and_others_are_passed_on():
    misses = vectors.check({"snr": lambda *, alpha_bar_t: 1 / (1 - alpha_bar_t) - 1})
    (missed,) = (miss for miss in misses if miss.vector.id == "snr/clean")
    assert isinstance(missed.found, ZeroDivisionError)
    assert missed.units == float("inf")
    with pytest.raises(TypeError):
        vectors.check({"snr": lambda alpha: alpha / (1 - alpha)})


def test_arguments_arrive_in_the_dtype_asked_for():
    seen = []

    def loss(*, eps, eps_pred):
        seen.append((eps.dtype, eps_pred.shape))
        return equations.simple_loss(eps, eps_pred)

    assert vectors.check({"simple_loss": loss}, dtype="float32") == []
    assert {dtype for dtype, _ in seen} == {np.dtype("float32")}
    assert (2, 1, 2, 2) in {shape for _, shape in seen}
    seen.clear()
    given = {"simple_loss": lambda **kw: seen.append(kw) or equations.simple_loss(**kw)}
    assert vectors.check(given, dtype="float32", array=lambda x: np.array(x, "f")) == []
    assert all(kw["eps"].dtype == np.float32 for kw in seen)


def test_whole_numbers_stay_whole():
    def times(*, num_train_steps, num_steps):
        assert type(num_train_steps) is type(num_steps) is int
        return equations.leading_timesteps(num_train_steps, num_steps)

    assert vectors.check({"leading_timesteps": times}) == []


def test_reading_needs_the_standard_library_alone(tmp_path):
    """As a copy without the rest of the package: reading.py imports nothing of it."""
    program = (
        "import sys\n"
        "for name in ('mpmath', 'torch', 'scipy', 'hypothesis'): sys.modules[name] = None\n"
        "from refdiff.conformance import vectors\n"
        "import json; print(json.dumps([v.id for v in vectors.load('snr')]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == [vector.id for vector in vectors.load("snr")]
