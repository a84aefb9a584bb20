"""A trained network judged on other labeled data: scores, slices, and which of the data it was trained on. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from stepwell import discovery, inspection, ledger, preparation, reading
from stepwell.artifact import manifest as manifests
from stepwell.artifact import predictor, seen
from stepwell.artifact.predictor import Predictor
from stepwell.errors import DataError
from stepwell.judge import scoring
from stepwell.judge.leak import leak
from stepwell.judge.slices import FACTS_APART, slices
from stepwell.run import Run, open_run
from stepwell.schema import Columns, Examples


@dataclass(frozen=True)
class Evaluated:
    """The content of `scores.json` for new data, where they lay, and what of them could not be read and why by id."""

    scores: dict[str, Any]
    source: str
    unreadable: dict[str, str]


def owner(place: Path) -> Run | None:
    """The run that `place` is, or whose artifact it is; None for an artifact that lies alone."""
    alone = (place / manifests.FILE).exists() and not (place / "run.json").exists()
    if not alone:
        return open_run(place)
    return open_run(place.resolve().parent) if (place.resolve().parent / "run.json").exists() else None


def evaluate(place: Path, data: Any) -> Evaluated:
    """Judge the artifact at `place` (or of the run there) on labeled `data`, a look that the ledger counts for a run.

    Raises `ArtifactError` and `RunError` where there is no whole artifact, `DataError` where the data hold no example
    that can be judged, or none with an answer to compare with.
    """
    run = owner(place)
    loaded = predictor.load(place)
    folder = discovery.task(loaded.manifest.task)
    if run is not None and run.path("recipe.yaml").exists():
        examples = reading.read_alike(folder, data, run.recipe().values["reader"])
    else:
        examples = reading.read(folder, data, "auto", {})
    usable, unreadable = _usable(examples, loaded.preparation)
    truth, predictions = _answered(loaded, examples, usable, folder.card.truth)
    card, rooms, schema = folder.card.facing(loaded.schema), folder.rooms("metrics"), loaded.schema
    units = [examples.units[index] for index in usable]
    scores = scoring.judge(card, rooms, truth, predictions, schema, units, part="new")
    columns = _sliced(examples, usable, folder.card.truth)
    found = slices(card, rooms, truth, predictions, schema, columns, units)
    digests, known = _known(place, loaded, examples, usable, folder)
    ids = [examples.ids[index] for index in usable]
    trained = {digest for digest, one in zip(digests, known, strict=True) if one}
    price = leak(card, rooms, truth, predictions, schema, ids, digests, trained, units) if trained else None
    scores |= {"slices": msgspec.to_builtins(found), "leak": msgspec.to_builtins(price)}
    scores["looks"] = 0 if run is None else _count_look(run, data, ids)
    return Evaluated(scores, examples.source, unreadable)


def _answered(
    loaded: Predictor, examples: Examples, usable: Sequence[int], truth: Sequence[str]
) -> tuple[Columns, Columns]:
    """What is true of the usable examples, and what the artifact answers."""
    predictions, truths = [], []
    for begin in range(0, len(usable), 256):
        piece = preparation.prepare(loaded.preparation, examples, usable[begin : begin + 256], truth)
        predictions.append(loaded.answers(piece.columns, piece.traces))
        truths.append(piece.truth)
    return preparation.concatenate(truths), preparation.concatenate(predictions)


def _sliced(examples: Examples, usable: Sequence[int], truth: Sequence[str]) -> Columns:
    """The raw columns and facts by which the usable examples can be sliced."""
    apart = (*FACTS_APART, *truth)
    facts = {name: [values[i] for i in usable] for name, values in examples.facts.items() if name not in apart}
    raw = examples.fetch(usable, None) if examples.columns else {}
    return {**facts, **{name: raw[name] for name in examples.columns}}


def _known(
    place: Path, loaded: Predictor, examples: Examples, usable: Sequence[int], folder: discovery.Folder
) -> tuple[list[str], list[bool]]:
    """A name for the content of each usable example, and whether the network was trained on it, as far as is known."""
    if seen.FILE not in loaded.manifest.files:
        return [""] * len(usable), [False] * len(usable)
    content = manifests.contents(predictor.locate(place), loaded.manifest, seen.FILE)
    all_digests = inspection.inspect(examples, folder).digests
    digests = [all_digests[index] for index in usable]
    return [one or "" for one in digests], seen.among(content, digests).tolist()


def _usable(examples: Examples, prepared_by: preparation.Preparation) -> tuple[list[int], dict[str, str]]:
    """The indices of examples that can be prepared, and for each other id what is wrong with it."""
    usable: list[int] = []
    unreadable: dict[str, str] = {}
    for index, outcome in preparation.readable(prepared_by, examples, range(len(examples))):
        if isinstance(outcome, DataError):
            unreadable[examples.ids[index]] = outcome.what
        else:
            usable.append(index)
    if not usable:
        first = next(iter(unreadable.items()), ("", "there are none"))
        raise DataError(
            "None of the examples can be judged.", where=examples.source, do=f"look at {first[0]}: {first[1]}"
        )
    return usable, unreadable


def _count_look(opened: Run, data: Any, ids: Sequence[str]) -> int:
    """Note in the ledger that a run is judged on the examples `ids` of `data`; 0 where that cannot be known again."""
    state = opened.state()
    if not isinstance(data, str | Path):
        return 0
    source = str(Path(data).expanduser().resolve())
    looks, _ = ledger.look(
        ledger.place(opened.folder, state["task"]),
        state.get("lineage", ""),
        # The data of the training are known by their own ids; others must not be taken for them.
        ids if source == state.get("data") else [f"{source}\0{one}" for one in ids],
        who=f"evaluate {opened.folder}",
        stamp=f"evaluate {opened.folder.resolve()} {datetime.now(UTC).isoformat()}",
    )
    return looks.count
