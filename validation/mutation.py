"""Mutation testing of the equations: every changed operator must make a test fail.

mutmut leaves decorated functions alone, and every equation is decorated with its ids. So the work
is done in a copy, in build/mutation, where ``implements`` is called below the function instead of
above it. That is the same program, and the checkout stays as it is.

    python -m validation.mutation [MUTANT ...]

MUTANT is a name such as ``refdiff.equations.posterior*``; without one, all are run. The exit status
is 1 if a mutant survives that changed more than the words of an error.
"""

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
COPY = ROOT / "build" / "mutation"
PARTS = ("refdiff", "tests", "pyproject.toml", "README.md")


def undecorated(source: str) -> str:
    """Return a module in which ``implements`` follows the functions that it decorated."""
    lines = source.splitlines()
    functions = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    for node in reversed(functions):  # from below, so that the line numbers above stay true
        for mark in reversed(node.decorator_list):
            if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "implements":
                call = f"{ast.unparse(mark)}({node.name})"
                lines[node.end_lineno : node.end_lineno] = ["", "", call]
                del lines[mark.lineno - 1 : mark.end_lineno]
    return "\n".join(lines) + "\n"


def make_copy() -> None:
    """Copy what the tests of the equations need, and keep what an earlier run found out."""
    for name in PARTS:
        source, target = ROOT / name, COPY / name
        if source.is_dir():
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
    for path in (COPY / "refdiff" / "equations").rglob("*.py"):
        path.write_text(undecorated(path.read_text("utf-8")), "utf-8")


def concerns_a_sentence(mutant: str) -> bool:
    """Say whether a mutant only changed the cure in an error's sentence, which no test spells."""
    show = [sys.executable, "-m", "mutmut", "show", mutant]
    diff = subprocess.run(show, cwd=COPY, check=True, capture_output=True, text=True).stdout
    changed = [line for line in diff.splitlines() if re.match(r"[-+](?![-+]{2} )", line)]
    return any('"' in line or re.search(r"check_in\([A-Z_0-9]+, None,", line) for line in changed)


def main(names: list[str]) -> int:
    """Run mutmut in the copy and print the mutants that no test noticed."""
    make_copy()
    mutmut = [sys.executable, "-m", "mutmut"]
    subprocess.run([*mutmut, "run", *names], cwd=COPY, check=True)
    done = subprocess.run(
        [*mutmut, "results"], cwd=COPY, check=True, capture_output=True, text=True
    )
    survivors = re.findall(r"^\s*(\S+): survived$", done.stdout, re.MULTILINE)
    sentences = [mutant for mutant in survivors if concerns_a_sentence(mutant)]
    serious = [mutant for mutant in survivors if mutant not in sentences]
    print(f"{len(sentences)} survivors changed the words of an error only")
    print("\n".join(serious) or "no other mutant survived")
    return 1 if serious else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
