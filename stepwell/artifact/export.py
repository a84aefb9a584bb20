"""From trained modules to an artifact: each network one ONNX file, written whole with its manifest."""

from __future__ import annotations

import contextlib
import copy
import importlib
import io
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from stepwell import files, preparation, randomness
from stepwell.artifact import manifest as manifests
from stepwell.artifact.manifest import License, Manifest, NetworkFile
from stepwell.artifact.predictor import Infer, inference
from stepwell.errors import ArtifactError
from stepwell.judge.confidence import Confidence
from stepwell.preparation import Inference, Preparation, Prepared
from stepwell.schema import Array, Columns, Field, Network, Schema


def export(
    networks: Mapping[str, Network],
    declared: Preparation,
    folder: Path,
    *,
    task: str,
    samples: Prepared,
    more: Mapping[str, bytes] | None = None,
    confidence: Confidence | None = None,
) -> Manifest:
    """Write `networks` and `declared` as an artifact in `folder`, which replaces what lay there; `gate` comes next.

    The first of `networks` is the one that predicts. `samples` are a few prepared examples that show
    each network the sizes it works on. A copy of each module is exported, in evaluation mode, on the
    CPU, in float32; the module itself stays as it is. Batch axes and symbolic sizes stay free. `more`
    holds further files by name, `confidence` what is applied to the answers; licenses are those that the
    modules name (`licenses_of`). Returns the manifest; its
    `gate` is None, so that `load` refuses the artifact until it has passed.

    Raises `ArtifactError` where a network cannot be exported, and `RunError` where the disk refuses.
    """
    predict_with = next(iter(networks))
    contents = dict(more or {})
    listed = {}
    for name, network in networks.items():
        infer = inference_of(name, network, declared, predict_with)
        arrays = _first_call(infer, network_inputs(network.inputs, samples))
        contents[f"{name}.onnx"] = onnx_bytes(name, network, arrays)
        listed[name] = NetworkFile(f"{name}.onnx", network.inputs, network.outputs)
    with files.whole_folder(folder) as beside:
        for name, content in contents.items():
            files.write_whole(beside / name, content)
        manifest = Manifest(
            format=manifests.FORMAT,
            task=task,
            stepwell=manifests.version(),
            created=manifests.now(),
            preparation=preparation.to_json(declared),
            networks=listed,
            predict_with=predict_with,
            files=manifests.describe(beside),
            extra=preparation.needed_extra(declared),
            licenses=licenses_of(networks),
            confidence=confidence,
        )
        manifests.write(beside, manifest)
    return manifest


def licenses_of(networks: Mapping[str, Network]) -> tuple[License, ...]:
    """What modules say, as their `licenses`, of weights in them that others made: each once."""
    modules = [module for network in networks.values() for module in network.module.modules()]
    return tuple(dict.fromkeys(one for module in modules for one in getattr(module, "licenses", ())))


def inference_of(name: str, network: Network, declared: Preparation, predict_with: str) -> Infer:
    """How a network of an artifact is run: as declared if it is the one that predicts, in plain batches otherwise."""
    kind = declared.inference if name == predict_with else Inference()
    return inference(kind, Schema(network.inputs, declared.schema.targets, network.outputs))


def network_inputs(fields: Sequence[Field], samples: Prepared) -> Columns:
    """The columns of `samples` that a network takes; noise that no preparation makes is drawn, standard normal.

    Raises `ArtifactError` where any other field is missing.
    """
    inputs: Columns = {}
    for one in fields:
        if one.name in samples.columns:
            inputs[one.name] = samples.columns[one.name]
        elif one.kind == "noise" and all(isinstance(size, int) for size in one.shape):
            shape = tuple(int(size) for size in one.shape)
            drawn = randomness.normal(0, f"gate {one.name}", 0, randomness.keys(samples.ids), shape)
            inputs[one.name] = drawn.astype(one.dtype)
        else:
            raise ArtifactError(
                f"A network takes {one.name!r}, which no prepared example holds.",
                do="let the preparation write this field, or take it from the network's inputs",
            )
    return inputs


def exportable(module: nn.Module) -> nn.Module:
    """A copy of `module` in evaluation mode, on the CPU, in float32."""
    return copy.deepcopy(module).to("cpu", torch.float32).eval()


