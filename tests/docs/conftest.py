"""What the tests of the documentation share: its extensions, and building small projects."""

import contextlib
import io
import sys
from pathlib import Path

import pytest

EXTENSIONS = Path(__file__).parents[2] / "docs" / "_ext"
sys.path.insert(0, str(EXTENSIONS))


@pytest.fixture
def build(tmp_path):
    """Return a function that builds a project of one page and returns its pages' folder.

    Any warning is an error, as in the documentation itself.
    """
    application = pytest.importorskip(
        "sphinx.application", reason="Sphinx comes with the extra docs, and not with test"
    )

    from sphinx.util.docutils import docutils_namespace

    def run(name, page, extensions=("equation_domain",), **settings):
        source, out = tmp_path / name, tmp_path / name / "html"
        source.mkdir(exist_ok=True)
        (source / "conf.py").write_text("", "utf-8")
        (source / "index.rst").write_text(page, "utf-8")
        warnings = io.StringIO()
        settings = {"extensions": list(extensions), "html_theme": "basic", **settings}
        with contextlib.redirect_stdout(io.StringIO()), docutils_namespace():
            app = application.Sphinx(
                source,
                source,
                out,
                tmp_path / name / "doctrees",
                "html",
                {"nitpicky": True, **settings},
                status=None,
                warning=warnings,
                freshenv=True,
            )
            app.build()
        assert warnings.getvalue() == ""
        return out

    return run
