"""What the shape ``sampler`` passes to a target, and how it reads what comes back."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
import torch

from refdiff.conformance.checks import Settings
from refdiff.conformance.probe.model import ProbeModel
from refdiff.conformance.sampling import final_state, name_of
from refdiff.conformance.shapes import sampler
from refdiff.conformance.shapes.sampler import SamplerLoop
from refdiff.equations import betas_from_alpha_bars
from tests.conformance.sampling.judging import SCHEDULE, SETTINGS

X_T = np.arange(24.0).reshape(2, 3, 2, 2)


def passed(target: Any, settings: Settings = SETTINGS, **known: Any) -> dict[str, Any]:
    """Return what the target is given."""
    seen: dict[str, Any] = {}

    def spy(*args: Any, **given: Any) -> Any:
        seen.update(given, args=args)
        return args[1]

    spy.__dict__["__signature__"] = inspect.signature(target)
    loop = SamplerLoop(spy, settings, **known)
    model = ProbeModel(lambda x, a, s, c: x, alpha_bars=SCHEDULE)
    loop.run(model, X_T, steps=5, prediction="eps")
    return seen


def test_states_are_torch_tensors_of_the_dtype() -> None:
    for dtype in ("float64", "float32"):
        seen = passed(lambda model, x, steps: x, dtype=dtype)
        assert seen["args"][1].dtype == getattr(torch, dtype)
        assert np.array_equal(seen["args"][1].numpy(), X_T)


def test_a_number_of_steps_is_passed_by_its_name() -> None:
    assert passed(lambda model, x, num_inference_steps: x)["num_inference_steps"] == 5
    assert passed(lambda model, x, S=50: x)["S"] == 5
    assert passed(lambda model, x, timesteps=50: x)["timesteps"] == 5


def test_a_list_of_times_is_told_from_the_time_base() -> None:
    assert passed(lambda model, x, timesteps: x)["timesteps"] == [99, 79, 59, 39, 19]
    from_one = Settings(array="torch", schedule=SCHEDULE, time_base=1)
    assert passed(lambda model, x, timesteps: x, from_one)["timesteps"] == [100, 80, 60, 40, 20]


@pytest.mark.parametrize("base", [0, 1])
def test_tables_are_indexed_by_told_times(base: int) -> None:
    settings = Settings(array="torch", schedule=SCHEDULE, time_base=base)
    seen = passed(lambda model, x, steps, alphas_cumprod, betas, alphas: x, settings)
    told = 40 - 1 + base  # of time 40
    assert seen["alphas_cumprod"][told] == SCHEDULE[40]
    assert seen["betas"][told] == betas_from_alpha_bars(SCHEDULE)[39]
    assert seen["alphas"][told] == 1 - seen["betas"][told]


def test_eta_and_the_length_of_the_schedule_are_passed() -> None:
    seen = passed(lambda model, x, steps, eta, T: x, eta=0.5)
    assert (seen["eta"], seen["T"]) == (0.5, 100)


def test_defaults_are_kept() -> None:
    seen = passed(lambda model, x, steps, labels=None, guidance_scale=3.0, device="cpu": x)
    assert set(seen) == {"args", "steps"}


def test_an_unknown_parameter_is_named() -> None:
    with pytest.raises(ValueError, match="'secret' has no default"):
        passed(lambda model, x, secret: x)


def test_each_eta_is_a_loop() -> None:
    def my_ddim(model: Any, x: Any, steps: int, eta: float) -> Any:
        return x

    ids = {check.id.split("/")[0] for check in sampler.checks(my_ddim, SETTINGS)}
    assert ids == {"my-ddim", "my-ddim-eta-half", "my-ddim-eta-one"}


def test_callables_with_two_positions_are_recognised() -> None:
    assert sampler.recognises(lambda model, x: x)
    assert not sampler.recognises(lambda model: model)
    assert not sampler.recognises(SamplerLoop)
    assert not sampler.recognises(3)


def test_names_become_hyphenated_ids() -> None:
    def my_DDIMSampler2(model: Any, x: Any) -> Any:
        return x

    assert name_of(my_DDIMSampler2, 0.5) == "my-ddimsampler2-eta-half"
    assert name_of(Settings(array="torch", schedule=SCHEDULE, time_base=0)) == "settings"


@pytest.mark.parametrize(
    "returned",
    [
        torch.ones(2, 3),
        [torch.zeros(2, 3), torch.ones(2, 3)],
        iter([torch.zeros(2, 3), torch.ones(2, 3)]),
        torch.stack([torch.zeros(2, 3), torch.ones(2, 3)]),
        (torch.ones(2, 3), {"path": []}),
        {"sample": torch.ones(2, 3)},
        np.ones((2, 3), np.float32),
    ],
)
def test_the_final_state_is_found_in_what_is_returned(returned: Any) -> None:
    assert np.array_equal(final_state(returned, (2, 3)), np.ones((2, 3)))
