"""Fixtures of the tests of training."""

import dataclasses

import pytest

from tests.training.tiny import TINY, stripes_data


@pytest.fixture
def tiny():
    """Build the small configuration with fields replaced; ``model__dropout=0.5`` goes inside."""

    def build(**changes):
        config = TINY
        for name, value in changes.items():
            part, _, inner = name.rpartition("__")
            if part:
                value = dataclasses.replace(getattr(config, part), **{inner: value})
            config = dataclasses.replace(config, **{part or name: value})
        return config

    return build


@pytest.fixture(scope="session")
def stripes():
    return stripes_data()
