"""The classes of a script that trains as soon as it is imported.

Only its imports, functions, classes and plain constants are executed. Nothing of it is kept.
"""

import ast
import sys
from pathlib import Path
from types import ModuleType

from validation.targets.adapters.absent import stand_in

_KEPT = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)


def _constant(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)


def definitions(file: str) -> ModuleType:
    """Return a module with what a script on the search path defines.

    Parameters
    ----------
    file : str
        Its path below one of the folders on ``sys.path``: below the checkout.
    """
    stand_in("torchvision", "torchvision.transforms", "torchvision.utils")
    found = [path for path in (Path(folder) / file for folder in sys.path) if path.is_file()]
    if not found:
        raise ModuleNotFoundError(f"no {file} on the search path: give its checkout's path")
    tree = ast.parse(found[0].read_text("utf-8"))
    tree.body = [node for node in tree.body if isinstance(node, _KEPT) or _constant(node)]
    module = ModuleType(found[0].stem)
    exec(compile(tree, str(found[0]), "exec"), module.__dict__)
    return module
