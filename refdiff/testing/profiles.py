"""Named Hypothesis settings, chosen by the environment variable REFDIFF_HYPOTHESIS_PROFILE.

=============  ==========  ===================================================================
profile        examples    for
=============  ==========  ===================================================================
``dev``        25          the edit-and-run loop; the default
``ci``         50          machines: the same examples every time; the default where CI is set
``thorough``   1000        a night
``mutation``   25          mutation testing: the same examples, and no shrinking of failures
=============  ==========  ===================================================================
"""

from __future__ import annotations

import os

__all__ = ["PROFILES", "load_profile", "profile_name", "register_profiles"]

PROFILES = ("dev", "ci", "thorough", "mutation")
"""The names."""

VARIABLE = "REFDIFF_HYPOTHESIS_PROFILE"


def profile_name() -> str:
    """Return the profile that the environment asks for.

    Returns
    -------
    str
        One of `PROFILES`.

    Raises
    ------
    ValueError
        If the variable names no profile.
    """
    default = "ci" if os.environ.get("CI") else "dev"
    name = os.environ.get(VARIABLE) or default
    if name not in PROFILES:
        raise ValueError(f"{VARIABLE}={name!r} must be one of {', '.join(PROFILES)}.")
    return name


def register_profiles() -> None:
    """Tell Hypothesis about the profiles, without choosing one."""
    from hypothesis import HealthCheck, Phase, settings

    # From Hypothesis's own default, and not from what is loaded now. Two shared cores are slow at
    # drawing, which is no fault of a test.
    base = settings(
        settings.get_profile("default"),
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    repeatable = settings(base, derandomize=True, database=None)
    found = {
        "dev": settings(base, max_examples=25),
        "ci": settings(repeatable, max_examples=50, print_blob=True),
        "thorough": settings(base, max_examples=1000),
        "mutation": settings(repeatable, max_examples=25, phases=(Phase.explicit, Phase.generate)),
    }
    for name, profile in found.items():
        settings.register_profile(name, profile)


def load_profile() -> str:
    """Register the profiles and load the one that the environment asks for.

    Returns
    -------
    str
        Its name.

    Raises
    ------
    ValueError
        If the variable names no profile.
    """
    from hypothesis import settings

    register_profiles()
    name = profile_name()
    settings.load_profile(name)
    return name
