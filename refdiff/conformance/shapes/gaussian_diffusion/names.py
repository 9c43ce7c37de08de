"""What public code calls the tables, methods and arguments of this shape.

Left is the name of the OpenAI class, by which checks are called; the renamings were seen in public
code. A method is known by its name *and* by the arguments it takes: what is called `p_sample` makes
one step in some classes and a whole loop in others.
"""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["METHODS", "MODEL_ATTRIBUTES", "SWITCHES", "TABLES", "MethodNames", "table_names"]

_CUMPROD = (
    "alphas_cumprod",
    "alphas_bar",
    "alpha_bar",
    "alpha_bars",
    "alphas_cum",
    "alpha_cumprod",
    "alpha_cumprods",
    "alphas_hat",
    "alpha_hat",
)

_TABLES = (
    "betas",
    "alphas_cumprod",
    "alphas_cumprod_prev",
    "alphas_cumprod_next",
    "sqrt_alphas_cumprod",
    "sqrt_one_minus_alphas_cumprod",
    "log_one_minus_alphas_cumprod",
    "sqrt_recip_alphas_cumprod",
    "sqrt_recipm1_alphas_cumprod",
    "posterior_variance",
    "posterior_log_variance_clipped",
    "posterior_mean_coef1",
    "posterior_mean_coef2",
    "loss_weight",
    "lvlb_weights",
)

_ALSO = {
    "betas": ("beta",),
    "sqrt_recipm1_alphas_cumprod": (
        "sqrt_recip_m1_alphas_bar",
        "sqrt_recip_m1_alphas_cumprod",
        "sqrt_recipm1_alphas_bar",
    ),
    "posterior_variance": ("posterior_var",),
    "posterior_log_variance_clipped": ("posterior_logvar_clipped", "posterior_log_var_clipped"),
    "loss_weight": ("loss_weights", "p2_loss_weight"),
}


def table_names(name: str) -> tuple[str, ...]:
    """Return all names of a table, the OpenAI class's first."""
    renamed = [name.replace("alphas_cumprod", other) for other in _CUMPROD]
    return tuple(dict.fromkeys([*renamed, *_ALSO.get(name, ())]))


TABLES: dict[str, tuple[str, ...]] = {name: table_names(name) for name in _TABLES}
"""Tables of one number per time, and their names."""

MODEL_ATTRIBUTES = (
    "model",
    "denoise_fn",
    "eps_model",
    "net",
    "network",
    "unet",
    "denoiser",
    "diffusion_model",
)
"""Where a class keeps its network when methods are not given one."""

_X_0 = ("x_start", "x_0", "x0", "xstart", "pred_xstart", "pred_x_0", "x_recon")
_IMAGE = (*_X_0, "x", "img", "image", "images", "imgs")
_X_T = ("x_t", "xt", "x_noisy", "z_t", "x", "img")
_TIME = ("t", "time", "times", "timesteps", "timestep", "ts")
_EPS = ("eps", "noise", "epsilon", "e", "pred_noise", "model_output")
_NETWORK = ("model", "denoise_fn", "eps_model", "net", "network", "denoiser", "model_fn")
_LABELS = ("classes", "y", "labels", "class_labels", "c")
_CLIP = ("clip_denoised", "clip_x_start", "clip")


@dataclass(frozen=True)
class MethodNames:
    """How a method is found and called.

    Parameters
    ----------
    names : tuple of str
        Its names.
    roles : mapping of str to tuple of str
        What its arguments mean, and their names. All without ``?`` must be there.
    without : tuple of str
        Arguments that show that something else has this name.
    """

    names: tuple[str, ...]
    roles: dict[str, tuple[str, ...]]
    without: tuple[str, ...] = field(default=())


_STEP = {"model?": _NETWORK, "x_t": _X_T, "t": _TIME, "clip?": _CLIP, "labels?": _LABELS}
_LOOP = {
    "model?": _NETWORK,
    "shape": ("shape", "batch_shape", "size"),
    "x_T?": ("noise", "x_T", "x_t", "img"),
    "clip?": _CLIP,
    "labels?": _LABELS,
}
_LOSS = {"model?": _NETWORK, "x_0": _IMAGE, "t": _TIME, "eps?": _EPS, "labels?": _LABELS}

