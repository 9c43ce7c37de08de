"""Exact models pushed through loops: predictions, guidance, learned variances, refusals."""

import numpy as np
import pytest

from refdiff.closed_form import (
    Gaussian,
    affine_model,
    ddim_moments,
    guided_gaussian,
    optimal_model,
    output_map,
    output_moments,
)
from refdiff.testing import assert_close, assert_law
from tests.closed_form.worlds import (
    ALL,
    FULL,
    GAUSSIANS,
    GRIDS,
    LINEAR,
    MEAN,
    ddim_loop,
    mixture,
    short_alpha_bars,
    size_of,
)

each_law = pytest.mark.parametrize("data", ALL.values(), ids=ALL)


@pytest.mark.parametrize("prediction", ["eps", "x_0", "v"])
@each_law
def test_affine_models_are_the_optimal_predictions(data, prediction):
    """The coefficients of what the model answers, evaluated at a point, are the array answer."""
    table = short_alpha_bars()
    affine, plain = (
        build(data, table, prediction=prediction) for build in (affine_model, optimal_model)
    )
    point = np.linspace(-2.0, 1.0, data.dimension)
    for t in range(len(table)):
        answer = output_map(lambda x, noise, t=t: affine(x, t), data)
        actual = answer.offset + answer.coefficient("x_T") @ point
        assert_close(actual, plain(point, t), terms=64.0 * (1.0 + np.abs(data.mean).max()) * 6.0)


@pytest.mark.parametrize("eta", [0.0, 0.7])
def test_the_pushed_map_is_what_arrays_go_through(eta):
    """Same loop, same noises: the affine output at the drawn values is the array output."""
    data, timesteps = GAUSSIANS["full"], [900, 640, 200, 20]
    rng = np.random.default_rng(9)
    start, noises = rng.standard_normal(3), {t: rng.standard_normal(3) for t in timesteps}
    options = {"alpha_bars": LINEAR, "timesteps": timesteps, "eta": eta}
    *_, plain = ddim_loop(
        optimal_model(data, LINEAR), start, lambda t, s, like: noises[t], **options
    )
    model = affine_model(data, LINEAR)
    output = output_map(lambda x, noise: ddim_loop(model, x, noise, **options), data)
    steps = [] if eta == 0.0 else ["noise 900->640", "noise 640->200", "noise 200->20"]
    assert output.basis.names == ("x_T", *steps)
    actual = output.offset + output.coefficient("x_T") @ start
    for t, name in zip(timesteps, steps, strict=False):
        actual = actual + output.coefficient(name) @ noises[t]
    assert_law("P036", actual, plain, scale=size_of(data))


@pytest.mark.parametrize("w", [0.0, 1.5])
def test_guidance_is_a_linear_combination_of_two_models(w):
    """Guided DDIM pushed as one affine map, against its scalar recursion written out."""
    cond, uncond, timesteps = Gaussian([1.2], 0.3), Gaussian([-0.4], 1.6), GRIDS["ten"]
    models = affine_model(cond, LINEAR), affine_model(uncond, LINEAR)

    def guided(x, t):
        return (1.0 + w) * models[0](x, t) - w * models[1](x, t)

    actual = output_moments(
        lambda x, noise: ddim_loop(guided, x, noise, alpha_bars=LINEAR, timesteps=timesteps, eta=0),
        cond,
    )
    mean, std = 0.0, 1.0
    for t, s in zip(timesteps, [*timesteps[1:], 0], strict=True):
        a, b = np.sqrt(LINEAR[t]), np.sqrt(1.0 - LINEAR[t])
        gains = [b / (a**2 * law.covariance + b**2) for law in (cond, uncond)]
        gain = (1.0 + w) * gains[0] - w * gains[1]
        shift = -a * ((1.0 + w) * gains[0] * 1.2 + w * gains[1] * 0.4)
        next_a, next_b = np.sqrt(LINEAR[s]), np.sqrt(1.0 - LINEAR[s])
        direction = next_b - next_a * b / a
        mean = next_a / a * mean + direction * (gain * mean + shift)
        std = (next_a / a + direction * gain) * std
    assert_law("P036", actual.mean.item(), mean, scale=1.0 / np.sqrt(LINEAR[-1]))
    assert_law("P036", actual.covariance.item(), std**2, scale=1.0 / np.sqrt(LINEAR[-1]))
    if w == 0.0:
        plain = ddim_moments(cond, LINEAR, timesteps, 0.0)[-1]
        assert_law("P036", actual.mean, plain.mean, scale=1.0 / np.sqrt(LINEAR[-1]))


