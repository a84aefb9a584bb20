"""Every diagnosis can be had and answered: what infects is a change that recipes take, and so is every remedy."""

from __future__ import annotations

import pytest

from stepwell import discovery, recipe
from stepwell.doctor import diagnosing, remedying
from stepwell.doctor.changes import Change, DataFault, ProgramFault
from stepwell.doctor.record import Record
from stepwell.recipe import Recipe
from stepwell.schema import Finding

DRAFTS = (
    recipe.draft("table", ("default",)),
    recipe.draft("table", ("classic",)),
    recipe.draft("image_classification", ("default",), {"model": "cnn"}),
    recipe.draft("image_classification", ("classic",), {"model": "resnet"}),
)
ABSTAINING = {"not_learning_unknown", "transformer_no_warmup"}  # the one has no cause, the other wants a recipe with it
RECORD = Record(
    facts={"batch_rows": 32, "targets": "classes"},
    steps=[{"step": step, "rate": 0.1, "loss": 1.0, "updates": {"w": 0.3}} for step in range(20)],
)


def finding(name: str) -> Finding:
    return Finding(name, 2, "", "", "", where={"column": "answer_again"})


@pytest.mark.parametrize("name", discovery.names(diagnosing.ROOM))
def test_what_infects_fits_a_recipe_or_is_a_fault_of_data_or_program(name: str) -> None:
    module = discovery.load(diagnosing.ROOM, name)
    faults = [module.infect(recipe.flat(draft)) for draft in DRAFTS]
    assert name in ABSTAINING or any(fault is not None for fault in faults)
    for draft, fault in zip(DRAFTS, faults, strict=True):
        if isinstance(fault, Change):
            changed = fault.of(draft)
            assert {path for path, _, _ in recipe.compare(draft, changed)} >= {
                path for path, value in fault.values.items() if recipe.flat(draft)[path] != value
            }
        elif fault is not None:
            assert isinstance(fault, DataFault | ProgramFault) and fault.kind == name


@pytest.mark.parametrize("draft", DRAFTS[1:3], ids=lambda draft: f"{draft.task} {draft.name('model')}")
def test_every_remedy_is_a_change_that_the_recipe_takes(draft: Recipe) -> None:
    for name in discovery.names(diagnosing.ROOM):
        ill = discovery.load(diagnosing.ROOM, name).infect(recipe.flat(draft))
        begun = ill.of(draft) if isinstance(ill, Change) else draft
        for change in remedying.remedies(finding(name), RECORD, recipe.flat(begun)):
            assert change.name in discovery.names(remedying.ROOM)
            assert change.of(begun) != begun


def test_a_rate_that_is_too_high_comes_back_into_its_range() -> None:
    draft = DRAFTS[1]
    ill = discovery.load(diagnosing.ROOM, "lr_too_high").infect(recipe.flat(draft)).of(draft)
    first, second = remedying.remedies(finding("lr_too_high"), RECORD, recipe.flat(ill))[:2]
    assert ill.options("optimizer").learning_rate == pytest.approx(0.3)
    assert first.of(ill).options("optimizer").learning_rate == pytest.approx(0.03)
    assert second.of(ill).options("optimizer").learning_rate == pytest.approx(
        0.005
    )  # updates of 30 %, half a percent wanted


def test_the_flags_of_a_change_are_those_that_train_takes() -> None:
    draft = DRAFTS[2]
    change = Change({"optimizer.name": "adam", "optimizer.learning_rate": 0.001, "augmentation": ("flip", "crop")}, "")
    words = remedying.flags(change)
    assert words == "--optimizer adam --optimizer.learning_rate 0.001 --augmentation flip,crop"
    settings = dict(zip((one[2:] for one in words.split()[::2]), words.split()[1::2], strict=True))
    assert (
        recipe.draft(draft.task, ("default",), {"model": "cnn", **settings}).options("optimizer").learning_rate == 0.001
    )


def test_a_finding_of_the_audit_has_no_change_and_no_harm_no_flags() -> None:
    draft = DRAFTS[0]
    assert remedying.remedies(finding("near_duplicates"), RECORD, recipe.flat(draft)) == []
    told = remedying.with_flags([finding("lr_too_low")], RECORD, draft)
    assert "--optimizer.learning_rate" in told[0].remedy
