"""The course of a healing, with trainings that are made up: what is tried, in which order, and what is kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import pytest

from stepwell.doctor import course
from stepwell.doctor.changes import Change
from stepwell.doctor.course import Answers, Arm, Course
from stepwell.schema import Finding

RATE, CLIP, NORM = (
    Change({"optimizer.learning_rate": 0.01}, "", "lower_rate", structural=False),
    Change({"training.clip_norm": 1.0}, "", "clipping", structural=False),
    Change({"model.normalization": "batch"}, "", "normalization"),
)
DROP = Change({"reader.drop": ("copy",)}, "", "drop_column", by_gain=False)


def finding(name: str) -> Finding:
    return Finding(name, 2, f"{name} is here", "", f"mend {name}")


@dataclass
class Made:
    """Trainings whose value is a function of what was changed, with a little that depends on the seed."""

    value: Callable[[frozenset[str]], float | None]
    ill: Callable[[frozenset[str]], tuple[str, ...]] = lambda _: ()
    then: Answers = ()
    direction: Literal["max", "min"] = "max"
    rungs: tuple[float, ...] = ()
    snapshot: int | None = None
    left: int = 1_000
    arms: list[tuple[str, int, float, bool]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def train(
        self, role: str, changes: Sequence[Change], seed: int, *, share: float = 1.0, forked: bool = False
    ) -> Arm:
        self.arms.append((role, seed, share, forked))
        names = frozenset(change.name for change in changes)
        value = self.value(names)
        noisy = None if value is None else value + 0.002 * (seed % 7) / 7
        return Arm(
            role, seed, noisy, "" if value is not None else "it is larger than memory", self.ill(names), 10, 0.0, role
        )

    def answers(self, arm: Arm, changes: Sequence[Change]) -> Answers:
        return self.then

    def over(self) -> bool:
        return len(self.arms) >= self.left

    def say(self, words: str) -> None:
        self.said.append(words)


def healed(made: Made, answers: Answers) -> Course:
    one = Course(made, 0)
    one.run(answers)
    return one


def test_the_first_change_that_holds_is_kept_and_what_clears_nothing_is_not() -> None:
    made = Made(lambda names: 0.9 if names else 0.5, lambda names: () if "normalization" in names else ("too_high",))
    one = healed(made, [(finding("too_high"), [RATE, NORM])])
    assert [(tried.remedy, tried.accepted) for tried in one.tried] == [("lower_rate", False), ("normalization", True)]
    assert "but too_high stays" in one.tried[0].said
    assert one.accepted == [NORM] and one.tried[1].proof.state == "verified" and one.tried[1].proof.seeds == 3
    told = course.answer(finding("too_high"), one.tried)
    assert told["verified"] is True and told["remedy"] == "--model.normalization batch" and told["tried"] == 2
    assert {seed for role, seed, *_ in made.arms if role == "placebo"} == {1_000, 1_001, 1_002}


def test_nothing_is_kept_where_nothing_gains_and_the_advice_stays() -> None:
    made = Made(lambda _: 0.7)
    one = healed(made, [(finding("slow"), [RATE, CLIP])])
    assert one.accepted == [] and [tried.proof.state for tried in one.tried] == ["refused"] * 2
    assert not any(role == "placebo" for role, *_ in made.arms)  # none is needed where the first seed gains nothing
    assert course.verdict(one.tried, ()) == "Nothing held: 2 changes were tried."
    assert course.answer(finding("slow"), one.tried)["remedy"] == "mend slow"


def test_two_faults_that_only_fall_together_are_answered_together() -> None:
    made = Made(lambda names: 0.9 if any("and" in name for name in names) else 0.5)
    one = healed(made, [(finding("one"), [RATE]), (finding("other"), [NORM])])
    (kept,) = one.accepted
    assert kept.name == "lower_rate and normalization" and len(kept.values) == 2
    assert all(course.answer(finding(name), one.tried)["verified"] for name in ("one", "other"))


def test_what_a_mended_fault_uncovers_is_answered_beside_it() -> None:
    """Unscaled inputs hide that the rate is too low: neither change gains alone, and the second is unknown at first."""

    @dataclass
    class Masked(Made):
        def answers(self, arm: Arm, changes: Sequence[Change]) -> Answers:
            mended = any("normalization" in change.name for change in changes)
            return [(finding("hidden"), [RATE])] if mended and "hidden" in arm.found else []

    def ill(names: frozenset[str]) -> tuple[str, ...]:
        if "normalization and lower_rate" in names:
            return ()
        return ("hidden",) if "normalization" in names else ("shown",)

    made = Masked(lambda names: 0.9 if "normalization and lower_rate" in names else 0.5, ill)
    one = healed(made, [(finding("shown"), [CLIP, NORM])])
    assert [tried.remedy for tried in one.tried] == ["clipping", "normalization", "normalization and lower_rate"]
    (kept,) = one.accepted
    assert kept.values == {**NORM.values, **RATE.values} and one.tried[-1].finding == "shown and hidden"
    assert not one.tried[0].cleared  # it mends nothing, so what is beside it is not asked for


def test_of_many_candidates_the_worse_half_is_left_behind_and_told() -> None:
    worth = {"lower_rate": 0.6, "clipping": 0.7, "normalization": 0.9, "warmup": 0.55}
    warm = Change({"training.warmup": 0.05}, "", "warmup")
    made = Made(lambda names: max((worth[name] for name in names), default=0.5), rungs=(0.25, 0.5))
    one = healed(made, [(finding("slow"), [RATE, warm, CLIP, NORM])])
    behind = [tried.remedy for tried in one.tried if tried.said.startswith("left behind")]
    assert sorted(behind) == ["lower_rate", "warmup"] and one.accepted == [NORM]
    assert {share for _, _, share, _ in made.arms} == {0.25, 1.0}  # two are left after the first rung


def test_what_can_be_changed_at_any_time_is_forked_and_structural_changes_begin_anew() -> None:
    made = Made(lambda names: 0.9 if "normalization" in names else 0.5, snapshot=200)
    one = healed(made, [(finding("late"), [RATE, NORM])])
    assert [(tried.remedy, tried.forked_at) for tried in one.tried] == [("lower_rate", 200), ("normalization", None)]
    assert {forked for role, _, _, forked in made.arms if role == "lower_rate"} == {True}
    assert {forked for role, _, _, forked in made.arms if role == "normalization"} == {False}


def test_what_ends_a_leak_is_judged_by_the_check_and_not_by_the_score_that_falls() -> None:
    made = Made(lambda names: 0.8 if names else 1.0, lambda names: () if names else ("target_copy",))
    one = healed(made, [(finding("target_copy"), [DROP])])
    assert one.accepted == [DROP] and "not judged by gain" in one.tried[0].said
    assert one.tried[0].proof.gain == pytest.approx(-0.2)
    stays = healed(Made(lambda _: 1.0, lambda _: ("target_copy",)), [(finding("target_copy"), [DROP])])
    assert stays.accepted == []


def test_what_is_not_needed_is_taken_back() -> None:
    made = Made(lambda names: 0.9 if "normalization" in names else 0.6 if names else 0.5, then=[(finding("b"), [NORM])])
    one = healed(made, [(finding("a"), [RATE])])
    assert [tried.remedy for tried in one.tried if tried.accepted] == ["lower_rate", "normalization"]
    assert one.accepted == [NORM] and any("lower_rate is not needed" in words for words in made.said)


def test_a_change_that_does_not_train_is_told_so_and_is_worth_least() -> None:
    made = Made(lambda names: None if names else 0.5, direction="min")
    one = healed(made, [(finding("small"), [NORM])])
    assert one.accepted == [] and one.tried[0].said.endswith("it did not train: it is larger than memory")
    assert one.tried[0].changed == (-course.TWICE,)


def test_where_the_unchanged_training_fails_errors_are_still_on_one_scale() -> None:
    made = Made(lambda names: 0.4 if "normalization" in names else 0.8 if names else None, direction="min")
    one = healed(made, [(finding("broken"), [NORM])])
    assert one.tried[0].unchanged == (-2.0,) * 3 and one.tried[0].changed == pytest.approx([-1.0] * 3, abs=0.01)
    assert one.accepted == [NORM]


def test_when_the_time_is_over_two_seeds_are_provisional_and_nothing_more_is_tried() -> None:
    made = Made(lambda names: 0.9 if names else 0.5, left=4)
    one = healed(made, [(finding("slow"), [RATE]), (finding("other"), [NORM])])
    assert [(tried.proof.state, tried.proof.seeds) for tried in one.tried] == [("provisional", 2)]
    assert course.verdict(one.tried, ["x"]).startswith("Healed provisionally")


def test_what_was_left_behind_is_tried_where_the_best_cures_nothing() -> None:
    worth = {"lower_rate": 0.6, "clipping": 0.7, "normalization": 0.9, "warmup": 0.5}
    warm = Change({"training.warmup": 0.05}, "", "warmup")
    made = Made(
        lambda names: max((worth[name] for name in names), default=0.5),
        lambda names: () if "lower_rate" in names else ("unscaled",),
        rungs=(0.25, 0.5),
    )
    one = healed(made, [(finding("unscaled"), [RATE, warm, CLIP, NORM])])
    assert [tried.remedy for tried in one.tried] == ["warmup", "normalization", "clipping", "lower_rate"]
    assert one.accepted == [RATE] and one.tried[0].said.startswith("left behind")
