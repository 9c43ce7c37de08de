"""Settings of every test run: the plugin, the Hypothesis profile, and few torch threads."""

import os

from refdiff.testing import plugin
from refdiff.testing.profiles import load_profile

# Small tensors are faster on one thread, and workers of xdist would fight for the cores. The
# variables are read when torch is first imported, by whichever test needs it.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")

load_profile()

pytest_plugins = ["pytester"]


def pytest_addoption(pluginmanager):
    """Load the plugin from the source tree where no installed entry point has done so."""
    if not pluginmanager.is_registered(plugin):
        pluginmanager.register(plugin)
