"""What the README and the documentation tell a reader to type works as printed.

Python blocks run, each on its own as a reader would paste it. Console blocks run and must print
what is shown. Of the shell blocks, which install or train, the names are checked: commands and
their options, tox environments, extras.
"""

import configparser
import re
import shlex
import subprocess
import sys
import tomllib
from doctest import ELLIPSIS, NORMALIZE_WHITESPACE, OutputChecker
from functools import cache
from pathlib import Path

import pytest
from sybil import Sybil
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers import markdown, rest

ROOT = Path(__file__).parents[1]
CLI = "import sys; from refdiff.cli import main; sys.argv[0] = 'refdiff'; sys.exit(main())"


def refdiff(*arguments: str) -> str:
    """Run the command line of the refdiff under test and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", CLI, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"refdiff {shlex.join(arguments)}: {done.stderr}"
    return done.stdout


@cache
def help_text(command: str) -> str:
    return refdiff(command, "--help")


def run_console(example) -> None:
    """Run each line after a dollar sign; where output is shown, compare it."""
    for block in re.split(r"^\$ ", example.parsed, flags=re.MULTILINE)[1:]:
        command, _, shown = block.partition("\n")
        program, *arguments = shlex.split(command)
        assert program == "refdiff", f"{command!r}: only refdiff is run in console blocks"
        printed = refdiff(*arguments)
        if shown.strip():
            same = OutputChecker().check_output(shown, printed, ELLIPSIS | NORMALIZE_WHITESPACE)
            assert same, f"{command}\nshown:\n{shown}\nprinted:\n{printed}"
        assert printed.strip(), f"{command} prints nothing"


def check_shell(example) -> None:
    """Check that everything a shell block names exists, without installing or training."""
    for line in example.parsed.splitlines():
        words = shlex.split(line, comments=True)
        while words:
            end = words.index("&&") if "&&" in words else len(words)
            check_command(*words[:end])
            words = words[end + 1 :]


def check_command(program: str, *arguments: str) -> None:
    options = [word for word in arguments if word.startswith("--")]
    if program == "refdiff":
        known = re.findall(r"--[\w-]+", help_text(arguments[0]))
        assert set(options) <= set(known), f"refdiff {arguments[0]} has no {options}"
    elif program == "tox":
        named = arguments[arguments.index("-e") + 1].split(",") if "-e" in arguments else []
        assert set(named) <= tox_environments()
    elif program in ("torchrun", "accelerate"):
        assert "refdiff.cli" in arguments
        check_command("refdiff", *arguments[arguments.index("refdiff.cli") + 1 :])
    elif program == "python":  # the folder is what `tox -e docs` builds
        assert list(arguments) == ["-m", "http.server", "-d", "build/docs/html"]
        assert "build{/}docs{/}html" in (ROOT / "tox.ini").read_text("utf-8")
    else:
        assert program == "pip", f"{program}: what a reader is told to run must be checked here"
        extras = {
            e for found in re.findall(r"\[(.*?)\]", " ".join(arguments)) for e in found.split(",")
        }
        assert extras <= set(pyproject()["project"]["optional-dependencies"])


@cache
def pyproject() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


@cache
def tox_environments() -> set[str]:
    tox = configparser.ConfigParser(interpolation=None)
    tox.read(ROOT / "tox.ini")
    return {section.removeprefix("testenv:") for section in tox.sections()}


def examples():
    """Every code block of the README and of the documentation that a reader may paste."""
    for syntax, pattern in ((markdown, "README.md"), (rest, "docs/**/*.rst")):
        sybil = Sybil(
            parsers=[
                syntax.CodeBlockParser("python", PythonEvaluator()),
                syntax.CodeBlockParser("console", run_console),
                *(syntax.CodeBlockParser(name, check_shell) for name in ("sh", "shell")),
            ],
            path=str(ROOT),
        )
        for path in sorted(ROOT.glob(pattern)):
            if "generated" in path.parts:
                continue  # made from docstrings, which have tests of their own
            for example in sybil.parse(path):
                where = f"{path.relative_to(ROOT)}:{example.line}"
                yield pytest.param(example, id=where)


@pytest.mark.parametrize("example", list(examples()))
def test_block(example, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    example.namespace.clear()  # each block stands alone, whatever ran before it
    example.evaluate()


def test_readme_shows_both_commands():
    readme = (ROOT / "README.md").read_text("utf-8")
    assert "pip install '.[all]' && refdiff demo\n" in readme
    assert "pip install tox && tox\n" in readme


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "validation/README.md"])
def test_links_lead_somewhere(name):
    page = ROOT / name
    targets = re.findall(r"\]\(([^)#]+)", page.read_text("utf-8"))
    missing = [target for target in targets if not (page.parent / target).exists()]
    assert not missing
