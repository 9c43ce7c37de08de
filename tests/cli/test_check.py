"""`refdiff check` as typed: options, files, statuses, sentences."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest

CODE = """
import os
import numpy as np

def snr(*, alpha_bar_t):
    return alpha_bar_t / (1 - alpha_bar_t)

def posterior_variance(*, alpha_bar_t, alpha_bar_s):
    return (1 - alpha_bar_t / alpha_bar_s) * (1 - alpha_bar_s)
"""
ONLY = "snr/values,posterior-variance/values"
NAME = "posterior-variance-without-denominator"


@pytest.fixture
def code(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "code.py").write_text(CODE)
    return tmp_path


def test_a_mistake_is_named_in_every_form_and_can_be_repeated(program, code):
    ended = program(
        *("check", "code.py", "--only", ONLY, "--json", "a.json", "--html", "a.html"),
        *("--junit", "a.xml"),
    )
    assert (ended.status, ended.err) == (1, "")
    first, second, *_ = ended.out.splitlines()
    assert first == "2 checks ran, 0 not provided."
    assert second == "code.py, judged as functions."
    assert "known-deviation  posterior-variance/values" in ended.out
    report = json.loads((code / "a.json").read_text())
    assert report["complete"] is True
    assert (report["target"], report["shape"]) == ("code.py", "functions")
    by_check = {result["check"]: result for result in report["results"]}
    assert by_check["snr/values"]["verdict"] == "conforms"
    wrong = by_check["posterior-variance/values"]
    assert (wrong["verdict"], wrong["variant"]) == ("known-deviation", NAME)
    assert wrong["equations"][0] == "ho2020/posterior-variance"
    assert wrong["expected"] != wrong["observed"]
    assert ET.fromstring((code / "a.xml").read_text())[0].get("failures") == "1"
    assert NAME in (code / "a.html").read_text()
    again = program(*shlex.split(wrong["reproduce"])[1:], "--baseline", "a.json")
    assert again.status == 0
    assert "known from a.json" in again.out


def test_accepting(program, code):
    accepted = program(
        "check", "code.py", "--only", ONLY, "--accept", f"posterior-variance/*={NAME}"
    )
    assert accepted.status == 0
    (code / "a.toml").write_text(
        f'[[accepted]]\ncheck = "posterior-variance/values"\nvariant = "{NAME}"\nreason = "old"\n'
        '[[accepted]]\ncheck = "snr/values"\nvariant = "no-longer"\nreason = "old"\n'
    )
    stale = program("check", "code.py", "--only", ONLY, "--accepted", "a.toml")
    assert stale.status == 1
    assert "entry 2 snr/values=no-longer no longer fits" in stale.out
    unknown = program("check", "code.py", "--accept", "snr/vales=x")
    assert unknown.status == 2
    assert "did you mean snr/values" in unknown.sentence


def test_listing(program, code):
    ended = program("check", "code.py", "--list-checks", "--only", "snr/*")
    assert ended.status == 0
    lines = ended.out.splitlines()
    assert all(re.fullmatch(r"snr/\S+ +lin2024/snr", line) for line in lines)
    assert "snr/values" in ended.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("", "needs a target"),
        ("missing.py", "there is no file missing.py"),
        ("code.py:snrr", "did you mean snr?"),
        ("code.py --kwargs {", "is no JSON"),
        ("code.py --kwargs [1]", "arguments need names"),
        ("code.py --shape sampling", "did you mean sampler?"),
        ("code.py --schedule liner:10", "did you mean linear?"),
        ("code.py --time-limit 0", "--time-limit 0 must be more than 0"),
        ("code.py --memory-limit -1", "--memory-limit -1 must be more than 0"),
        ("code.py --accept snr/values", "is not CHECK=VARIANT"),
        ("code.py --accepted missing.toml", "cannot be read"),
        ("code.py --baseline missing.json", "cannot be read"),
        ("code.py --json missing/a.json", "the folder missing does not exist"),
        ("code.py --html .", "is a folder"),
        ("code.py --jsn a.json", "did you mean --json?"),
        ("code.py --seed -1", "must be at least 0"),
        ("code.py:np", "is not recognised"),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_nothing(program, code, files_in, arguments, words):
    ended = program("check", *arguments.split())
    assert ended.status == 2
    assert words in " ".join(ended.sentence.split())
    assert files_in(code) == ["code.py"]


def test_nothing_compared_is_status_2_with_a_report(program, code):
    ended = program("check", "code.py", "--only", "log-snr/*", "--json", "a.json")
    assert ended.status == 2
    assert "Nothing was compared" in ended.out
    assert json.loads((code / "a.json").read_text())["summary"]["not-provided"] > 0


def test_constructor_arguments_reach_the_target(program, code):
    (code / "made.py").write_text(
        "from types import SimpleNamespace\n"
        "def make(power):\n"
        "    ratio = lambda *, alpha_bar_t: (alpha_bar_t / (1 - alpha_bar_t)) ** power\n"
        "    return SimpleNamespace(snr=ratio)\n"
    )
    right = program("check", "made.py:make", "--kwargs", '{"power": 1}', "--only", "snr/values")
    assert right.status == 0, right.out
    wrong = program("check", "made.py:make", "--kwargs", '{"power": 2}', "--only", "snr/values")
    assert wrong.status == 1
    assert "--kwargs '{\"power\": 2}' --only snr/values" in wrong.out


@pytest.mark.skipif(os.name != "posix", reason="the signal is sent as a terminal does on POSIX")
@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM"])
def test_an_interrupted_run_leaves_an_incomplete_report(code, number):
    (code / "slow.py").write_text(
        f"{CODE}\ndef log_snr(*, alpha_bar_t):\n    open('began', 'w').close()\n"
        "    while True: pass\n"
    )
    with subprocess.Popen(
        [sys.executable, "-m", "refdiff.cli", "check", "slow.py", "--json", "a.json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # What runs in the background of a shell inherits that SIGINT is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as started:
        try:
            while not (code / "began").exists():
                assert started.poll() is None
            started.send_signal(getattr(signal, number))
            out, err = started.communicate(timeout=60)
        finally:
            started.kill()
    assert (started.returncode, err) == {
        "SIGINT": (130, "refdiff: stopped.\n"),
        "SIGTERM": (143, ""),
    }[number]
    assert "INCOMPLETE" in out
    report = json.loads((code / "a.json").read_text())
    assert report["complete"] is False
    assert "log-snr/values" not in {result["check"] for result in report["results"]}
