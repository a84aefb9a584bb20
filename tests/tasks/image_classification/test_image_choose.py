"""Flips are chosen where a linear model does not lose on mirrored validation pictures."""

from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.datasets import load_digits
from torch import nn

import stepwell
from stepwell import backbones, calibration, discovery, outcome
from stepwell import recipe as recipes
from stepwell.preparation import Prepared
from stepwell.run import open_run
from stepwell.schema import Examples, Field
from stepwell.tasks.image_classification.choose import PADDING, PASSES, SEEN_ENOUGH, SHRUNK, afford, choose, settle

DIGITS = load_digits()


def prepared(images, labels, name):
    ids = tuple(f"{name}{i}" for i in range(len(labels)))
    return Prepared(ids, {"image": images, "label": np.asarray(labels)}, {}, ({},) * len(ids))


def recipe(**flip):
    return SimpleNamespace(values={"augmentation": {"flip": flip}})


def rings(n, seed):
    """A light in the middle or around it: mirrored either way nothing changes."""
    draw = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    image = draw.integers(0, 200, (n, 1, 8, 8))
    image[labels == 0, :, 2:6, 2:6] += 30
    image[labels == 1, :, ::7] += 30
    return image.astype(np.uint8), labels


def halves(n, seed):
    """A light in the upper or lower half: mirrored left to right nothing changes, top to bottom everything."""
    draw = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    image = draw.integers(0, 60, (n, 1, 8, 8))
    image[labels == 0, :, :4] += 40
    image[labels == 1, :, 4:] += 40
    return image.astype(np.uint8), labels


def test_digits_are_not_mirrored():
    images = (DIGITS.images[:, None] * 15).astype(np.uint8)
    train, valid = (prepared(images[s], DIGITS.target[s], str(s.start)) for s in (slice(0, 1200), slice(1200, 1500)))
    (path, (value, reason)), *rest = choose(recipe(horizontal="auto", vertical=False), train, valid, 0).items()
    assert (path, value, rest) == ("augmentation.flip.horizontal", False, [])
    assert "of 300 validation pictures" in reason
    assert "points lost" in reason
    assert "more than chance explains" in reason


def test_each_way_is_judged_on_its_own():
    train, valid = prepared(*halves(400, 1), "t"), prepared(*halves(200, 2), "v")
    found = choose(recipe(horizontal="auto", vertical="auto"), train, valid, 0)
    assert found["augmentation.flip.horizontal"][0] is True
    assert "no more than chance explains" in found["augmentation.flip.horizontal"][1]
    assert found["augmentation.flip.vertical"][0] is False


def test_symmetric_data_may_be_mirrored_both_ways():
    train, valid = prepared(*rings(600, 1), "t"), prepared(*rings(300, 2), "v")
    found = choose(recipe(horizontal="auto", vertical="auto"), train, valid, 0)
    assert [value for value, _ in found.values()] == [True, True]


@pytest.mark.parametrize("values", [{}, {"augmentation": {}}, {"augmentation": {"flip": {"horizontal": True}}}])
def test_what_is_not_automatic_is_left_alone(values):
    part = prepared(*halves(100, 1), "t")
    assert choose(SimpleNamespace(values=values), part, part, 0) == {}


def test_a_model_that_knows_nothing_decides_nothing():
    draw = np.random.default_rng(0)
    noise = [
        prepared(draw.integers(0, 255, (n, 1, 8, 8)).astype(np.uint8), np.arange(n) % 2, f"{n}") for n in (200, 100)
    ]
    value, reason = choose(recipe(horizontal="auto"), *noise, 0)["augmentation.flip.horizontal"]
    assert value is False
    assert "no better than the commonest class" in reason


def test_few_validation_pictures_decide_nothing():
    train, valid = prepared(*halves(100, 1), "t"), prepared(*halves(20, 2), "v")
    value, reason = choose(recipe(horizontal="auto"), train, valid, 0)["augmentation.flip.horizontal"]
    assert value is False
    assert "with 20 validation pictures" in reason


def test_the_same_seed_gives_the_same_answer():
    train, valid = prepared(*halves(5000, 1), "t"), prepared(*halves(2500, 2), "v")
    assert choose(recipe(vertical="auto"), train, valid, 3) == choose(recipe(vertical="auto"), train, valid, 3)