METHODS: dict[str, MethodNames] = {
    "q_mean_variance": MethodNames(
        ("q_mean_variance", "q_mean_var", "q_xt_x0"), {"x_0": _IMAGE, "t": _TIME}
    ),
    "q_sample": MethodNames(
        ("q_sample", "add_noise", "forward_diffusion"),
        {"x_0": _IMAGE, "t": _TIME, "eps?": _EPS},
    ),
    "q_posterior_mean_variance": MethodNames(
        ("q_posterior_mean_variance", "q_posterior_mean_var", "q_posterior"),
        {"x_0": _X_0, "x_t": _X_T, "t": _TIME},
    ),
    "predict_xstart_from_eps": MethodNames(
        (
            "_predict_xstart_from_eps",
            "predict_start_from_noise",
            "predict_xstart_from_eps",
            "predict_x0_from_eps",
            "_predict_x0_from_eps",
            "_pred_x_0_from_eps",
        ),
        {"x_t": _X_T, "t": _TIME, "eps": _EPS},
    ),
    "predict_eps_from_xstart": MethodNames(
        (
            "_predict_eps_from_xstart",
            "predict_noise_from_start",
            "predict_eps_from_xstart",
            "_pred_eps_from_x_0",
            "predict_eps_from_x0",
        ),
        {"x_t": _X_T, "t": _TIME, "x_0": _X_0},
    ),
    "predict_xstart_from_xprev": MethodNames(
        ("_predict_xstart_from_xprev", "_pred_x_0_from_mean"),
        {"x_t": _X_T, "t": _TIME, "x_s": ("xprev", "mean", "x_prev")},
    ),
    "predict_v": MethodNames(("predict_v", "get_v"), {"x_0": _IMAGE, "t": _TIME, "eps": _EPS}),
    "predict_xstart_from_v": MethodNames(
        ("predict_start_from_v", "predict_start_from_z_and_v", "_predict_xstart_from_v"),
        {"x_t": _X_T, "t": _TIME, "v": ("v", "velocity", "model_output")},
    ),
    "predict_eps_from_v": MethodNames(
        ("predict_noise_from_v", "predict_eps_from_z_and_v", "_predict_eps_from_v"),
        {"x_t": _X_T, "t": _TIME, "v": ("v", "velocity", "model_output")},
    ),
    "p_mean_variance": MethodNames(("p_mean_variance", "p_mean_var"), _STEP),
    "p_sample": MethodNames(("p_sample", "p_sample_step"), _STEP, ("shape",)),
    "ddim_sample": MethodNames(
        ("ddim_sample", "ddim_sample_step"), {**_STEP, "eta?": ("eta", "ddim_eta")}, ("shape",)
    ),
    "ddim_reverse_sample": MethodNames(("ddim_reverse_sample",), _STEP),
    "condition_mean": MethodNames(
        ("condition_mean",),
        {"gradient": ("cond_fn",), "moments": ("p_mean_var",), "x_t": _X_T, "t": _TIME},
    ),
    "condition_score": MethodNames(
        ("condition_score",),
        {"gradient": ("cond_fn",), "moments": ("p_mean_var",), "x_t": _X_T, "t": _TIME},
    ),
    "p_sample_loop": MethodNames(("p_sample_loop", "p_sample", "sample"), _LOOP, _TIME),
    "ddim_sample_loop": MethodNames(
        ("ddim_sample_loop", "ddim_sample"),
        {**_LOOP, "eta?": ("eta", "ddim_eta")},
        _TIME,
    ),
    "training_losses": MethodNames(("training_losses", "train_losses", "p_losses"), _LOSS),
    "forward": MethodNames(
        ("forward", "loss"), {"x_0": _IMAGE, "eps?": _EPS, "labels?": _LABELS}, _TIME[:1]
    ),
    "vb_terms_bpd": MethodNames(
        ("_vb_terms_bpd", "_loss_term_bpd"),
        {"model": _NETWORK, "x_0": _X_0, "x_t": ("x_t", "xt"), "t": _TIME, "clip?": _CLIP},
    ),
    "prior_bpd": MethodNames(("_prior_bpd", "prior_bpd"), {"x_0": _IMAGE}),
    "calc_bpd_loop": MethodNames(
        ("calc_bpd_loop", "calc_all_bpd"), {"model": _NETWORK, "x_0": _IMAGE, "clip?": _CLIP}
    ),
}
"""Methods by the name of their checks."""

SWITCHES: dict[str, object] = {
    "return_pred": True,
    "progress": False,
    "device": "cpu",
    "model_kwargs": {},
    "repeat_noise": False,
    "repeat": False,
}
"""Arguments that every method is given where it takes them."""
