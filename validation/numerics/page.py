"""The page of the documentation that shows the measured errors."""

from __future__ import annotations

from typing import Any

__all__ = ["KNOWN_LOSSES", "LIMIT", "page"]

LIMIT = 4.0
"""How many units beyond conditioning a function may lose."""

KNOWN_LOSSES = {
    "discretized_gaussian_log_likelihood": (
        "A decoder that is much narrower or much wider than a grey level: the logarithm of a "
        "probability near 1, or of the difference of two that nearly agree. The error is small "
        "against 1, or against the width in grey levels, and not against the result."
    ),
    "guidance_from_scale": (
        "At a scale near 1 with a prediction that is small beside the unconditional one: u + s (c "
        "- u) adds it to u. The error is an ulp of u. With w = s - 1, "
        ":py:func:`~refdiff.equations.classifier_free_guidance` keeps the digits."
    ),
    "solvers.unipc_weight_3": (
        "Points of a step at which the quadratic in the phi functions nearly vanishes: the error "
        "is a few ulp of its terms."
    ),
    "weights.log_snr_from_uniform": (
        "Log-SNRs near 0: the logarithm of a tangent near 1. The error is an ulp of 1."
    ),
}
"""Functions beyond the limit, with the reason: where, and what the error is small against."""

_INTRODUCTION = """\
.. Made by `python -m validation.numerics` from what it measured.

Numerics
========

How many digits each pointwise function of :mod:`refdiff.equations` has, measured: it was
evaluated in float64 and float32 at {points} points of its documented domain, at the ends, near them
and over many orders of magnitude (arguments without an end up to :math:`2^{{20}}`, those of any
sign up to 16), and compared with itself at {digits} digits. The table has the worst errors that
were found, in two units:

*ulp*
   The distance of the format's numbers at the exact value. Where data cancel, a result has few
   digits whatever the formula, so that this number has no limit: alpha_bar_s - alpha_bar_t of two
   levels that agree to ten digits has six that mean something.

*beyond*
   The error over what cannot be avoided: one ulp of the result, plus the change of the exact
   result when each input moves by one unit in its last place (0, 1 and -1 do not move). This is
   what the formula itself loses, and the aim is at most {limit:g}. {within} of {count} functions
   are within it.

The functions take the form that keeps the digits (alpha_bar_s - alpha_bar_t for the paper's
1 - alpha_bar_t/alpha_bar_s; expm1, log1p and phi functions for differences near 1), and the
formulas on their pages are the papers'. Results below the smallest normal number, or above the
largest, were not compared. A test measures part of this again in each run.

Beyond the aim
--------------

"""


def page(table: dict[str, Any]) -> str:
    """Compose the page from the table of measured errors."""
    functions = table["functions"]
    beyond = {
        name: max(measured["beyond"] for measured in entry.values())
        for name, entry in functions.items()
    }
    within = sum(value <= LIMIT for value in beyond.values())
    points = max(measured["points"] for entry in functions.values() for measured in entry.values())
    text = _INTRODUCTION.format(
        points=points, digits=table["digits"], limit=LIMIT, within=within, count=len(functions)
    )
    for name in sorted(set(functions) & set(KNOWN_LOSSES)):
        at = _place(functions[name]["float64"]["beyond_at"])
        text += f":py:func:`{name} <refdiff.equations.{name}>`\n   {KNOWN_LOSSES[name]}\n"
        text += f"   Worst in float64 at {at}.\n\n"
    text += _heading("The nearest to it")
    nearest = sorted((n for n in functions if beyond[n] <= LIMIT), key=lambda n: -beyond[n])[:10]
    rows = [
        (_link(n), f"{beyond[n]:.3g}", _place(_worst(functions[n])["beyond_at"])) for n in nearest
    ]
    text += _table(("Function", "Beyond", "Where"), rows, "40 12 48")
    text += _heading("All functions")
    rows = [
        (_link(name), *(_number(entry[d][u]) for d in ("float64", "float32") for u in _UNITS))
        for name, entry in functions.items()
    ]
    heads = ("Function", "float64: ulp", "beyond", "float32: ulp", "beyond")
    return text + _table(heads, rows, "40 15 15 15 15")


_UNITS = ("ulp", "beyond")


def _worst(entry: dict[str, Any]) -> Any:
    return max(entry.values(), key=lambda measured: measured["beyond"])


def _link(name: str) -> str:
    return f":py:func:`{name} <refdiff.equations.{name}>`"


def _number(value: float) -> str:
    return f"{value:.3g}" if value < 1e16 else "all digits"


def _place(point: dict[str, str]) -> str:
    return ", ".join(f"{name} = {float.fromhex(value):.6g}" for name, value in point.items())


def _heading(title: str) -> str:
    return f"{title}\n{'-' * len(title)}\n\n"


def _table(heads: tuple[str, ...], rows: list[tuple[str, ...]], widths: str) -> str:
    lines = [".. list-table::", "   :header-rows: 1", f"   :widths: {widths}", ""]
    for row in (heads, *rows):
        lines += [f"   {'*' if place == 0 else ' '} - {cell}" for place, cell in enumerate(row)]
    return "\n".join(lines) + "\n\n"
