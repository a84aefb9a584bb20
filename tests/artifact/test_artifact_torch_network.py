"""A module as a function of arrays: evaluation mode for the call, and every submodule as it was afterwards."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from stepwell.artifact.torch_network import evaluating, torch_network


def test_each_submodule_gets_its_own_mode_back_even_after_a_failure() -> None:
    module = nn.Sequential(nn.BatchNorm1d(2), nn.Dropout(0.5), nn.Linear(2, 2))
    module[0].eval()
    modes = [one.training for one in module.modules()]
    inside: list[bool] = []

    def fail() -> None:
        with evaluating(module):
            inside.extend(one.training for one in module.modules())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert inside == [False] * 4
    assert [one.training for one in module.modules()] == modes == [True, False, True, True]


def test_answers_are_those_of_evaluation_mode_and_leave_no_mark() -> None:
    module = nn.Sequential(nn.BatchNorm1d(2), nn.Dropout(0.5))
    before = {name: value.clone() for name, value in module.state_dict().items()}
    (answer,) = torch_network(module)([np.array([[1.0, 2.0]], dtype=np.float32)])
    np.testing.assert_allclose(answer, [[1.0, 2.0]], rtol=1e-4)
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


def test_several_answers_keep_their_order_and_half_precision_becomes_single() -> None:
    class Two(nn.Module):
        def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
            return x.bfloat16(), lengths + 1

    values, lengths = torch_network(Two())([np.ones((2, 3), np.float32), np.array([3, 2])])
    assert values.dtype == np.float32
    assert lengths.tolist() == [4, 3]


@pytest.mark.parametrize("shape", [(1, 3, 4, 4), (1, 3, 4, 4, 4)])
def test_channels_last_is_handed_over_and_changes_no_number(shape: tuple[int, ...]) -> None:
    seen: list[Tensor] = []

    class Watch(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            seen.append(x)
            return x * 2

    array = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    (answer,) = torch_network(Watch(), channels_last=True)([array])
    layout = torch.channels_last if len(shape) == 4 else torch.channels_last_3d
    assert seen[0].is_contiguous(memory_format=layout)
    np.testing.assert_array_equal(answer, array * 2)


def test_an_array_that_must_not_be_written_is_taken_all_the_same() -> None:
    array = np.arange(6, dtype=np.uint8).reshape(2, 3)[:, ::2]
    array.flags.writeable = False
    (answer,) = torch_network(nn.Identity())([array])
    np.testing.assert_array_equal(answer, array)
