"""The ordinal loss against its definition."""

from __future__ import annotations

import math

import pytest
import torch

from stepwell.losses import cross_entropy, ordinal

LOGITS = torch.tensor([[0.3, -1.0, 2.0, 0.1], [1.5, 0.2, 0.0, -0.4], [0.0, 0.0, 0.0, 0.0]])


def value(outputs: torch.Tensor, targets: torch.Tensor) -> float:
    found = ordinal.term(ordinal.Options(), outputs, targets, None)
    return float(found.sum) / found.count


def test_it_asks_at_every_border_whether_the_truth_lies_beyond() -> None:
    targets = torch.tensor([2, 0, 3])
    total = 0.0
    for row, target in zip(LOGITS.double().softmax(1).tolist(), targets.tolist(), strict=True):
        for border in range(3):
            beyond = sum(row[border + 1 :])
            total -= math.log(beyond if target > border else 1 - beyond) / 3
    assert value(LOGITS, targets) == pytest.approx(total / 3, rel=1e-5)


def test_two_classes_make_it_the_cross_entropy() -> None:
    targets = torch.tensor([0, 1, 1])
    wanted = cross_entropy.term(cross_entropy.Options(), LOGITS[:, :2], targets, None)
    torch.testing.assert_close(ordinal.term(ordinal.Options(), LOGITS[:, :2], targets, None).sum, wanted.sum)


def test_farther_off_costs_more() -> None:
    answer = torch.tensor([[8.0, 0.0, 0.0, 0.0]])
    costs = [value(answer, torch.tensor([target])) for target in range(4)]
    assert costs == sorted(costs) and costs[3] > 1.4 * costs[2] > 1.4 * 1.4 * costs[1]


def test_shares_of_classes_stand_between_those_classes() -> None:
    sure = [value(LOGITS[:1], torch.tensor([target])) for target in (1, 2)]
    assert value(LOGITS[:1], torch.tensor([[0.0, 0.5, 0.5, 0.0]])) == pytest.approx(sum(sure) / 2, rel=1e-5)


def test_an_answer_as_sure_as_can_be_stays_finite_and_has_a_slope() -> None:
    outputs = torch.tensor([[200.0, 0.0, -200.0]], requires_grad=True)
    term = ordinal.term(ordinal.Options(), outputs, torch.tensor([2]), None)
    term.sum.backward()
    assert term.sum.isfinite() and outputs.grad is not None and outputs.grad.isfinite().all()
    assert outputs.grad[0, 0] > 0.9


def test_classes_and_examples_weigh_as_asked() -> None:
    targets = torch.tensor([2, 0, 3])
    each = [float(ordinal.term(ordinal.Options(), LOGITS[i : i + 1], targets[i : i + 1], None).sum) for i in range(3)]
    found = ordinal.term(ordinal.Options((2.0, 1.0, 3.0, 0.5)), LOGITS, targets, torch.tensor([1.0, 4.0, 2.0]))
    assert float(found.sum) == pytest.approx(3 * each[0] + 8 * each[1] + each[2], rel=1e-5)
    assert found.count == 7.0
