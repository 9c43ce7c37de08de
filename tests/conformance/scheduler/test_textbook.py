"""A correct scheduler is accused of nothing, in any check but those of whole runs' limits."""

from __future__ import annotations

import pytest

from refdiff.conformance.parts import Parts
from refdiff.conformance.shapes import scheduler
from refdiff.conformance.textbook.scheduler import BUILDS, build
from tests.conformance.scheduler.judging import SETTINGS, judge

STATED = {
    "alphas-cumprod/terminal-snr": "non-zero-terminal-snr",
    "set-timesteps/spacing-leading": "first-time-below-the-noisiest",
}
"""What the linear schedule and the leading times are known for, and are reported with."""

TOPICS_OF_RUNS = ("end-on-point", "first-step", "middle-steps", "last-step", "grid", "noise")


@pytest.mark.parametrize("method", sorted(BUILDS))
def test_a_correct_scheduler_passes_every_check_of_its_parts(method: str) -> None:
    checks = scheduler.checks(BUILDS[method](Parts()), SETTINGS)
    parts = [c for c in checks if "-loop/" not in c.id]
    assert len(parts) > 40
    outcomes = {check.id: check.judge() for check in parts}
    noted = {
        name: found.variant
        for name, found in outcomes.items()
        if found.verdict not in ("conforms", "not-provided", "inconclusive")
    }
    assert noted == STATED
    conforming = [name for name, found in outcomes.items() if found.verdict == "conforms"]
    assert len(conforming) >= 29


@pytest.mark.parametrize("method", sorted(BUILDS))
@pytest.mark.parametrize("topic", TOPICS_OF_RUNS)
def test_a_correct_scheduler_passes_the_checks_of_its_run(method: str, topic: str) -> None:
    outcome = judge(BUILDS[method](Parts()), f"{method}-loop/{topic}")
    assert outcome.verdict in ("conforms", "inconclusive"), outcome


@pytest.mark.parametrize("topic", ["first-step", "middle-steps", "last-step"])
@pytest.mark.parametrize("eta", ["half", "one"])
def test_ddim_with_noise_passes_too(eta: str, topic: str) -> None:
    assert judge(build(Parts()), f"ddim-eta-{eta}-loop/{topic}").verdict == "conforms"


@pytest.mark.parametrize("prediction", ["sample", "v_prediction"])
@pytest.mark.parametrize("method", sorted(BUILDS))
def test_it_passes_whatever_its_models_predict(method: str, prediction: str) -> None:
    target = build(Parts(), method, prediction_type=prediction)
    assert judge(target, f"{method}-loop/middle-steps").verdict == "conforms"


def test_ids_are_unique_and_say_what_is_judged() -> None:
    listed = [check.id for check in scheduler.checks(build(Parts()), SETTINGS)]
    assert len(listed) == len(set(listed))
    assert all("/" in name and name == name.lower() for name in listed)


def test_listing_runs_nothing_of_a_sampling_loop() -> None:
    target = build(Parts())
    taken = []
    step = target.step
    target.step = lambda *a, **k: taken.append(1) or step(*a, **k)
    scheduler.checks(target, SETTINGS)
    assert len(taken) <= 3 * len(target._PREDICTIONS), "one step tells which predictions it takes"
