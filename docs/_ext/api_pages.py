"""One page a package of refdiff: each public name under the module that defines it."""

import inspect
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType

from generated import directive, heading, write_pages
from sphinx.pycode import ModuleAnalyzer


def _home(package: ModuleType, name: str) -> ModuleType:
    """Find the module that defines a public name; constants do not know theirs."""
    value = getattr(package, name)
    module = getattr(value, "__module__", None)
    if inspect.isclass(value) or inspect.isroutine(value):
        return import_module(module) if module.startswith(package.__name__) else package
    for info in iter_modules(getattr(package, "__path__", ()), f"{package.__name__}."):
        candidate = import_module(info.name)
        if name in getattr(candidate, "__all__", ()):
            return candidate
    return package


def _groups(package: ModuleType) -> dict[ModuleType, list[str]]:
    """Sort the public names by the module they come from, in that module's own order."""
    groups: dict[ModuleType, list[str]] = {}
    for name in package.__all__:
        if name.startswith("__"):
            continue
        value = getattr(package, name)
        if inspect.ismodule(value):
            groups.setdefault(value, [])
        else:
            groups.setdefault(_home(package, name), []).append(name)
    for module, names in groups.items():
        order = {name: i for i, name in enumerate(getattr(module, "__all__", ()))}
        names.sort(key=lambda name, order=order: order.get(name, len(order)))
    return dict(sorted(groups.items(), key=lambda group: group[0].__name__))


def _entry(module: ModuleType, home: ModuleType, name: str) -> str:
    value = getattr(module, name)
    if inspect.isclass(value):
        kind = "autoexception" if issubclass(value, Exception) else "autoclass"
        return directive(kind, name, members="")
    if inspect.isroutine(value):
        return directive("autofunction", name)
    # The text below a constant belongs to the module that defines it, where autodoc does not look.
    comment = ModuleAnalyzer.for_module(home.__name__).find_attr_docs().get(("", name), [])
    return directive("py:data", name, body="\n".join(comment))


def _module(module: ModuleType, package: ModuleType) -> str:
    """Show a module's own text. One whose name a function bears too cannot be a link target."""
    leaf = module.__name__.rpartition(".")[2]
    taken = module is not package and not inspect.ismodule(getattr(package, leaf, module))
    return directive(
        "automodule", module.__name__, no_members="", **({"no_index": ""} if taken else {})
    )


def _page(package: ModuleType) -> str:
    name = package.__name__
    parts = [heading(name, "="), _module(package, package)]
    for module, names in _groups(package).items():
        if module is not package:
            title = module.__name__.removeprefix(f"{name}.").strip("_").replace("_", " ")
            parts += [heading(title.capitalize(), "-"), _module(module, package)]
        # The short path is the public one: refdiff.equations.snr, wherever it is defined.
        owner = package if names else module
        parts.append(directive("currentmodule", owner.__name__))
        parts += [_entry(owner, module, public) for public in names or module.__all__]
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
