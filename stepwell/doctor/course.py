"""The course of a healing: which changes are tried, in what order, and which of them hold.

Findings are answered causes first, their remedies best first. Of many candidates the better half goes on from short
trainings to longer ones (successive halving: Jamieson and Talwalkar, AISTATS 2016); what is left is proven seed by seed
(see `proof`). A change is accepted where its gain holds and the diagnosis clears; then what the doctor finds in the
changed training is answered in its turn. Where several changes came together, those that are not needed are taken back.

Nothing is trained here: who heals gives the `Trainings`. All is a function of their results, so that a course that was
stopped is repeated to where it was if they remember theirs.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any, Literal, Protocol

from stepwell.doctor import proof, remedying
from stepwell.doctor.changes import Change
from stepwell.doctor.proof import Proof
from stepwell.errors import counted
from stepwell.schema import Finding

ROUNDS, TRIED = 3, 6  # rounds of diagnosis and cure; changes tried in each
FEW = 2  # candidates that are tried whole
UNCOVERED = 3  # changes that mend what they are for and gain nothing, beside which what they uncover is answered
PLACEBO = 1_000  # from a seed to that of its placebo
LEAST = {"max": 0.01, "min": 0.02}  # gains worth having: a hundredth of the range; of an error, two hundredths of it
TWICE = 2.0  # of the reference: what an error counts at most, and what a training that failed counts as

Answers = Sequence[tuple[Finding, Sequence[Change]]]
"""Findings, causes first, each with the changes that could answer it, best first."""


@dataclass(frozen=True)
class Arm:
    """One training of a proof: what it was for, its seed, what came of it, and the folder's name where it has one.

    `value` is the metric on held-out data, None where the training failed, which `why` says; `found` are the harmful
    diagnoses of it; `seconds` are of the processor.
    """

    role: str
    seed: int
    value: float | None
    why: str
    found: tuple[str, ...]
    cycles: int
    seconds: float
    folder: str


class Trainings(Protocol):
    """What a course asks of whoever trains.

    `direction` says which values are better; `rungs` are the shares of a training that tell enough to leave the worse
    half of the candidates behind, ascending; `snapshot` is the cycle from which changes that are not structural can be
    tried, or None.
    """

    @property
    def direction(self) -> Literal["max", "min"]: ...

    @property
    def rungs(self) -> Sequence[float]: ...

    @property
    def snapshot(self) -> int | None: ...

    def train(
        self, role: str, changes: Sequence[Change], seed: int, *, share: float = 1.0, forked: bool = False
    ) -> Arm: ...

    def answers(self, arm: Arm, changes: Sequence[Change]) -> Answers: ...

    def over(self) -> bool: ...

    def say(self, words: str) -> None: ...


@dataclass(frozen=True)
class Tried:
    """One change that was tried: the finding that it answers, what it changes, what came of it.

    The values are those of its arms by seed, the more the better; `forked_at` is the cycle that they began from
    together, None where they began anew.
    """

    finding: str
    remedy: str
    flags: str
    values: dict[str, Any]
    proof: Proof
    cleared: bool
    accepted: bool
    said: str
    unchanged: tuple[float, ...]
    placebo: tuple[float, ...]
    changed: tuple[float, ...]
    forked_at: int | None = None


Candidate = tuple[Finding, Change]


@dataclass(frozen=True)
class _Behind:
    """A candidate that others were better than after a share of a training, and its gain by then."""

    candidate: Candidate
    share: float
    gain: float


@dataclass(frozen=True)
class _Mended:
    """A change without whose findings a training is no better, its first arm, and what that is worth."""

    findings: tuple[Finding, ...]
    change: Change
    arm: Arm
    worth: float


@dataclass
class Course:
    """One course of healing that begins with `seed`: what was tried, and what was accepted so far."""

    trainings: Trainings
    seed: int
    accepted: list[Change] = field(default_factory=list)
    tried: list[Tried] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)
    _mended: list[_Mended] = field(default_factory=list)

    def run(self, answers: Answers) -> None:
        """Answer what was found, and what is found afterwards; then take back what is not needed."""
        for _ in range(ROUNDS):
            if not self._answered(answers):
                break
            arm = self.trainings.train("unchanged", self.accepted, self.seed)
            answers = self.trainings.answers(arm, self.accepted)
            if not any(several for _, several in answers):
                break
        self._ablate()

    def worths(self, *roles: Sequence[Arm]) -> list[tuple[float, ...]]:
        """The values of some arms as ones that are better the higher: as they are, or an error as a negative share.

        An error is measured against that of the first arm that did not fail, `TWICE` of it at most.
        """
        if self.trainings.direction == "max":
            return [tuple(0.0 if arm.value is None else arm.value for arm in several) for several in roles]
        scale = next((arm.value for several in roles for arm in several if arm.value is not None), 1.0)

        def share(value: float | None) -> float:
            return -TWICE if value is None else -min(value / max(scale, 1e-12), TWICE)

        return [tuple(share(arm.value) for arm in several) for several in roles]

    def _answered(self, answers: Answers) -> bool:
        """Whether a change holds: one of the findings in their order, or else two of the best together."""
        singles = [(finding, change) for finding, several in answers for change in several]
        fresh = [one for one in singles if remedying.flags(one[1]) not in self._seen][:TRIED]
        going, behind = self._halved(fresh)
        for place, (finding, change) in enumerate([*going, *(one.candidate for one in behind)]):
            if self._try([finding], change):
                self._pass_over(behind[max(0, place + 1 - len(going)) :])
                return True
        self._pass_over(behind)
        best = [(finding, several[0]) for finding, several in answers if several]
        for i, (one, first) in enumerate(best[:2]):
            for other, second in best[i + 1 : 3]:
                both = _together(first, second)
                if both is not None and self._try([one, other], both):
                    return True
        return self._uncovered()

    def _uncovered(self) -> bool:
        """Whether a change holds together with an answer to what was hidden by the fault that it mends.

        One fault may mask another: without either the training is as bad as with both. So where nothing held, what is
        found in the trainings whose own finding is gone is answered beside the change that made it go, the best first;
        then once more, in what that uncovers.
        """
        for _ in range(ROUNDS - 1):
            best = sorted(self._mended, key=lambda one: -one.worth)[:UNCOVERED]
            self._mended = []
            if any(self._try(findings, both) for findings, both in itertools.islice(self._beside(best), TRIED)):
                return True
        return False

    def _beside(self, mended: Sequence[_Mended]) -> Iterator[tuple[list[Finding], Change]]:
        """Each of the changes with an answer to what is found in its training."""
        for one in mended:
            for finding, several in self.trainings.answers(one.arm, [*self.accepted, one.change]):
                pairs = (_together(one.change, second) for second in several[:FEW])
                yield from (([*one.findings, finding], both) for both in pairs if both is not None)

    def _halved(self, candidates: list[Candidate]) -> tuple[list[Candidate], list[_Behind]]:
        """The candidates that are best after each rung, the best first; and those left behind, the last ones first.

        What was left behind but had gained something is tried after the others: the best may gain and cure nothing.
        """
        trainings, behind = self.trainings, list[_Behind]()
        for share in trainings.rungs:
            if len(candidates) <= FEW or trainings.over():
                break
            reference = trainings.train("unchanged", self.accepted, self.seed, share=share)
            arms = [
                trainings.train(change.name, [*self.accepted, change], self.seed, share=share)
                for _, change in candidates
            ]
            (before,), worths = self.worths([reference], arms)
            order = sorted(range(len(candidates)), key=lambda place: -worths[place])  # equals stay in their order
            kept = max(FEW, math.ceil(len(order) / 2))
            lost = [_Behind(candidates[place], share, worths[place] - before) for place in order[kept:]]
            candidates, behind = [candidates[place] for place in order[:kept]], [*lost, *behind]
        self._pass_over([one for one in behind if one.gain <= 0.0])
        return candidates, [one for one in behind if one.gain > 0.0]

    def _pass_over(self, behind: Sequence[_Behind]) -> None:
        """Tell of candidates that were left behind and not tried any further."""
        for one in behind:
            finding, change = one.candidate
            flags = remedying.flags(change)
            if flags in self._seen:
                continue
            self._seen.add(flags)
            share = f"{100 * one.share:.0f} % of a training"
            said = f"left behind: others were better after {share} (this one {one.gain:+.3f})"
            nothing = Proof("refused", 1, one.gain, None, one.gain, None, None)
            values = dict(change.values)
            self._note(Tried(finding.name, change.name, flags, values, nothing, False, False, said, (), (), ()))

    def _try(self, findings: Sequence[Finding], change: Change) -> bool:
        """Try one change seed by seed; True where it was accepted, and is now part of the recipe."""
        flags = remedying.flags(change)
        if flags in self._seen or self.trainings.over():
            return False
        self._seen.add(flags)
        if not change.by_gain:
            return self._rid_of(findings[0], change)
        forked = self.trainings.snapshot is not None and not any(one.structural for one in (*self.accepted, change))
        found, arms = self._proven(change, forked=forked)
        cleared = all(sum(one.name in arm.found for arm in arms["changed"]) * 2 < found.seeds for one in findings)
        accepted = found.state in ("verified", "provisional") and cleared
        names = " and ".join(one.name for one in findings)
        why = next((arm.why for arm in arms["changed"] if arm.why), "")
        said = _verdict(found, cleared, names) + (f"; it did not train: {why}" if why else "")
        values = dict(zip(arms, self.worths(*arms.values()), strict=True))
        at = self.trainings.snapshot if forked else None
        self._note(
            Tried(
                names, change.name, flags, dict(change.values), found, cleared, accepted, said, **values, forked_at=at
            )
        )
        if accepted:
            self.accepted.append(change)
        elif (
            found.state == "refused"
            and not forked
            and not any(one.name in arms["changed"][0].found for one in findings)
        ):
            self._mended.append(_Mended(tuple(findings), change, arms["changed"][0], values["changed"][0]))
        return accepted

    def _rid_of(self, finding: Finding, change: Change) -> bool:
        """Try what is to end a leak, after which scores fall: accepted where the exact check that saw it is silent."""
        train, flags = self.trainings.train, remedying.flags(change)
        before = train("unchanged", self.accepted, self.seed)
        after = train(change.name, [*self.accepted, change], self.seed)
        cleared = after.value is not None and finding.name not in after.found
        ((one,), (other,)) = self.worths([before], [after])
        state: Literal["verified", "refused"] = "verified" if cleared else "refused"
        found = Proof(state, 1, other - one, None, other - one, None, None)
        reason = "the check that saw it is silent now" if cleared else after.why or f"{finding.name} stays"
        said = f"{state}, not judged by gain but by the check itself: {reason} (gain {other - one:+.3f})"
        names, values = finding.name, dict(change.values)
        self._note(Tried(names, change.name, flags, values, found, cleared, cleared, said, (one,), (), (other,)))
        if cleared:
            self.accepted.append(change)
        return cleared

    def _proven(self, change: Change, *, forked: bool) -> tuple[Proof, dict[str, list[Arm]]]:
        """The proof of a change beside what was accepted so far, and the arms that it rests on by their role."""
        arms: dict[str, list[Arm]] = {"unchanged": [], "placebo": [], "changed": []}
        least = LEAST[self.trainings.direction]

        def add(role: str, name: str, changes: Sequence[Change], seed: int) -> None:
            arms[role].append(self.trainings.train(name, changes, seed, forked=forked))

        for seed in range(self.seed, self.seed + proof.MOST):
            add("unchanged", "unchanged", self.accepted, seed)
            add("changed", change.name, [*self.accepted, change], seed)
            before, beside, after = self.worths(*arms.values())
            if seed > self.seed or after[0] - before[0] > least:  # without a gain on the first seed none is needed
                add("placebo", "placebo", self.accepted, seed + PLACEBO)
                before, beside, after = self.worths(*arms.values())
            found = proof.judge(before, beside, after, least)
            if found.state in ("refused", "verified") or (seed > self.seed and self.trainings.over()):
                break
        return found, arms

    def _note(self, tried: Tried) -> None:
        self.tried.append(tried)
        self.trainings.say(f"{tried.remedy} ({tried.flags}): {tried.said}")

    def _ablate(self) -> None:
        """Take back every accepted change without which the training is as good, where there were several."""
        train, seeds = self.trainings.train, range(self.seed, self.seed + 2)
        for change in tuple(self.accepted):
            others = [one for one in self.accepted if one is not change]
            if not others:
                return
            whole = [train("healed", self.accepted, seed) for seed in seeds]
            without = [train(f"without {change.name}", others, seed) for seed in seeds]
            kept, left = map(fmean, self.worths(whole, without))
            if kept - left <= LEAST[self.trainings.direction]:
                self.accepted = others
                self.trainings.say(f"{change.name} is not needed: without it {kept - left:+.3f} is lost")


def answer(finding: Finding, tried: Sequence[Tried]) -> dict[str, Any]:
    """What became of a finding: name, severity, message, remedy (what was accepted, or advice), whether `verified`."""
    answers = [one for one in tried if finding.name in one.finding.split(" and ")]
    accepted = [one for one in answers if one.accepted]
    return {
        "name": finding.name,
        "severity": finding.severity,
        "message": finding.message,
        "remedy": accepted[0].flags if accepted else finding.remedy,
        "verified": any(one.proof.state == "verified" for one in accepted),
        "tried": len(answers),
    }


def verdict(tried: Sequence[Tried], edits: Sequence[str]) -> str:
    """One sentence: what holds, or that nothing does."""
    if not edits:
        return f"Nothing held: {counted(len(tried), 'change was', 'changes were')} tried."
    proven = all(one.proof.state == "verified" for one in tried if one.accepted)
    healed = "Healed" if proven else "Healed provisionally, for want of time for a third seed"
    return f"{healed}: {', '.join(edits)} holds against the unchanged training and a placebo."


def _together(first: Change, second: Change) -> Change | None:
    """Both changes as one; None where they set the same."""
    if not first.values.keys().isdisjoint(second.values):
        return None
    return Change({**first.values, **second.values}, first.why, f"{first.name} and {second.name}")


def _verdict(found: Proof, cleared: bool, names: str) -> str:
    seeds = counted(found.seeds, "seed", "seeds")
    if found.low is None or found.low_over_placebo is None or found.noise is None:
        return f"refused: no gain on the first seed ({found.gain:+.3f})"
    bounds = (
        f"gain {found.gain:+.3f} (at least {found.low:+.3f}), over the placebo {found.over_placebo:+.3f} (at least "
        f"{found.low_over_placebo:+.3f}), chance {found.noise:.3f}, on {seeds}"
        + ("; each changed training is better than all others" if found.apart else "")
    )
    if found.state in ("verified", "provisional") and not cleared:
        return f"not accepted: {bounds}; but {names} stays"
    return f"{'out of time' if found.state == 'open' else found.state}: {bounds}"
