"""Named variants of the reference's parts, each as executable code.

* a *form*: the same mathematics in another order of operations; code that follows it conforms;
* a *convention*: another self-consistent choice;
* an *approximation*: a knowingly accepted one, reported with its size;
* a *deviation*: a mistake that public code has made.

A new one is a function in a module of this package::

    @deviation(
        "posterior-variance-without-denominator",
        part="posterior_variance",
        symptom="noise of variance near 1 at every noisy step",
        cure="divide by 1 - alpha_bar_t",
        links=("https://github.com/...",),
    )
    def posterior_variance_without_denominator(*, alpha_bar_t, alpha_bar_s):
        "The posterior variance lacks its denominator 1 - alpha_bar_t."
        return (1 - alpha_bar_t / alpha_bar_s) * (1 - alpha_bar_s)

Its name may be left out where it is the function's, with hyphens.
It takes the arguments of the part that it replaces (and ``parts`` first, if it needs other parts),
and is written with operators and `refdiff._namespace`, so that it runs on the numbers of a check
and on tensors. Its docstring's first line says, in one sentence, what such code does.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias, TypeVar

from refdiff.conformance.verdicts import Outcome, Verdict

__all__ = [
    "Kind",
    "Variant",
    "all_variants",
    "approximation",
    "convention",
    "deviation",
    "form",
    "joined",
    "mixed",
    "observed",
    "together",
    "variant",
]

Kind: TypeAlias = Literal["form", "convention", "approximation", "deviation"]
_SEVERITY: dict[str, int] = {"form": 0, "convention": 1, "approximation": 2, "deviation": 3}
_Function = TypeVar("_Function", bound=Callable[..., Any])


_VERDICTS: dict[str, Verdict] = {
    "form": "conforms",
    "convention": "convention",
    "approximation": "approximation",
    "deviation": "known-deviation",
}


@dataclass(frozen=True)
class Variant:
    """One way in which code differs from the reference.

    Parameters
    ----------
    name : str
        Hyphenated; never reused for something else.
    kind : str
        ``"form"``, ``"convention"``, ``"approximation"`` or ``"deviation"``.
    summary : str
        One sentence: what such code does.
    replaces : mapping of str to callable
        Part and what stands in its place; empty where a check recognises the variant itself.
    symptom, cure : str
        What one sees, and what to change.
    links : tuple of str
        Public places where it was seen.
    choice : str
        What a convention is a choice of, such as ``"end rule"``: a target has to make it in the
        same way everywhere. Empty if it may be made anew in each place.
    """

    name: str
    kind: Kind
    summary: str
    replaces: Mapping[str, Callable[..., Any]]
    symptom: str = ""
    cure: str = ""
    links: tuple[str, ...] = ()
    choice: str = ""

    @property
    def severity(self) -> int:
        """Return 0 for a form, up to 3 for a deviation."""
        return _SEVERITY[self.kind]

    @property
    def verdict(self) -> Verdict:
        """The verdict on code that differs in this way and no other."""
        return _VERDICTS[self.kind]

    def outcome(self, message: str, **known: Any) -> Outcome:
        """Return the outcome that this variant was recognised, with further fields of it."""
        return Outcome(self.verdict, message, variant=self.name, **known)


_ALL: dict[str, Variant] = {}


def _register(variant: Variant) -> None:
    known = _ALL.get(variant.name)
    if known is not None:
        # Several checks may recognise the same variant, and it may show in several parts.
        if known.kind != variant.kind or known.replaces.keys() & variant.replaces.keys():
            raise ValueError(f"there is already a variant called {variant.name!r}")
        first, second = (known, variant) if known.replaces else (variant, known)
        variant = replace(
            first,
            replaces={**first.replaces, **second.replaces},
            links=tuple(dict.fromkeys((*first.links, *second.links))),
            choice=first.choice or second.choice,
        )
    _ALL[variant.name] = variant


def _decorator(
    kind: Kind,
    name: str = "",
    *,
    part: str,
    symptom: str = "",
    cure: str = "",
    links: tuple[str, ...] = (),
    choice: str = "",
) -> Callable[[_Function], _Function]:
    def register(function: _Function) -> _Function:
        summary = " ".join((inspect.getdoc(function) or "").partition("\n\n")[0].split())
        called = name or function.__name__.replace("_", "-")
        _register(Variant(called, kind, summary, {part: function}, symptom, cure, links, choice))
        return function

    return register


form = functools.partial(_decorator, "form")
convention = functools.partial(_decorator, "convention")
approximation = functools.partial(_decorator, "approximation")
deviation = functools.partial(_decorator, "deviation")


def observed(kind: Kind, name: str, summary: str, **known: Any) -> Variant:
    """Register a variant that a check recognises by itself, from counts or from a whole run.

    Returns
    -------
    Variant
        With no replaced part.
    """
    made = Variant(name, kind, summary, {}, **known)
    _register(made)
    return made


def joined(name: str, *names: str, kind: Kind, summary: str, **known: Any) -> Variant:
    """Register registered variants that belong together as one.

    Returns
    -------
    Variant
        Which replaces all that they replace.
    """
    replaces = {k: v for other in names for k, v in _ALL[other].replaces.items()}
    made = Variant(name, kind, summary, replaces, **known)
    _register(made)
    return made


def together(
    kind: Kind, name: str, summary: str, replaces: Mapping[str, Callable[..., Any]], **known: Any
) -> Variant:
    """Register one variant that replaces several parts: a choice that shows in all of them.

    Returns
    -------
    Variant
        Which is tried in every check that uses any of them.
    """
    made = Variant(name, kind, summary, dict(replaces), **known)
    _register(made)
    return made


def all_variants() -> Mapping[str, Variant]:
    """Return all variants by name."""
    _load()
    return dict(_ALL)


@functools.cache
def _load() -> None:
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda found: found.name):
        importlib.import_module(f"{__name__}.{module.name}")
    for choice in sorted({known.choice for known in _ALL.values()} - {""}):
        observed(
            "deviation",
            mixed(choice),
            f"The {choice} is chosen in one way in one place and in another in another.",
            symptom="each part is right by itself, and together they are not",
            cure=f"choose the {choice} alike everywhere",
        )


def mixed(choice: str) -> str:
    """Return the name of the deviation of code that makes a choice differently in two places."""
    return f"mixed-{choice.replace(' ', '-')}"


def variant(name: str) -> Variant:
    """Return one variant.

    Raises
    ------
    KeyError
        If there is none of that name.
    """
    return all_variants()[name]
