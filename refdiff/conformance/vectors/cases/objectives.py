"""Loss weights, divergences and the likelihood of pixels."""

from __future__ import annotations

from collections.abc import Iterator

from refdiff.conformance.vectors.cases.case import Case
from refdiff.conformance.vectors.levels import beside, single

__all__ = ["cases"]

_INF = float("inf")


def cases() -> Iterator[Case]:
    """Yield weights at and beside their thresholds, and the likelihood's edges and tails."""
    yield from _weights()
    yield from _divergences()
    yield from _pixels()
    for dims in (1.0, 12.0, 784.0, 3072.0):
        for slug, nats in (("small", 3.375), ("large", 7168.5), ("negative", -12.25)):
            yield Case("bits_per_dim", f"{dims:g}-dims-{slug}", {"nats": nats, "num_dims": dims})


def _weights() -> Iterator[Case]:
    ratios = (
        ("noise", 0.0, "no signal"),
        ("low", single(4e-5), "the end of the linear schedule"),
        ("below", 2.75, ""),
        ("just-below", beside(5.0, steps=-1), "the float32 before the threshold"),
        ("at-the-threshold", 5.0, ""),
        ("just-above", beside(5.0, steps=1), "the float32 after the threshold"),
        ("one", 1.0, "as much signal as noise"),
        ("high", single(9999.0), "the beginning of the linear schedule"),
    )
    for suffix in ("x_0", "eps", "v"):
        function = f"min_snr_weight_{suffix}"
        for slug, snr, comment in ratios:
            yield Case(function, slug, {"snr_t": snr, "gamma": 5.0}, comment)
        yield Case(function, "clean", {"snr_t": _INF, "gamma": 5.0}, "clean data")
        yield Case(function, "gamma-1", {"snr_t": 3.0, "gamma": 1.0})
        yield Case(function, "gamma-20", {"snr_t": 17.0, "gamma": 20.0})
    for slug, snr, comment in ratios:
        yield Case("p2_weight_eps", slug, {"snr_t": snr, "k": 1.0, "gamma": 1.0}, comment)
    for slug, snr, k, gamma in (
        ("gamma-0", 2.75, 1.0, 0.0),
        ("gamma-0.5", 2.75, 1.0, 0.5),
        ("gamma-2", 2.75, 0.5, 2.0),
        ("k-3", 0.125, 3.0, 1.5),
    ):
        yield Case("p2_weight_eps", slug, {"snr_t": snr, "k": k, "gamma": gamma})


def _divergences() -> Iterator[Case]:
    for slug, mean_1, log_1, mean_2, log_2, comment in (
        ("same", 0.5, -1.25, 0.5, -1.25, "equal distributions"),
        ("standard", 0.0, 0.0, 0.0, 0.0, ""),
        ("means-differ", 1.0, 0.0, -0.5, 0.0, ""),
        ("wider-first", 0.25, 1.5, 0.25, -0.75, ""),
        ("narrower-first", 0.25, -2.25, 0.25, 0.5, ""),
        ("both-differ", -1.125, -0.875, 0.625, 0.375, ""),
        ("tight", 0.5, -9.25, 0.515625, -9.125, "variances of late steps"),
        ("nearly-same", 0.5, -4.0, 0.5, -4.0 + 2.0**-12, "second order in the difference"),
        ("far", 3.5, -6.0, -2.75, -5.5, ""),
        ("not-symmetric", 0.0, 2.0, 0.0, -2.0, ""),
    ):
        yield Case(
            "normal_kl",
            slug,
            {
                "mean_1": mean_1,
                "log_variance_1": log_1,
                "mean_2": mean_2,
                "log_variance_2": log_2,
            },
            comment,
        )


def _pixels() -> Iterator[Case]:
    for slug, level, mean, std, comment in (
        ("lowest", 0, -0.96875, 0.03125, "the lowest bin is open below"),
        ("lowest-wide", 0, -0.5, 1.5, "the lowest bin is open below"),
        ("lowest-missed", 0, 0.75, 0.125, "in the tail of the open bin"),
        ("second", 1, -0.96875, 0.03125, "the first bin that is closed on both sides"),
        ("middle", 127, 0.0, 0.0078125, ""),
        ("middle-wide", 128, 0.25, 2.5, ""),
        ("middle-narrow", 128, 0.00390625, 0.0009765625, "a decoder narrower than a bin"),
        ("off-centre", 100, -0.1875, 0.015625, ""),
        ("tail-below", 60, 0.5, 0.0625, "far in a tail: Phi is 1 on both edges, naively"),
        ("tail-above", 200, -0.5, 0.0625, "far in a tail"),
        ("far-tail", 20, 0.875, 0.03125, "below 1e-12, where code likes to clamp"),
        ("farther-tail", 250, -0.875, 0.03125, "below the smallest positive double"),
        ("last-but-one", 254, 0.96875, 0.03125, "the last bin that is closed on both sides"),
        ("highest", 255, 0.96875, 0.03125, "the highest bin is open above"),
        ("highest-wide", 255, 0.5, 1.5, "the highest bin is open above"),
        ("highest-missed", 255, -0.75, 0.125, "in the tail of the open bin"),
        ("mean-outside", 255, 1.25, 0.0625, "the mean may lie outside [-1, 1]"),
    ):
        yield Case(
            "discretized_gaussian_log_likelihood",
            slug,
            {"x_0": single(2 * level / 255 - 1), "mean": mean, "std": std},
            comment,
        )
