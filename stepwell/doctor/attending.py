"""The doctor at a training of Stepwell's own: quiet, unless something harms; what it read is kept in the run folder.

It listens as it does to anyone's code, and knows besides how the loss of held-out examples is computed and how many
cycles are planned. A training that is taken up again is watched on from the record of the one that stopped.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from torch import Tensor, nn

from stepwell import discovery, files
from stepwell.doctor import diagnosing, page, probe, remedying
from stepwell.doctor.listening import listening
from stepwell.doctor.record import SIGNALS, Record, read
from stepwell.doctor.tape import tensors
from stepwell.doctor.watch import Doctor, HeldOut
from stepwell.errors import RunError, counted
from stepwell.loop import Turn, combined
from stepwell.progress import Progress
from stepwell.run import Run
from stepwell.schema import Batch, Finding, Objective

PAGE, FINDINGS = "doctor.html", "findings.json"


@dataclass(frozen=True)
class Attended:
    """A training that is watched: the turns that the doctor hears of, and what keeps what was read so far.

    `ruined` gives what was found that ruins the training, once it is found.
    """

    turns: Sequence[Turn]
    keep: Callable[[], None] = lambda: None
    ruined: Callable[[], Finding | None] = lambda: None


@contextlib.contextmanager
def attended(
    run: Run,
    progress: Progress,
    model: nn.Module,
    turns: Sequence[Turn],
    held_out: HeldOut,
    cycles: tuple[int, int],
) -> Iterator[Attended]:
    """Watch the training of `model` inside the block; `cycles` are those done and those planned.

    When the block is left, whatever way, signals, findings and the doctor's page are in the run folder, and
    one line says what was found. Objectives that take turns are not watched, which is said.
    """
    done, planned = cycles
    if len(turns) != 1:
        progress.note("the doctor does not watch objectives that take turns")
        yield Attended(turns)
        return
    earlier = _earlier(run, done)
    ruin: list[Finding] = []

    def tell(one: Finding) -> None:
        progress.note(f"doctor: {one.message} Try: {one.remedy}.")
        if getattr(discovery.load(diagnosing.ROOM, one.name), "RUINS", False):
            ruin.append(one)

    doctor = Doctor(
        model,
        turns[0].optimizer,
        None,
        None,
        planned,
        told=tell,
        judge=held_out,
        earlier=earlier,
        least_look=0.0,
    )
    if not run.state().get("own_model"):
        doctor.record.facts["frozen_by"] = "the recipe"  # which freezes what has learnt elsewhere
    keep = functools.partial(_keep, run, doctor)
    with listening(model, turns[0].optimizer, doctor):
        try:
            yield Attended([_heard(turns[0], doctor)], keep, lambda: ruin[0] if ruin else None)
        finally:
            doctor.end()
            with contextlib.suppress(RunError):  # a disk that failed has ended the training: that is what must be heard
                keep()
                _conclude(run, doctor)
    progress.note(said(doctor.record, doctor.findings, doctor.cost))


def held_out(
    objective: Objective, batches: Sequence[Batch], target: str, around: Callable[[nn.Module], nn.Module]
) -> HeldOut:
    """What tells of a model on examples that are not learnt from: the objective's loss, and of classes the recall.

    `around(model)` is what the objective calls in place of the model.
    """

    def judge(model: nn.Module, most: int) -> dict[str, Any]:
        """What is known of `most` batches; nothing where no example is held out."""
        heard: list[Tensor] = []
        answers, losses, few = list[Tensor](), 0.0, batches[:most]
        hook = model.register_forward_hook(lambda _, __, output: heard.extend(tensors(output)))
        try:
            for batch in few:
                heard.clear()
                losses += len(batch) * float(combined(objective.loss(around(model), batch), None, objective.name))
                answers += heard[:1]
        finally:
            hook.remove()
        if not few:
            return {}
        known: dict[str, Any] = {}
        if len(answers) == len(few) and all(target in batch.fields for batch in few):
            known = probe.right(answers, [batch.fields[target] for batch in few])
        told = {f"valid_{name}": value for name, value in known.items()}
        return {"valid_loss": losses / sum(map(len, few)), **told}

    return judge


def said(record: Record, findings: Sequence[Finding], cost: float) -> str:
    """One line: what was read, and how much was found."""
    harmful = [one.name.replace("_", " ") for one in findings if one.severity > 1]
    notices = len(findings) - len(harmful)
    found = f"found {', '.join(harmful)}" if harmful else "nothing found that harms"
    also = f", {counted(notices, 'notice', 'notices')}" if notices else ""
    looked = f"{100 * cost:.1f} % of the time of training"
    return f"the doctor watched {counted(record.length, 'update', 'updates')} ({looked}): {found}{also}"


def _earlier(run: Run, done: int) -> Record | None:
    """What was read of this training before it stopped; None at its beginning, or where that is lost."""
    path = run.path(SIGNALS)
    if not done or not path.exists():
        return None if not done else Record(unread=["the beginning: its signals are lost"]).until(done)
    return read(path).until(done)


def _heard(turn: Turn, doctor: Doctor) -> Turn:
    """The turn, its quicker step told to the doctor; torch itself tells of an optimizer's own, as the first one is."""
    quick = turn.step
    if quick is None:
        return turn

    def step() -> None:
        before = doctor.updates
        doctor.steps()
        quick()
        if doctor.updates == before:
            doctor.stepped()

    return replace(turn, step=step)


def _keep(run: Run, doctor: Doctor) -> None:
    files.write_whole(run.path(SIGNALS), "".join(f"{line}\n" for line in doctor.read().rows()))


def _conclude(run: Run, doctor: Doctor) -> None:
    """Put the findings beside those of the audit, and draw the page."""
    mine = set(discovery.names(diagnosing.ROOM))
    known = run.read_json(FINDINGS) if run.path(FINDINGS).exists() else []
    found = remedying.with_flags(doctor.findings, doctor.record, run.recipe())
    others = [one for one in known if one["name"] not in mine]
    run.write_json(FINDINGS, [*others, *(msgspec.to_builtins(one) for one in found)])
    files.write_whole(run.path(PAGE), page.build(doctor.record, found, doctor.cost))
