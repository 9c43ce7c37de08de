"""Oracles of `refdiff.equations.bounds`; see `tests.support.textbook`.

Posteriors come from Bayes' rule in precision form, divergences and entropies from their general
formulas for normal distributions, and differences of roots are left as the papers print them.
"""

import mpmath as mp


def beta(alpha_bar_t, alpha_bar_s):
    return 1 - alpha_bar_t / alpha_bar_s


def bayes(x_0, x_t, alpha_bar_t, alpha_bar_s):
    """Return mean and variance of x_s: precisions of q(x_s | x_0) and q(x_t | x_s) add."""
    ratio = alpha_bar_t / alpha_bar_s
    if alpha_bar_s == 1:
        return x_0, mp.mpf(0)
    precision = 1 / (1 - alpha_bar_s) + ratio / (1 - ratio)
    weighted = mp.sqrt(alpha_bar_s) * x_0 / (1 - alpha_bar_s) + mp.sqrt(ratio) * x_t / (1 - ratio)
    return weighted / precision, 1 / precision


def variance_term(*, alpha_bar_t, alpha_bar_s, variance):
    _, tilde = bayes(0, 0, alpha_bar_t, alpha_bar_s)
    return (mp.log(variance / tilde) + tilde / variance - 1) / 2


def mean_term(x_0, x_t, mean, *, alpha_bar_t, alpha_bar_s, variance):
    target, _ = bayes(x_0, x_t, alpha_bar_t, alpha_bar_s)
    return (target - mean) ** 2 / (2 * variance)


def mean_term_from_eps(x_t, eps, mean, *, alpha_bar_t, alpha_bar_s, variance):
    """Return DDPM (9): through the data that eps implies."""
    x_0 = (x_t - mp.sqrt(1 - alpha_bar_t) * eps) / mp.sqrt(alpha_bar_t)
    return mean_term(
        x_0, x_t, mean, alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s, variance=variance
    )


def posterior_term(x_0, x_t, mean, *, alpha_bar_t, alpha_bar_s, variance):
    """Return the divergence of two normal distributions, from entropy and cross-entropy."""
    target, tilde = bayes(x_0, x_t, alpha_bar_t, alpha_bar_s)
    cross = (mp.log(2 * mp.pi * variance) + (tilde + (target - mean) ** 2) / variance) / 2
    return cross - mp.log(2 * mp.pi * mp.e * tilde) / 2


def eps_term(eps, eps_pred, *, alpha_bar_t, alpha_bar_s, variance):
    b = beta(alpha_bar_t, alpha_bar_s)
    weight = b**2 / (2 * variance * (1 - b) * (1 - alpha_bar_t))
    return weight * (eps - eps_pred) ** 2


def snr(alpha_bar):
    return alpha_bar / (1 - alpha_bar)


def posterior_weight_eps(*, alpha_bar_t, alpha_bar_s):
    return (snr(alpha_bar_s) / snr(alpha_bar_t) - 1) / 2


def posterior_weight_x_0(*, alpha_bar_t, alpha_bar_s):
    return (snr(alpha_bar_s) - snr(alpha_bar_t)) / 2


def reconstruction_term(x_0, mean, log_variance):
    variance = mp.exp(log_variance)
    density = mp.exp(-((x_0 - mean) ** 2) / (2 * variance)) / mp.sqrt(2 * mp.pi * variance)
    return -mp.log(density)


def density_bits_per_dim(nats, *, num_dims, levels):
    return (nats / num_dims - mp.log(2 / (levels - 1))) / mp.log(2)


def normal_entropy(log_variance):
    return mp.log(2 * mp.pi * mp.e * mp.exp(log_variance)) / 2


def entropy(variance):
    return mp.log(2 * mp.pi * mp.e * variance) / 2


def reverse_entropy_lower(*, alpha_bar_t, alpha_bar_s):
    """Return the left side of Sohl-Dickstein (24) as it is printed."""
    forward = entropy(beta(alpha_bar_t, alpha_bar_s))
    return forward + entropy(1 - alpha_bar_s) - entropy(1 - alpha_bar_t)


def reverse_entropy_upper(*, alpha_bar_t, alpha_bar_s):
    return entropy(beta(alpha_bar_t, alpha_bar_s))


