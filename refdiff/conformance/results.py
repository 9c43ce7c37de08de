"""Results: what a check found, in the form in which reports carry it and programs read it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from refdiff.conformance.verdicts import FAILURES, VERDICTS, Outcome

__all__ = ["SIDE_EFFECTS", "Result", "plain", "readable"]

SIDE_EFFECTS = "target/side-effects"
"""Id of the check in which the runner reports what the target did besides answering."""

_MOST_ELEMENTS = 32
_MOST_POINTS = 400
_LONGEST_TEXT = 2000
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@dataclass(frozen=True)
class Result:
    """What one check found, and how to see it again.

    Parameters
    ----------
    check : str
        Its id.
    equations : tuple of str
        Ids of the catalogue.
    verdict, message : str
        See `refdiff.conformance.verdicts.Outcome`; also for the fields that follow.
    variant : str or None
        Named convention, approximation or deviation.
    error_units : float or None
        Largest error, in budgets of rounding.
    at : mapping
        The inputs of that error, as plain numbers, texts, lists and mappings.
    expected, observed : object
        Both numbers, plain.
    also_fits : tuple of str
        Other variants that explain the same.
    traceback : str or None
        What the target raised, in full.
    reproduce : str
        A command, or a line of Python, that repeats this check alone.
    choices : mapping
        Which conventions were seen to be followed.
    series : sequence of (mapping, float)
        Error by input, for a picture.
    seconds : float
        Time it took.
    """

    check: str
    equations: tuple[str, ...]
    verdict: str
    message: str
    variant: str | None = None
    error_units: float | None = None
    at: Mapping[str, Any] = field(default_factory=dict)
    expected: Any = None
    observed: Any = None
    also_fits: tuple[str, ...] = ()
    traceback: str | None = None
    reproduce: str = ""
    choices: Mapping[str, str] = field(default_factory=dict)
    series: Sequence[tuple[Mapping[str, Any], float]] = ()
    seconds: float = 0.0

    @classmethod
    def of(cls, check: str, equations: Sequence[str], outcome: Outcome, **known: Any) -> Result:
        """Take over an outcome, its values made plain."""
        if outcome.verdict not in VERDICTS:
            raise ValueError(f"check {check} gave the verdict {outcome.verdict!r}")
        units = None if outcome.error_units is None else float(outcome.error_units)
        return cls(
            check,
            tuple(equations),
            outcome.verdict,
            readable(" ".join(str(outcome.message).split())),
            outcome.variant,
            units,
            {str(key): plain(value) for key, value in outcome.at.items()},
            plain(outcome.expected),
            plain(outcome.observed),
            tuple(outcome.also_fits),
            choices=dict(outcome.choices),
            series=tuple(
                ({str(key): plain(value) for key, value in at.items()}, float(error))
                for at, error in outcome.series[:_MOST_POINTS]
            ),
            **known,
        )

    @property
    def fails(self) -> bool:
        """Say whether the verdict is one of a failure, accepted or not."""
        return self.verdict in FAILURES

    @property
    def compared(self) -> bool:
        """Say whether the target was asked and its answer judged."""
        return self.verdict not in ("not-provided", "inconclusive") and self.check != SIDE_EFFECTS

    def record(self) -> dict[str, Any]:
        """Return the result as the JSON report shows it."""
        shown: dict[str, Any] = {
            "check": self.check,
            "equations": list(self.equations),
            "verdict": self.verdict,
            "variant": self.variant,
            "error_units": plain(self.error_units),
            "at": dict(self.at),
            "expected": self.expected,
            "observed": self.observed,
            "message": self.message,
            "reproduce": self.reproduce,
        }
        if self.also_fits:
            shown["also_fits"] = list(self.also_fits)
        if self.traceback is not None:
            shown["traceback"] = self.traceback
        return shown

    def wire(self) -> dict[str, Any]:
        """Return everything, for `from_wire` in another process."""
        series = [[dict(at), plain(error)] for at, error in self.series]
        hidden = {"choices": dict(self.choices), "series": series, "seconds": self.seconds}
        return self.record() | hidden

    @classmethod
    def from_wire(cls, sent: Mapping[str, Any]) -> Result:
        """Rebuild what `wire` returned."""
        return cls(
            **{
                **sent,
                "equations": tuple(sent["equations"]),
                "also_fits": tuple(sent.get("also_fits", ())),
                "error_units": None if sent["error_units"] is None else float(sent["error_units"]),
                "series": tuple((at, float(error)) for at, error in sent["series"]),
            }
        )


def readable(text: str) -> str:
    r"""Write out what a terminal would obey, and what no file can hold, in place of passing it on.

    Examples
    --------
    >>> readable("red \x1b[31m and half a character \ud800")
    'red \\x1b[31m and half a character \\ud800'
    """
    whole = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return _CONTROLS.sub(lambda found: f"\\x{ord(found[0]):02x}", whole)


def plain(value: Any) -> Any:
    """Turn any value into what JSON can hold; a number that is not finite becomes a text.

    Parameters
    ----------
    value : object
        Number, text, array, tensor, sequence, mapping, or anything else.

    Returns
    -------
    object
        Of the same meaning; of a large array its shape and dtype alone.

    Examples
    --------
    >>> plain({"t": np.int64(3), "x": [np.float32(0.5), float("nan")]})
    {'t': 3, 'x': [0.5, 'nan']}
    """
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, str):
        text = readable(value)
        return text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 3] + "..."
    if isinstance(value, (float, np.floating)):
        number = float(value)
        return number if math.isfinite(number) else str(number)
    if isinstance(value, (np.integer, np.bool_)):
        return value.item()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        items = sorted(value, key=str) if isinstance(value, (set, frozenset)) else list(value)
        if len(items) > _MOST_ELEMENTS:
            return f"{len(items)} items, the first of which is {plain(items[0])}"
        return [plain(item) for item in items]
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return _plain_array(value)
    return plain(repr(value))


def _plain_array(value: Any) -> Any:
    about = f"{value.dtype} array of shape {tuple(value.shape)}"
    try:
        if not isinstance(value, np.ndarray):  # a tensor: bfloat16 has no NumPy form
            value = value.detach().cpu().double().numpy()
        if value.ndim == 0:
            return plain(value[()].item())
        if value.size <= _MOST_ELEMENTS:
            return plain(value.tolist())
    except (AttributeError, RuntimeError, TypeError, ValueError):
        pass
    return about
