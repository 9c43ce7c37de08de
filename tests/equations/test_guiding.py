"""Guidance as Bayes' rule: transitions, scores, densities, flows, samplers, thresholds."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from refdiff.closed_form import Gaussian, GaussianMixture
from refdiff.equations import (
    classifier_free_guidance,
    classifier_guided_eps,
    classifier_guided_mean,
    continuous,
    ddim_step,
    dynamic_threshold,
    flow,
    guidance_from_scale,
    guiding,
    posterior_mean,
    posterior_variance,
    score_from_eps,
    x_0_from_eps,
)
from refdiff.samplers import clipping, ddim, ddpm, guided, last
from refdiff.testing import assert_close, assert_law, strategies

PICTURES = strategies.images((2, 7))
SCALES = strategies.guidance_weights()
WORLD = GaussianMixture([0.3, 0.2, 0.5], [[-1.0], [0.2], [1.3]], [0.2, 0.1, 0.4], labels=[0, 0, 1])


def hermite(mean, variance, count=60):
    nodes, shares = np.polynomial.hermite_e.hermegauss(count)
    return mean + math.sqrt(variance) * nodes, shares / shares.sum()


@pytest.mark.verifies("dhariwal2021/conditional-transition", kind="proof")
@given(st.floats(-2, 2), st.floats(0.05, 0.9), st.floats(0.1, 0.9))
def test_a_transition_times_the_classifier_is_the_transition_given_the_class(
    x_t, alpha_bar_t, part
):
    """Equation (2) on a mixture: moments of p(x_s | x_t) p(y | x_s), normalized by quadrature."""
    alpha_bar_s = alpha_bar_t + part * (1 - alpha_bar_t)
    signal = {"alpha_bar_t": alpha_bar_t, "alpha_bar_s": alpha_bar_s}
    point = np.array([[x_t]])

    def transition(world):
        """Return the components of q(x_s | x_t): shares, means, variances."""
        shares = world.responsibilities(point, alpha_bar_t=alpha_bar_t)[0]
        kernels = [c.reverse_kernel(point[0], **signal) for c in world.components]
        return (
            shares,
            np.array([k.mean[0] for k in kernels]),
            np.array([np.ravel(k.covariance)[0] for k in kernels]),
        )

    shares, means, variances = transition(WORLD)
    total = moment = 0.0
    for share, mean, variance in zip(shares, means, variances, strict=True):
        nodes, quadrature = hermite(mean, variance, 120)
        classifier = np.exp(WORLD.class_log_probabilities(nodes[:, None], alpha_bar_t=alpha_bar_s))
        total += share * (quadrature @ classifier[:, 1])
        moment += share * (quadrature @ (classifier[:, 1] * nodes))
    wanted, exact, _ = transition(WORLD.conditional(1))
    # Z is the classifier one step earlier, for time is a Markov chain; then the mean.
    before = np.exp(WORLD.class_log_probabilities(point, alpha_bar_t=alpha_bar_t))[0, 1]
    assert_law("P065", total, before, scale=100.0)
    assert_law("P065", moment / total, wanted @ exact, scale=100 / before)


@pytest.mark.property_id("P067")
@pytest.mark.verifies("dhariwal2021/conditional-shift", "dhariwal2021/guided-mean", kind="proof")
@given(st.floats(-2, 2), st.floats(-2, 2))
def test_the_shift_is_exact_to_first_order_in_the_spread(mean, slope):
    """The mean of N(mu, S) times a logistic classifier, against mu + S g: the gap is of order S^2.

    For a log-linear classifier the shift is exact: the normal law is only moved.
    """

    def tilted_mean(variance, log_classifier):
        nodes, quadrature = hermite(mean, variance)
        tilt = quadrature * np.exp(log_classifier(nodes))
        return (tilt @ nodes) / tilt.sum()

    def log_logistic(x):
        return -np.logaddexp(0.0, -slope * x)

    gradient = slope / (1 + math.exp(slope * mean))
    gaps = [
        tilted_mean(variance, log_logistic)
        - classifier_guided_mean(mean, gradient, variance=variance, scale=1.0)
        for variance in (2e-3, 1e-3)
    ]
    assert abs(gaps[0]) <= 4 * 2e-3**2
    assert abs(gaps[1] * 4 - gaps[0]) <= 20 * 2e-3**3 + 1e-12
    linear = tilted_mean(0.3, lambda x: slope * x)
    exact = classifier_guided_mean(mean, slope, variance=0.3, scale=1.0)
    assert_law("P067", linear, exact)


@pytest.mark.property_id("P066")
@pytest.mark.verifies("dhariwal2021/guided-score", "dhariwal2021/guided-eps", kind="closed-form")
@given(st.floats(-3, 3), strategies.alpha_bar(low=0.01, high=0.99), SCALES)
def test_scores_add_as_noises_subtract(x_t, alpha_bar_t, scale):
    level, point = {"alpha_bar_t": alpha_bar_t}, np.array([[x_t]])
    gradient = WORLD.classifier_gradient(point, label=1, **level)
    score = WORLD.score(point, **level)
    size = 1 + np.abs(score).max() + (1 + abs(scale)) * np.abs(gradient).max()
    given_class = WORLD.conditional(1).score(point, **level)
    assert_law("P066", guiding.guided_score(score, gradient, scale=1.0), given_class, scale=size)
    assert (guiding.guided_score(score, gradient, scale=0.0) == score).all()
    eps = WORLD.optimal_eps(point, **level)
    guided_eps = classifier_guided_eps(eps, gradient, **level, scale=scale)
    found = guiding.guided_score(score, gradient, scale=scale)
    assert_law("P066", found, score_from_eps(guided_eps, **level), scale=size)


@pytest.mark.property_id("P065")
@pytest.mark.verifies("ho2022cfg/implicit-classifier", kind="closed-form")
@given(st.floats(-3, 3), st.floats(0.05, 0.95))
def test_the_implicit_classifier_has_the_minus_sign(x_t, alpha_bar_t):
    """Against the central difference of log p(c | x_t); the printed sign is the wrong one."""
    level, h = {"alpha_bar_t": alpha_bar_t}, 1e-5
    point = np.array([[x_t]])
    log_p = [WORLD.class_log_probabilities(point + side, **level)[0, 1] for side in (h, -h)]
    slope = (log_p[0] - log_p[1]) / (2 * h)
    eps_c = WORLD.conditional(1).optimal_eps(point, **level)
    eps_u = WORLD.optimal_eps(point, **level)
    sigma_t = math.sqrt(1 - alpha_bar_t)
    found = guiding.implicit_classifier_gradient(eps_c, eps_u, sigma_t=sigma_t)[0, 0]
    assert_law("P065", found, slope, scale=1 + abs(slope))
    # Guiding the noise by w is guiding the score by this gradient, w times.
    for w in (0.5, 3.0):
        noise = classifier_free_guidance(eps_c, eps_u, w=w)
        by_score = guiding.guided_score(-eps_c / sigma_t, found, scale=w)
        assert_law("P066", -noise / sigma_t, by_score, scale=1 + w * abs(slope))


@pytest.mark.property_id("P068")
@pytest.mark.verifies(
    "karras2024/guided-density",
    "karras2024/guided-score",
    "karras2024/autoguidance",
    kind="closed-form",
)
@given(st.floats(-3, 3), st.floats(-1, 1), st.floats(0.1, 1), st.floats(0.1, 2), st.floats(0, 4))
def test_guidance_between_two_normal_laws(x, apart, var_1, extra, scale):
    """The weaker model is wider, so precision and normal law stay; the scores add accordingly."""
    mean_1, mean_0, var_0 = 0.3, 0.3 + apart, var_1 + extra
    point = torch.tensor(x, dtype=torch.float64, requires_grad=True)

    def log_normal(mean, variance):
        return -((point - mean) ** 2) / (2 * variance) - math.log(2 * math.pi * variance) / 2

    both = (log_normal(mean_1, var_1), log_normal(mean_0, var_0))
    guided_log = guiding.guided_log_density(*both, scale=scale)
    slope = torch.autograd.grad(guided_log, point, retain_graph=True)[0].item()
    scores = [torch.autograd.grad(log_p, point, retain_graph=True)[0].item() for log_p in both]
    found = guiding.extrapolated_score(*scores, scale=scale)
    terms = (1 + abs(scale)) * (abs(scores[0]) + abs(scores[1]) + 1)
    assert_close(found, slope, terms=terms, units=16)
    precision = scale / var_1 + (1 - scale) / var_0
    if precision > 0:
        mean = (scale * mean_1 / var_1 + (1 - scale) * mean_0 / var_0) / precision
        assert_close(found, -precision * (x - mean), terms=8 * terms / var_1, units=16)
    # (3) through the denoiser: D = x + sigma^2 score is affine, so it is guided alike.
    sigma = 0.7
    denoised = [x + sigma**2 * s for s in scores]
    assert_close(
        guidance_from_scale(*denoised, scale=scale), x + sigma**2 * found, terms=8 * terms, units=16
    )
    assert guiding.extrapolated_score(*scores, scale=1.0) == scores[0]
    equal = guiding.extrapolated_score(scores[0], scores[0], scale=scale)
    assert_law("P064", equal, scores[0], scale=terms)


@pytest.mark.property_id("P068")
@pytest.mark.verifies("karras2024/guided-density", "karras2024/guided-score", kind="closed-form")
@given(st.floats(0.1, 1), st.floats(0.2, 2), st.floats(1.2, 2), st.floats(0.3, 3))
def test_guided_densities_of_the_levels_are_no_diffusion(var_1, extra, scale, sigma):
    """Guiding noisy laws is not adding noise to the guided law, but for the weights 0 and 1."""
    var_0 = var_1 + extra

    def guided_variance(scale, noise):
        scores = [-1.0 / (variance + noise) for variance in (var_1, var_0)]  # at x = 1
        return -1.0 / guiding.extrapolated_score(*scores, scale=scale)

    for weight, variance in ((1.0, var_1), (0.0, var_0)):
        assert_law("P068", guided_variance(weight, sigma**2), variance + sigma**2, scale=100.0)
    diffused = guided_variance(scale, 0.0) + sigma**2
    # With a, b the precisions, d/d(sigma^2) of the guided variance falls short of 1 by
    # w (w - 1) (a - b)^2 over the squared guided precision: noise widens the guided law less.
    assert guided_variance(scale, sigma**2) < diffused


@pytest.mark.verifies(
    "kynkaanniemi2024/background",
    "karras2024/background",
    "kynkaanniemi2024/guided-flow",
    kind="closed-form",
)
@given(st.floats(-2, 2), st.floats(0.1, 2), st.floats(0.05, 20), st.floats(-5, 5), SCALES)
def test_the_flow_in_sigma_is_that_of_the_denoiser(mean, std, sigma, x, scale):
    """For N(m, s^2) + sigma noise the flow scales deviations by sqrt(s^2 + sigma^2)."""
    spread = std**2 + sigma**2
    denoised = mean + std**2 / spread * (x - mean)  # the posterior mean, least in squared error
    slope = (x - denoised) / sigma
    exact = sigma / spread * (x - mean)  # d/dsigma of the deviation that keeps its rank
    size = (1 + abs(x) + abs(mean)) * (1 + 1 / sigma) * (1 + std**2 / sigma)
    assert_close(slope, exact, terms=size, units=16)
    score = -(x - mean) / spread
    assert_close(slope, -sigma * score, terms=size, units=16)
    # The exploding path's field towards the predicted data is the same slope.
    field = flow.variance_exploding_field(x, denoised, sigma_t=sigma, sigma_rate=1.0)
    assert_close(field, slope, terms=size, units=16)
    # (3), (4): guiding the denoiser guides the slope, and so the score.
    other = 0.5 * x
    mixed = (x - guidance_from_scale(denoised, other, scale=scale)) / sigma
    alike = guidance_from_scale(slope, (x - other) / sigma, scale=scale)
    assert_close(mixed, alike, terms=8 * (1 + abs(scale)) * size, units=16)


@pytest.mark.verifies("dhariwal2021/guided-ddim", "song2021ddim/step", kind="closed-form")
@pytest.mark.parametrize("label", [0, 1])
def test_ddim_with_the_bayes_classifier_samples_the_class(label):
    """Algorithm 2 from the unconditional noise, against plain DDIM on the class's own data."""
    alpha_bars = np.cos(np.linspace(0.0, 1.5, 21)) ** 2
    times = [20, 14, 9, 5, 2]

    def shifted(x, t):
        level = {"alpha_bar_t": float(alpha_bars[t])}
        gradient = WORLD.classifier_gradient(x, label=label, **level)
        return classifier_guided_eps(WORLD.optimal_eps(x, **level), gradient, **level, scale=1.0)

    def own(x, t):
        return WORLD.conditional(label).optimal_eps(x, alpha_bar_t=float(alpha_bars[t]))

    start = np.array([[-1.5], [0.1], [2.0]])
    run = {"alpha_bars": alpha_bars, "timesteps": times, "eta": 0.0}
    found = last(ddim(shifted, start, **run))
    assert_law("P066", found, last(ddim(own, start, **run)), scale=10.0)
    # The first step by hand, from the printed formula.
    level = {"alpha_bar_t": float(alpha_bars[20]), "alpha_bar_s": float(alpha_bars[14])}
    first = next(iter(ddim(shifted, start, **run))).x
    by_hand = ddim_step(start, shifted(start, 20), 0.0 * start, **level, eta=0.0)
    assert_law("P066", first, by_hand, scale=10.0)


