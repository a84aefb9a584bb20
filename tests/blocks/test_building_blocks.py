"""The blocks: what activations, normalizations and initializations do to numbers."""

from __future__ import annotations

import math
from typing import get_args

import pytest
import torch
from torch import nn

from stepwell.blocks.activation import MONOTONE, Activation, activation
from stepwell.blocks.convolution import Style, convolution
from stepwell.blocks.initialization import Initialization, initialize
from stepwell.blocks.normalization import Normalization, normalization
from stepwell.blocks.perceptron import Body, Residual, perceptron
from stepwell.blocks.standardize import Standardize
from stepwell.schema import Field


@pytest.mark.parametrize("name", get_args(Activation))
def test_an_activation_is_monotone_exactly_where_it_is_listed_so(name):
    x = torch.linspace(-4, 4, 2001, dtype=torch.float64)
    y = activation(name)(x)
    rising = bool((y.diff() >= 0).all())
    assert y.shape == x.shape
    assert rising == (name in MONOTONE)


def test_an_activation_leaves_its_input_alone():
    for name in get_args(Activation):
        x = torch.randn(100)
        before = x.clone()
        activation(name)(x)
        assert torch.equal(x, before)


@pytest.mark.parametrize("axes", [1, 2])
@pytest.mark.parametrize("name", get_args(Normalization))
def test_normalized_values_have_mean_0_and_variance_1_over_the_axes_that_the_name_says(name, axes):
    x = torch.randn(64, 32, *([5, 7] if axes == 2 else [])) * 3 + 2
    y = normalization(name, 32, axes)(x)
    assert y.shape == x.shape
    if name == "none":
        assert torch.equal(x, y)
        return
    if name == "group":
        y = y.unflatten(1, (2, 16))
    over = {"batch": (0, *range(2, x.ndim)), "layer": tuple(range(1, x.ndim)), "group": tuple(range(2, y.ndim))}[name]
    assert y.mean(over).abs().max() < 1e-4
    assert (y.var(over, correction=0) - 1).abs().max() < 1e-2


@pytest.mark.parametrize(
    ("channels", "groups"), [(1, 1), (3, 1), (16, 1), (20, 1), (32, 2), (48, 3), (100, 5), (257, 1)]
)
def test_group_normalization_fits_any_number_of_channels(channels, groups):
    layer = normalization("group", channels, 2)
    assert layer.num_groups == groups
    assert layer(torch.randn(2, channels, 4, 4)).shape == (2, channels, 4, 4)


@pytest.mark.parametrize(
    ("method", "variance"),
    [
        ("zeros", 0.0),
        ("constant", 0.0),
        ("normal", 0.05**2),
        ("uniform", 0.05**2 / 3),
        ("xavier", 2 / (300 + 200)),
        ("xavier_normal", 2 / (300 + 200)),
        ("he", 2 / 300),
        ("he_uniform", 2 / 300),
        ("lecun", 1 / 300),
        ("orthogonal", 1 / 300),
        ("torch", 1 / (3 * 300)),
    ],
)
def test_initial_weights_have_the_published_variance(method, variance):
    torch.manual_seed(0)
    layer = nn.Linear(300, 200)
    initialize(layer, method, bias=0.25)
    weight = layer.weight.detach()
    assert weight.var(correction=0).item() == pytest.approx(variance, rel=0.03, abs=1e-12)
    assert weight.mean().item() == pytest.approx(0.1 if method == "constant" else 0.0, abs=2e-3)
    spread = 300**-0.5 if method == "torch" else 0.0
    assert (layer.bias.detach() - 0.25).abs().max().item() <= spread
    assert layer.bias.detach().var(correction=0).item() == pytest.approx(spread**2 / 3, rel=0.2)


def test_every_initialization_is_tested_above():
    marks = test_initial_weights_have_the_published_variance.pytestmark
    assert {case[0] for mark in marks for case in mark.args[1]} == set(get_args(Initialization))


@pytest.mark.parametrize("method", ["constant", "normal", "uniform", "xavier", "he", "lecun", "orthogonal"])
def test_scale_multiplies_the_weights(method):
    first, second = nn.Linear(40, 30), nn.Linear(40, 30)
    torch.manual_seed(1)
    initialize(first, method, scale=1.0)
    torch.manual_seed(1)
    initialize(second, method, scale=3.0)
    torch.testing.assert_close(second.weight, 3 * first.weight)


