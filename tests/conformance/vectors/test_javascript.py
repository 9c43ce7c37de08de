"""The reader for JavaScript, run under Node: right functions pass, and wrong ones are named."""

import json
import shutil
import subprocess
from importlib import resources

import numpy as np
import pytest

from refdiff import checks
from refdiff.conformance import vectors
from refdiff.conformance.parts import Parts
from refdiff.conformance.vectors import calling, separating

NODE = shutil.which("node")
READER = resources.files("refdiff.conformance.vectors") / "reader.mjs"
IMPORT = f"import {{check, inputs, load, names, units}} from {json.dumps(f'file://{READER}')};\n"

needs_node = pytest.mark.skipif(NODE is None, reason="Node.js is not on this machine")

RIGHT = """{
  posterior_variance: ({alpha_bar_t: t, alpha_bar_s: s}) => (1 - s) / (1 - t) * (s - t) / s,
  forward_sample: ({x_0, eps, alpha_bar_t: t}) => Math.sqrt(t) * x_0 + Math.sqrt(1 - t) * eps,
  snr: ({alpha_bar_t: t}) => t / (1 - t),
  log_snr: ({alpha_bar_t: t}) => Math.log(t / (1 - t)),
  ddim_sigma: ({alpha_bar_t: t, alpha_bar_s: s, eta}) =>
    eta * Math.sqrt((1 - s) / (1 - t)) * Math.sqrt((s - t) / s),
  min_snr_weight_eps: ({snr_t, gamma}) => Math.min(gamma / snr_t, 1),
  simple_loss: ({eps, eps_pred}) => eps.map((sample, i) => {
    const [a, b] = [sample, eps_pred[i]].map((tree) => [tree].flat(Infinity));
    return a.reduce((sum, x, j) => sum + (x - b[j]) ** 2, 0) / a.length;
  }),
  leading_timesteps: ({num_train_steps: T, num_steps: S}) =>
    Array.from({length: S}, (_, i) => (S - 1 - i) * Math.floor(T / S) + 1),
  linear_betas: ({num_steps: T, beta_start: a, beta_end: b}) =>
    Array.from({length: T}, (_, i) => a + (T > 1 ? i / (T - 1) : 0) * (b - a)),
}"""
# Each with a vector that it must miss, and one that cannot tell.
WRONG = {
    "posterior_variance: ({alpha_bar_t: t, alpha_bar_s: s}) => (1 - s) * (s - t) / s": (
        "posterior-variance/linear-1000-second",
        "posterior-variance/linear-1000-first",
    ),
    "leading_timesteps: ({num_train_steps: T, num_steps: S}) => "
    "Array.from({length: S}, (_, i) => (S - 1 - i) * Math.floor(T / S))": (
        "leading-timesteps/1000-by-4",
        None,
    ),
    "leading_timesteps: ({num_train_steps: T, num_steps: S}) => "
    "Array.from({length: S + 1}, (_, i) => (S - 1 - i) * Math.floor(T / S) + 1)": (
        "leading-timesteps/1000-by-1000",
        None,
    ),
    "simple_loss: ({eps}) => eps.map(() => NaN)": ("simple-loss/two-images", None),
    "simple_loss: () => 1": ("simple-loss/two-images", None),
}


def run(program):
    done = subprocess.run(
        [NODE, "--input-type=module", "-e", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def check(functions, dtype="float64"):
    return run(f"{IMPORT}console.log(JSON.stringify(check({functions}, {json.dumps(dtype)})));")


def test_the_reader_is_short():
    assert len(READER.read_text("utf-8").splitlines()) <= 40


@needs_node
def test_right_functions_pass():
    assert check(RIGHT) == []


@needs_node
@pytest.mark.parametrize("function", WRONG)
def test_a_wrong_function_fails(function):
    missed, passed = WRONG[function]
    found = {failure["id"] for failure in check(f"{{{function}}}")}
    assert missed in found
    assert passed not in found


UNITS = [
    ("0.5", 0.125, "0.75", 2),
    ("0.5", 0.125, "NaN", "Infinity"),
    ("0.5", 0.125, "undefined", "Infinity"),
    ("0.5", 0.125, "[0.5]", "Infinity"),
    ("inf", 0.125, "Infinity", 0),
    ("inf", 0.125, "-Infinity", "Infinity"),
    ("-inf", 0.125, "-Infinity", 0),
    (["1.0", "2.0"], [0.5, 0.25], "[1, 2.5]", 2),
    (["1.0", "2.0"], [0.5, 0.25], "[2, 2.25]", 2),
    (["1.0", "2.0"], [0.5, 0.25], "[1]", "Infinity"),
    (["1.0"], [0.5], "[1, 2]", "Infinity"),
    (["1.0"], [0.5], "1", "Infinity"),
    ([["1.0"], ["2.0"]], [[0.5], [0.5]], "[[1], [3]]", 2),
    ([3, 1], [0.0625, 0.0625], "[3, 2]", 16),
]


@needs_node
def test_units():
    asked = ", ".join(
        f"units({json.dumps({'expected': expected, 'budget': {'float64': budget}})}, {found})"
        for expected, budget, found, _ in UNITS
    )
    found = run(f"{IMPORT}console.log(JSON.stringify([{asked}].map(String)));")
    assert found == [str(units) for *_, units in UNITS]


@needs_node
def test_arithmetic_in_single_precision_is_seen_and_has_its_own_budget():
    rounded = (
        "{posterior_variance: ({alpha_bar_t: t, alpha_bar_s: s}) => "
        "Math.fround(Math.fround(Math.fround(1 - s) / Math.fround(1 - t)) "
        "* Math.fround(Math.fround(s - t) / s))}"
    )
    assert check(rounded) != []
    assert check(rounded, "float32") == []


@needs_node
def test_it_reads_what_python_reads():
    program = (
        "const plain = (key, value) => Math.abs(value) === Infinity ? String(value) : value;\n"
        "const read = (name) => load(name).vectors.map((v) => [v.id, inputs(v)]);\n"
        "console.log(JSON.stringify(names().flatMap(read), plain));"
    )
    wanted = {vector.id: vector.inputs for vector in vectors.iterate()}
    found = dict(run(IMPORT + program))
    assert found.keys() == wanted.keys()
    for name, given in found.items():
        plain = {k: float(v) if isinstance(v, str) else v for k, v in given.items()}
        assert plain == wanted[name]


def literal(value):
    return repr(value).replace("inf", "Infinity").replace("nan", "NaN")


@needs_node
@pytest.mark.parametrize("function", ["posterior_variance", "ddim_sigma", "posterior_mean", "snr"])
def test_known_mistakes_are_named(function):
    """JavaScript that returns, vector by vector, what Python code with the mistake returned."""
    mistakes = [v for v in separating.variants_of(function) if v.kind == "deviation"]
    assert mistakes
    programs = []
    for mistake in mistakes:
        planted = calling.in_order(getattr(Parts([mistake]), function), function)
        with checks("off"), np.errstate(all="ignore"):
            results = [
                float(planted(**{name: np.float64(x) for name, x in vector.inputs.items()}))
                for vector in vectors.load(function)
            ]
        numbers = ", ".join(map(literal, results))
        programs.append(f"check({{{function}: ((all) => () => all.shift())([{numbers}])}})")
    found = run(f"{IMPORT}console.log(JSON.stringify([{', '.join(programs)}]));")
    for mistake, failures in zip(mistakes, found, strict=True):
        assert failures
        assert all(mistake.name in failure["named"] for failure in failures)
