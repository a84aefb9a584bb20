"""The backbones: sizes, declared channels and strides, weights counted in the papers, errors."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from stepwell.backbones import resnet, vgg
from stepwell.errors import RecipeError
from stepwell.schema import Field


def pictures(channels: int, height: int | str, width: int | str) -> Field:
    return Field("image", "image", "uint8", (channels, height, width))


def weights(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize(
    ("module", "options"),
    [
        (resnet, resnet.Options(depth=8)),
        (resnet, resnet.Options(depth=14, width=4, normalization="group", activation="silu", dropout=0.1)),
        (resnet, resnet.Options(depth=18, width=4, stem="small", normalization="none")),
        (resnet, resnet.Options(depth=50, width=4, stem="large")),
        (vgg, vgg.Options(width=4)),
        (vgg, vgg.Options(depth=1, width=3, stages=2, activation="gelu", normalization="none", dropout=0.2)),
    ],
)
@pytest.mark.parametrize("size", [(1, 28, 28), (3, 33, 47), (1, 8, 8)])
def test_maps_have_the_declared_channels_and_strides_and_gradients_reach_every_weight(module, options, size):
    torch.manual_seed(0)
    backbone = module.build(options, pictures(*size))
    x = torch.randn(2, *size)
    maps = backbone(x)
    assert len(maps) == len(backbone.channels) == len(backbone.strides)
    for found, channels, stride in zip(maps, backbone.channels, backbone.strides, strict=True):
        assert found.shape[:2] == (2, channels)
        for length, left in zip(size[1:], found.shape[2:], strict=True):
            assert length // stride <= left <= -(-length // stride)
    backbone.train()
    for block in backbone.modules():  # a residual that begins at 0 passes nothing back through its inner weights
        if isinstance(block, resnet.Block):
            nn.init.normal_(block.residual[-1].weight)
    sum(found.square().sum() for found in backbone(torch.randn(4, *size))).backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in backbone.parameters())


@pytest.mark.parametrize(
    ("depth", "expected"),
    # torchvision's published counts less the last linear layer; for 20, 0.27 M of the paper.
    [(18, 11_689_512 - 513_000), (34, 21_797_672 - 513_000), (50, 25_557_032 - 2_049_000)],
)
def test_the_large_networks_have_the_published_number_of_weights(depth, expected):
    with torch.device("meta"):
        backbone = resnet.build(resnet.Options(depth=depth), pictures(3, 224, 224))
    assert weights(backbone) == expected


def test_the_small_networks_have_the_published_number_of_weights():
    backbone = resnet.build(resnet.Options(depth=20), pictures(3, 32, 32))
    # The paper's option A has no weights in its shortcuts; ours have two 1x1 convolutions with their norms.
    assert weights(backbone) + 650 == 269_722 + 16 * 32 + 2 * 32 + 32 * 64 + 2 * 64


def test_a_depth_that_no_resnet_has_names_the_nearest():
    with pytest.raises(RecipeError, match="no ResNet of 21 layers") as caught:
        resnet.build(resnet.Options(depth=21), pictures(3, 32, 32))
    assert "--model.depth 20" in caught.value.do


@pytest.mark.parametrize("depth", [9, 35, 49, 99, 100, 153, 201])
def test_the_nearest_depth_is_one_that_there_is(depth):
    with pytest.raises(RecipeError) as caught:
        resnet.stages_of(depth)
    nearest = int(caught.value.do.rsplit(" ", 1)[1])
    resnet.stages_of(nearest)
    assert abs(nearest - depth) <= 3


@pytest.mark.parametrize(
    ("size", "stem"), [((28, 28), "small"), ((64, 100), "small"), ((65, 100), "large"), (("height", "width"), "large")]
)
def test_the_stem_follows_the_size_and_says_why(size, stem):
    field = pictures(3, *size)
    chosen, reason = resnet.stem_for(field)
    assert (chosen, bool(reason)) == (stem, True)
    assert resnet.resolve(resnet.Options(), field) == {"stem": (chosen, reason)}
    assert resnet.resolve(resnet.Options(stem="large"), field) == {}
    assert resnet.build(resnet.Options(depth=8), field).strides[0] == (1 if stem == "small" else 4)


@pytest.mark.parametrize("normalization", ["batch", "none"])
def test_residuals_begin_at_zero_if_wanted(normalization):
    torch.manual_seed(0)
    x = torch.randn(2, 16, 6, 6)
    for zero in (True, False):
        options = resnet.Options(depth=8, zero_last=zero, normalization=normalization)
        block = resnet.build(options, pictures(1, 8, 8)).stages[0][0]
        assert torch.equal(block(x), torch.relu(x)) == zero


def test_vgg_halves_down_to_a_few_pixels_and_says_when_nothing_is_left():
    assert [
        len(vgg.build(vgg.Options(width=2), pictures(1, side, side)).channels) for side in (8, 28, 32, 64, 224)
    ] == [3, 3, 3, 4, 6]
    with pytest.raises(RecipeError, match="leaves nothing") as caught:
        vgg.build(vgg.Options(), pictures(1, 5, 9))
    assert caught.value.do == "use --model.stages 2"
    with pytest.raises(RecipeError) as caught:
        vgg.build(vgg.Options(), pictures(1, 1, 1))
    assert "mlp" in caught.value.do


def test_vgg_never_grows_past_sixteen_times_its_width():
    assert vgg.build(vgg.Options(width=2, stages=7), pictures(1, 128, 128)).channels == (2, 4, 8, 16, 32, 32, 32)
