"""An exported network as a plain function of arrays, run by onnxruntime on the CPU."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from stepwell.artifact import manifest as manifests
from stepwell.artifact.manifest import Manifest, NetworkFile
from stepwell.artifact.selfcontained import names_other_files
from stepwell.errors import ArtifactError, ExampleError
from stepwell.schema import Array

_FATAL = 4
"""onnxruntime's severity above which it prints by itself; what goes wrong comes as an exception anyway."""


def open_network(
    folder: Path, manifest: Manifest, name: str, *, threads: int | None = None
) -> Callable[[list[Array]], list[Array]]:
    """The network `name` of an artifact as a function: arrays in the order of `manifest.input_names`, answers in order.

    onnxruntime gets the bytes whose digest was compared, not the path. `threads` is the number of
    threads within an operation, None for onnxruntime's own choice.

    Raises `ArtifactError` where the file is damaged, keeps data in other files, or does not take what
    the manifest says; the function raises `ExampleError` where the network cannot work with its inputs.
    """
    network = manifest.networks[name]
    content = manifests.contents(folder, manifest, network.file)
    where = str(folder / network.file)
    try:
        if names_other_files(content):
            raise ArtifactError(
                f"{network.file} keeps tensors in other files, which an artifact must not.",
                where=where,
                do="do not use this artifact: Stepwell writes none like it",
            )
    except ValueError as error:
        raise ArtifactError(
            f"{network.file} is no ONNX file: {error}.", where=where, do="export the artifact again"
        ) from error
    session = _session(content, where, threads)
    _refuse_other_names(session, network, where)
    return _function(session, network)


def _session(content: bytes, where: str, threads: int | None) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = _FATAL
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # threads that wait sleep, as torch's do
    if threads is not None:
        options.intra_op_num_threads = threads
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except _failures() as error:
        raise ArtifactError(
            f"onnxruntime {onnxruntime.__version__} cannot open the network: {_first_line(error)}",
            where=where,
            do="pip install --upgrade onnxruntime; if it still fails, export the artifact again",
        ) from error


def _function(session: Any, network: NetworkFile) -> Callable[[list[Array]], list[Array]]:
    import onnxruntime

    names = manifests.input_names(network.inputs)
    taken = {one.name for one in session.get_inputs()}
    quiet = onnxruntime.RunOptions()
    quiet.log_severity_level = _FATAL
    failures = _failures()

    def call(arrays: list[Array]) -> list[Array]:
        feeds = {name: array for name, array in zip(names, arrays, strict=True) if name in taken}
        try:
            answers = session.run(None, feeds, quiet)
        except failures as error:
            sizes = ", ".join(f"{name} {array.shape}" for name, array in zip(names, arrays, strict=True))
            raise ExampleError(f"The network cannot work with these inputs: {sizes}. {_first_line(error)}") from error
        return [np.asarray(answer) for answer in answers]

    return call


def _refuse_other_names(session: Any, network: NetworkFile, where: str) -> None:
    """`ArtifactError` where the ONNX file wants an input that the manifest does not name, or answers another number."""
    unknown = {one.name for one in session.get_inputs()} - set(manifests.input_names(network.inputs))
    count = len(session.get_outputs())
    if unknown or count != len(network.outputs):
        raise ArtifactError(
            f"{network.file} takes and answers other arrays than the manifest says.",
            where=where,
            do="export the artifact again",
        )


def _failures() -> tuple[type[Exception], ...]:
    """The exceptions that onnxruntime raises for a model or an input; they have no common class of their own."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    return (
        state.Fail,
        state.InvalidArgument,
        state.InvalidGraph,
        state.InvalidProtobuf,
        state.NotImplemented,
        state.RuntimeException,
    )


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", maxsplit=1)[0]
