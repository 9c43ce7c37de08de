"""Right loops have no finding at all, in any dtype: a false accusation costs more than a miss."""

import numpy as np
import pytest

from refdiff.conformance.free import free_checks
from refdiff.equations import alpha_bars_from_betas, cosine_betas, linear_betas
from tests.conformance.free.plain import PlainLoop

SHORT = alpha_bars_from_betas(linear_betas(100, beta_start=1e-3, beta_end=0.2))
FLOW, NOISE, SIGMA = {"deterministic": True}, {"deterministic": False}, {"predictions": ("x_0",)}
RIGHT = {
    "ddim": PlainLoop("ddim", order=1, **FLOW),
    "ddim of v": PlainLoop("ddim", order=1, predictions=("v",), **FLOW),
    "ddim at eta 0.5": PlainLoop("ddim", eta=0.5, **NOISE),
    "ddim that claims nothing": PlainLoop("ddim", predictions=("eps",)),
    "ddim told times from 1": PlainLoop("ddim", time_base=1, predictions=("eps",), **FLOW),
    "ddpm": PlainLoop("ddpm", **NOISE),
    "ddpm with the large variance": PlainLoop("ddpm", "fixed large", **NOISE),
    "ddpm over all times": PlainLoop("ddpm", fixed=100, predictions=("eps",), **NOISE),
    "dpm-solver++ 2m": PlainLoop("multistep", order=2, **FLOW),
    "euler": PlainLoop("euler", order=1, **SIGMA, **FLOW),
    "heun": PlainLoop("heun", order=2, **SIGMA, **FLOW),
    "euler ancestral": PlainLoop("ancestral", **SIGMA, **NOISE),
    "euler told times": PlainLoop("euler-times", order=1, **FLOW),
}
QUIET = {"conforms", "inconclusive", "not-provided"}


def with_schedule(loop, alpha_bars, dtype="float64"):
    known = {name: getattr(loop, name) for name in loop.__dataclass_fields__}
    return PlainLoop(**{**known, "alpha_bars": alpha_bars, "dtype": dtype})


def judged(loop, only=()):
    """Return the outcome of each check by the last part of its id."""
    checks = {check.id.partition("/")[2]: check for check in free_checks(loop)}
    return {name: checks[name].judge() for name in only or checks}


@pytest.mark.parametrize("name", RIGHT)
def test_right_loops_have_no_finding(name):
    outcomes = judged(with_schedule(RIGHT[name], SHORT))
    found = {k: (o.verdict, o.variant, o.message) for k, o in outcomes.items()}
    assert all(verdict in QUIET for verdict, _, _ in found.values()), found
    asked = [k for k, o in outcomes.items() if o.verdict == "conforms"]
    assert len(asked) >= 9, found


@pytest.mark.parametrize("name", ["ddim", "dpm-solver++ 2m", "euler told times"])
def test_right_loops_have_no_finding_on_the_cosine_schedule(name):
    table = alpha_bars_from_betas(cosine_betas(60))
    outcomes = judged(with_schedule(RIGHT[name], table))
    found = {k: (o.verdict, o.variant, o.message) for k, o in outcomes.items()}
    assert all(verdict in QUIET for verdict, _, _ in found.values()), found


@pytest.mark.parametrize("name", ["ddim", "ddpm"])
def test_right_loops_have_no_finding_where_no_signal_is_left(name):
    table = np.append(SHORT[:-1], 0.0)
    known = {f: getattr(RIGHT[name], f) for f in RIGHT[name].__dataclass_fields__}
    loop = PlainLoop(**{**known, "predictions": ("v", "x_0"), "alpha_bars": table})
    found = {k: (o.verdict, o.variant, o.message) for k, o in judged(loop).items()}
    assert all(verdict in QUIET for verdict, _, _ in found.values()), found


@pytest.mark.parametrize("name", ["ddpm", "dpm-solver++ 2m"])
def test_right_loops_in_float32_have_no_finding(name):
    outcomes = judged(with_schedule(RIGHT[name], SHORT, "float32"))
    found = {k: (o.verdict, o.variant, o.message) for k, o in outcomes.items()}
    assert all(verdict in QUIET for verdict, _, _ in found.values()), found


def test_nothing_runs_while_checks_are_listed():
    class Untouchable(PlainLoop):
        def run(self, *args, **kwargs):
            raise AssertionError("a run while listing")

    ids = [check.id for check in free_checks(Untouchable("ddim", name="sampling"))]
    assert len(ids) == len(set(ids)) == 16
    assert all(check.startswith("sampling/") for check in ids)
