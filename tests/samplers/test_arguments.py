"""Bad arguments: one sentence, at the call, before any model is asked."""

from functools import partial

import numpy as np
import pytest
import torch

from refdiff.equations import zero_terminal_snr
from refdiff.samplers import ddim, ddpm, last, predictions
from tests.samplers.worlds import TABLES

TABLE = TABLES[40]
X_T = np.ones((2, 3))


def unasked(x, t):
    raise AssertionError("the model was asked before the arguments were checked")


def noise(t, s, like):
    return np.zeros_like(like)


COMMON = {"alpha_bars": TABLE, "timesteps": [40, 20, 1], "noise": noise}


@pytest.mark.parametrize("sampler", [partial(ddim, eta=0.5), ddpm], ids=["ddim", "ddpm"])
@pytest.mark.parametrize(
    ("own", "sentence"),
    [
        ({"timesteps": []}, r"timesteps is empty; it must hold at least one time in 1\.\.40\."),
        ({"timesteps": [41, 3]}, r"timesteps holds 41, which is outside 1\.\.40"),
        ({"timesteps": [39, 0]}, r"timesteps holds 0, which is outside 1\.\.40; times count from"),
        ({"timesteps": [5, 5]}, r"timesteps\[1\]=5 must be below timesteps\[0\]=5"),
        ({"timesteps": [1, 20, 40]}, r"timesteps\[1\]=20 must be below timesteps\[0\]=1: .*order"),
        ({"timesteps": [40.0, 2.0]}, r"timesteps must be a list of integers in 1\.\.40, such as"),
        ({"timesteps": 50}, r"timesteps must be a list of integers in 1\.\.40, such as"),
        ({"alpha_bars": TABLE[1:]}, r"alpha_bars\[0\]=0.996 must be 1, since time 0 is the data"),
        ({"alpha_bars": [1.0]}, r"alpha_bars has shape \(1,\); it must be \(T\+1,\)"),
        ({"alpha_bars": TABLE[None]}, r"alpha_bars has shape \(1, 41\); it must be \(T\+1,\)"),
        (
            {"alpha_bars": np.linspace(1.0, 2.0, 41)},
            r"alpha_bars\[40\]=2 must be >= 0 and below alpha_bars\[20\]=1.5: a later time",
        ),
        ({"alpha_bars": np.full(41, 1.0)}, r"alpha_bars\[40\]=1 must be >= 0 and below"),
        ({"alpha_bars": [1.0] + [np.nan] * 40}, r"alpha_bars\[40\]=nan must be >= 0 and below"),
        ({"alpha_bars": 1.0 - np.arange(41.0)}, r"alpha_bars\[40\]=-39 must be >= 0 and below"),
        ({"prediction": "epsilon"}, r"prediction='epsilon' must be one of 'eps', 'x_0', 'v'\."),
        (
            {"alpha_bars": zero_terminal_snr(TABLE)},
            r"prediction='eps' cannot start at timesteps\[0\]=40, .* predicts 'v' or 'x_0'",
        ),
        ({"noise": None}, r"noise=None, but .* adds noise: pass a callable noise\(t, s, like\)"),
        ({"noise": X_T}, r"noise of type ndarray must be a callable noise\(t, s, like\)"),
    ],
)
def test_bad_arguments_are_refused_at_the_call(sampler, own, sentence):
    arguments = {**COMMON, **own}
    with pytest.raises(ValueError, match=sentence) as refused:
        sampler(unasked, X_T, **arguments)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("eta", [-0.1, 1.5, float("nan")])
def test_eta_outside_its_range_is_refused(eta):
    with pytest.raises(ValueError, match=rf"eta={eta:g} must be in \[0, 1\]: 0 is deterministic"):
        ddim(unasked, X_T, eta=eta, **COMMON)


def test_an_unknown_variance_is_refused():
    with pytest.raises(
        ValueError,
        match="variance='fixed' must be one of 'fixed-small', 'fixed-large', 'learned-range'",
    ):
        ddpm(unasked, X_T, variance="fixed", **COMMON)


def test_the_learned_range_needs_a_model_that_learned_it():
    steps = ddpm(lambda x, t: x, X_T, variance="learned-range", **COMMON)
    with pytest.raises(ValueError, match=r"needs a model that returns \(prediction, v\)"):
        next(steps)


def test_a_learned_v_is_left_aside_where_it_has_no_use():
    def learned(x, t):
        return 0.5 * x, 0.3

    def plain(x, t):
        return 0.5 * x

    for sampler, own in ((ddim, {"eta": 0.5}), (ddpm, {})):
        with_v, without = (last(sampler(model, X_T, **own, **COMMON)) for model in (learned, plain))
        np.testing.assert_array_equal(with_v, without)


def test_an_unknown_prediction_is_refused_by_the_conversion_too():
    with pytest.raises(ValueError, match="prediction='score' must be one of"):
        predictions(1.0, 1.0, 0.5, "score")


@pytest.mark.parametrize(
    "times", [np.array([40, 20, 1]), (40, 20, 1), torch.tensor([40, 20, 1]), range(40, 0, -13)]
)
@pytest.mark.parametrize("table", [TABLE, TABLE.tolist(), torch.from_numpy(TABLE)])
def test_times_and_tables_may_be_of_any_kind(times, table):
    asked = []

    def model(x, t):
        asked.append(t)
        return 0.5 * x

    last(ddim(model, X_T, alpha_bars=table, timesteps=times, eta=0.0))
    assert asked == [int(t) for t in times]
    assert {type(t) for t in asked} == {int}