@pytest.mark.property_id("P068")
@pytest.mark.parametrize("scale", [0.0, 0.5, 1.0, 1.1])
@pytest.mark.parametrize("kind", ["scalar", "full"])
def test_guidance_between_two_gaussians_is_a_gaussian(kind, scale):
    if kind == "scalar":
        cond, uncond, points = Gaussian(0.7, 0.3), Gaussian(-0.5, 1.4), np.linspace(-2.0, 2.0, 7)
    else:
        cond, uncond = Gaussian(MEAN, FULL), Gaussian(-MEAN, 1.4 * np.eye(3))
        points = np.linspace(-2.0, 2.0, 9).reshape(3, 3)
    level = 0.4
    noisy = [law.marginal(alpha_bar_t=level) for law in (cond, uncond)]
    guided = guided_gaussian(*noisy, scale=scale)
    scores = [law.score(points, alpha_bar_t=level) for law in (cond, uncond)]
    expected = scale * scores[0] + (1.0 - scale) * scores[1]
    # Both sides are sums of terms that may cancel at a point.
    actual = guided.score(points, alpha_bar_t=1.0)
    assert_close(actual, expected, terms=64.0 * np.abs(scores).max())
    assert_law(
        "P068",
        np.linalg.inv(guided.covariance_matrix()).trace(),
        scale * np.linalg.inv(noisy[0].covariance_matrix()).trace()
        + (1.0 - scale) * np.linalg.inv(noisy[1].covariance_matrix()).trace(),
    )


def test_guidance_without_a_density_is_refused():
    narrow, wide = Gaussian([0.0], 0.5), Gaussian([0.0], 2.0)
    with pytest.raises(ValueError, match="lower the scale"):
        guided_gaussian(wide, narrow, scale=1.5)
    assert_close(guided_gaussian(wide, narrow, scale=1.25).covariance, np.array(8.0))
    with pytest.raises(ValueError, match="event shape"):
        guided_gaussian(wide, Gaussian([0.0, 0.0], 1.0), scale=1.0)
    with pytest.raises(ValueError, match="singular"):
        guided_gaussian(wide, Gaussian([0.0], 0.0), scale=1.0)


def test_learned_fractions_come_with_the_prediction():
    data, table = GAUSSIANS["diagonal"], short_alpha_bars()
    fractions = np.linspace(0.0, 1.0, 7)[:, None]
    model = affine_model(data, table, learned=fractions)
    seen = []

    def run(x, noise):
        prediction, fraction = model(x, 4)
        seen.append(fraction)
        return x - prediction + np.sqrt(fraction) * noise(4, 3, x)

    output = output_map(run, data)
    assert_close(seen[0], fractions[4], units=0)
    assert_close(output.coefficient("noise 4->3"), np.sqrt(4.0 / 6.0) * np.eye(3))
    each = affine_model(data, table, learned=[0.1, 0.2, 0.3])
    assert_close(
        output_map(lambda x, noise: x * each(x, 1)[1], data).coefficient("x_T"),
        np.diag([0.1, 0.2, 0.3]),
    )


def test_mixture_models_answer_at_their_level():
    data, table, x = mixture(), short_alpha_bars(), np.array([[0.3, -0.2], [1.0, 1.0]])
    for prediction in ("eps", "x_0", "v", "score"):
        actual = optimal_model(data, table, prediction=prediction)(x, 3)
        name = prediction if prediction == "score" else f"optimal_{prediction}"
        assert_close(actual, getattr(data, name)(x, alpha_bar_t=0.45), units=0)


def test_runs_that_return_no_affine_value_are_refused():
    data = GAUSSIANS["scalar"]
    with pytest.raises(TypeError, match="must return or yield AffineMaps"):
        output_moments(lambda x, noise: 3.0, data)
    with pytest.raises(TypeError, match="not affine"):
        output_moments(lambda x, noise: np.clip(x, -1.0, 1.0), data)
