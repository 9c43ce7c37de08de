"""Sphinx configuration. Everything is built and read offline; any warning fails the build."""

import sys
from importlib.metadata import files
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))
sys.path.insert(0, str(HERE.parent))

import refdiff  # noqa: E402  (found through the line above when refdiff is not installed)
from refdiff.catalogue import GROUPS  # noqa: E402

project = "refdiff"
author = "the refdiff authors"
copyright = "2026, the refdiff authors"
version = release = refdiff.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinxcontrib.bibtex",
    "sphinx_copybutton",
    "api_pages",
    "contributing_pages",
    "deviation_pages",
    "equation_pages",
    "executed_figures",
    "math_lint",
    "notation_pages",
    "offline_check",
]
default_role = "code"
# Fragments in papers/ are included in the generated pages of the papers.
exclude_patterns = ["_build", "_ext", "**/*.inc", "papers/*"]
highlight_language = "python"
nitpicky = True
nitpick_ignore: list[tuple[str, str]] = []

# --- docstrings ------------------------------------------------------------------------------

autodoc_member_order = "bysource"
# The numpydoc sections state types, shapes and domains in words; twice would only be wider.
autodoc_typehints = "none"
napoleon_google_docstring = False
napoleon_numpy_docstring = True
napoleon_custom_sections = [
    "Source",
    "Numerics",
    "Properties",
    ("Attributes", "params_style"),
]
# Types such as "array, shape (B, ...)" are prose and not the names of classes to be linked.
napoleon_use_param = False
napoleon_use_rtype = False
napoleon_use_ivar = False

api_packages = [
    "refdiff",
    *(f"refdiff.equations.{group}".rstrip(".") for group in GROUPS),
    "refdiff.closed_form",
    "refdiff.conformance",
    "refdiff.conformance.vectors",
    "refdiff.samplers",
    "refdiff.samplers.schedule",
    "refdiff.samplers.times",
    "refdiff.models",
    "refdiff.training",
    "refdiff.training.data",
    "refdiff.evaluation",
    "refdiff.evaluation.flow_likelihood",
    "refdiff.evaluation.level_decoder",
    "refdiff.pictures",
    "refdiff.testing",
    "refdiff.testing.strategies",
    "refdiff.catalogue",
]

# --- figures made by executed code ------------------------------------------------------------

figure_scripts = [
    "figures/schedules.py",
    "figures/guidance_weights.py",
    "figures/orders.py",
    "walk/from_paper_to_pixels.py",
]

# --- bibliography ----------------------------------------------------------------------------

bibtex_bibfiles = ["../refdiff/catalogue/papers.bib"]
bibtex_reference_style = "author_year"
bibtex_default_style = "plain"

# --- pages -----------------------------------------------------------------------------------

html_theme = "furo"
html_title = f"refdiff {version}"
html_static_path = ["_static"]
html_css_files = ["equations.css", "reference.css"]
html_show_sourcelink = False
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True


def _mathjax() -> Path:
    """Find the one file of MathJax that holds everything: TeX in, SVG out, no fonts to fetch."""
    for file in files("sphinx-mathjax-offline") or []:
        if file.match("static/mathjax/tex-svg-full.js"):
            return Path(file.locate())
    raise FileNotFoundError("sphinx-mathjax-offline does not contain tex-svg-full.js")


mathjax_path = "mathjax/tex-svg-full.js"
mathjax_options = {"defer": "defer"}
mathjax3_config = {"svg": {"fontCache": "global"}, "options": {"enableMenu": False}}


def _copy_mathjax(app, exception) -> None:
    target = Path(app.outdir) / "_static" / mathjax_path
    if exception is None and app.builder.format == "html" and not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(_mathjax().read_bytes())


def _keep_first_line(app, what, name, obj, options, lines) -> None:
    # Napoleon takes the words before a colon in the first line of a property for its type.
    if what in {"attribute", "property"}:
        lines[:0] = ["..", ""]


def _skip_fields(app, what, name, obj, skip, options) -> bool | None:
    # Fields of named tuples stand in the section "Attributes"; Python documents them a second time.
    return True if type(obj).__name__ == "_tuplegetter" else None


def setup(app) -> None:
    app.connect("autodoc-skip-member", _skip_fields)
    app.connect("autodoc-process-docstring", _keep_first_line, priority=100)
    # Before the check that no page asks for a file that is not there.
    app.connect("build-finished", _copy_mathjax, priority=100)
