"""ResNet: residual networks of any classic depth, for small and for large pictures.

He, Zhang, Ren and Sun, "Deep residual learning for image recognition", CVPR 2016: depths 18, 34, 50, 101
and 152 have four stages (bottlenecks from 50 on), depths 6n+2 (8, 14, 20, …) three narrow ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal, cast

from msgspec import Meta
from torch import Tensor, nn

from stepwell.backbones import shorter_side
from stepwell.blocks.activation import Activation, activation
from stepwell.blocks.initialization import Initialization, initialize
from stepwell.blocks.normalization import Normalization, normalization
from stepwell.errors import RecipeError
from stepwell.schema import Field

ACCEPTS = ("image",)

CLASSIC: dict[int, tuple[int, ...]] = {
    18: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    50: (3, 4, 6, 3),
    101: (3, 4, 23, 3),
    152: (3, 8, 36, 3),
}
"""Depth -> residual blocks a stage, of the networks with four stages; from 50 on the blocks are bottlenecks."""

SMALL = 64
"""Pictures up to this many pixels on the shorter side get the small stem: the large one leaves 1/4 of the side."""


@dataclass(frozen=True)
class Options:
    """The settings of a ResNet."""

    depth: Annotated[int, Meta(ge=8, description="Layers with weights: 18, 34, 50, 101, 152, or 6n+2.")] = 20
    width: Annotated[
        Annotated[int, Meta(ge=1)] | None,
        Meta(description="Channels of the first stage; none: 16 for depths 6n+2, else 64."),
    ] = None
    stem: Annotated[
        Literal["auto", "small", "large"],
        Meta(description="Small: a 3x3 convolution; large: 7x7 by 2, then max pooling; auto: by the size of pictures."),
    ] = "auto"
    activation: Annotated[Activation, Meta(description="The non-linearity.")] = "relu"
    normalization: Annotated[Normalization, Meta(description="The normalization after each convolution.")] = "batch"
    dropout: Annotated[
        float, Meta(ge=0, lt=1, description="Share of channels dropped before a block's last convolution.")
    ] = 0.0
    zero_last: Annotated[
        bool, Meta(description="Each residual begins at 0, by the scale of its last normalization.")
    ] = True
    initialization: Annotated[Initialization, Meta(description="The first weights of the convolutions.")] = "he"


class Block(nn.Module):
    """A residual block: two 3x3 convolutions, or a bottleneck of 1x1, 3x3 and 1x1, beside a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int, options: Options, *, bottleneck: bool) -> None:
        super().__init__()
        inner = outputs // 4
        sizes: tuple[tuple[int, int, int, int], ...]
        if bottleneck:
            sizes = ((inputs, inner, 1, 1), (inner, inner, 3, stride), (inner, outputs, 1, 1))
        else:
            sizes = ((inputs, outputs, 3, stride), (outputs, outputs, 3, 1))
        layers: list[nn.Module] = []
        for position, (before, after, kernel, by) in enumerate(sizes):
            last = position == len(sizes) - 1
            if last and options.dropout:
                layers.append(nn.Dropout2d(options.dropout))
            layers.extend(_convolution(before, after, kernel, by, options))
            if not last:
                layers.append(activation(options.activation))
        self.residual = nn.Sequential(*layers)
        straight = inputs == outputs and stride == 1
        self.shortcut = nn.Identity() if straight else nn.Sequential(*_convolution(inputs, outputs, 1, stride, options))
        self.activation = activation(options.activation)

    def forward(self, x: Tensor) -> Tensor:
        """`(batch, inputs, h, w)` to `(batch, outputs, h/stride, w/stride)`."""
        out: Tensor = self.activation(self.residual(x) + self.shortcut(x))
        return out


