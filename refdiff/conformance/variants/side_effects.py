"""Side effects, which the runner notices while it judges."""

from __future__ import annotations

from refdiff.conformance.variants import observed

__all__: list[str] = []

observed(
    "deviation",
    "mutates-its-inputs",
    "The target writes into the arrays that it is given.",
    symptom="the caller's x_t or noise is another one after the call",
    cure="work on a copy, or use operations that are not in place",
)
observed(
    "deviation",
    "seeds-global-random-state",
    "The target seeds a global random generator.",
    symptom="every batch gets the same noise, and so does everything that draws after it",
    cure="make a generator of your own and hand it to each draw",
)
observed(
    "deviation",
    "replaces-random-functions",
    "The target replaces functions of a random module for everybody.",
    symptom="other code draws other numbers as soon as this code has run",
    cure="call your own function by your own name",
)
observed(
    "deviation",
    "changes-global-settings",
    "The target leaves global settings changed.",
    symptom="other code computes in another dtype or without gradients as soon as this has run",
    cure="change the setting in a context manager that restores it",
)
observed(
    "deviation",
    "changes-working-directory",
    "The target changes the working directory.",
    symptom="relative paths of other code lead elsewhere",
    cure="use absolute paths",
)
observed(
    "convention",
    "prints",
    "The target prints to standard output or standard error.",
)
