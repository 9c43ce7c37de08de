"""Checks of tables of loss weights, against the closed forms that are known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from refdiff.conformance.checks import Check
from refdiff.conformance.explain import Case, fit
from refdiff.conformance.shapes.gaussian_diffusion.asking import Asked, check, judged
from refdiff.conformance.shapes.gaussian_diffusion.expected import Expected, expected
from refdiff.conformance.shapes.gaussian_diffusion.target import Missing, Subject
from refdiff.conformance.variants.losses import BOUND, MIN_SNR, NO_WEIGHT, P2, SNR
from refdiff.conformance.variants.randomness import seen
from refdiff.conformance.verdicts import Outcome, conforms

__all__ = ["weight_checks"]

_SUFFIX = {"eps": "eps", "x_0": "x_0", "v": "v"}


def weight_checks(subject: Subject) -> list[Check]:
    """Return the checks of loss weights."""
    closed = ("hang2023/weight-eps", "hang2023/weight-x-0", "hang2023/weight-v")
    return [
        check("loss-weight/values", (*closed, "choi2022/weight-eps"), lambda: _weights(subject)),
        check("lvlb-weights/values", ("ho2020/vlb-weight-eps",), lambda: _lvlb(subject)),
    ]


def _pair(e: Expected) -> dict[str, Any]:
    return {"alpha_bar_t": e.alphas_cumprod, "alpha_bar_s": e.alphas_cumprod_prev}


def _snr(e: Expected) -> Any:
    return e.parts.snr(alpha_bar_t=e.alphas_cumprod)


def _weights(subject: Subject) -> Outcome:
    if "loss_weight" not in subject.tables:
        raise Missing("the target has no table of loss weights")
    found = subject.tables["loss_weight"]
    prediction = subject.prediction or "eps"
    if prediction not in _SUFFIX:
        raise Missing(f"no closed form of weights for a model of {prediction} is known")
    # Relative to the error of eps, which is weighted by 1 in the simple loss.
    simple: dict[str, Callable[[Expected], Any]] = {
        "eps": lambda e: _snr(e) * 0.0 + 1.0,
        "x_0": _snr,
        "v": lambda e: _snr(e) / (_snr(e) + 1.0),
    }
    if _fits(subject, found, simple[prediction]):
        return conforms(f"the weights make the loss of {prediction} that of eps")
    if prediction != "eps" and bool((found == 1).all()):
        return seen("convention", NO_WEIGHT, "the loss", at={"prediction": prediction})
    gamma = _gamma(subject, found, prediction)
    if gamma is not None and _fits(subject, found, _min_snr(prediction, gamma)):
        return seen("convention", MIN_SNR, f"gamma = {gamma:g}", at={"gamma": gamma})
    for k, power in ((1.0, 1.0), (1.0, 0.5), (1.0, 2.0)):
        if prediction == "eps" and _fits(subject, found, _p2(k, power)):
            return seen("convention", P2, f"k = {k:g}, gamma = {power:g}")
    if prediction == "x_0" and _fits(subject, found, lambda e: _snr(e) + 1.0):
        return seen("convention", SNR, "the loss", at={"prediction": prediction})
    if prediction == "eps" and _fits(subject, found, lambda e: _bound(e, "eps")):
        return seen("convention", BOUND, "the loss")
    asked = [Asked({"table": "loss_weight"}, found, simple[prediction])]
    other = [Asked({"table": "loss_weight"}, found, _min_snr(prediction, 5.0))]
    return judged(subject, "the table of loss weights", asked, other)


def _fits(subject: Subject, found: np.ndarray, question: Callable[[Expected], Any]) -> bool:
    case = Case({}, found, lambda parts: question(expected(parts, subject)))
    return fit([case], dtype=subject.table_dtype).holds


def _gamma(subject: Subject, found: np.ndarray, prediction: str) -> float | None:
    """Read the gamma of min(SNR, gamma) off the first entry, where SNR is largest."""
    level = float(subject.alpha_bars[1])
    snr = level / (1 - level)
    first = float(found[0])
    gamma = {"eps": first * snr, "x_0": first, "v": first * (snr + 1)}[prediction]
    if not 0 < gamma < snr:
        return None
    rounded = float(np.round(gamma * 20) / 20)
    return rounded if np.isclose(rounded, gamma, rtol=float(np.sqrt(2.0**-24))) else gamma


def _min_snr(prediction: str, gamma: float) -> Callable[[Expected], Any]:
    def question(e: Expected) -> Any:
        weight = getattr(e.parts, f"min_snr_weight_{_SUFFIX[prediction]}")
        return weight(snr_t=_snr(e), gamma=gamma)

    return question


def _p2(k: float, gamma: float) -> Callable[[Expected], Any]:
    return lambda e: e.parts.p2_weight_eps(snr_t=_snr(e), k=k, gamma=gamma)


def _bound(e: Expected, prediction: str) -> Any:
    return e.parts.lvlb_weights(**_pair(e), prediction=prediction)


def _lvlb(subject: Subject) -> Outcome:
    if "lvlb_weights" not in subject.tables:
        raise Missing("the target has no table of the bound's weights")
    prediction = subject.prediction or "eps"
    if prediction not in _SUFFIX:
        raise Missing(f"no closed form of weights for a model of {prediction} is known")
    found = subject.tables["lvlb_weights"]
    asked = Asked({"table": "lvlb_weights"}, found, lambda e: _bound(e, prediction))
    return judged(subject, "the table of the bound's weights", [asked])
