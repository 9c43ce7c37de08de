"""The program as a whole: help, statuses, and one sentence whatever goes wrong."""

import errno
import os
import subprocess
import sys

import pytest

import refdiff
from refdiff._errors import MachineError, UserError
from refdiff.cli.outcome import argument_errors, exit_status
from refdiff.cli.program import COMMANDS


def raising(error):
    def command():
        raise error

    return command


def test_help_names_every_command_with_its_summary(program):
    ended = program("--help")
    assert ended.status == 0
    assert not ended.err
    for name in COMMANDS:
        assert f"\n  {name} " in ended.out
    assert "List the papers' equations" in ended.out


def test_without_a_command_the_help_is_an_error(program):
    ended = program()
    assert (ended.status, ended.out) == (2, "")
    assert "usage: refdiff COMMAND" in ended.err


def test_version(program):
    assert program("--version").out == f"refdiff {refdiff.__version__}\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help_with_all_its_options(program, command):
    ended = program(command, "--help")
    assert (ended.status, ended.err) == (0, "")
    assert f"usage: refdiff {command}" in ended.out
    assert "None" not in ended.out  # no default that says nothing
    assert f"$ refdiff {command}" in ended.out  # an example to copy


def test_the_guidance_weight_is_explained(program):
    text = " ".join(program("sample", "--help").out.replace("│", " ").split())
    assert "as Ho and Salimans count it" in text
    assert "0 is the conditional model alone" in text


@pytest.mark.parametrize(
    ("typed", "meant"), [("equatons", "equations"), ("trian", "train"), ("demos", "demo")]
)
def test_an_unknown_command_is_answered_with_the_nearest(program, typed, meant):
    ended = program(typed)
    assert ended.status == 2
    assert f"did you mean {meant}?" in ended.sentence


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("sample", "x", "--guidence", "2"), "no option --guidence; did you mean --guidance?"),
        (("train", "--batchsize=2"), "no option --batchsize; did you mean --batch-size?"),
        (("sample", "x", "--zzzzzz"), "no option --zzzzzz."),
        (("sample", "x", "--steps", "many"), "--steps: 'many' is no whole number"),
        (("sample", "x", "--eta", "half"), "--eta: 'half' is no number"),
        (("sample", "x", "--steps"), "--steps needs a value"),
        (("sample", "x", "--sampler", "dim"), "did you mean ddim?"),
        (("sample", "x", "--labels", "1,b"), "'1,b' is no list of classes"),
        (("equations", "a", "b"), "does not know what 'b' is for"),
        (("demo", "--seed", "1.5"), "--seed: '1.5' is no whole number"),
    ],
)
def test_a_mistake_in_typing_is_one_sentence(program, arguments, words):
    ended = program(*arguments)
    assert ended.status == 2
    assert words in ended.sentence
    assert "╭" not in ended.err


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (UserError("the folder is missing."), 2, "the folder is missing."),
        (MachineError("the disk is broken."), 1, "the disk is broken."),
        (OSError(errno.ENOSPC, "No space left", "/x/y.png"), 1, "/x/y.png: the disk is full"),
        (OSError(errno.EIO, "Input/output error"), 1, "Input/output error"),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), 2, "/x: Permission denied"),
        (MemoryError(), 1, "--batch-size"),
        (KeyboardInterrupt(), 130, "stopped"),
        (ZeroDivisionError("division\nby zero"), 1, "ZeroDivisionError: division ("),
    ],
)
def test_every_failure_has_its_status_and_one_sentence(capsys, error, status, words):
    assert exit_status(raising(error)) == status
    err = capsys.readouterr().err
    assert words in err
    assert len(err.splitlines()) == 1


def test_the_traceback_is_shown_when_asked_for(capsys, monkeypatch):
    monkeypatch.setenv("REFDIFF_DEBUG", "1")
    assert exit_status(raising(UserError("bad."))) == 2
    assert "Traceback" in capsys.readouterr().err


def test_only_value_errors_of_arguments_are_bad_input():
    with pytest.raises(UserError, match="eta"), argument_errors():
        raise ValueError("eta=2 is too large")
    with pytest.raises(TypeError), argument_errors():
        raise TypeError("a mistake of ours")


def test_a_missing_package_is_named_with_the_command_that_adds_it(program, monkeypatch):
    monkeypatch.setitem(sys.modules, "tyro", None)
    ended = program("equations")
    assert ended.status == 2
    assert "pip install 'refdiff[cli]'" in ended.sentence


def test_a_missing_torch_is_named_with_the_command_that_adds_it(program, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "torch", None)
    ended = program("sample", tmp_path, "--output", tmp_path / "x.png")
    assert ended.status == 2
    assert "pip install 'refdiff[images]'" in ended.sentence


def python(code, **options):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, **options
    )


def test_help_loads_nothing_heavy():
    code = (
        "import sys\nfrom refdiff.cli import main\n"
        "for name in ('', *'demo train sample equations'.split()):\n"
        "    assert main([name, '--help'] if name else ['--help']) == 0\n"
        "print(sorted({'torch', 'sklearn', 'scipy', 'PIL', 'pydantic'} & set(sys.modules)))"
    )
    assert python(code).stdout.splitlines()[-1] == "[]"


def test_the_module_is_the_program():
    done = subprocess.run(
        [sys.executable, "-m", "refdiff.cli", "--version"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"refdiff {refdiff.__version__}\n"


def test_a_reader_that_leaves_is_no_error():
    read, write = os.pipe()
    os.close(read)  # as `refdiff equations --json | head -0` does
    done = subprocess.run(
        [sys.executable, "-m", "refdiff.cli", "equations", "--json"],
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (141, "")
