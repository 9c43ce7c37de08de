"""A target whose functions do everything that code under judgement should not do."""

import contextlib
import ctypes
import functools
import os
import random
import signal
import sys
import tempfile
import threading

import numpy as np
import torch

from refdiff import equations

transition_mean = equations.transition_mean  # the one that behaves


def forward_sample(x_0, noise, **levels):
    while True:  # hangs
        pass


def forward_mean(x_0, **levels):
    os._exit(3)


def forward_variance(**levels):
    ctypes.string_at(0)


def posterior_mean(x_0, x_t, **levels):
    os.kill(os.getpid(), signal.SIGKILL)


def posterior_variance(**levels):
    sys.stdout.write("Hello from the target\n")
    sys.stderr.write("and from its standard error\n")
    return equations.posterior_variance(**levels)


def snr(**levels):
    raise ValueError("three\nlines\nof text")


def log_snr(*, alpha_bar_t):
    return equations.log_snr(alpha_bar_t=alpha_bar_t) * np.nan


def x_0_from_eps(x_t, eps, **levels):
    return equations.x_0_from_eps(x_t, eps, **levels)[:1]


def eps_from_x_0(x_t, x_0, **levels):
    x_t -= 1.0
    return equations.eps_from_x_0(x_t + 1.0, x_0, **levels)


def v_from_eps(x_t, eps, **levels):
    torch.manual_seed(0)
    random.seed(0)
    return equations.v_from_eps(x_t, eps, **levels)


def x_0_from_v(x_t, v, **levels):
    np.random.randn = lambda *shape: np.zeros(shape)
    return equations.x_0_from_v(x_t, v, **levels)


def eps_from_v(x_t, v, **levels):
    sys.exit("enough")


def score_from_eps(eps, **levels):
    return score_from_eps(eps, **levels)


def eps_from_score(score, **levels):
    return torch.zeros(2, device="cuda")


def score_from_x_0(x_t, x_0, **levels):
    for _ in range(2000):
        sys.stdout.write("flood " * 200)
        os.write(1, b"flood " * 200)
    return equations.score_from_x_0(x_t, x_0, **levels)


def x_0_from_score(x_t, score, **levels):
    folder = tempfile.mkdtemp()
    os.chdir(folder)
    os.rmdir(folder)
    return equations.x_0_from_score(x_t, score, **levels)


def transition_variance(**levels):
    return bytearray(8 << 30)


def prior_kl(x_0, **levels):
    raise KeyboardInterrupt


def normal_kl(mean_1, log_variance_1, mean_2, log_variance_2):
    torch.set_default_dtype(torch.float64)
    threading.Thread(target=threading.Event().wait).start()  # would keep an exit waiting
    return equations.normal_kl(mean_1, log_variance_1, mean_2, log_variance_2)


@functools.cache
def fork_once():
    """Make a copy of the process that goes on judging as if it were the only one."""
    if hasattr(os, "fork") and os.fork():
        os.wait()


def edm_c_in(**levels):
    fork_once()
    return equations.edm_c_in(**levels)


def simple_loss(prediction, target):
    sys.stdout = None
    with contextlib.suppress(OSError):  # closed by the call before
        os.close(2)
    return equations.simple_loss(prediction, target)
