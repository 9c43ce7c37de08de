"""The shape of a UNet as data: every choice that decides its parameters, and ready-made sizes.

A `UNetConfig` holds numbers only, so that it can be written as JSON beside the weights, read
back years later, and refused with a sentence when it does not describe a network. Resolutions
are counted in pixels of the feature map; level 0 is the full image and each further level
halves it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

__all__ = ["PRESETS", "UNetConfig", "config_for"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class UNetConfig:
    """Describe one UNet of the DDPM/ADM family.

    Parameters
    ----------
    image_size : int
        Height and width of the image, in pixels. Divisible by ``2**(levels - 1)``.
    in_channels : int
        Channels of the image: 1 for grey, 3 for colour.
    channels : int
        Feature width of level 0.
    channel_multipliers : tuple of int
        Width of each level in units of `channels`; its length is the number of levels.
    blocks_per_level : int
        Residual blocks of each level on the way down; the way up has one more.
    attention_resolutions : tuple of int
        Feature-map sizes, in pixels, at which self-attention follows each residual block. The
        middle of the network attends when the smallest level does.
    head_channels : int
        Width of one attention head.
    num_classes : int or None
        Number of classes, None for an unconditional network. The label ``num_classes`` is the
        null class.
    dropout : float
        Probability in [0, 1) of dropping a feature inside a residual block while training.
    learned_variance : bool
        Return twice the channels: the prediction, then the raw variance coordinate v.
    norm_groups : int
        Number of groups of every group norm; divides the width of every level.
    scale_shift : bool
        Let the embedding scale and shift the second norm of a block (ADM) rather than be added
        to the features before it (DDPM).
    time_channels : int
        Number of sinusoids (cosines and sines together) that encode the time. Even.
    embedding_channels : int
        Width of the embedding that time and class share.

    Raises
    ------
    ValueError
        If the numbers do not describe a network. The sentence names the one to change.

    Examples
    --------
    >>> config = UNetConfig(image_size=28, in_channels=1, channel_multipliers=(1, 2, 4))
    >>> config.resolutions
    (28, 14, 7)
    >>> UNetConfig.from_dict(config.to_dict()) == config
    True
    """

    image_size: int
    in_channels: int
    channels: int = 64
    channel_multipliers: tuple[int, ...] = (1, 2)
    blocks_per_level: int = 2
    attention_resolutions: tuple[int, ...] = ()
    head_channels: int = 32
    num_classes: int | None = None
    dropout: float = 0.0
    learned_variance: bool = False
    norm_groups: int = 8
    scale_shift: bool = True
    time_channels: int = 64
    embedding_channels: int = 256

    def __post_init__(self) -> None:
        for name in ("channel_multipliers", "attention_resolutions"):
            value = getattr(self, name)
            if not isinstance(value, tuple | list):
                raise ValueError(f"{name}={value!r} must be a list of whole numbers")
            object.__setattr__(self, name, tuple(value))
        self._check_numbers()
        self._check_resolutions()
        self._check_widths()

    def _check_numbers(self) -> None:
        single = (
            *("image_size", "in_channels", "channels", "blocks_per_level", "head_channels"),
            *("norm_groups", "time_channels", "embedding_channels"),
        )
        for name in single:
            _check_positive(name, getattr(self, name))
        if not self.channel_multipliers:
            raise ValueError("channel_multipliers=() must name at least one level, such as (1, 2)")
        for name in ("channel_multipliers", "attention_resolutions"):
            for position, entry in enumerate(getattr(self, name)):
                _check_positive(f"{name}[{position}]", entry)
        if self.num_classes is not None:
            _check_positive("num_classes", self.num_classes, "; None makes it unconditional")
        for name in ("learned_variance", "scale_shift"):
            if not isinstance(getattr(self, name), bool):
                raise ValueError(f"{name}={getattr(self, name)!r} must be true or false")
        if not isinstance(self.dropout, int | float) or not 0 <= self.dropout < 1:
            raise ValueError(f"dropout={self.dropout!r} must be a probability in [0, 1)")
        if self.time_channels % 2:
            raise ValueError(
                f"time_channels={self.time_channels} must be even: half are cosines, half sines"
            )

    def _check_resolutions(self) -> None:
        factor = 2 ** (self.levels - 1)
        if self.image_size % factor:
            raise ValueError(
                f"image_size={self.image_size} must be divisible by {factor}, since "
                f"{self.levels} levels halve it {self.levels - 1} times: resize the images or "
                "shorten channel_multipliers"
            )
        for resolution in self.attention_resolutions:
            if resolution not in self.resolutions:
                raise ValueError(
                    f"attention_resolutions={self.attention_resolutions} holds {resolution}, "
                    f"which no level has: the levels have {self.resolutions}"
                )

    def _check_widths(self) -> None:
        for width in self.widths:
            if width % self.norm_groups:
                raise ValueError(
                    f"norm_groups={self.norm_groups} must divide every level's width, and "
                    f"{width} is not divisible by it: the widths are {self.widths}"
                )
        for resolution, width in zip(self.resolutions, self.widths, strict=True):
            if resolution in self.attention_resolutions and width % self.head_channels:
                raise ValueError(
                    f"head_channels={self.head_channels} must divide the width {width} of the "
                    f"level at {resolution}x{resolution}, which has attention"
                )

    @property
    def levels(self) -> int:
        """Number of resolutions."""
        return len(self.channel_multipliers)

    @property
    def resolutions(self) -> tuple[int, ...]:
        """Feature-map size of each level, in pixels, from the image down."""
        return tuple(self.image_size // 2**level for level in range(self.levels))

    @property
    def widths(self) -> tuple[int, ...]:
        """Feature channels of each level, from the image down."""
        return tuple(self.channels * multiplier for multiplier in self.channel_multipliers)

    @property
    def out_channels(self) -> int:
        """Channels of the output: those of the image, doubled with a learned variance."""
        return self.in_channels * (2 if self.learned_variance else 1)

    @property
    def null_label(self) -> int | None:
        """Label of the null class, None for an unconditional network."""
        return self.num_classes

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON-ready numbers, lists and booleans."""
        fields = dataclasses.asdict(self)
        return {k: list(v) if isinstance(v, tuple) else v for k, v in fields.items()}

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> UNetConfig:
        """Build a configuration from what `to_dict` gave.

        Raises
        ------
        ValueError
            If a key is unknown or a required one is missing, by name, or a value is not allowed.
        """
        known = {field.name: field for field in dataclasses.fields(cls)}
        unknown = sorted(set(fields) - set(known))
        if unknown:
            raise ValueError(
                f"the model configuration has no field {', '.join(map(repr, unknown))}; "
                f"the fields are {', '.join(known)}"
            )
        required = (n for n, field in known.items() if field.default is dataclasses.MISSING)
        missing = [name for name in required if name not in fields]
        if missing:
            raise ValueError(f"the model configuration lacks {', '.join(map(repr, missing))}")
        return cls(**fields)


