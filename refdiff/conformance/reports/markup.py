"""HTML and SVG as values: text is escaped, whatever it holds, unless it is markup already."""

from __future__ import annotations

import html

__all__ = ["Markup", "element", "void"]


class Markup(str):
    """Text that is markup and is not escaped again."""

    __slots__ = ()


def element(name: str, *children: str | Markup, **attributes: str | float) -> Markup:
    """Make an element.

    Parameters
    ----------
    name : str
        Its tag.
    *children : str or Markup
        Content, in order; a plain string is escaped.
    **attributes : str or float
        Attributes. ``class_`` is class, and an underscore inside a name is a hyphen.

    Returns
    -------
    Markup
        The element.
    """
    inside = "".join(_escaped(child) for child in children)
    return Markup(f"<{name}{_attributes(attributes)}>{inside}</{name}>")


def void(name: str, **attributes: str | float) -> Markup:
    """Make an element without content, such as an image or a line of a drawing."""
    return Markup(f"<{name}{_attributes(attributes)}/>")


def _escaped(text: str | Markup) -> str:
    return text if isinstance(text, Markup) else html.escape(text, quote=False)


def _attributes(attributes: dict[str, str | float]) -> str:
    parts = []
    for name, value in attributes.items():
        text = f"{value:g}" if isinstance(value, float) else str(value)
        parts.append(f' {name.rstrip("_").replace("_", "-")}="{html.escape(text)}"')
    return "".join(parts)
