"""Functions of two signal levels: transitions, posteriors, steps."""

from __future__ import annotations

from collections.abc import Iterator

from refdiff.conformance.vectors.cases.case import Case
from refdiff.conformance.vectors.cases.levels import TENSORS
from refdiff.conformance.vectors.levels import PAIRS, Pair, single

__all__ = ["cases"]

# Function, its tensors, and whether it has a value where t is pure noise.
_FUNCTIONS = (
    ("transition_mean", ("x_s",), True),
    ("transition_variance", (), True),
    ("posterior_mean", ("x_0", "x_t"), True),
    ("posterior_variance", (), True),
    ("posterior_mean_from_eps", ("x_t", "eps"), False),
    ("ddpm_step", ("x_t", "eps", "noise"), False),
    ("ddpm_step_fixed_large", ("x_t", "eps", "noise"), False),
)
_ETAS = (("eta-0", 0.0), ("eta-0.3", single(0.3)), ("eta-1", 1.0))
_SHARES = (("v-0", 0.0), ("v-0.3", single(0.3)), ("v-1", 1.0))
_MEAN_SQUARES = (("half", 0.5), ("one", 1.0), ("nothing", 0.0))
_FEW = {"linear-1000-second", "linear-1000-strided", "linear-1000-last", "cosine-1000-last"}
_ENDS = {"linear-1000-first", "one-step-to-data", "no-step", "from-noise", "noise-to-data"}


def _pairs(*, noise: bool) -> Iterator[tuple[Pair, dict[str, float]]]:
    for number, pair in enumerate(PAIRS):
        if pair.alpha_bar_t > 0 or noise:
            values = TENSORS[number % 2]
            yield pair, {**values, "x_s": values["x_t"]}


def cases() -> Iterator[Case]:
    """Yield each function at all its pairs of levels."""
    for function, tensors, noise in _FUNCTIONS:
        for pair, values in _pairs(noise=noise):
            inputs = {name: values[name] for name in tensors}
            yield Case(function, pair.slug, {**inputs, **pair.arguments}, pair.comment)
    yield from _ddim()
    yield from _variances()


def _ddim() -> Iterator[Case]:
    tensors = {"ddim_sigma": (), "ddim_mean": ("x_0", "eps"), "ddim_step": ("x_t", "eps", "noise")}
    for function, names in tensors.items():
        for pair, values in _pairs(noise=function != "ddim_step"):
            inputs = {name: values[name] for name in names}
            for slug, eta in _ETAS:
                # Three etas where it matters; elsewhere the one that is neither end.
                if pair.slug in _FEW | _ENDS or slug == "eta-0.3":
                    yield Case(
                        function,
                        f"{pair.slug}-{slug}",
                        {**inputs, **pair.arguments, "eta": eta},
                        pair.comment,
                    )


def _variances() -> Iterator[Case]:
    for pair, _ in _pairs(noise=True):
        for slug, v in _SHARES:
            if (pair.slug in _FEW | _ENDS or slug == "v-0.3") and not (
                pair.alpha_bar_s == 1 and v == 1  # 0 to the power 0
            ):
                yield Case(
                    "learned_range_variance",
                    f"{pair.slug}-{slug}",
                    {"v": v, **pair.arguments},
                    pair.comment,
                )
    for pair, _ in _pairs(noise=False):
        for slug, mean_square in _MEAN_SQUARES:
            if pair.slug in _FEW or slug == "half":
                yield Case(
                    "optimal_reverse_variance",
                    f"{pair.slug}-{slug}",
                    {**pair.arguments, "mean_squared_eps": mean_square},
                    pair.comment,
                )
        for slug, variance in (("half", 0.5), ("small", single(1e-4))):
            if pair.slug in _FEW or slug == "half":
                yield Case(
                    "vlb_weight_eps",
                    f"{pair.slug}-{slug}",
                    {**pair.arguments, "variance": variance},
                    pair.comment,
                )