def entropy_form(nats, *, alpha_bar_t, alpha_bar_s):
    return -nats + entropy(1 - alpha_bar_t) - entropy(1 - alpha_bar_s) - entropy(mp.mpf(1))


def hybrid_loss(loss, nats, *, weight):
    return loss + weight * nats


def importance_weighted_loss(loss, *, probability):
    return loss / probability


def weighted_eps_loss(eps, eps_pred, *, weight):
    return weight * (eps_pred - eps) ** 2


# ---------------------------------------------------------------- Analytic-DPM, in its symbols


def symbols(alpha_bar_t, alpha_bar_s, eta):
    """Return alpha_n, beta_bar_n, beta_bar_{n-1} and lambda_n^2, which eta = 1 makes beta-tilde."""
    alpha, bar_t, bar_s = alpha_bar_t / alpha_bar_s, 1 - alpha_bar_t, 1 - alpha_bar_s
    return alpha, bar_t, bar_s, eta**2 * bar_s / bar_t * (1 - alpha)


def bracket(alpha_bar_t, alpha_bar_s, eta):
    alpha, bar_t, bar_s, fresh = symbols(alpha_bar_t, alpha_bar_s, eta)
    return mp.sqrt(bar_t / alpha) - mp.sqrt(bar_s - fresh), fresh


def optimal_mean(x_t, score, *, alpha_bar_t, alpha_bar_s, eta):
    """Return the mean of DDIM (7) at the data that the score implies."""
    _, bar_t, bar_s, fresh = symbols(alpha_bar_t, alpha_bar_s, eta)
    x_0 = (x_t + bar_t * score) / mp.sqrt(alpha_bar_t)
    direction = (x_t - mp.sqrt(alpha_bar_t) * x_0) / mp.sqrt(bar_t)
    return mp.sqrt(alpha_bar_s) * x_0 + mp.sqrt(bar_s - fresh) * direction


def optimal_variance(*, alpha_bar_t, alpha_bar_s, eta, mean_squared_eps):
    gain, fresh = bracket(alpha_bar_t, alpha_bar_s, eta)
    return fresh + gain**2 * (1 - mean_squared_eps)


def optimal_variance_from_x_0(*, alpha_bar_t, alpha_bar_s, eta, variance):
    _, bar_t, bar_s, fresh = symbols(alpha_bar_t, alpha_bar_s, eta)
    gain = mp.sqrt(alpha_bar_s) - mp.sqrt((bar_s - fresh) * alpha_bar_t / bar_t)
    return fresh + gain**2 * variance


def x_0_variance(*, alpha_bar_t, mean_squared_eps):
    return (1 - mean_squared_eps) / snr(alpha_bar_t) if alpha_bar_t < 1 else mp.mpf(0)


def optimal_variance_upper(*, alpha_bar_t, alpha_bar_s, eta):
    gain, fresh = bracket(alpha_bar_t, alpha_bar_s, eta)
    return fresh + gain**2


def optimal_variance_upper_bounded(*, alpha_bar_t, alpha_bar_s, eta, width):
    return optimal_variance_from_x_0(
        alpha_bar_t=alpha_bar_t, alpha_bar_s=alpha_bar_s, eta=eta, variance=(width / 2) ** 2
    )


def ddim_posterior_weight_eps(*, alpha_bar_t, alpha_bar_s, eta):
    """Return the squared change of the DDIM mean with eps, over twice the variance of the step."""
    gain, fresh = bracket(alpha_bar_t, alpha_bar_s, eta)
    return gain**2 / (2 * fresh)


ORACLES = {
    function.__name__: function
    for function in (
        ddim_posterior_weight_eps,
        density_bits_per_dim,
        entropy_form,
        eps_term,
        hybrid_loss,
        importance_weighted_loss,
        mean_term,
        mean_term_from_eps,
        normal_entropy,
        optimal_mean,
        optimal_variance,
        optimal_variance_from_x_0,
        optimal_variance_upper,
        optimal_variance_upper_bounded,
        posterior_term,
        posterior_weight_eps,
        posterior_weight_x_0,
        reconstruction_term,
        reverse_entropy_lower,
        reverse_entropy_upper,
        variance_term,
        weighted_eps_loss,
        x_0_variance,
    )
}
"""By the names of ``refdiff.equations.bounds``."""