def onnx_bytes(name: str, network: Network, arrays: list[Array]) -> bytes:
    """`network` as one self-contained ONNX file; `arrays` is an example of a call.

    The file carries no stack traces and no paths of this machine. Raises `ArtifactError` where torch
    cannot export the network or fixes a size that the fields leave free.
    """
    module = exportable(network.module)
    taken = manifests.input_names(network.inputs)
    answered = [one.name if one.name not in taken else f"{one.name}_answer" for one in network.outputs]
    tensors = tuple(torch.from_numpy(array) for array in _sized(arrays, network.inputs))
    try:
        with _quiet(), torch.no_grad():
            program = torch.onnx.export(
                module,
                tensors,
                dynamo=True,
                external_data=False,
                dynamic_shapes=tuple(
                    dict.fromkeys(axes, torch.export.Dim.DYNAMIC) for axes in _free_axes(network.inputs)
                ),
                input_names=list(taken),
                output_names=answered,
                verbose=False,
            )
    except torch.onnx.OnnxExporterError as error:
        raise ArtifactError(
            f"The network {name!r} cannot be exported to ONNX: {_reason(error)}",
            do="write its forward without branches on tensor values and sizes, and without packed sequences",
        ) from error
    if program is None:  # torch's signature allows it; with dynamo=True it always answers
        raise ArtifactError(f"torch exported nothing for the network {name!r}.")
    proto = program.model_proto
    _tidy(proto.graph)
    name_axes(name, proto.graph, network)
    return bytes(proto.SerializeToString())


class _Seen(Exception):
    """Ends an inference at its first call; carries the arrays."""

    def __init__(self, arrays: list[Array]) -> None:
        super().__init__()
        self.arrays = arrays


def _first_call(infer: Infer, inputs: Columns) -> list[Array]:
    """What the inference hands to its network first, for a batch of two, without running any network."""

    def spy(arrays: list[Array]) -> list[Array]:
        raise _Seen(arrays)

    try:
        infer(spy, inputs, 2)
    except _Seen as seen:
        return seen.arrays
    raise ArtifactError(
        "There is no prepared example to export the network with.", do="give the part 'valid' at least one example"
    )


def _sized(arrays: list[Array], fields: Sequence[Field]) -> list[Array]:
    """The arrays with at least two of everything that stays free: torch.export takes a size of one for a constant."""
    sized = []
    for array, axes in zip(arrays, _free_axes(fields), strict=True):
        for axis in axes:
            if array.shape[axis] == 1:
                array = np.concatenate([array, array], axis=axis)
        sized.append(np.ascontiguousarray(array))
    return sized


def _free_axes(fields: Sequence[Field]) -> list[list[int]]:
    """For each array of a call, the axes whose size may differ from call to call: the batch, and symbolic sizes."""
    free = []
    for one in fields:
        free.append([0, *(axis for axis, size in enumerate(one.shape, start=1) if isinstance(size, str))])
        if one.ragged:
            free.append([0])
    return free


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep to itself what torch prints, warns and logs while it exports; failures still come as exceptions."""
    logger = logging.getLogger("torch")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
            _without_monitor(),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


@contextlib.contextmanager
def _without_monitor() -> Iterator[None]:
    """No thread stays behind: torch makes bars of tqdm, unseen ones too, and the first of all starts its monitor."""
    try:
        bars = importlib.import_module("tqdm").tqdm
    except ModuleNotFoundError:  # torch has bars of its own then
        yield
        return
    interval, bars.monitor_interval = bars.monitor_interval, 0
    try:
        yield
    finally:
        bars.monitor_interval = interval


def _reason(error: BaseException) -> str:
    """The first sentence of the innermost cause: torch wraps it in pages of advice."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    return " ".join(lines[:2]) if lines[0].endswith(":") else lines[0]


def _tidy(graph: Any) -> None:
    """Remove inferred shapes, which are wrong for other sizes and hinder quantizing, and traces of this machine."""
    graph.ClearField("value_info")
    graph.ClearField("metadata_props")
    for node in graph.node:
        node.ClearField("metadata_props")
        node.ClearField("doc_string")
        for attribute in node.attribute:
            if attribute.HasField("g"):
                _tidy(attribute.g)
            for inner in attribute.graphs:
                _tidy(inner)
    for value in (*graph.input, *graph.output, *graph.initializer):
        value.ClearField("metadata_props")


def name_axes(name: str, graph: Any, network: Network) -> None:
    """Give the axes of inputs and outputs the schema's names, and each free one a name of its own.

    Sizes that torch saw in the example are no promise for outputs, and onnxruntime may reuse memory
    between axes of one name: so only the batch, which is the same everywhere, shares its name.
    """
    slots: list[Field | None] = [slot for one in network.inputs for slot in ((one, None) if one.ragged else (one,))]
    for value, one in zip((*graph.input, *graph.output), (*slots, *network.outputs), strict=True):
        axes = value.type.tensor_type.shape.dim
        shape = one.shape if one is not None else ()
        if len(axes) != 1 + len(shape):
            raise ArtifactError(
                f"The output {value.name!r} of the network {name!r} has {len(axes)} axes; the schema declares "
                f"{1 + len(shape)}, the batch among them.",
                do="let the network answer as its schema declares",
            )
        axes[0].dim_param = "batch"
        for axis, size in zip(list(axes)[1:], shape, strict=True):
            if isinstance(size, str):
                axis.dim_param = f"{value.name}_{size}"
            elif axis.dim_value not in (0, size):
                raise ArtifactError(
                    f"The output {value.name!r} of the network {name!r} has an axis of {axis.dim_value} where the "
                    f"schema declares {size}.",
                    do="let the network answer as its schema declares",
                )