@pytest.mark.verifies("ho2022cfg/guided-sampling", kind="closed-form")
@pytest.mark.parametrize("w", [0.0, 0.7])
def test_guided_ancestral_sampling_step_by_step(w):
    """Algorithm 2: guided noise, predicted data, posterior mean, noise but at the last step."""
    alpha_bars = np.cos(np.linspace(0.0, 1.45, 9)) ** 2
    times = [8, 5, 2]
    cond, uncond = WORLD.conditional(1), WORLD

    def noise_of(world):
        return lambda x, t: world.optimal_eps(x, alpha_bar_t=float(alpha_bars[t]))

    draws = {t: np.random.default_rng(t).normal(size=(3, 1)) for t in times}
    start = np.array([[-1.0], [0.3], [1.8]])
    found = last(
        ddpm(
            guided(noise_of(cond), noise_of(uncond), w=w),
            start,
            alpha_bars=alpha_bars,
            timesteps=times,
            noise=lambda t, s, like: draws[t],
        )
    )
    x = start
    for t, s in zip(times, [*times[1:], 0], strict=True):
        level = {"alpha_bar_t": float(alpha_bars[t])}
        eps = classifier_free_guidance(noise_of(cond)(x, t), noise_of(uncond)(x, t), w=w)
        x_0 = x_0_from_eps(x, eps, **level)
        if s == 0:
            x = x_0
            break
        both = level | {"alpha_bar_s": float(alpha_bars[s])}
        x = posterior_mean(x_0, x, **both) + posterior_variance(**both) ** 0.5 * draws[t]
    assert_law("P066", found, x, scale=10.0)