class ResNet(nn.Module):
    """Stem and stages; gives one feature map a stage."""

    def __init__(self, stem: nn.Module, stages: list[nn.Module], channels: list[int], strides: list[int]) -> None:
        super().__init__()
        self.stem = stem
        self.stages = nn.ModuleList(stages)
        self.channels, self.strides = tuple(channels), tuple(strides)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """`(batch, channels, height, width)` to one map a stage, the coarsest last."""
        x = self.stem(x)
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return tuple(maps)


def build(options: Options, field: Field) -> ResNet:
    """The network for pictures `(channels, height, width)`; RecipeError for a depth that no ResNet has."""
    blocks, bottleneck = stages_of(options.depth)
    width = options.width or (64 if len(blocks) == 4 else 16)
    stem_kind = stem_for(field)[0] if options.stem == "auto" else options.stem
    stem = _stem(int(field.shape[0]), width, stem_kind, options)
    stages: list[nn.Module] = []
    channels: list[int] = []
    strides: list[int] = []
    inputs, stride = width, 4 if stem_kind == "large" else 1
    for number, count in enumerate(blocks):
        outputs = width * 2**number * (4 if bottleneck else 1)
        by = 1 if number == 0 else 2
        stage = [
            Block(outputs if i else inputs, outputs, 1 if i else by, options, bottleneck=bottleneck)
            for i in range(count)
        ]
        stages.append(nn.Sequential(*stage))
        inputs, stride = outputs, stride * by
        channels.append(outputs)
        strides.append(stride)
    network = ResNet(stem, stages, channels, strides)
    initialize(network, options.initialization)
    if options.zero_last:
        _zero_last(network)
    return network


def stages_of(depth: int) -> tuple[tuple[int, ...], bool]:
    """Residual blocks a stage, and whether they are bottlenecks; RecipeError for a depth that no ResNet has."""
    if depth in CLASSIC:
        return CLASSIC[depth], depth >= 50
    if depth >= 8 and depth % 6 == 2:
        return ((depth - 2) // 6,) * 3, False
    known = sorted({*CLASSIC, *range(8, depth + 7, 6)}, key=lambda one: (abs(one - depth), one))
    raise RecipeError(
        f"There is no ResNet of {depth} layers: the depths are 18, 34, 50, 101, 152, and 6n+2 (8, 14, 20, 26, …).",
        where="model.depth",
        do=f"the nearest are {known[0]} and {known[1]}: --model.depth {known[0]}",
    )


def resolve(options: Options, field: Field) -> dict[str, tuple[Any, str]]:
    """What `stem` comes to where it is "auto", and why: {} or {"stem": (value, reason)}; `build` decides alike."""
    return {"stem": stem_for(field)} if options.stem == "auto" else {}


def stem_for(field: Field) -> tuple[Literal["small", "large"], str]:
    """The stem that suits the pictures of a field, and why."""
    side = shorter_side(field)
    if side is None:
        return "large", "pictures of many sizes"
    if side <= SMALL:
        return "small", f"{side} pixels on the shorter side are at most {SMALL}"
    return "large", f"{side} pixels on the shorter side are more than {SMALL}"


def _stem(inputs: int, width: int, kind: Literal["small", "large"], options: Options) -> nn.Sequential:
    kernel, stride = (3, 1) if kind == "small" else (7, 2)
    layers = [*_convolution(inputs, width, kernel, stride, options), activation(options.activation)]
    if kind == "large":
        layers.append(nn.MaxPool2d(3, 2, 1))
    return nn.Sequential(*layers)


def _convolution(inputs: int, outputs: int, kernel: int, stride: int, options: Options) -> list[nn.Module]:
    bare = options.normalization == "none"
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=bare)
    return [convolution] if bare else [convolution, normalization(options.normalization, outputs, 2)]


def _zero_last(network: ResNet) -> None:
    """Let every residual begin at 0 (Goyal et al. 2017): its last normalization's scale, or its last convolution."""
    for block in network.modules():
        if isinstance(block, Block):
            nn.init.zeros_(cast("nn.Parameter", block.residual[-1].weight))
