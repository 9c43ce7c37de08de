"""One page a package of refdiff: each public name under the module that defines it."""

import inspect
from importlib import import_module
from pathlib import Path
from types import ModuleType

from generated import directive, heading, write_pages


def _groups(package: ModuleType) -> dict[ModuleType, list[str]]:
    """Sort the public names by the module they come from, in that module's own order."""
    groups: dict[ModuleType, list[str]] = {}
    for name in package.__all__:
        value = getattr(package, name)
        if inspect.ismodule(value):
            groups.setdefault(value, [])
            continue
        home = getattr(value, "__module__", package.__name__)
        known = home.startswith(package.__name__)
        groups.setdefault(import_module(home) if known else package, []).append(name)
    for module, names in groups.items():
        order = {name: i for i, name in enumerate(getattr(module, "__all__", ()))}
        names.sort(key=lambda name, order=order: order.get(name, len(order)))
    return groups


def _entry(module: ModuleType, name: str) -> str:
    value = getattr(module, name)
    if inspect.isclass(value):
        return directive("autoclass", name, members="")
    return directive("autofunction" if callable(value) else "autodata", name)


def _page(package: ModuleType) -> str:
    name = package.__name__
    parts = [heading(name, "="), directive("automodule", name, no_members="")]
    for module, names in _groups(package).items():
        if module is not package:
            title = module.__name__.removeprefix(f"{name}.").replace("_", " ").capitalize()
            parts += [heading(title, "-"), directive("automodule", module.__name__, no_members="")]
        # The short path is the public one: refdiff.equations.snr, wherever it is defined.
        home = package if names else module
        parts.append(directive("currentmodule", home.__name__))
        parts += [_entry(home, public) for public in names or getattr(module, "__all__", ())]
    return "\n".join(parts)


def generate(app) -> None:
    packages = {name: import_module(name) for name in app.config.api_packages}
    pages = {f"{name}.rst": _page(package) for name, package in packages.items()}
    entries = "\n".join(f"{name} <generated/api/{name}>" for name in packages)
    pages["contents.inc"] = directive("toctree", body=entries, maxdepth="1")
    write_pages(Path(app.srcdir) / "generated" / "api", pages)


def setup(app) -> dict[str, bool]:
    app.add_config_value("api_packages", [], "env", list)
    app.connect("builder-inited", generate)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
