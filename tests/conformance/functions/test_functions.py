"""Recognition, coverage, and targets that do strange things."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from refdiff import equations
from refdiff.conformance.shapes import functions
from refdiff.testing import assert_close
from tests.conformance.functions.judged import alone, settings


def test_modules_and_objects_with_functions_are_recognised():
    assert functions.recognises(equations)
    assert functions.recognises(SimpleNamespace(snr=lambda *, alpha_bar_t: alpha_bar_t))
    assert not functions.recognises(SimpleNamespace(snr=3.0))
    assert not functions.recognises(np)


def test_every_function_is_asked_with_its_equations():
    checks = functions.checks(SimpleNamespace(), settings())
    names = {check.id.split("/")[0].replace("-", "_") for check in checks}
    assert names == set(equations.__all__)
    for check in checks:
        function = getattr(equations, check.id.split("/")[0].replace("-", "_"))
        assert check.equations == getattr(function, "__equations__", ())
    assert len({check.id for check in checks}) == len(checks)


def test_what_a_target_lacks_is_not_provided():
    target = SimpleNamespace(snr=equations.snr, log_snr=2.0)
    for check in functions.checks(target, settings()):
        judged = check.judge().verdict != "not-provided"
        assert judged == check.id.startswith("snr/")


def test_inputs_come_in_the_dtype_of_the_case():
    seen = {}

    def forward_mean(x_0, *, alpha_bar_t):
        seen.setdefault(type(alpha_bar_t), set()).add(x_0.dtype)
        assert x_0.ndim >= 2
        return equations.forward_mean(x_0, alpha_bar_t=alpha_bar_t)

    alone(forward_mean)
    assert seen == {
        float: {np.dtype("float64"), np.dtype("float32")},
        np.ndarray: {np.dtype(float)},
    }
    seen.clear()
    alone(forward_mean, "torch")
    assert seen == {torch.Tensor: {torch.float64, torch.float32, torch.bfloat16}}


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda right: None, "None"),
        (lambda right: "many", "'many'"),
        (lambda right: right * 1j, "complex"),
        (lambda right: (right, right), "tuple of 2 arrays"),
        (lambda right: right * np.nan, "NaN"),
        (lambda right: right.T, "no known variant"),
        (lambda right: right[None], "shape (1, 2, 3)"),
        (lambda right: right.ravel(), "shape (6,)"),
        (lambda right: right.astype(int), "no known variant"),
        (lambda right: right[:1], "shape (1, 3)"),
    ],
)
def test_strange_answers_deviate_in_words(answer, words):
    def forward_mean(x_0, *, alpha_bar_t):
        return answer(equations.forward_mean(x_0, alpha_bar_t=alpha_bar_t))

    outcome = alone(forward_mean)["forward-mean/values"]
    assert outcome.verdict == "deviates"
    assert words in f"{outcome.message} {outcome.observed}"


def test_lists_and_single_numbers_are_arrays_too():
    def snr(*, alpha_bar_t):
        return np.asarray(equations.snr(alpha_bar_t=alpha_bar_t)).tolist()

    assert {o.verdict for o in alone(snr).values()} == {"conforms"}


def test_writing_into_the_inputs_is_found():
    def forward_mean(x_0, *, alpha_bar_t):
        x_0 *= np.sqrt(alpha_bar_t)
        return x_0

    outcome = alone(forward_mean)["forward-mean/values"]
    assert outcome.verdict == "known-deviation"
    assert outcome.variant == "mutates-its-inputs"
    assert "x_0" in outcome.message


def test_another_signature_is_an_error_that_says_so():
    def forward_mean(x_0, t):
        return x_0

    with pytest.raises(TypeError, match=r"cannot be called as forward_mean\(x_0, alpha_bar_t="):
        alone(forward_mean)


def test_code_for_tensors_is_told_of_the_option():
    def forward_mean(x_0, *, alpha_bar_t):
        return torch.sqrt(alpha_bar_t) * x_0

    with pytest.raises(TypeError, match="--array torch"):
        alone(forward_mean)
    assert {o.verdict for o in alone(forward_mean, "torch").values()} == {"conforms"}


def test_a_setting_that_is_fixed_is_not_provided():
    def karras_sigmas(num_steps, *, sigma_min, sigma_max):
        return equations.karras_sigmas(num_steps, sigma_min=sigma_min, sigma_max=sigma_max)

    found = alone(karras_sigmas)
    assert found["karras-sigmas/defaults"].verdict == "conforms"
    assert "karras-sigmas/settings" not in found


def test_outcomes_show_inputs_and_both_numbers():
    def snr(*, alpha_bar_t):
        return 3 * equations.snr(alpha_bar_t=alpha_bar_t)

    outcome = alone(snr)["snr/values"]
    alpha_bar = outcome.at["alpha_bar_t"]
    assert_close(outcome.expected, alpha_bar / (1 - alpha_bar))
    assert_close(outcome.observed, 3 * alpha_bar / (1 - alpha_bar))
    assert outcome.error_units > 1e6


def test_the_same_seed_asks_the_same_questions():
    first, again = (alone(equations.posterior_mean)["posterior-mean/values"] for _ in range(2))
    assert first == again
