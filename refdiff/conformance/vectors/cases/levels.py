"""Functions of one signal level alpha_bar_t and of tensors."""

from __future__ import annotations

from collections.abc import Iterator

from refdiff.conformance.vectors.cases.case import Case
from refdiff.conformance.vectors.levels import LEVELS

__all__ = ["cases"]

# Function, its tensors, and whether it has a value for clean data and for pure noise.
_FUNCTIONS = (
    ("forward_mean", ("x_0",), True, True),
    ("forward_variance", (), True, True),
    ("forward_sample", ("x_0", "eps"), True, True),
    ("x_0_from_eps", ("x_t", "eps"), True, False),
    ("eps_from_x_0", ("x_t", "x_0"), False, True),
    ("v_from_eps", ("x_t", "eps"), True, False),
    ("v_from_x_0", ("x_t", "x_0"), False, True),
    ("x_0_from_v", ("x_t", "v"), True, True),
    ("eps_from_v", ("x_t", "v"), True, True),
    ("score_from_eps", ("eps",), False, True),
    ("score_from_x_0", ("x_t", "x_0"), False, True),
    ("x_0_from_score", ("x_t", "score"), True, False),
    ("eps_from_score", ("score",), True, True),
    ("snr", (), True, True),
    ("log_snr", (), True, True),
    ("prior_kl", ("x_0",), False, True),
)

# Two sets of tensors without relations among them; the second has values outside [-1, 1].
TENSORS = (
    {"x_0": 0.625, "x_t": -1.375, "eps": 0.8125, "noise": 1.5625, "v": -0.71875, "score": -2.3125},
    {"x_0": -1.75, "x_t": 2.625, "eps": -1.1875, "noise": -0.4375, "v": 1.34375, "score": 0.5625},
)


def cases() -> Iterator[Case]:
    """Yield each function at all its levels."""
    for function, tensors, has_clean, has_noise in _FUNCTIONS:
        for number, level in enumerate(LEVELS):
            if (level.alpha_bar == 1 and not has_clean) or (level.alpha_bar == 0 and not has_noise):
                continue
            values = TENSORS[number % 2]
            inputs = {name: values[name] for name in tensors}
            yield Case(
                function, level.slug, {**inputs, "alpha_bar_t": level.alpha_bar}, level.comment
            )
    near = 1 - 2.0**-30
    for function in ("snr", "log_snr", "forward_variance"):
        yield Case(
            function, "hardly-any-noise", {"alpha_bar_t": near}, "a level that float32 cannot hold"
        )
    for slug, value in (("zero", 0.0), ("high", 9.25), ("low", -10.125), ("very-low", -90.0)):
        yield Case("alpha_bar_from_log_snr", slug, {"log_snr_t": value})
    for slug, value in (("clean", float("inf")), ("noise", float("-inf")), ("one", 1.0)):
        yield Case("alpha_bar_from_log_snr", slug, {"log_snr_t": value})
    for slug, size, reference in (
        ("same-resolution", 64.0, 64.0),
        ("twice-the-resolution", 128.0, 64.0),
        ("half-the-resolution", 32.0, 64.0),
        ("odd-resolution", 96.0, 28.0),
        ("large", 1024.0, 64.0),
    ):
        for name, value in (("noisy", -4.5), ("clear", 3.25)):
            yield Case(
                "shifted_log_snr",
                f"{slug}-{name}",
                {"log_snr_t": value, "resolution": size, "reference_resolution": reference},
            )
