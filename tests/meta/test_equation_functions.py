"""Rules about every equation function: ids, notation, documentation, and the body's language."""

import ast
import inspect
import re

import pytest

import refdiff.equations as eq
from refdiff.catalogue import implementations, load, notation
from tests.support.groups import GROUPED
from tests.support.sources import ROOT, python_files, shown, tree, verified_ids

# These arrange arrays, and state no equation.
SHAPE_PROCEDURES = {"per_sample"}

# These build or read whole tables, with NumPy. All others are pointwise.
TABLE_PROCEDURES = {
    "alpha_bars_from_betas",
    "betas_from_alpha_bars",
    "cosine_betas",
    "importance_probabilities",
    "karras_sigmas",
    "leading_timesteps",
    "linear_betas",
    "linspace_timesteps",
    "progressive_rates",
    "scaled_linear_betas",
    "sigmoid_alpha_bars",
    "trailing_timesteps",
    "zero_terminal_snr",
}

PUBLIC = [
    pytest.param(getattr(module, name), id=f"{module.__name__.removeprefix('refdiff.')}.{name}")
    for module in GROUPED.values()
    for name in module.__all__
]
EQUATIONS = [p for p in PUBLIC if p.values[0].__name__ not in SHAPE_PROCEDURES]
FILES = [*python_files("refdiff/equations")]


@pytest.mark.parametrize("function", EQUATIONS)
def test_a_function_names_its_equations(function):
    ids = function.__equations__
    assert ids
    assert isinstance(ids, tuple)
    assert set(ids) <= set(load().equations)


def test_implemented_entries_and_functions_are_in_bijection():
    stated = {entry.id for entry in load().equations.values() if entry.status == "implemented"}
    assert stated == set(implementations())


def test_every_implemented_or_proved_equation_has_a_test():
    needed = {e.id for e in load().equations.values() if e.status in ("implemented", "proved")}
    assert sorted(needed - verified_ids()) == []


def test_every_id_that_a_test_names_exists():
    assert sorted(verified_ids() - set(load().equations)) == []


@pytest.mark.parametrize("function", EQUATIONS)
def test_arguments_are_of_the_house_notation(function):
    assert set(inspect.signature(function).parameters) <= set(notation())


@pytest.mark.parametrize("function", EQUATIONS)
def test_schedule_values_are_keyword_only_and_have_no_default(function):
    if function.__name__ in TABLE_PROCEDURES:
        return
    scheduled = {"eta", "w", "scale", "phi", "gamma", "k", "variance", "percentile", "snr_t"}
    for name, parameter in inspect.signature(function).parameters.items():
        assert parameter.default is parameter.empty, f"{name} has a default"
        if name in scheduled or name.startswith(("alpha_", "sigma", "log_snr")):
            assert parameter.kind is parameter.KEYWORD_ONLY, f"{name} is positional"


def sections(docstring):
    """Return the numpydoc sections: title, and the text below its rule."""
    parts = re.split(r"^(\w[\w ]*)\n-{3,}$", docstring, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize("function", PUBLIC)
def test_the_documentation_is_complete(function):
    text = inspect.getdoc(function)
    found = sections(text)
    needed = ["Parameters", "Returns", "Examples"]
    if function.__name__ not in SHAPE_PROCEDURES:
        needed.append("Source")
        assert ".. math::" in text, "the display formula is missing"
    assert [name for name in needed if not found.get(name, "").strip()] == []
    assert ">>>" in found["Examples"]
    documented = [
        name.strip()
        for names in re.findall(r"^(\w[\w, ]*) : ", found["Parameters"], flags=re.MULTILINE)
        for name in names.split(",")
    ]
    assert sorted(documented) == sorted(inspect.signature(function).parameters)


@pytest.mark.parametrize("function", PUBLIC)
def test_raising_is_documented_where_values_are_checked(function):
    body = ast.parse(inspect.getsource(function))
    checks = any(
        isinstance(node, ast.Raise)
        or (isinstance(node, ast.Call) and "check" in ast.unparse(node.func))
        for node in ast.walk(body)
    )
    if checks:
        assert "ValueError" in sections(inspect.getdoc(function)).get("Raises", "")


LIBRARIES = {"np", "numpy", "torch", "jax", "jnp", "mp", "mpmath", "sympy", "scipy", "math"}


def library_names(node):
    return sorted({inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)} & LIBRARIES)


@pytest.mark.parametrize("path", FILES, ids=shown)
def test_pointwise_bodies_call_no_library_by_name(path):
    wrong = {}
    for node in tree(path).body:
        if isinstance(node, ast.FunctionDef) and node.name in set(eq.__all__) - TABLE_PROCEDURES:
            used = [name for statement in node.body for name in library_names(statement)]
            wrong |= {node.name: used} if used else {}
    assert wrong == {}


@pytest.mark.parametrize("path", FILES, ids=shown)
def test_only_files_of_tables_import_numpy(path):
    if path.name in ("schedules.py", "tables.py", "timesteps.py"):
        return
    assert not re.search(r"^\s*(import|from) (numpy|torch|jax|scipy)", path.read_text(), re.M)


@pytest.mark.parametrize("path", FILES, ids=shown)
def test_equations_write_in_place_nowhere_and_draw_nothing(path):
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Attribute):
            in_place = node.attr.endswith("_") and not node.attr.startswith("_")
            assert not in_place, f"{shown(path)}:{node.lineno}"
            assert node.attr not in {"random", "randn", "default_rng", "clamp", "nan_to_num"}


def test_all_public_functions_of_the_files_are_exported():
    for group, module in GROUPED.items():
        defined = {
            node.name
            for path in (ROOT / "refdiff" / "equations" / group).glob("*.py")
            for node in tree(path).body
            if isinstance(node, ast.FunctionDef)
            and any("implements" in ast.unparse(d) for d in node.decorator_list)
        }
        assert defined == set(module.__all__) - SHAPE_PROCEDURES
        assert sorted(module.__all__) == list(module.__all__)
