"""Measured errors of the pointwise equations: how many digits each function really has."""
