"""Adapters: a few lines that call a peer's public functions in a shape that refdiff knows."""
