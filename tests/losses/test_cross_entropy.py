"""Cross-entropy against its definition and torch's."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from stepwell.errors import RecipeError
from stepwell.losses.cross_entropy import Options, term


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(7, 4, generator=generator), torch.tensor([0, 1, 2, 3, 0, 0, 2])


def test_it_is_the_mean_of_minus_log_probability_of_the_true_class(batch):
    outputs, targets = batch
    found = term(Options(), outputs, targets, None)
    by_hand = [
        -math.log(math.exp(row[t]) / sum(map(math.exp, row)))
        for row, t in zip(outputs.tolist(), targets.tolist(), strict=True)
    ]
    assert found.count == 7
    assert found.sum.item() == pytest.approx(sum(by_hand), rel=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("classes", [None, (1.0, 2.0, 0.0, 0.5)])
def test_integer_targets_equal_the_shares_that_stand_for_them(batch, smoothing, classes):
    outputs, targets = batch
    options = Options(smoothing, classes)
    hard = term(options, outputs, targets, None)
    soft = term(options, outputs, functional.one_hot(targets, 4).float(), None)
    torch.testing.assert_close(hard.sum, soft.sum)
    weight = None if classes is None else torch.tensor(classes)
    torch.testing.assert_close(
        hard.sum, functional.cross_entropy(outputs, targets, weight, reduction="sum", label_smoothing=smoothing)
    )


def test_weighted_examples_count_by_their_weight(batch):
    outputs, targets = batch
    weight = torch.tensor([1.0, 0.0, 2.0, 0.0, 0.0, 0.0, 0.5])
    found = term(Options(), outputs, targets, weight)
    losses = functional.cross_entropy(outputs, targets, reduction="none")
    assert found.count == 3.5
    torch.testing.assert_close(found.sum, losses[0] + 2 * losses[2] + 0.5 * losses[6])


def test_an_even_guess_costs_the_logarithm_of_the_classes_smoothed_or_not():
    for smoothing in (0.0, 0.3):
        found = term(Options(smoothing), torch.zeros(5, 10), torch.arange(5), None)
        assert found.sum.item() / found.count == pytest.approx(np.log(10))


def test_half_floats_are_summed_in_full(batch):
    outputs, targets = batch
    found = term(Options(), outputs.bfloat16(), targets, None)
    assert found.sum.dtype == torch.float32
    torch.testing.assert_close(found.sum, term(Options(), outputs.bfloat16().float(), targets, None).sum)


def test_a_wrong_number_of_class_weights_is_said(batch):
    with pytest.raises(RecipeError, match="3 class weights for 4 classes"):
        term(Options(class_weights=(1.0, 1.0, 1.0)), *batch, None)
