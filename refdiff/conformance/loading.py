"""From ``package.module:attribute`` or ``path/to/file.py:attribute`` to the object to be judged.

Everything that can go wrong on the way is the user's to mend, and is said in one sentence with the
cure; what the target's own code raised is shown with the place where it did.
"""

from __future__ import annotations

import difflib
import functools
import inspect
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from refdiff._errors import UserError
from refdiff.conformance.importing import import_file, import_named
from refdiff.conformance.raised import sentence

__all__ = ["Target", "construct", "load", "parse_kwargs", "parse_target"]

# Greedy, so that the attribute is what follows the last colon; C:\code\file.py:Class has two.
_FILE = re.compile(r"(?P<path>.+\.py)(?::(?P<attribute>[^:/\\]*))?", re.DOTALL)


@dataclass(frozen=True)
class Target:
    """What a target's text names.

    Parameters
    ----------
    text : str
        As it was typed.
    file : Path or None
        The file, where one is named.
    module : str
        The dotted module; empty where a file is named.
    attribute : str
        Dotted attribute in it; empty for the module itself.
    """

    text: str
    file: Path | None
    module: str
    attribute: str


def parse_target(text: str) -> Target:
    """Read a target's text, without importing anything.

    Parameters
    ----------
    text : str
        ``package.module:attribute`` or ``path/to/file.py:attribute``; without an attribute the
        module itself is meant.

    Returns
    -------
    Target
        Its parts.

    Raises
    ------
    UserError
        If it has no such form, or names a file that is not there.

    Examples
    --------
    >>> parse_target("package.module:Class.method").attribute
    'Class.method'
    """
    found = _FILE.fullmatch(text)
    if found:
        path = Path(found["path"]).expanduser()
        if not path.is_file():
            raise UserError(_no_file(text, path))
        return Target(text, path, "", _attribute(text, found["attribute"] or ""))
    module, _, attribute = text.partition(":")
    if "/" in text or os.sep in text or Path(text).is_dir():
        raise UserError(
            f"target {text!r} is a path, but not to a .py file: name one, as in "
            "path/to/file.py:attribute, or an importable package.module:attribute."
        )
    if not module or not all(part.isidentifier() for part in module.split(".")):
        raise UserError(
            f"target {text!r} names no module: write package.module:attribute or "
            "path/to/file.py:attribute."
        )
    return Target(text, None, module, _attribute(text, attribute))


def _attribute(text: str, attribute: str) -> str:
    if attribute and not all(part.isidentifier() for part in attribute.split(".")):
        raise UserError(
            f"target {text!r}: {attribute!r} is no attribute's name; arguments go into --kwargs, "
            "as in file.py:Class --kwargs '{\"steps\": 50}'."
        )
    return attribute


def _no_file(text: str, path: Path) -> str:
    if path.is_dir():
        return f"target {text!r}: {path} is a folder: name a .py file in it."
    folder = path.parent
    if not folder.is_dir():
        return f"target {text!r}: there is no folder {folder}; the path starts from {Path.cwd()}."
    close = difflib.get_close_matches(path.name, [p.name for p in folder.glob("*.py")], n=3)
    meant = f"; did you mean {' or '.join(close)}?" if close else "."
    return f"target {text!r}: there is no file {path.name} in {folder.resolve()}{meant}"


def parse_kwargs(text: str | None) -> dict[str, Any]:
    """Read the arguments that a target is constructed with.

    Parameters
    ----------
    text : str or None
        A JSON object.

    Returns
    -------
    dict
        Argument and value; empty for None.

    Raises
    ------
    UserError
        If it is no JSON, or no object.
    """
    if text is None:
        return {}
    example = """--kwargs '{"steps": 50, "schedule": "cosine"}'"""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise UserError(
            f"--kwargs {text} is no JSON ({error}): write an object, as in {example}; names and "
            "texts stand in double quotes."
        ) from error
    if not isinstance(found, dict):
        raise UserError(
            f"--kwargs {text} is a JSON {type(found).__name__}, and arguments need names: write an "
            f"object, as in {example}."
        )
    return found


