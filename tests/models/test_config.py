"""The description of a network: its checks, its JSON form, its presets."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refdiff.models import PRESETS, UNetConfig, config_for
from tests.models.networks import CONDITIONAL


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"image_size": 30}, ("image_size=30", "divisible by 4", "3 levels")),
        ({"image_size": 0}, ("image_size=0", "at least 1")),
        ({"in_channels": 1.0}, ("in_channels=1.0", "whole number")),
        ({"channels": True}, ("channels=True", "whole number")),
        ({"channel_multipliers": ()}, ("channel_multipliers=()", "at least one level")),
        ({"channel_multipliers": (1, 0, 1)}, ("channel_multipliers[1]=0", "at least 1")),
        ({"channel_multipliers": 2}, ("channel_multipliers=2", "list")),
        ({"attention_resolutions": (5,)}, ("attention_resolutions", "5", "(12, 6, 3)")),
        ({"head_channels": 5}, ("head_channels=5", "width 16", "6x6")),
        ({"norm_groups": 5}, ("norm_groups=5", "(8, 16, 24)")),
        ({"time_channels": 15}, ("time_channels=15", "even")),
        ({"num_classes": 0}, ("num_classes=0", "None makes it unconditional")),
        ({"dropout": 1.0}, ("dropout=1.0", "[0, 1)")),
        ({"dropout": -0.1}, ("dropout=-0.1", "[0, 1)")),
        ({"dropout": float("nan")}, ("dropout=nan", "[0, 1)")),
        ({"scale_shift": 1}, ("scale_shift=1", "true or false")),
        ({"learned_variance": "no"}, ("learned_variance='no'", "true or false")),
    ],
)
def test_impossible_networks_are_refused_by_name(changes: dict, words: tuple[str, ...]):
    with pytest.raises(ValueError, match=r"\w") as caught:
        dataclasses.replace(CONDITIONAL, **changes)
    for word in words:
        assert word in str(caught.value)


def test_odd_sizes_need_only_survive_their_halvings():
    assert PRESETS["fashion-mnist"].resolutions == (28, 14, 7)


@given(
    channels=st.integers(1, 8).map(lambda k: 8 * k),
    multipliers=st.lists(st.integers(1, 4), min_size=1, max_size=4),
    num_classes=st.none() | st.integers(1, 1000),
    dropout=st.floats(0, 1, exclude_max=True),
    flags=st.tuples(st.booleans(), st.booleans()),
)
def test_json_round_trip(channels, multipliers, num_classes, dropout, flags):
    config = UNetConfig(
        image_size=3 * 2 ** (len(multipliers) - 1),
        in_channels=3,
        channels=channels,
        channel_multipliers=multipliers,
        attention_resolutions=(3,),
        head_channels=8,
        num_classes=num_classes,
        dropout=dropout,
        learned_variance=flags[0],
        scale_shift=flags[1],
    )
    read = UNetConfig.from_dict(json.loads(json.dumps(config.to_dict())))
    assert read == config
    assert hash(read) == hash(config)


def test_unknown_and_missing_keys_are_named():
    fields = CONDITIONAL.to_dict()
    with pytest.raises(ValueError, match="no field 'chanels'"):
        UNetConfig.from_dict({**fields, "chanels": 3})
    del fields["image_size"]
    with pytest.raises(ValueError, match="lacks 'image_size'"):
        UNetConfig.from_dict(fields)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_what_its_size_asks_for(name: str):
    preset = PRESETS[name]
    assert config_for(preset.image_size, preset.in_channels, preset.num_classes) == preset


def test_other_sizes_keep_attention_at_the_same_level():
    config = config_for(40, 3, 7)
    assert (config.resolutions, config.attention_resolutions) == ((40, 20, 10, 5), (20,))
    assert (config.in_channels, config.num_classes) == (3, 7)
    with pytest.raises(ValueError, match="image_size=42 must be divisible by 8"):
        config_for(42, 3, None)
    with pytest.raises(ValueError, match="image_size=0"):
        config_for(0, 3, None)
