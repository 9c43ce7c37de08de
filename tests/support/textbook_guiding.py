"""Oracles of `refdiff.equations.guiding`; see `tests.support.textbook`."""


def guided_score(score, gradient, *, scale):
    return score + gradient * scale


def implicit_classifier_gradient(eps_cond, eps_uncond, *, sigma_t):
    """Return the difference of the two scores."""
    return -eps_cond / sigma_t - -eps_uncond / sigma_t


def extrapolated_score(cond, uncond, *, scale):
    """Return the weights of the two scores, which sum to 1."""
    return scale * cond + (1 - scale) * uncond


def guided_log_density(log_density_1, log_density_0, *, scale):
    return scale * log_density_1 + (1 - scale) * log_density_0


def static_threshold(x_0):
    if x_0 > 1:
        return x_0 * 0 + 1
    return x_0 * 0 - 1 if x_0 < -1 else x_0


ORACLES = {
    function.__name__: function
    for function in (
        extrapolated_score,
        guided_log_density,
        guided_score,
        implicit_classifier_gradient,
        static_threshold,
    )
}
"""By the names of ``refdiff.equations.guiding``."""
