"""Targets that hang, crash, print, raise and worse: each check says so, and the others go on.

All of them are functions of one module and are judged in one run, since a process takes seconds to
start: it is started anew after each of the four checks that end it.
"""

import dataclasses
import os
import sys
from pathlib import Path

import pytest

from refdiff._errors import UserError
from refdiff.conformance.expectations import Expectations
from refdiff.conformance.isolation.request import Request, check_target, list_checks
from refdiff.conformance.runner import settings_of

HERE = Path(__file__).parent
POSIX = os.name == "posix"
ORDER = (
    *("posterior-variance", "snr", "log-snr", "x-0-from-eps", "eps-from-x-0", "v-from-eps"),
    *("x-0-from-v", "eps-from-v", "score-from-eps", "eps-from-score", "score-from-x-0"),
    *("x-0-from-score", "transition-variance", "prior-kl", "normal-kl", "transition-mean"),
    *("forward-sample", "forward-mean", "forward-variance", "posterior-mean", "simple-loss"),
    "edm-c-in",
)


def request(target, **known):
    return Request(str(target), settings_of(), shape="functions", **known)


@pytest.fixture(scope="module")
def report():
    before = os.getcwd()
    awkward = request(
        HERE / "awkward_target.py",
        time_limit=2.0,
        memory_limit=6.0,
        command=("refdiff", "check", "awkward_target.py"),
    )
    only = [*(f"{name}/values" for name in ORDER), "target/side-effects"]
    found, interrupted = check_target(awkward, Expectations.read(only=only))
    assert not interrupted
    assert os.getcwd() == before
    return found


def test_every_check_has_a_verdict(report):
    assert report.complete
    assert report.exit_status == 1
    assert {r.check for r in report.results} == {
        *(f"{name}/values" for name in ORDER),
        "target/side-effects",
    }
    assert report.result("transition-mean/values").verdict == "conforms"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("forward-sample", "did not answer within 2 s (--time-limit)"),
        ("forward-mean", "it ended the process (exit status 3)"),
        pytest.param(
            "forward-variance",
            "ended the process by SIGSEGV, a segmentation fault",
            marks=pytest.mark.skipif(not POSIX, reason="signals are POSIX's"),
        ),
        pytest.param(
            "posterior-mean",
            "ended the process by SIGKILL, as the system does when memory runs out",
            marks=pytest.mark.skipif(not POSIX, reason="signals are POSIX's"),
        ),
        ("snr", "the target raised: ValueError: three lines of text ("),
        ("eps-from-v", "SystemExit('enough'), which would end the program"),
        ("score-from-eps", "it calls itself without end"),
        ("eps-from-score", "it needs a GPU, which is not here"),
        ("prior-kl", "KeyboardInterrupt"),
        pytest.param(
            "transition-variance",
            "it needs more memory than it is allowed",
            marks=pytest.mark.skipif(
                not sys.platform.startswith("linux"), reason="memory is limited on Linux only"
            ),
        ),
    ],
)
def test_what_stops_a_check_is_an_error_that_says_so(report, name, words):
    found = report.result(f"{name}/values")
    assert found.verdict == "error"
    assert words in found.message
    assert found.reproduce == f"refdiff check awkward_target.py --only {name}/values"


def test_a_raised_error_comes_with_its_place_and_its_traceback(report):
    found = report.result("snr/values")
    assert "awkward_target.py, line" in found.message
    assert found.traceback.startswith("Traceback")
    assert "three\nlines" in found.traceback


def test_a_hang_and_a_crash_show_where_the_code_was(report):
    for name, function in (("forward-sample", "forward_sample"), ("forward-variance", "string_at")):
        trace = report.result(f"{name}/values").traceback
        assert "awkward_target.py" in trace
        assert function in trace


@pytest.mark.parametrize("name", ["log-snr", "x-0-from-eps"])
def test_nan_and_wrong_shapes_deviate(report, name):
    assert report.result(f"{name}/values").verdict == "deviates"


def test_writing_into_arguments_is_named_where_it_is_seen(report):
    assert report.result("eps-from-x-0/values").variant == "mutates-its-inputs"


@pytest.mark.parametrize(
    "name",
    [
        *("posterior-variance", "score-from-x-0", "x-0-from-score", "x-0-from-v", "v-from-eps"),
        *("normal-kl", "simple-loss", "edm-c-in"),
    ],
)
def test_side_effects_alone_do_not_spoil_a_check(report, name):
    assert report.result(f"{name}/values").verdict == "conforms", report.result(f"{name}/values")


def test_side_effects_are_reported_together(report):
    found = report.result("target/side-effects")
    assert found.verdict == "known-deviation"
    assert set(found.variant.split("+")) >= {
        "changes-global-settings",
        "changes-working-directory",
        "replaces-random-functions",
        "seeds-global-random-state",
    }
    for words in (
        *("numpy.random.randn was replaced", "the working directory: it has been deleted"),
        *("the global generator of torch was seeded", "the global generator of random was seeded"),
        *("torch.default_dtype was left at torch.float64", "Hello from the target"),
    ):
        assert words in found.message


def test_importing_may_hang_or_crash_too(tmp_path):
    hanging = tmp_path / "hanging.py"
    hanging.write_text("while True: pass\n")
    with pytest.raises(UserError, match=r"cannot be imported and constructed: .* after 5 s"):
        list_checks(request(hanging, time_limit=1.0, start_limit=5.0))
    ending = tmp_path / "ending.py"
    ending.write_text("import os\nos.write(2, b'last words')\nos._exit(7)\n")
    with pytest.raises(UserError, match=r"\(exit status 7\).*'last words'"):
        list_checks(request(ending))


def test_a_target_that_cannot_be_had_again_leaves_errors(tmp_path):
    """The second construction fails, and there is one child for it and not one a check."""
    target = tmp_path / "once.py"
    target.write_text(
        "import os\n"
        "from pathlib import Path\n"
        "mark = Path(__file__).with_name('mark')\n"
        "assert not mark.exists(), 'only once'\n"
        "mark.write_text('')\n"
        "def snr(*, alpha_bar_t): os._exit(1)\n"
    )
    found, _ = check_target(request(target), Expectations.read(only="snr/*"))
    first, second, third = (r for r in found.results if r.verdict != "not-provided")
    assert {r.verdict for r in (first, second, third)} == {"error"}
    assert "exit status 1" in first.message
    assert "only once" in second.message
    assert "only once" in third.message
    assert found.complete


def test_a_run_that_is_broken_off_is_incomplete(tmp_path):
    target = tmp_path / "code.py"
    target.write_text("from refdiff.equations import snr, log_snr\n")

    def stop(done, total):
        if done == 2:
            raise KeyboardInterrupt

    found, interrupted = check_target(
        request(target), Expectations.read(only="snr/*,log-snr/*"), stop
    )
    assert interrupted
    assert not found.complete
    assert found.exit_status == 1
    assert len(found.results) == 2
    assert found.record()["complete"] is False
    assert dataclasses.replace(found, complete=True).exit_status == 0
