"""Stand-ins for packages that a peer imports and that its mathematics does not use.

torchvision and its like are imported for pictures and their scores at the head of the modules that
also hold the sampler. A stand-in lets such a module be imported without them: it has any attribute,
which can be called and does nothing.
"""

import importlib.util
import sys
from types import ModuleType
from typing import Any


class Placeholder(ModuleType):
    """A module, class or function of any name."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Placeholder(f"{self.__name__}.{name}")

    def __call__(self, *args: Any, **kwargs: Any) -> "Placeholder":
        """Return another stand-in."""
        return Placeholder(self.__name__)


def stand_in(*modules: str) -> None:
    """Put stand-ins in the place of modules whose package is not installed."""
    for name in modules:
        package = name.partition(".")[0]
        if isinstance(sys.modules.get(package), Placeholder) or not importlib.util.find_spec(
            package
        ):
            module = Placeholder(name)
            module.__path__ = []  # so that it is taken for a package
            sys.modules[name] = module


def without_init(package: str) -> None:
    """Let modules of a package be imported without running its ``__init__``."""
    if package not in sys.modules:
        found = importlib.util.find_spec(package)
        if found is None:
            raise ModuleNotFoundError(f"No module named {package!r}", name=package)
        module = ModuleType(package)
        module.__path__ = list(found.submodule_search_locations or ())
        sys.modules[package] = module
