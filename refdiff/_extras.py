"""Import of optional packages, with the one sentence a user needs when one is missing.

The core of refdiff needs NumPy and SciPy only. Everything else belongs to an extra, so a part that
uses an optional package asks for it here, at the moment of use, and never at import.
"""

from __future__ import annotations

import importlib
from types import ModuleType

from refdiff._errors import UserError

__all__ = ["require"]


def require(module: str, *, extra: str, purpose: str) -> ModuleType:
    """Import an optional package, or say which pip command adds it.

    Parameters
    ----------
    module : str
        Dotted name of the module, as in ``import``.
    extra : str
        The extra of refdiff that brings it, for example ``"images"``.
    purpose : str
        What it is needed for; the sentence reads "<purpose> needs <package> ...".

    Returns
    -------
    ModuleType
        The imported module.

    Raises
    ------
    UserError
        If the package is not installed. A package that is installed but broken keeps its own error.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0]
        if error.name is None or error.name.partition(".")[0] != package:
            raise
        raise UserError(
            f"{purpose} needs {package}, which is not installed: pip install 'refdiff[{extra}]'"
        ) from error
