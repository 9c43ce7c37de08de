"""Judging a live object, and giving its checks to pytest."""

import shlex
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

import refdiff.equations
from refdiff import conformance
from refdiff._errors import UserError
from refdiff.equations import ddim_sigma, posterior_variance, snr
from refdiff.testing import assert_close


def wrong_sigma(*, alpha_bar_t, alpha_bar_s, eta):
    return ddim_sigma(alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s, eta=1.0) ** 2 * eta


RIGHT = SimpleNamespace(snr=snr, posterior_variance=posterior_variance)
WRONG = SimpleNamespace(snr=snr, ddim_sigma=wrong_sigma)


def test_right_code_passes():
    report = conformance.run(RIGHT)
    assert report.shape == "functions"
    assert report.exit_status == 0
    assert report.passed
    assert report.complete
    assert report.result("snr/values").verdict == "conforms"
    assert report.result("ddim-sigma/eta-half").verdict == "not-provided"
    with pytest.raises(KeyError):
        report.result("no/check")


def test_a_mistake_is_named_with_its_numbers_and_can_be_repeated():
    report = conformance.run(WRONG, only="ddim-sigma/*")
    assert report.exit_status == 1
    found = report.result("ddim-sigma/eta-half")
    assert found.verdict == "known-deviation"
    assert found.variant == "eta-times-variance"
    assert_close(found.expected, ddim_sigma(**found.at))
    assert_close(found.observed, wrong_sigma(**found.at))
    again = eval(found.reproduce, {"refdiff": refdiff, "target": WRONG})
    assert [r.check for r in again.results] == ["ddim-sigma/eta-half"]
    assert again.result("ddim-sigma/eta-half").variant == found.variant


def test_the_call_that_repeats_a_check_has_the_same_options():
    def call(target, **known):
        (found,) = conformance.run(target, only="snr/values", **known).results
        return found.reproduce

    table = np.array([1.0, 0.5])
    assert call(RIGHT) == "refdiff.conformance.run(target, only='snr/values')"
    assert call(refdiff.equations, seed=3, array="torch", shape="functions") == (
        "refdiff.conformance.run(refdiff.equations, shape='functions', array='torch', seed=3, "
        "only='snr/values')"
    )
    assert call(RIGHT, schedule=table, time_base=1) == (
        "refdiff.conformance.run(target, schedule=schedule, time_base=1, only='snr/values')"
    )


def test_a_message_cannot_reach_the_terminal_or_break_a_file(tmp_path):
    def odd(**levels):
        raise ValueError("\x1b[31mred \ud800 \x00 \u2192")

    report = conformance.run(SimpleNamespace(snr=odd), only="snr/values")
    found = report.result("snr/values")
    assert "\\x1b[31mred \\ud800 \\x00 \u2192" in found.message
    assert "\x1b" not in found.traceback
    for write in (report.write_json, report.write_html, report.write_junit):
        write(tmp_path / "report")
    assert "\\ud800" in (tmp_path / "report").read_text("utf-8")


def test_a_text_is_judged_in_another_process(tmp_path):
    code = tmp_path / "code.py"
    code.write_text(
        "import os\n"
        "from types import SimpleNamespace\n"
        "def make(power):\n"
        "    def snr(*, alpha_bar_t):\n"
        "        if alpha_bar_t.ndim if hasattr(alpha_bar_t, 'ndim') else 0: os._exit(0)\n"
        "        return (alpha_bar_t / (1 - alpha_bar_t)) ** power\n"
        "    return SimpleNamespace(snr=snr)\n"
    )
    report = conformance.run(f"{code}:make", kwargs={"power": 1}, only="snr/*", seed=2)
    assert report.result("snr/values").verdict == "conforms"
    ended = report.result("snr/level-arrays")
    assert ended.verdict == "error"
    words = ["refdiff", "check", f"{code}:make", "--kwargs", '{"power": 1}', "--seed", "2"]
    assert shlex.split(ended.reproduce) == [*words, "--only", "snr/level-arrays"]
    with pytest.raises(UserError, match="given as text"):
        conformance.run(RIGHT, kwargs={"power": 1})


def test_options():
    torch_only = SimpleNamespace(snr=lambda *, alpha_bar_t: alpha_bar_t.neg() / (alpha_bar_t - 1))
    assert conformance.run(torch_only, only="snr/*", array="torch").exit_status == 0
    assert conformance.run(torch_only, only="snr/values").result("snr/values").verdict == "error"
    accept = {"ddim-sigma/*": "eta-times-variance"}
    assert conformance.run(WRONG, accept=accept).exit_status == 0
    calls = []
    conformance.run(RIGHT, only="snr/*", progress=lambda *done: calls.append(done))
    assert calls == [(n, len(calls)) for n in range(1, len(calls) + 1)]


