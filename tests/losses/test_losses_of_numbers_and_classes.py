"""The losses of the shelf against torch's and scikit-learn's, for numbers, classes and shares of classes."""

from __future__ import annotations

import pytest
import torch
from sklearn.metrics import hinge_loss
from torch.nn import functional

from stepwell.errors import RecipeError
from stepwell.losses import bce, cross_entropy, focal, hinge, huber, mae, mse

LOSSES = {"bce": bce, "focal": focal, "hinge": hinge, "huber": huber, "mae": mae, "mse": mse}
OF_CLASSES = [name for name, one in LOSSES.items() if "category" in one.ACCEPTS]
OF_NUMBERS = [name for name, one in LOSSES.items() if "number" in one.ACCEPTS]
TORCH = {"mse": functional.mse_loss, "mae": functional.l1_loss, "huber": functional.huber_loss}

GENERATOR = torch.Generator().manual_seed(0)
SCORES = 2 * torch.randn(9, 4, generator=GENERATOR)
CLASSES = torch.tensor([0, 1, 2, 3, 0, 0, 2, 1, 1])
ANSWERS = 3 * torch.randn(9, 1, generator=GENERATOR)
NUMBERS = torch.randn(9, generator=GENERATOR)
WEIGHT = torch.tensor([1.0, 0.0, 2.0, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0])


def mean(name, outputs, targets, weight=None, **options):
    found = LOSSES[name].term(LOSSES[name].Options(**options), outputs, targets, weight)
    return found.sum / found.count


@pytest.mark.parametrize("name", OF_NUMBERS)
def test_of_numbers_they_are_torchs_and_never_pair_every_answer_with_every_truth(name):
    expected = TORCH[name](ANSWERS[:, 0], NUMBERS)
    torch.testing.assert_close(mean(name, ANSWERS, NUMBERS), expected)
    torch.testing.assert_close(mean(name, ANSWERS, NUMBERS[:, None]), expected)


def test_huber_is_torchs_for_another_delta_and_for_several_numbers():
    several, truths = ANSWERS.repeat(1, 3), torch.randn(9, 3, generator=torch.Generator().manual_seed(1))
    expected = functional.huber_loss(several, truths, delta=0.3)
    torch.testing.assert_close(mean("huber", several, truths, delta=0.3), expected)


@pytest.mark.parametrize("name", ["mse", "mae"])
def test_of_classes_they_compare_probabilities_or_bare_outputs(name):
    truths = functional.one_hot(CLASSES, 4).float()
    torch.testing.assert_close(mean(name, SCORES, CLASSES), TORCH[name](SCORES.softmax(1), truths))
    torch.testing.assert_close(mean(name, SCORES, CLASSES, of="outputs"), TORCH[name](SCORES, truths))


def test_bce_of_two_classes_is_the_cross_entropy_of_two_and_of_more_a_yes_or_no_each():
    two = CLASSES % 2
    expected = functional.cross_entropy(SCORES[:, :2], two)
    torch.testing.assert_close(mean("bce", SCORES[:, :2], two), expected)
    each = functional.binary_cross_entropy_with_logits(SCORES, functional.one_hot(CLASSES, 4).float())
    torch.testing.assert_close(mean("bce", SCORES, CLASSES), each)


@pytest.mark.parametrize("classes", [2, 4])
def test_hinge_is_scikit_learns(classes):
    scores, targets = SCORES[:, :classes], CLASSES % classes
    # Of two classes scikit-learn takes the lead of the second over the first.
    decision = (scores[:, 1] - scores[:, 0] if classes == 2 else scores).numpy()
    expected = hinge_loss(targets.numpy(), decision, labels=list(range(classes)))
    assert mean("hinge", scores, targets).item() == pytest.approx(expected, rel=1e-5)
    lack = mean("hinge", scores, targets, squared=True, margin=3.0)
    by_hand = [
        max(0.0, 3.0 + max(s for k, s in enumerate(row) if k != t) - row[t]) ** 2
        for row, t in zip(scores.tolist(), targets.tolist(), strict=True)
    ]
    assert lack.item() == pytest.approx(sum(by_hand) / 9, rel=1e-5)


def test_focal_is_its_formula_and_without_gamma_cross_entropy():
    torch.testing.assert_close(mean("focal", SCORES, CLASSES, gamma=0.0), functional.cross_entropy(SCORES, CLASSES))
    p = SCORES.softmax(1)[torch.arange(9), CLASSES]
    torch.testing.assert_close(mean("focal", SCORES, CLASSES, gamma=1.5), (-((1 - p) ** 1.5) * p.log()).mean())


@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_focal_has_a_slope_where_the_network_is_sure(gamma):
    scores = torch.tensor([[200.0, -200.0], [-200.0, 200.0]], requires_grad=True)
    mean("focal", scores, torch.tensor([0, 0]), gamma=gamma).backward()
    assert bool(torch.isfinite(scores.grad).all())
    assert scores.grad[1, 0] < 0


@pytest.mark.parametrize("name", OF_CLASSES)
def test_shares_of_0_and_1_equal_the_classes_that_they_stand_for(name):
    shares = functional.one_hot(CLASSES, 4).float()
    torch.testing.assert_close(mean(name, SCORES, shares), mean(name, SCORES, CLASSES))


@pytest.mark.parametrize("name", [name for name in OF_CLASSES if hasattr(LOSSES[name].Options(), "class_weights")])
def test_a_class_weight_multiplies_the_losses_of_its_examples(name):
    weights = (1.0, 2.0, 0.0, 0.5)
    each = torch.tensor(weights)[CLASSES]
    found = mean(name, SCORES, CLASSES, class_weights=weights)
    expected = mean(name, SCORES, CLASSES, each) * each.sum() / len(each)
    torch.testing.assert_close(found, expected)
    with pytest.raises(RecipeError, match="3 class weights for 4 classes"):
        mean(name, SCORES, CLASSES, class_weights=weights[:3])


@pytest.mark.parametrize("name", LOSSES)
def test_weighted_examples_count_by_their_weight_in_full_floats(name):
    of_classes = name in OF_CLASSES
    outputs, targets = (SCORES, CLASSES) if of_classes else (ANSWERS, NUMBERS)
    module = LOSSES[name]
    found = module.term(module.Options(), outputs, targets, WEIGHT)
    alone = [module.term(module.Options(), outputs[i : i + 1], targets[i : i + 1], None).sum for i in range(9)]
    assert found.count == 3.5
    torch.testing.assert_close(found.sum, sum(w * one for w, one in zip(WEIGHT, alone, strict=True)))
    half = module.term(module.Options(), outputs.bfloat16(), targets, None)
    assert half.sum.dtype == torch.float32


def test_every_loss_says_what_it_is_for():
    for module in (*LOSSES.values(), cross_entropy):
        assert module.ACCEPTS
        assert set(module.ACCEPTS) <= {"category", "number"}
