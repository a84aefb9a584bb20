"""Numbers in pieces, and several networks in one."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from stepwell.blocks.members import Adapted, Apart, Spread, share
from stepwell.blocks.perceptron import Body, perceptron
from stepwell.blocks.piecewise import PiecewiseLinear

finite = st.floats(-1e3, 1e3, width=32)


@given(st.lists(finite, min_size=2, max_size=9, unique=True), st.lists(finite, min_size=1, max_size=9))
def test_the_sum_of_the_pieces_is_numpys_interpolation_between_the_borders(borders, numbers):
    borders = sorted(borders)
    if min(np.diff(borders)) < 1e-3:
        return
    layer = PiecewiseLinear([borders], 2)
    encoded = layer.encoded(torch.tensor(numbers, dtype=torch.float32)[:, None])[:, 0]
    assert encoded.shape == (len(numbers), len(borders) - 1)
    assert bool(((encoded >= 0) & (encoded <= 1)).all())
    wanted = np.interp(numbers, borders, np.arange(len(borders)))
    np.testing.assert_allclose(encoded.sum(1).numpy(), wanted, atol=0.1)


def test_each_column_has_bins_and_weights_of_its_own():
    layer = PiecewiseLinear([(0.0, 1.0, 2.0), (-5.0, 5.0)], 4)
    x = torch.tensor([[0.5, 0.0]])
    assert layer.encoded(x).tolist() == [[[0.5, 0.0], [0.5, 0.0]]]
    before = layer(x)
    assert before.shape == (1, 8)
    with torch.no_grad():
        layer.weight[1] += 1.0
    after = layer(x)
    assert torch.equal(before[:, :4], after[:, :4])
    assert not torch.equal(before[:, 4:], after[:, 4:])


@pytest.mark.parametrize("borders", [[(1.0,)], [(0.0, 1.0), ()], [(1.0, 0.0)], [(0.0, 0.0, 1.0)]])
def test_borders_must_make_bins(borders):
    with pytest.raises(ValueError, match="two borders, ascending"):
        PiecewiseLinear(borders, 4)


def test_a_shared_layer_is_that_layer_between_each_members_factors():
    torch.manual_seed(0)
    linear = nn.Linear(3, 5)
    layer = Adapted(linear, 4, first=True)
    assert set(layer.inward.tolist()) == {-1.0, 1.0}
    with torch.no_grad():
        layer.outward.normal_()
        layer.bias.normal_()
    x = torch.randn(6, 4, 3)
    found = layer(x.flatten(0, 1)).unflatten(0, (6, 4))
    for m in range(4):
        inward, outward = layer.inward.view(4, 3)[m], layer.outward.view(4, 5)[m]
        wanted = (x[:, m] * inward) @ linear.weight.T * outward + layer.bias.view(4, 5)[m]
        torch.testing.assert_close(found[:, m], wanted)


def test_later_layers_begin_as_the_shared_one_and_last_ones_are_apart():
    linear = nn.Linear(3, 5)
    x = torch.randn(8, 3)
    torch.testing.assert_close(Adapted(linear, 4, first=False)(x), linear(x))
    apart = Apart(linear, 4)
    torch.testing.assert_close(apart(x), linear(x).unflatten(0, (2, 4)))
    apart(x)[:, 0].sum().backward()
    assert apart.weight.grad[0].any()
    assert not apart.weight.grad[1:].any()


def test_sharing_replaces_every_linear_layer_wherever_it_stands_and_adds_no_matrix():
    torch.manual_seed(0)
    network = perceptron(6, Body((6, 8, 8), residual=True, normalization="layer"))
    matrices = [p.shape for p in network.parameters() if p.ndim > 1]
    share(network, 4)
    assert not any(isinstance(one, nn.Linear) for one in network.modules())
    assert [p.shape for p in network.parameters() if p.ndim > 1] == matrices
    answers = network(Spread(4)(torch.randn(5, 6)))
    assert answers.shape == (20, 8)
    assert answers.unflatten(0, (5, 4)).std(dim=1).mean() > 0.01