def load(text: str, kwargs: Mapping[str, Any] | None = None) -> Any:
    """Import a target and construct it: this runs its code.

    Parameters
    ----------
    text : str
        See `parse_target`.
    kwargs : mapping, optional
        Arguments to construct it with.

    Returns
    -------
    object
        What is to be judged.

    Raises
    ------
    UserError
        If it cannot be imported, found or constructed.
    """
    target = parse_target(text)
    if target.file is not None:
        module = import_file(target.file, text)
    else:
        module = import_named(target.module, text)
    found: Any = module
    for index, name in enumerate(filter(None, target.attribute.split("."))):
        try:
            found = getattr(found, name)
        except AttributeError as error:
            where = ".".join([module.__name__, *target.attribute.split(".")[:index]])
            raise UserError(_no_attribute(text, found, name, where)) from error
    return construct(found, kwargs, text=text)


def _no_attribute(text: str, holder: Any, name: str, where: str) -> str:
    public = [other for other in dir(holder) if not other.startswith("_")]
    close = difflib.get_close_matches(name, public, n=3, cutoff=0.5)
    own = [n for n in public if getattr(getattr(holder, n), "__module__", "") == where]
    if close:
        meant = f"; did you mean {' or '.join(close)}?"
    elif own:
        meant = f"; it defines {', '.join(own[:8])}{' ...' if len(own) > 8 else ''}."
    else:
        meant = "."
    return f"target {text!r}: {where} has no attribute {name!r}{meant}"


def construct(found: Any, kwargs: Mapping[str, Any] | None = None, *, text: str = "") -> Any:
    """Make the object to be judged out of what a target names.

    A class is called. A function is called where it can be with these arguments alone; one that
    needs more is itself the target, such as a sampler, and keeps the arguments.

    Parameters
    ----------
    found : object
        A class, a function, or an object that is ready.
    kwargs : mapping, optional
        Arguments.
    text : str
        The target's text, for the sentences.

    Returns
    -------
    object
        What is to be judged.

    Raises
    ------
    UserError
        If the arguments do not fit, or the constructor fails.
    """
    arguments = dict(kwargs or {})
    name = f"target {text!r}" if text else "the target"
    if not inspect.isclass(found) and not _is_function(found):
        if arguments:
            kind = "a module" if isinstance(found, ModuleType) else f"a {type(found).__name__}"
            raise UserError(
                f"{name} is {kind}, which is not called: leave --kwargs out, or name the class or "
                "the function that takes them."
            )
        return found
    signature = _signature(found)
    if not inspect.isclass(found):
        if signature is None or not _is_factory(signature, arguments):
            _check_names(signature, arguments, name)
            return functools.partial(found, **arguments) if arguments else found
    elif signature is not None:
        _check_bound(signature, arguments, name)
    try:
        made = found(**arguments)
    except (Exception, SystemExit) as error:
        raise UserError(f"{name} cannot be constructed: {sentence(error)}") from error
    if made is None:
        raise UserError(
            f"{name} is a function that returned None, and nothing can be judged: name one that "
            "returns the object, or a callable with arguments (a sampler f(model, x_T, ...))."
        )
    return made


def _is_function(found: Any) -> bool:
    return inspect.isroutine(found) or isinstance(found, functools.partial)


def _signature(found: Any) -> inspect.Signature | None:
    try:
        return inspect.signature(found)
    except (TypeError, ValueError):  # some builtins have none
        return None


def _is_factory(signature: inspect.Signature, arguments: Mapping[str, Any]) -> bool:
    """Say whether a function can be called with these arguments alone, as makers of objects can."""
    if any(p.kind is p.VAR_POSITIONAL for p in signature.parameters.values()):
        return False
    try:
        signature.bind(**arguments)
    except TypeError:
        return False
    return True


def _check_names(
    signature: inspect.Signature | None, arguments: Mapping[str, Any], name: str
) -> None:
    if signature is None or not arguments:
        return
    try:
        signature.bind_partial(**arguments)
    except TypeError as error:
        raise UserError(f"{name} does not take these --kwargs: {error}.") from error


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _check_bound(signature: inspect.Signature, arguments: Mapping[str, Any], name: str) -> None:
    _check_names(signature, arguments, name)
    needed = [
        p.name
        for p in signature.parameters.values()
        if p.default is p.empty
        and p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY, p.POSITIONAL_ONLY)
        and p.name not in arguments
    ]
    if needed:
        example = json.dumps({needed[0]: "..."})
        raise UserError(
            f"{name} cannot be constructed without {_listed(needed)}: give "
            f"{'it' if len(needed) == 1 else 'them'} by --kwargs '{example}', or name a function "
            "without arguments that makes the object."
        )
