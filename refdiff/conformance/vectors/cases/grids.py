"""Schedules, tables and grids of times and of noise levels."""

from __future__ import annotations

from collections.abc import Iterator

from refdiff.conformance.vectors.cases.case import Case

__all__ = ["cases"]

_ENDS = ((1e-4, 0.02), (0.00085, 0.012))
_LONG = (0, 1, 2, 249, 499, 749, 997, 998, 999)
_TABLE = [1.0, 0.9375, 0.8125, 0.5, 0.28125, 0.0859375, 0.0078125]
_FALLING = [1.0, 0.9990234375, 0.25, 2.0**-20, 2.0**-40]


def cases() -> Iterator[Case]:
    """Yield whole tables, and chosen entries of long ones."""
    yield from _schedules()
    yield from _tables()
    yield from _times()
    yield from _sigmas()


def _schedules() -> Iterator[Case]:
    for function in ("linear_betas", "scaled_linear_betas"):
        for number, (start, end) in enumerate(_ENDS):
            ends = {"beta_start": start, "beta_end": end}
            which = ("ddpm-ends", "latent-ends")[number]
            yield Case(function, f"1000-{which}", {"num_steps": 1000, **ends}, entries=_LONG)
            yield Case(function, f"5-{which}", {"num_steps": 5, **ends})
        yield Case(
            function,
            "one-step",
            {"num_steps": 1, "beta_start": 0.125, "beta_end": 0.5},
            "a single step has the first beta",
        )
        yield Case(function, "two-steps", {"num_steps": 2, "beta_start": 0.0625, "beta_end": 1.0})
        yield Case(function, "round", {"num_steps": 3, "beta_start": 0.0625, "beta_end": 0.25})
        yield Case(function, "constant", {"num_steps": 3, "beta_start": 0.25, "beta_end": 0.25})
    for steps, entries in ((1000, _LONG), (100, (0, 1, 49, 98, 99)), (10, ()), (2, ()), (1, ())):
        yield Case(
            "cosine_betas",
            f"{steps}",
            {"num_steps": steps, "offset": 0.008, "max_beta": 0.999},
            "the last beta is clipped",
            entries,
        )
    yield Case(
        "cosine_betas",
        "not-clipped",
        {"num_steps": 10, "offset": 0.008, "max_beta": 1.0},
        "no signal is left at the end",
    )
    yield Case("cosine_betas", "clipped-low", {"num_steps": 10, "offset": 0.008, "max_beta": 0.25})
    yield Case(
        "cosine_betas", "large-offset", {"num_steps": 10, "offset": 0.125, "max_beta": 0.999}
    )
    for slug, steps, start, end, tau, chosen in (
        ("100", 100, -3.0, 3.0, 1.0, (0, 1, 2, 50, 98, 99, 100)),
        ("10", 10, -3.0, 3.0, 1.0, ()),
        ("one-step", 1, -3.0, 3.0, 1.0, ()),
        ("from-zero", 10, 0.0, 3.0, 0.875, ()),
        ("low-temperature", 8, -3.0, 3.0, 0.25, ()),
        ("not-centred", 8, -2.5, 4.0, 1.125, ()),
    ):
        yield Case(
            "sigmoid_alpha_bars",
            slug,
            {"num_steps": steps, "start": start, "end": end, "tau": tau},
            entries=chosen,
        )


def _tables() -> Iterator[Case]:
    for slug, betas in (
        ("growing", [2.0**-13, 2.0**-9, 0.0078125, 0.02, 0.125]),
        ("one-step", [0.375]),
        ("to-noise", [0.25, 0.5, 0.75, 1.0]),
        ("equal", [0.125] * 6),
        ("large", [0.5, 0.9, 0.99, 0.999]),
    ):
        yield Case("alpha_bars_from_betas", slug, {"betas": betas})
    for slug, table in (
        ("round", _TABLE),
        ("falling-far", _FALLING),
        ("one-step", [1.0, 0.625]),
        ("to-noise", [1.0, 0.75, 0.25, 0.0]),
        ("slow", [1.0, 1 - 2.0**-13, 1 - 2.0**-11, 1 - 2.0**-10]),
    ):
        yield Case("betas_from_alpha_bars", slug, {"alpha_bars": table})
        if len(table) > 2:
            yield Case("zero_terminal_snr", slug, {"alpha_bars": table})
    yield Case("zero_terminal_snr", "two-steps", {"alpha_bars": [1.0, 0.5, 0.125]})


def _times() -> Iterator[Case]:
    for kind in ("leading", "trailing", "linspace"):
        for total, count in (
            (1000, 1),
            (1000, 2),
            (1000, 3),
            (1000, 4),
            (1000, 7),
            (1000, 10),
            (1000, 50),
            (10, 4),
            (10, 3),
            (10, 10),
            (12, 5),
            (4, 3),
            (1, 1),
        ):
            yield Case(
                f"{kind}_timesteps",
                f"{total}-by-{count}",
                {"num_train_steps": total, "num_steps": count},
                {1: "one step", total: "every time"}.get(count, ""),
            )
        yield Case(
            f"{kind}_timesteps",
            "1000-by-1000",
            {"num_train_steps": 1000, "num_steps": 1000},
            "every time",
            (0, 1, 499, 998, 999),
        )
        yield Case(
            f"{kind}_timesteps",
            "1000-by-999",
            {"num_train_steps": 1000, "num_steps": 999},
            "all times but one",
            (0, 1, 2, 498, 499, 500, 997, 998),
        )


def _sigmas() -> Iterator[Case]:
    for slug, steps, low, high, rho in (
        ("edm-18", 18, 0.002, 80.0, 7.0),
        ("edm-2", 2, 0.002, 80.0, 7.0),
        ("one-step", 1, 0.002, 80.0, 7.0),
        ("even", 5, 0.5, 8.5, 1.0),
        ("quadratic", 4, 1.0, 16.0, 2.0),
        ("constant", 3, 0.75, 0.75, 7.0),
        ("rho-3", 6, 0.03125, 14.5, 3.0),
    ):
        yield Case(
            "karras_sigmas",
            slug,
            {"num_steps": steps, "sigma_min": low, "sigma_max": high, "rho": rho},
        )