def _check_positive(name: str, value: object, cure: str = "") -> None:
    # bool is an int in Python, yet `channels=true` in a JSON file is a mistake.
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{name}={value!r} must be a whole number of at least 1{cure}")


_GREY_28 = UNetConfig(
    image_size=28,
    in_channels=1,
    channels=32,
    channel_multipliers=(1, 2, 3),
    blocks_per_level=1,
    attention_resolutions=(7,),
    num_classes=10,
)

PRESETS: dict[str, UNetConfig] = {
    "digits": UNetConfig(
        image_size=8,
        in_channels=1,
        channels=32,
        channel_multipliers=(1, 2),
        blocks_per_level=1,
        attention_resolutions=(4,),
        num_classes=10,
        embedding_channels=128,
    ),
    "mnist": _GREY_28,
    "fashion-mnist": _GREY_28,
    "cifar10": UNetConfig(
        image_size=32,
        in_channels=3,
        channels=128,
        channel_multipliers=(1, 2, 2, 2),
        blocks_per_level=2,
        attention_resolutions=(16,),
        head_channels=64,
        num_classes=10,
        dropout=0.1,
        norm_groups=32,
        time_channels=128,
        embedding_channels=512,
    ),
    "images-64": UNetConfig(
        image_size=64,
        in_channels=3,
        channels=192,
        channel_multipliers=(1, 2, 3, 4),
        blocks_per_level=3,
        attention_resolutions=(32, 16, 8),
        head_channels=64,
        dropout=0.1,
        learned_variance=True,
        norm_groups=32,
        time_channels=192,
        embedding_channels=768,
    ),
    "images-128": UNetConfig(
        image_size=128,
        in_channels=3,
        channels=256,
        channel_multipliers=(1, 1, 2, 3, 4),
        blocks_per_level=2,
        attention_resolutions=(32, 16, 8),
        head_channels=64,
        learned_variance=True,
        norm_groups=32,
        time_channels=256,
        embedding_channels=1024,
    ),
    "images-256": UNetConfig(
        image_size=256,
        in_channels=3,
        channels=256,
        channel_multipliers=(1, 1, 2, 2, 4, 4),
        blocks_per_level=2,
        attention_resolutions=(32, 16, 8),
        head_channels=64,
        learned_variance=True,
        norm_groups=32,
        time_channels=256,
        embedding_channels=1024,
    ),
}
"""Configurations by name: the data sets that refdiff reads, and ADM-like sizes for photographs.

The photograph sizes are unconditional; ``dataclasses.replace(PRESETS["images-64"],
num_classes=1000)`` makes one class-conditional.
"""


def config_for(image_size: int, in_channels: int, num_classes: int | None) -> UNetConfig:
    """Adapt the preset nearest in size to images of any size.

    Parameters
    ----------
    image_size, in_channels : int
        Size and channels of the images.
    num_classes : int or None
        Number of classes, None for an unconditional network.

    Returns
    -------
    UNetConfig
        The preset whose size is nearest in ratio, with these three numbers; attention stays at
        the same levels.

    Raises
    ------
    ValueError
        If the levels of that preset do not halve the size exactly; the sentence says by what the
        size must be divisible.

    Examples
    --------
    >>> config_for(16, 3, None).resolutions
    (16, 8, 4)
    """
    _check_positive("image_size", image_size)
    nearest = min(
        PRESETS.values(),
        key=lambda p: max(p.image_size, image_size) / min(p.image_size, image_size),
    )
    levels = [nearest.resolutions.index(r) for r in nearest.attention_resolutions]
    return dataclasses.replace(
        nearest,
        image_size=image_size,
        in_channels=in_channels,
        num_classes=num_classes,
        attention_resolutions=tuple(image_size // 2**level for level in levels),
    )
