"""A sampler that brings its own schedule is not blamed for following it."""

import math

import pytest
import torch

from refdiff.conformance.checks import Settings
from refdiff.conformance.schedule_option import read_schedule
from refdiff.conformance.shapes import checks_of

TIMES = 100


def signal(time):
    return math.cos((time / TIMES + 0.008) / 1.008 * math.pi / 2) ** 2


BETAS = [min(1 - signal(t + 1) / signal(t), 0.999) for t in range(TIMES)]
ALPHA_BARS = torch.cumprod(1 - torch.tensor(BETAS, dtype=torch.float64), 0)


def ddim(model, x, steps=10):
    times = [TIMES - 1 - i * (TIMES // steps) for i in range(steps)]
    for t, s in zip(times, [*times[1:], -1], strict=True):
        a_t = ALPHA_BARS[t]
        a_s = ALPHA_BARS[s] if s >= 0 else torch.ones((), dtype=torch.float64)
        eps = model(x, torch.full((len(x),), t))
        x_0 = (x - (1 - a_t).sqrt() * eps) / a_t.sqrt()
        x = a_s.sqrt() * x_0 + (1 - a_s).sqrt() * eps
    return x


@pytest.mark.parametrize(
    ("schedule", "allowed"),
    [
        ("linear:100", {"conforms", "inconclusive", "not-provided"}),
        ("cosine:100", {"conforms", "not-provided"}),
    ],
)
def test_only_the_schedule_that_it_follows_judges_it(schedule, allowed):
    settings = Settings(array="numpy", schedule=read_schedule(schedule), time_base=0)
    outcomes = {c.id: c.judge() for c in checks_of(ddim, settings, shape="sampler")}
    assert {found.verdict for found in outcomes.values()} <= allowed
    if "inconclusive" in allowed:
        assert "cosine:100" in outcomes["ddim/middle-steps"].message
