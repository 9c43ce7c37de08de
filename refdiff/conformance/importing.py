"""Importing a target: an installed module, a file, or a file inside of a package.

A file inside of a package is imported as the module of that package which it is, so that its
relative imports work. Where the package's own ``__init__`` cannot be imported, say because it
imports everything and something is not installed, the file is tried without it.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from refdiff._errors import UserError
from refdiff.conformance.raised import sentence

__all__ = ["import_file", "import_named"]


def import_named(name: str, text: str) -> ModuleType:
    """Import a module by its name.

    Parameters
    ----------
    name : str
        Dotted.
    text : str
        The target's text, for the sentences.

    Returns
    -------
    ModuleType
        The module.

    Raises
    ------
    UserError
        If there is no such module, or its code fails.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if name != missing and not name.startswith(f"{missing}."):
            raise UserError(_missing_dependency(text, missing, error)) from error
        raise UserError(_not_found(text, name, missing)) from error
    except (Exception, SystemExit) as error:
        raise UserError(_failed(text, error)) from error


def _not_found(text: str, name: str, missing: str) -> str:
    parent, _, last = missing.rpartition(".")
    if parent and missing == name and hasattr(sys.modules.get(parent), last):
        return f"target {text!r}: {missing} is no module but an attribute: write {parent}:{last}."
    where = (
        f"{parent} has no module {last!r}"
        if parent
        else f"no module {missing!r} is installed here or lies in this folder"
    )
    return (
        f"target {text!r}: {where}; install the package into this environment, or name a file as "
        "in path/to/file.py:attribute."
    )


def _missing_dependency(text: str, missing: str, error: BaseException) -> str:
    return (
        f"target {text!r} cannot be imported: it needs {missing}, which is not installed "
        f"({sentence(error)}); install it into this environment."
    )


def _failed(text: str, error: BaseException) -> str:
    cure = ""
    if isinstance(error, SystemExit):
        cure = '; put what it runs behind `if __name__ == "__main__":`'
    elif isinstance(error, ModuleNotFoundError):
        return _missing_dependency(text, error.name or "a module", error)
    return f"target {text!r} cannot be imported: {sentence(error)}{cure}."


def import_file(path: Path, text: str) -> ModuleType:
    """Import a file.

    Parameters
    ----------
    path : Path
        An existing .py file.
    text : str
        The target's text, for the sentences.

    Returns
    -------
    ModuleType
        The module. Its folder, or that of its outermost package, is first on ``sys.path`` from
        now on, as it is for a program. No ``__pycache__`` is left in folders that are only
        looked at.

    Raises
    ------
    UserError
        If its code fails.
    """
    path = path.resolve()
    package = _package_of(path)
    root = path.parents[len(package)]
    sys.path.insert(0, str(root))
    as_before = sys.dont_write_bytecode
    sys.dont_write_bytecode = True
    try:
        if not package:
            return _execute(_free_name(path.stem), path)
        return _import_in_package(path, package)
    except (Exception, SystemExit) as error:
        raise UserError(_failed(text, error)) from error
    finally:
        sys.dont_write_bytecode = as_before


def _package_of(path: Path) -> tuple[str, ...]:
    names: list[str] = []
    folder = path.parent
    while (folder / "__init__.py").is_file() and folder.name.isidentifier():
        names.insert(0, folder.name)
        folder = folder.parent
    return tuple(names)


def _import_in_package(path: Path, package: tuple[str, ...]) -> ModuleType:
    dotted = ".".join(package if path.stem == "__init__" else (*package, path.stem))
    before = set(sys.modules)
    try:
        module = importlib.import_module(dotted)
    except Exception:
        if path.stem == "__init__":
            raise
        for name in set(sys.modules) - before:
            if name.partition(".")[0] == package[0]:
                del sys.modules[name]
        _empty_packages(path, package)
        try:
            return importlib.import_module(dotted)
        except Exception:
            for count in range(1, len(package) + 1):
                sys.modules.pop(".".join(package[:count]), None)
        raise
    file = getattr(module, "__file__", None)
    if file is not None and Path(file).resolve() == path:
        return module
    # Another package of that name was imported before; the file cannot stand beside it.
    return _execute(_free_name(path.stem), path)


def _empty_packages(path: Path, package: tuple[str, ...]) -> None:
    """Put packages in place whose ``__init__`` is not run, so that what is in them is found."""
    for count in range(1, len(package) + 1):
        name = ".".join(package[:count])
        stand_in = ModuleType(name)
        stand_in.__path__ = [str(path.parents[len(package) - count])]
        sys.modules[name] = stand_in


def _free_name(stem: str) -> str:
    """Return a module's name that hides nothing: a target may well be called random.py."""
    name = "".join(c if c.isalnum() else "_" for c in stem)
    while name in sys.modules or name in sys.stdlib_module_names:
        name += "_"
    return name


def _execute(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickles look their module up
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
