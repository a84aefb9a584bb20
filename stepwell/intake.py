"""Steps 2 to 5 of a training: the data are read, checked, split and prepared.

What the run folder already says (the split, the fitted preparation) is taken from there, so that a
resumed run sees exactly the data that it began with, or is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from stepwell import (
    building,
    calibration,
    discovery,
    files,
    inspection,
    ledger,
    preparation,
    reading,
    recipe,
    splitting,
)
from stepwell.artifact import seen
from stepwell.building import Data
from stepwell.errors import DataError, RunError
from stepwell.job import Job, Looked
from stepwell.preparation import Preparation
from stepwell.progress import Progress
from stepwell.recipe import Recipe
from stepwell.schema import PARTS, Examples, Finding, Part


def look(job: Job) -> Data:
    """Read, check, split and prepare the data; findings are written, and those of severity 3 stop."""
    clock, progress = job.clock, job.progress
    looked = read(job) if job.shared.looked is None else job.shared.looked
    examples, inspected, before = looked.examples, looked.inspection, looked.findings
    with clock.stage("checking", progress):
        rows = _split(job, examples, inspected)
        assigned = [row.part for row in rows]
        findings = _merged(before, inspection.run_checks(inspected, assigned))
        job.run.write_json("findings.json", [msgspec.to_builtins(one) for one in findings])
        _stop_at_severe(job, findings)
    readable = [index for index in range(len(examples)) if index not in inspected.errors]
    parts: dict[Part, list[int]] = {part: [i for i in readable if assigned[i] == part] for part in PARTS}
    _tell(progress, findings, {part: len(indices) for part, indices in parts.items()})
    fitted_on = [inspected.digests[i] for i in (*parts["train"], *parts["valid"])]
    files.write_whole(job.run.path(seen.FILE), seen.encoded(fitted_on))
    with clock.stage("preparing", progress):
        prepared_by = _preparation(job, examples, parts["train"])
        parts = _usable(job, prepared_by, examples, parts)
        in_memory = _in_memory(job, prepared_by, examples, readable)
        return building.load_parts(job.folder, examples, parts, prepared_by, in_memory=in_memory)


def otherwise(job: Job, data: Data, changed: Recipe) -> Data:
    """The same examples in the same parts, prepared as another recipe says, fitted on the same training part."""
    fitted = _fitted(job, changed, data.examples, data.parts["train"])
    return building.load_parts(job.folder, data.examples, data.parts, fitted, in_memory=bool(data.prepared))


def read(job: Job) -> Looked:
    """Read the data and look at every example, before any split; findings of severity 3 stop."""
    with job.clock.stage("reading", job.progress):
        chosen = job.recipe.values["reader"]
        options = {name: value for name, value in chosen.items() if name != "name"}
        examples = reading.read(job.folder, job.source, chosen["name"], options)
        job.progress.note(f"{examples.source}: {len(examples):,} examples, read as {examples.reader}")
    with job.clock.stage("checking", job.progress):
        budget = job.recipe.options("budget").time
        inspected = inspection.inspect(examples, job.folder, seconds=None if budget is None else budget / 10)
        findings = (*examples.findings, *inspection.run_checks(inspected, None))
        _stop_at_severe(job, findings)
    return Looked(examples, inspected, findings)


def _split(job: Job, examples: Examples, inspected: inspection.Inspection) -> Sequence[splitting.Row]:
    """The split in the run folder where there is one (it must fit the data), else a new one, written down."""
    path = job.run.path("split.csv")
    state = job.run.state()
    fingerprint = inspection.fingerprint(inspected)
    if path.exists() and "fingerprint" in state:
        if state["fingerprint"] != fingerprint:
            raise RunError(
                "The data have changed since this run was started.",
                where=examples.source,
                do=f"put them back as they were, or train on the new data with: "
                f"stepwell train {job.folder.name} {examples.source} --from {job.run.folder}",
            )
        return splitting.read_split(path)
    earlier = {}
    rule, options, module = job.recipe.name("split"), job.recipe.options("split"), job.recipe.module("split")
    if job.start is not None and job.start.path("split.csv").exists():
        earlier = {row.id: row.part for row in splitting.read_split(job.start.path("split.csv"))}
        rule = f"{rule} from {job.start.folder.resolve()}"
    tied = find_ties(options, examples, inspected)
    seed, root = job.recipe.values["seed"], ledger.place(job.run.folder, job.folder.name)
    key = ledger.split_key(rule, options, seed)
    now = ledger.units(examples.ids, [inspected.noted(i, "digest") for i in range(len(examples))])
    moves = getattr(module, "moves", None)
    known = ledger.Remembered({})
    if moves is None or not moves(options):
        known = _useful(ledger.remember(root, job.folder.name, examples.source, now, examples.ids, key), len(examples))
    for note in dict.fromkeys((*tied.notes, *known.notes)):  # before the split, which they may explain the failure of
        job.progress.note(note)
    rows = splitting.make_split(
        options,
        module,
        examples,
        inspected.digests,
        seed,
        ties=tied,
        left_out=inspected.errors,
        truth=job.folder.card.truth,
        earlier=earlier,
        remembered=known.parts,
    )
    splitting.write_split(path, rows)
    noted = ledger.note_split(root, job.folder.name, examples.source, now, [row.part for row in rows], key)
    for note in dict.fromkeys(noted.notes):
        if note not in (*tied.notes, *known.notes):
            job.progress.note(note)
    state = {**job.run.state(), "fingerprint": fingerprint, "lineage": noted.lineage}
    files.write_json(job.run.path("run.json"), state)
    return rows


def _useful(known: ledger.Remembered, count: int) -> ledger.Remembered:
    """What is remembered of `count` examples; nothing where all are known and a part would be empty.

    So it is with a file that was one part of more, as the train file of a folder with a test file beside it.
    """
    lost = [part for part in PARTS if part not in known.parts.values()]
    if not lost or len(known.parts) < count:
        return known
    note = f"all {count:,} examples are known from earlier runs, but none of them was in {' or '.join(lost)}: "
    return ledger.Remembered({}, (*known.notes, note + "they are split anew"))


def find_ties(options: Any, examples: Examples, inspected: inspection.Inspection) -> splitting.Ties:
    """What the options of a rule tie together, by what was seen of every example (see `splitting.find_ties`)."""
    hashes = [inspected.noted(i, "likeness") for i in range(len(examples))]
    return splitting.find_ties(options, examples, hashes)


def _preparation(job: Job, examples: Examples, train: Sequence[int]) -> Preparation:
    """The preparation in the run folder where there is one, else fitted on the training part and written down."""
    path = job.run.path("preparation.json")
    if path.exists():
        return preparation.from_json(files.read_json(path), job.folder.rooms("transforms"))
    fitted = _fitted(job, job.recipe, examples, train)
    files.write_json(path, preparation.to_json(fitted))
    return fitted


def _fitted(job: Job, draft: Recipe, examples: Examples, train: Sequence[int]) -> Preparation:
    own = job.model is not None  # which the recipe's network says nothing of
    decided = {} if own else calibration.within_time(draft, job.folder, examples, train)
    options = recipe.with_values(draft, decided).options("prepare")
    fitted: Preparation = job.folder.module("prepare").fit(options, examples, train)
    return fitted


def _usable(
    job: Job, prepared_by: Preparation, examples: Examples, parts: Mapping[Part, Sequence[int]]
) -> dict[Part, list[int]]:
    """The parts without what the fitted preparation refuses, where the task's `prepare.usable` says so, noted."""
    prepare = job.folder.module("prepare")
    if not hasattr(prepare, "usable"):
        return {part: list(indices) for part, indices in parts.items()}
    kept: dict[Part, list[int]] = {
        part: prepare.usable(prepared_by, examples, indices) for part, indices in parts.items()
    }
    for part, indices in parts.items():
        if len(kept[part]) < len(indices):
            lost = len(indices) - len(kept[part])
            job.progress.note(f"{lost:,} of {len(indices):,} {part} examples cannot be prepared and are left out")
        if indices and not kept[part]:
            raise DataError(
                f"No example of the {part} part can be prepared.",
                where=examples.source,
                do="prepare them otherwise: see the settings of prepare",
            )
    return kept