@pytest.mark.parametrize(("side", "expected"), [(8, 1), (28, 1), (64, 2), (128, 5)])
def test_pictures_are_moved_by_a_share_of_their_side(side, expected):
    train = prepared(np.zeros((20, 1, side, side), np.uint8), np.arange(20) % 2, "t")
    moved = SimpleNamespace(values={"augmentation": {"crop": {"padding": "auto"}}})
    assert choose(moved, train, train, 0)[PADDING][0] == expected
    fixed = SimpleNamespace(values={"augmentation": {"crop": {"padding": 3}}})
    assert choose(fixed, train, train, 0) == {}


def test_a_short_training_moves_no_pictures_unless_it_was_told_to():
    chosen = recipes.with_values(recipes.draft("image_classification"), {PADDING: (2, "by the side")})
    (value, reason), *rest = settle(chosen, 2.9).values()
    assert (value, rest) == (0, [])
    assert "2.9 epochs" in reason
    assert settle(chosen, 5.0) == {}
    told = recipes.draft("image_classification", ("default",), {PADDING: 2})
    assert settle(told, 2.9) == {}


PICTURES = np.zeros((40, 60, 90, 3), dtype=np.uint8)


def made():
    ids = tuple(str(i) for i in range(len(PICTURES)))
    facts = {"label": ("a", "b") * 20}
    examples = Examples(ids, ids, facts, lambda rows, _: {"image": [PICTURES[i] for i in rows]}, "made", "arrays")
    return examples, range(len(PICTURES))


def afforded(operations, **settings):
    return afford(recipes.draft("image_classification", ("default",), settings), *made(), operations)


def test_pictures_that_the_time_shows_seldom_are_made_smaller(monkeypatch):
    monkeypatch.setattr(backbones, "operations", lambda *_: 1e6)
    epoch = len(PICTURES) * PASSES * 1e6
    assert afforded(SEEN_ENOUGH * epoch) == {}
    ((height, width), reason) = afforded(SEEN_ENOUGH / 2 * epoch)["prepare.size"]
    assert (height, width) == (42, 64)  # half the pixels of 60 x 90
    assert "60 x 90 pixels" in reason and f"about {SEEN_ENOUGH / 2:.1f} epochs" in reason
    assert afforded(epoch / 100)["prepare.size"][0] == (SHRUNK, 48)
    assert "less than a tenth of one" in afforded(epoch / 100)["prepare.size"][1]
    assert afforded(3 * epoch, **{"budget.epochs": 3}) == {}  # more are not asked for
    assert afforded(1.5 * epoch, **{"budget.epochs": 3})["prepare.size"][0] == (42, 64)


def test_operations_are_those_of_convolutions_and_products():
    field = Field("image", "image", "uint8", (3, 8, 8))
    network = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.Flatten(), nn.Linear(256, 5))
    assert backbones.operations(network, field) == 2 * (64 * 4 * 27 + 256 * 5) and network.training


@pytest.mark.parametrize("settings", [{"prepare.size": 96}, {"model": "cnn"}])
def test_a_size_that_was_asked_for_and_networks_of_the_tasks_own_stay(settings):
    assert afforded(1e6, **settings) == {}


@pytest.mark.parametrize(("time", "decided"), [(1e-6, ["prepare.size"]), (1e6, []), (None, [])])
def test_the_time_of_the_budget_decides(time, decided):
    draft = recipes.draft("image_classification", ("default",), {"budget.time": time, "training.device": "cpu"})
    assert list(calibration.within_time(draft, discovery.task("image_classification"), *made())) == decided


class Own(nn.Module):
    """Takes pictures of 100 x 100 alone."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(100 * 100, 2)

    def forward(self, image):
        return self.linear(image.float().flatten(1) / 255)


def test_pictures_for_a_network_of_ones_own_keep_their_size(tmp_path, monkeypatch):
    monkeypatch.setattr(calibration, "OPERATIONS", 1.0)
    pictures = np.random.default_rng(0).integers(0, 255, (60, 100, 100), dtype=np.uint8)
    settings = {"budget.time": 60, "budget.steps": 2}
    monkeypatch.setattr(outcome, "finish", lambda job, *_: job.run.write_json("scores.json", {"scores": {}}))
    source = (pictures, np.arange(60) % 2)
    stepwell.train("image_classification", source, model=Own(), settings=settings, run=tmp_path / "run", force=True)
    assert tuple(open_run(tmp_path / "run").recipe().options("prepare").size) == (100, 100)