@pytest.mark.parametrize(
    ("known", "words"),
    [
        ({"array": "jax"}, "choose numpy or torch"),
        ({"seed": -1}, "must be at least 0"),
        ({"shape": "samplers"}, "choose scheduler, gaussian-diffusion"),
        ({"only": "snr/vales"}, "did you mean snr/values"),
        ({"accept": ["snr/vales=x"]}, "did you mean snr/values"),
        ({"schedule": "liner:10"}, "did you mean linear"),
    ],
)
def test_bad_options_are_refused(known, words):
    with pytest.raises(UserError, match=words):
        conformance.run(RIGHT, **known)


def test_what_has_no_shape_is_told_what_would_have_one():
    with pytest.raises(UserError) as caught:
        conformance.run(SimpleNamespace(something=3))
    said = str(caught.value)
    assert "a SimpleNamespace, is not recognised" in said
    assert "It offers something." in said
    for words in ("refdiff.equations", "q_sample", "set_timesteps", "f(model, x_T, ...)"):
        assert words in said


def test_an_interrupt_is_the_users():
    def interrupted(**levels):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        conformance.run(SimpleNamespace(snr=interrupted), only="snr/*")


def test_global_state_is_put_back():
    def disturbing(*, alpha_bar_t):
        np.random.rand = None
        return snr(alpha_bar_t=alpha_bar_t)

    before = np.random.rand
    report = conformance.run(SimpleNamespace(snr=disturbing), only="snr/*,target/*")
    assert np.random.rand is before
    assert report.result("snr/values").verdict == "conforms"
    assert report.result("target/side-effects").variant == "replaces-random-functions"


def test_importing_conformance_imports_no_torch():
    code = "import sys, refdiff.conformance; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


MODULE = """
import numpy as np
from types import SimpleNamespace
from refdiff.conformance import conformance_tests
from refdiff.equations import ddim_sigma, snr

def wrong(*, alpha_bar_t, alpha_bar_s, eta):
    return ddim_sigma(alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s, eta=1.0) ** 2 * eta

def noisy(*, alpha_bar_t):
    np.random.seed(0)
    return snr(alpha_bar_t=alpha_bar_t)

target = SimpleNamespace(snr=noisy, ddim_sigma=wrong)
ids = ["ddim-sigma/eta-*", "snr/values", "log-snr/values", "target/side-effects"]
test_target = conformance_tests(target, only=ids)
test_accepted = conformance_tests(
    target,
    only=ids,
    accept={
        "ddim-sigma/eta-half": "eta-times-variance",
        "ddim-sigma/eta-one": "something-else",
        "snr/*": "something-else",
        "target/side-effects": "seeds-global-random-state",
    },
)
"""


def test_the_checks_as_tests_of_another_project(pytester):
    pytester.makepyfile(MODULE)
    done = pytester.runpytest_inprocess("-rA", "-p", "no:randomly")
    text = done.stdout.str()
    done.assert_outcomes(passed=5, failed=5, skipped=2)
    outcomes = {
        line.split("::")[1].split(" ")[0]: line.split(" ")[0]
        for line in text.splitlines()
        if line.startswith(("PASSED", "FAILED"))
    }
    assert outcomes == {
        "test_target[ddim-sigma/eta-zero]": "PASSED",
        "test_target[ddim-sigma/eta-half]": "FAILED",
        "test_target[ddim-sigma/eta-one]": "FAILED",
        "test_target[snr/values]": "PASSED",
        "test_target[target/side-effects]": "FAILED",
        "test_accepted[ddim-sigma/eta-zero]": "PASSED",
        "test_accepted[ddim-sigma/eta-half]": "PASSED",
        "test_accepted[ddim-sigma/eta-one]": "FAILED",
        "test_accepted[snr/values]": "FAILED",
        "test_accepted[target/side-effects]": "PASSED",
    }
    assert "known-deviation  ddim-sigma/eta-half" in text
    assert "cure       take the square root" in text
    assert "no longer fits (ddim-sigma/eta-one is known-deviation eta-times-variance)" in text
    assert "no longer fits (snr/values is conforms)" in text
    assert "not-provided: " in text
