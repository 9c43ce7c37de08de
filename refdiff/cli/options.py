"""Types of options, with the words that a mistake in one is answered with.

Whether a number lies in the domain of its argument is the business of the part that uses it; here
it is only decided what can be read as a number at all.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypeAlias, get_args

import tyro

__all__ = [
    "Flag",
    "Labels",
    "OptionalPath",
    "OptionalReal",
    "OptionalText",
    "OptionalWhole",
    "Real",
    "Whole",
    "choice",
    "default_hint",
    "required",
]


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"{text!r} is no whole number") from None


def _real(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{text!r} is no number") from None


def _labels(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise ValueError(
            f"{text!r} is no list of classes: give whole numbers with commas between, such as 0,1,2"
        ) from None


def _choice(*names: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text in names:
            return text
        close = difflib.get_close_matches(text, names, n=1)
        meant = f" (did you mean {close[0]}?)" if close else ""
        raise ValueError(f"{text!r} is no choice{meant}: choose {' or '.join(names)}")

    return read


def choice(words: Any) -> Any:
    """Allow the words of a `Literal` only.

    Parameters
    ----------
    words : Literal
        The words.

    Returns
    -------
    object
        For use inside `Annotated`.
    """
    names = get_args(words)
    return _as("{" + ",".join(names) + "}", _choice(*names))


def _as(metavar: str, read: Callable[[str], Any]) -> Any:
    return tyro.constructors.PrimitiveConstructorSpec(
        nargs=1,
        metavar=metavar,
        instance_from_str=lambda words: read(words[0]),
        is_instance=lambda value: True,
        str_from_instance=lambda value: [str(value)],
    )


Flag: TypeAlias = Annotated[bool, tyro.conf.arg(help_behavior_hint="")]
Whole: TypeAlias = Annotated[int, _as("N", _whole)]
Real: TypeAlias = Annotated[float, _as("X", _real)]
OptionalWhole: TypeAlias = Annotated[int | None, _as("N", _whole)]
OptionalReal: TypeAlias = Annotated[float | None, _as("X", _real)]
OptionalText: TypeAlias = Annotated[str | None, _as("NAME", str)]
OptionalPath: TypeAlias = Annotated[Path | None, _as("FILE", Path)]
Labels: TypeAlias = Annotated[tuple[int, ...] | None, _as("0,1,...", _labels)]


def default_hint(text: str, **more: Any) -> Any:
    """Say in the help what an option that is left out means.

    Parameters
    ----------
    text : str
        As in "all classes".
    **more
        Further settings of `tyro.conf.arg`.

    Returns
    -------
    object
        For use inside `Annotated`.
    """
    return tyro.conf.arg(help_behavior_hint=f"(default: {text})", **more)


def required(metavar: str) -> Any:
    """Say in the help that an option cannot be left out; the command itself asks for it."""
    return tyro.conf.arg(help_behavior_hint="(required)", metavar=metavar)
