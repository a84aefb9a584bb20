"""The artifact at work: raw inputs in, answers in the user's terms out; no torch anywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import msgspec
import numpy as np

from stepwell import discovery, files, preparation
from stepwell.artifact import manifest as manifests
from stepwell.artifact.manifest import Manifest
from stepwell.artifact.session import open_network
from stepwell.errors import ArtifactError, ExampleError, UsageError
from stepwell.judge import confidence
from stepwell.judge.confidence import Confidence
from stepwell.preparation import Inference, Preparation
from stepwell.schema import Array, Columns, Examples, Schema, Trace


@dataclass(frozen=True)
class Predictor:
    """An opened artifact; `load` makes one.

    `network` maps the arrays of a call to raw outputs, `infer` runs any such network over prepared
    columns as the artifact does, and `prepare` is the task's module of that name. `confidence` is what
    was fitted on validation to rely on answers, or None. `batch_size` is the number of examples that are
    read, prepared and run at a time; memory grows with it, answers do not depend on it.
    """

    manifest: Manifest
    preparation: Preparation
    network: Callable[[list[Array]], list[Array]]
    infer: Infer
    prepare: ModuleType
    batch_size: int = 64
    confidence: Confidence | None = None

    @property
    def schema(self) -> Schema:
        """What a prepared example holds; the classes are in its fields."""
        return self.preparation.schema

    def __call__(self, source: Any) -> list[dict[str, Any]]:
        """All answers of `predict` in a list."""
        return list(self.predict(source))

    def predict(self, source: Any) -> Iterator[dict[str, Any]]:
        """One answer for each example of `source`, in order, as plain JSON values: `{"id": …, <field>: …}`.

        An example that cannot be read, prepared or run comes as `{"id": …, "error": …}` and does not
        end the rest. Raises `DataError` where the source as a whole cannot be used.
        """
        examples = self.inputs(source)
        for start in range(0, len(examples), self.batch_size):
            yield from self._rows(examples, range(start, min(start + self.batch_size, len(examples))))

    def inputs(self, source: Any) -> Examples:
        """What lies in `source` (files, a folder, arrays: whatever the task takes), unlabeled and not yet read."""
        return cast("Examples", self.prepare.inputs(source))

    def answers(self, columns: Columns, traces: Sequence[Trace]) -> Columns:
        """Inference and decoding over prepared columns: predictions in the terms of the task's `decode`.

        Where the artifact carries a confidence it scales and decides them, and may add `set` or `low` and `high`
        (see `judge.confidence.answer`). Raises `ExampleError` where the network cannot work with one of the examples.
        """
        outputs = self.infer(self.network, columns, self.batch_size)

        def decode(raw: Columns) -> Columns:
            return cast("Columns", self.prepare.decode(raw, traces, self.schema))

        return confidence.answer(self.confidence, outputs, decode, self.infer.schema.outputs, self.schema)

    def _rows(self, examples: Examples, indices: range) -> list[dict[str, Any]]:
        """The answers at `indices`; where an example fails, halves are tried until it stands alone."""
        try:
            columns, traces = preparation.run(self.preparation, examples.fetch(indices, None))
            answers = self.answers(columns, traces)
        except ExampleError as error:
            if len(indices) == 1:
                return [{"id": examples.ids[indices[0]], "error": error.what}]
            half = len(indices) // 2
            return self._rows(examples, indices[:half]) + self._rows(examples, indices[half:])
        return [self._row(examples.ids[index], answers, place) for place, index in enumerate(indices)]

    def _row(self, name: str, answers: Columns, place: int) -> dict[str, Any]:
        prediction = {field: column[place] for field, column in answers.items()}
        if hasattr(self.prepare, "row"):
            prediction = self.prepare.row(prediction, self.schema)
        return {"id": name, **{field: plain_value(value) for field, value in prediction.items()}}


@dataclass(frozen=True)
class Infer:
    """A file of the shelf `inference/` with its options, and the fields of the networks that it runs."""

    module: ModuleType
    options: Any
    schema: Schema

    def __call__(self, network: Callable[[list[Array]], list[Array]], columns: Columns, batch_size: int) -> Columns:
        """Run `network` over the inputs among `columns`; its raw outputs by name."""
        inputs: Columns = {one.name: columns[one.name] for one in self.schema.inputs}
        return cast("Columns", self.module.run(network, inputs, self.schema, self.options, batch_size))


def load(folder: Path | str, *, threads: int | None = None, batch_size: int = 64) -> Predictor:
    """Open the artifact in `folder`, or that of the run in `folder`, after checking every digest.

    `threads` is the number of threads that a network may use, None for onnxruntime's own choice.

    Raises `ArtifactError` where there is no artifact, where it is damaged, unsafe, of a newer format or
    never passed its gate, or where its task is not installed; `MissingExtraError` where the task needs
    a package that is not there.
    """
    place = locate(Path(folder))
    manifest = manifests.read(place)
    if manifest.gate is None:
        raise ArtifactError(
            "This artifact never passed its gate: nobody compared its answers with the trained network's.",
            where=str(place),
            do="finish the run that made it: stepwell resume RUN",
        )
    return build(place, manifest, threads=threads, batch_size=batch_size)


def build(folder: Path, manifest: Manifest, *, threads: int | None = None, batch_size: int = 64) -> Predictor:
    """The Predictor of an artifact whose manifest is read, whether or not it passed its gate; raises as `load`."""
    manifests.verify(folder, manifest)
    try:
        task = discovery.task(manifest.task)
    except UsageError as error:
        raise ArtifactError(
            f"This artifact is of the task {manifest.task!r}, which is not installed here.",
            where=str(folder / manifests.FILE),
            do=f"install the package that brings this task, or a newer stepwell. {error.do}",
        ) from error
    rebuilt = preparation.from_json(manifest.preparation, task.rooms("transforms"))
    network = manifest.networks[manifest.predict_with]
    return Predictor(
        manifest=manifest,
        preparation=rebuilt,
        network=open_network(folder, manifest, manifest.predict_with, threads=threads),
        infer=inference(rebuilt.inference, Schema(network.inputs, rebuilt.schema.targets, network.outputs)),
        prepare=task.module("prepare"),
        batch_size=batch_size,
        confidence=manifest.confidence,
    )


def inference(declared: Inference, schema: Schema) -> Infer:
    """The declared kind of inference, ready to run networks with the fields of `schema`.

    Raises `ArtifactError` where the kind is unknown or its options do not fit.
    """
    try:
        module = discovery.load("inference", declared.name)
        options = msgspec.convert(dict(declared.options), module.Options)
    except (UsageError, msgspec.ValidationError) as error:
        raise ArtifactError(
            f"The declared inference {declared.name!r} cannot be rebuilt: {error}.",
            do="load it with the version of Stepwell that wrote it, or train again",
        ) from error
    return Infer(module, options, schema)


def locate(folder: Path) -> Path:
    """The artifact's folder: `folder` itself, or `artifact` in the run that it is; `ArtifactError` where neither is."""
    for place in (folder, folder / "artifact"):
        if (place / manifests.FILE).exists():
            return place
    if (folder / "run.json").exists():
        state = files.read_json(folder / "run.json")
        if isinstance(state, Mapping) and state.get("kind") == "folds":
            raise ArtifactError(
                "This run of folds judges a recipe and holds no network that answers.",
                where=str(folder),
                do=f"train one without --folds for that; its scores: stepwell evaluate {folder}",
            )
        raise ArtifactError(
            "This run has no artifact: it did not finish.",
            where=str(folder),
            do=f"finish it first: stepwell resume {folder}",
        )
    raise ArtifactError(
        "There is no artifact and no run here." if folder.exists() else "There is no such folder.",
        where=str(folder),
        do="name a finished run, or the folder 'artifact' inside one; stepwell runs lists them",
    )


def plain_value(value: Any) -> Any:
    """`value` as what JSON knows: numpy scalars and arrays become Python's numbers, texts and lists, at any depth."""
    if isinstance(value, np.ndarray | np.generic):
        return plain_value(value.tolist()) if value.dtype.hasobject else value.tolist()
    if isinstance(value, Mapping):
        return {str(key): plain_value(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain_value(one) for one in value]
    return value