def _in_memory(job: Job, prepared_by: Preparation, examples: Examples, readable: Sequence[int]) -> bool:
    """Whether prepared examples lie in memory: as the recipe says, or by their size."""
    wanted = job.recipe.options("training").memory
    if wanted == "auto":
        size = building.bytes_per_example(prepared_by, examples, readable)
        decided = calibration.memory(job.recipe, size, len(readable))
        wanted = decided["training.memory"][0]
    return bool(wanted == "in_memory")


def _stop_at_severe(job: Job, findings: Sequence[Finding]) -> None:
    severe = [one for one in findings if one.severity == 3]
    if severe and not job.force:
        job.run.write_json("findings.json", [msgspec.to_builtins(one) for one in findings])
        first = severe[0]
        more = f" ({len(severe) - 1} more of this weight: stepwell check shows all)" if len(severe) > 1 else ""
        raise DataError(f"{first.message}{more}", where=_where(first), do=f"{first.remedy}; or go on with --force")


def _where(finding: Finding) -> str:
    where = ", ".join(f"{key} {value}" for key, value in finding.where.items())
    return where or ", ".join(finding.examples[:3])


def _merged(before: Sequence[Finding], after: Sequence[Finding]) -> list[Finding]:
    """The findings after the split, which say more, and those from before that still hold and that they do not repeat.

    Worst first. What a check said that looks again (`AGAIN`) holds no more.
    """
    said = {(one.name, one.message) for one in after}
    again = {name for name in discovery.names("audit") if getattr(discovery.load("audit", name), "AGAIN", False)}
    both = [*after, *(one for one in before if (one.name, one.message) not in said and one.name not in again)]
    return sorted(both, key=lambda one: -one.severity)


def _tell(progress: Progress, findings: Sequence[Finding], counts: Mapping[Part, int]) -> None:
    progress.note("split: " + ", ".join(f"{count:,} {part}" for part, count in counts.items()))
    for one in findings[:3]:
        progress.note(f"found: {one.message}")
    if len(findings) > 3:
        progress.note(f"found: {len(findings) - 3} more, all in findings.json and the report")
