"""Oracles of the exponential integrators: the papers' forms, in lambda and its step h."""

import mpmath as mp


def phi(k, h):
    """Return phi_k as a confluent hypergeometric function."""
    return mp.hyp1f1(1, k + 1, h) / mp.factorial(k)


def step(alpha_t, sigma_t, alpha_s, sigma_s):
    return mp.log(alpha_s / sigma_s) - mp.log(alpha_t / sigma_t)


def by_eps(x_t, slope, alpha_t, sigma_t, alpha_s, sigma_s):
    """Return (3.7) of DPM-Solver, or its limit without noise at s."""
    if sigma_s == 0:
        return alpha_s * (x_t - sigma_t * slope) / alpha_t
    growth = mp.expm1(step(alpha_t, sigma_t, alpha_s, sigma_s))
    return alpha_s / alpha_t * x_t - sigma_s * growth * slope


def by_x_0(x_t, data, alpha_t, sigma_t, alpha_s, sigma_s):
    """Return the first-order step of DPM-Solver++, or its limit without noise at s."""
    if sigma_s == 0:
        return alpha_s * data
    fall = mp.expm1(-step(alpha_t, sigma_t, alpha_s, sigma_s))
    return sigma_s / sigma_t * x_t - alpha_s * fall * data


def dpm_solver_1_step(x_t, eps, **levels):
    return by_eps(x_t, eps, **levels)


def dpm_solver_2_step(x_t, eps, eps_u, *, r, **levels):
    return by_eps(x_t, eps, **levels) - levels["sigma_s"] / (2 * r) * mp.expm1(step(**levels)) * (
        eps_u - eps
    )


def dpm_solver_3_step(x_t, eps, eps_u, *, r, **levels):
    h = step(**levels)
    slope = (mp.expm1(h) / h - 1) * (eps_u - eps)
    return by_eps(x_t, eps, **levels) - levels["sigma_s"] / r * slope


def dpmpp_1_step(x_t, x_0, **levels):
    return by_x_0(x_t, x_0, **levels)


def dpmpp_2s_step(x_t, x_0, x_0_u, *, r, **levels):
    return by_x_0(x_t, (1 - 1 / (2 * r)) * x_0 + x_0_u / (2 * r), **levels)


def dpmpp_2m_step(x_t, x_0, x_0_before, *, r, **levels):
    return by_x_0(x_t, (1 + 1 / (2 * r)) * x_0 - x_0_before / (2 * r), **levels)


def sde_dpmpp_1_step(x_t, x_0, noise, *, alpha_t, sigma_t, alpha_s, sigma_s):
    """Return a draw from q(x_s | x_t, x_0), conditioned by the gain of x_s on x_t."""
    a = alpha_t / alpha_s
    gain = a * sigma_s**2 / sigma_t**2
    mean = alpha_s * x_0 + gain * (x_t - alpha_t * x_0)
    return mean + mp.sqrt(sigma_s**2 - gain * a * sigma_s**2) * noise


def sde_dpmpp_2m_step(x_t, x_0, x_0_before, noise, *, r, **levels):
    slope = (x_0 - x_0_before) / r
    return sde_dpmpp_1_step(x_t, x_0 + slope / 2, noise, **levels)


def weights(h, places):
    """Return all weights w_m = a_m B(h) / r_m from the linear system of UniPC."""
    count = len(places)
    system = mp.matrix(count, count)
    right = mp.matrix(count, 1)
    for k in range(1, count + 1):
        right[k - 1] = h * mp.factorial(k) * phi(k + 1, h)
        for m, place in enumerate(places):
            system[k - 1, m] = place ** (k - 1)
    solution = mp.lu_solve(system, right)
    return [a / place for a, place in zip(solution, places, strict=True)]


def unipc_noise_step(x_t, eps, correction, **levels):
    return by_eps(x_t, eps, **levels) - levels["sigma_s"] * correction


def unipc_data_step(x_t, x_0, correction, **levels):
    return by_x_0(x_t, x_0, **levels) - levels["alpha_s"] * correction


ORACLES = {
    "phi_1": lambda *, h: phi(1, h),
    "phi_2": lambda *, h: phi(2, h),
    "phi_3": lambda *, h: phi(3, h),
    "phi_4": lambda *, h: phi(4, h),
    "unipc_b1": lambda *, h: h,
    "unipc_b2": lambda *, h: mp.exp(h) - 1,
    "unipc_weight_1": lambda *, b, r_1: mp.mpf(1) / 2 * b / r_1,
    "unipc_weight_2": lambda *, h, r_1, r_2: weights(h, [r_1, r_2])[0],
    "unipc_weight_3": lambda *, h, r_1, r_2, r_3: weights(h, [r_1, r_2, r_3])[0],
    **{
        function.__name__: function
        for function in (
            dpm_solver_1_step,
            dpm_solver_2_step,
            dpm_solver_3_step,
            dpmpp_1_step,
            dpmpp_2s_step,
            dpmpp_2m_step,
            sde_dpmpp_1_step,
            sde_dpmpp_2m_step,
            unipc_noise_step,
            unipc_data_step,
        )
    },
}
