"""The page about the vectors shows a vector of the files, and programs that run.

Its Python is run by tests/test_readme.py.
"""

import json
import re
import shutil
import subprocess
import textwrap
from importlib import resources
from pathlib import Path

import pytest

from refdiff.conformance import vectors

PAGE = Path(__file__).parents[3] / "docs" / "vectors.rst"
PACKAGE = resources.files("refdiff.conformance.vectors")


def block(language):
    found = re.search(rf"code-block:: {language}\n\n((?:   .*\n|\n)+)", PAGE.read_text("utf-8"))
    return textwrap.dedent(found[1])


def test_the_vector_shown_is_one_of_the_files():
    shown = json.loads(block("json"))
    file = json.loads((PACKAGE / "data" / "posterior_variance.json").read_text("utf-8"))
    (vector,) = (v for v in file["vectors"] if v["id"] == shown["id"])
    left_out = {"separates", "blind_to"}
    assert shown == {key: value for key, value in vector.items() if key not in left_out}


def test_the_limit_that_the_page_tells_is_that_of_every_file():
    (told,) = re.findall(r"stands in the file's header and is (\d+)", PAGE.read_text("utf-8"))
    assert {vectors.load(name).header["limit"] for name in vectors.names()} == {float(told)}


@pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not on this machine")
def test_the_javascript_runs_and_finds_what_its_comment_calls_wrong():
    reader = f"file://{PACKAGE / 'reader.mjs'}"
    program = block("javascript").replace("./refdiff/conformance/vectors/reader.mjs", reader)
    assert reader in program
    done = subprocess.run(
        ["node", "--input-type=module", "-e", program], capture_output=True, text=True, check=True
    )
    ids = [line.partition(" ")[0] for line in done.stdout.splitlines()]
    assert "snr/quarter" in ids
    assert all(name.startswith("snr/") for name in ids)