@pytest.mark.property_id("P070")
@pytest.mark.verifies("saharia2022/static-threshold")
@given(PICTURES)
def test_static_thresholding_is_clipping(x_0):
    found = guiding.static_threshold(x_0)
    assert np.array_equal(found, np.clip(x_0, -1, 1))
    assert np.array_equal(guiding.static_threshold(found), found)
    assert np.array_equal(guiding.static_threshold(-x_0), -found)
    # The dynamic threshold at quantile 0 of pictures within range, and the samplers' limit.
    assert np.array_equal(dynamic_threshold(x_0 / 4, percentile=0.0), np.clip(x_0 / 4, -1, 1))
    limited, _ = clipping(-1.0, 1.0)(x_0, 0.0 * x_0, 0.5 * x_0, 0.25)
    assert np.array_equal(limited, found)


@pytest.mark.verifies("dhariwal2021/guided-score", "kingma2021/score-from-eps")
def test_normal_data_given_a_noisy_look_at_them():
    """y = x_0 + noise: precisions add; the guided score is that of the posterior's diffusion."""
    prior = Gaussian(np.array([0.4]), 1.5)
    precision = 1 / 1.5 + 1 / 0.5
    seen = Gaussian(np.array([(0.4 / 1.5 + 0.8 / 0.5) / precision]), 1 / precision)
    for alpha_bar_t in (0.9, 0.3):
        level = {"alpha_bar_t": alpha_bar_t}
        point = np.array([1.1])
        # log p(y | x_t) is normal in y: its mean is E[x_0 | x_t], its variance adds 1/2.
        mean, variance = prior.x_0_posterior(point, **level)
        gain = alpha_bar_t**0.5 * 1.5 / (alpha_bar_t * 1.5 + 1 - alpha_bar_t)
        gradient = gain * (0.8 - mean) / (np.ravel(variance)[0] + 0.5)
        found = guiding.guided_score(prior.score(point, **level), gradient, scale=1.0)
        assert_law("P066", found, seen.score(point, **level))
        eps = continuous.eps_from_score(found, sigma_t=(1 - alpha_bar_t) ** 0.5)
        assert_law("P066", eps, seen.optimal_eps(point, **level))
