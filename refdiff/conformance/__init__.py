"""Conformance: judge other people's diffusion code against the reference, by name."""
