"""Pinned public releases and what the reference finds in them."""
