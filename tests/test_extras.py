"""Optional packages: the sentence for one that is missing, and nothing hidden of one that is
broken."""

import subprocess
import sys

import pytest

from refdiff._errors import UserError
from refdiff._extras import require


def test_an_installed_module_is_imported():
    assert require("math", extra="images", purpose="a test").sqrt(4) == 2


@pytest.mark.parametrize("name", ["no_such_package_here", "no_such_package_here.part"])
def test_a_missing_package_is_named_with_the_command_that_adds_it(name):
    with pytest.raises(UserError) as missing:
        require(name, extra="images", purpose="drawing")
    assert str(missing.value) == (
        "drawing needs no_such_package_here, which is not installed: pip install 'refdiff[images]'"
    )


def test_a_package_that_misses_another_keeps_its_own_error(tmp_path, monkeypatch):
    (tmp_path / "broken_package_here.py").write_text("import no_such_package_here")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="no_such_package_here"):
        require("broken_package_here", extra="images", purpose="drawing")


def test_data_and_pictures_import_without_any_extra():
    code = (
        "import sys\n"
        "for name in ('torch', 'PIL', 'sklearn', 'einops'): sys.modules[name] = None\n"
        "import refdiff.pictures, refdiff.training.data, refdiff.evaluation\n"
        "try: refdiff.training.data.load_data('digits')\n"
        "except refdiff.training.data.registry.UserError as error: print(error)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == (
        "the data set 'digits' needs sklearn, which is not installed: pip install 'refdiff[images]'"
    )