def test_orthogonal_weights_are_orthogonal():
    layer = nn.Linear(64, 32)
    initialize(layer, "orthogonal")
    torch.testing.assert_close(layer.weight @ layer.weight.T, torch.eye(32), atol=1e-5, rtol=0)


def test_he_keeps_the_size_of_signals_through_twenty_relu_layers_and_xavier_loses_it():
    sizes = {}
    for method in ("he", "xavier"):
        torch.manual_seed(0)
        body = perceptron(256, Body((256,) * 20, initialization=method))
        sizes[method] = body(torch.randn(64, 256)).square().mean().item()
    assert 0.2 < sizes["he"] < 5
    assert sizes["xavier"] < 1e-4


def test_initialization_spares_normalizations_and_embeddings():
    module = nn.ModuleList([nn.BatchNorm1d(3), nn.Embedding(5, 3), nn.Linear(3, 3)])
    before = module[1].weight.clone()
    initialize(module, "zeros")
    assert torch.equal(module[0].weight, torch.ones(3))
    assert torch.equal(module[1].weight, before)
    assert not module[2].weight.any()


def test_standardize_takes_bytes_and_undoes_the_sensor():
    field = Field("image", "image", "uint8", (3, 4, 5), mean=(10.0, 20.0, 30.0), std=(1.0, 2.0, 5.0))
    x = torch.randint(0, 256, (2, 3, 4, 5), dtype=torch.uint8)
    expected = (x.double().numpy() - [[[10.0]], [[20.0]], [[30.0]]]) / [[[1.0]], [[2.0]], [[5.0]]]
    layer = Standardize(field)
    torch.testing.assert_close(layer(x).double(), torch.from_numpy(expected), atol=1e-5, rtol=1e-6)
    assert set(layer.state_dict()) == {"mean", "std"}
    assert not list(layer.parameters())


def test_standardize_without_statistics_only_casts():
    x = torch.randint(0, 256, (2, 1, 3, 3), dtype=torch.uint8)
    assert torch.equal(Standardize(Field("image", "image", "uint8", (1, 3, 3)))(x), x.float())


def test_standardize_refuses_a_standard_deviation_of_zero():
    with pytest.raises(ValueError, match="must be positive"):
        Standardize(Field("image", "image", "uint8", (1, 3, 3), mean=(0.0,), std=(0.0,)))


def test_a_perceptron_has_the_layers_that_were_asked_for():
    body = Body((8, 8, 4), "tanh", "batch", dropout=0.5, residual=True)
    network = perceptron(6, body)
    assert [isinstance(layer, Residual) for layer in network] == [False, True, False]
    assert [type(part).__name__ for part in network[0]] == ["Linear", "BatchNorm1d", "Tanh", "Dropout"]
    assert network(torch.randn(5, 6)).shape == (5, 4)


def test_a_residual_layer_adds_its_input():
    network = perceptron(6, Body((6,), residual=True, initialization="zeros"))
    x = torch.randn(3, 6)
    assert torch.equal(network(x), x)


def test_a_perceptron_without_hidden_layers_passes_on_what_comes_in():
    x = torch.randn(3, 6)
    assert torch.equal(perceptron(6, Body(()))(x), x)


@pytest.mark.parametrize("name", get_args(Activation))
def test_pooling_before_a_monotone_activation_is_the_same_function(name):
    torch.manual_seed(0)
    block = convolution(2, 5, Style(activation=name, normalization="batch"), pool=2).eval()
    x = torch.randn(3, 2, 9, 8)
    plain = nn.functional.max_pool2d(activation(name)(block[1](block[0](x))), 2)
    torch.testing.assert_close(block(x), plain, atol=1e-6, rtol=1e-6)
    pool_first = [isinstance(part, nn.MaxPool2d) for part in block].index(True) == 2
    assert pool_first == (name in MONOTONE)


@pytest.mark.parametrize(
    ("height", "width", "kernel", "stride", "pool"), [(7, 9, 3, 1, 2), (8, 5, 5, 2, 1), (3, 3, 1, 1, 1)]
)
def test_a_convolution_has_the_promised_size(height, width, kernel, stride, pool):
    y = convolution(1, 4, Style(kernel), stride=stride, pool=pool)(torch.randn(2, 1, height, width))
    assert y.shape == (2, 4, math.ceil(height / stride) // pool, math.ceil(width / stride) // pool)
