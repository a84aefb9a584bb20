"""The gate: an artifact is good only if it answers as the trained network does.

Raw outputs are compared call by call, inside the very inference that predicts, at several batch
sizes and at a second size of whatever may differ; then the headline metric is taken of both
through the artifact's own decoding. What was measured goes into the manifest; where it is too much,
the artifact is taken away.
"""

from __future__ import annotations

import contextlib
import math
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from stepwell import preparation
from stepwell.artifact import manifest as manifests
from stepwell.artifact.export import exportable, inference_of, network_inputs
from stepwell.artifact.predictor import Predictor, build
from stepwell.artifact.session import open_network
from stepwell.artifact.torch_network import torch_network
from stepwell.errors import ArtifactError, ExampleError
from stepwell.preparation import Prepared
from stepwell.schema import Array, Columns, Field, Network

ATOL, RTOL = 1e-4, 1e-3
"""How far an output may lie from torch's: ATOL + RTOL * |torch's|."""

HEADLINE = 1e-3
"""How far the headline metric may lie from torch's, as a share of it where it is larger than one."""

FULL, FULL_BYTES = 256, 64 * 2**20
"""A full batch: at most so many examples, and so many bytes of input (but three examples at least)."""

_DO = "report this with the recipe: the network does something that its export does not carry over"


def gate(
    folder: Path,
    networks: Mapping[str, Network],
    valid: Prepared,
    headline: Callable[[Columns], float] | None = None,
    *,
    threads: int | None = None,
) -> dict[str, Any]:
    """Compare the artifact in `folder` with the modules it was exported from, on validation examples.

    `headline` takes the decoded predictions of all of `valid`, in order, to the headline metric. Returns
    what was measured, which is then in the manifest, too: the largest difference, for each network the
    batch sizes and free sizes seen and its largest difference, and the metric both ways.

    Raises `ArtifactError` where anything differs by more than the limits above, or the artifact cannot be
    opened; the folder is removed then, and whenever else the gate ends early.
    """
    try:
        measured = _measure(folder, networks, valid, headline, threads)
        manifests.write(folder, replace(manifests.read(folder), gate=measured))
    except BaseException:
        # Without its manifest it is no artifact, even if a kill leaves the rest.
        with contextlib.suppress(OSError):
            (folder / manifests.FILE).unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return measured


def _measure(
    folder: Path,
    networks: Mapping[str, Network],
    valid: Prepared,
    headline: Callable[[Columns], float] | None,
    threads: int | None,
) -> dict[str, Any]:
    if not len(valid):
        raise ArtifactError(
            "There is no validation example to compare the artifact with the network on.",
            do="give the part 'valid' at least one example",
        )
    manifest = manifests.read(folder)
    if set(manifest.networks) != set(networks):
        raise ArtifactError("The artifact holds other networks than were trained.", where=str(folder), do=_DO)
    predictor = build(folder, manifest, threads=threads)
    compared: dict[str, Any] = {}
    for name, network in networks.items():
        infer = inference_of(name, network, predictor.preparation, manifest.predict_with)
        artifact = open_network(folder, manifest, name, threads=threads)
        comparison = Comparison(name, network, _trained(name, network), artifact)
        inputs = network_inputs(network.inputs, valid)
        for batch in _batch_sizes(inputs, len(valid)):
            infer(comparison, preparation.take(inputs, range(batch)), batch)
        for arrays in comparison.other_sizes():
            comparison(arrays)
        compared[name] = comparison.facts()
    measured = {
        "examples": len(valid),
        "atol": ATOL,
        "rtol": RTOL,
        "difference": max(one["difference"] for one in compared.values()),
        "networks": compared,
    }
    if headline is not None:
        measured["headline"] = _headline(predictor, networks[manifest.predict_with], valid, headline)
    return measured


@dataclass(frozen=True)
class Free:
    """A size that may differ from call to call: its name, the array of a call that has it, the axis, and whether
    the array after it holds lengths along that axis.
    """

    name: str
    place: int
    axis: int
    has_lengths: bool


@dataclass
class Comparison:
    """A network that asks two: it answers as `trained` does, and raises where `artifact` answers otherwise.

    It keeps what it saw: batch sizes, free sizes by name, its first call, the largest difference.
    """

    name: str
    network: Network
    trained: Callable[[list[Array]], list[Array]]
    artifact: Callable[[list[Array]], list[Array]]
    largest: float = 0.0
    batches: set[int] = field(default_factory=set)
    sizes: dict[str, set[int]] = field(default_factory=dict)
    first: list[Array] = field(default_factory=list)

    def __call__(self, arrays: list[Array]) -> list[Array]:
        """The trained network's answers; `ArtifactError` where the exported one's are others."""
        self.first = self.first or arrays
        self.batches.add(len(arrays[0]))
        for one in free_sizes(self.network.inputs):
            self.sizes.setdefault(one.name, set()).add(arrays[one.place].shape[one.axis])
        wanted = self.trained(arrays)
        try:
            got = self.artifact(arrays)
        except ExampleError as error:
            raise ArtifactError(f"The exported network {self.name!r} fails. {error.what}", do=_DO) from error
        for output, expected, answer in zip(self.network.outputs, wanted, got, strict=True):
            what = f"The exported network {self.name!r} answers otherwise than the trained one: {output.name}"
            self.largest = max(self.largest, difference(expected, answer, what, arrays))
        return wanted

    def other_sizes(self) -> Iterator[list[Array]]:
        """A call at another size for each free size of which the examples showed one only."""
        for name in [name for name, seen in self.sizes.items() if len(seen) == 1]:
            arrays = list(self.first)
            for one in free_sizes(self.network.inputs):
                if one.name == name:
                    _resize(arrays, one)
            yield arrays

    def facts(self) -> dict[str, Any]:
        """What was compared and how far the worst answer lay off, as JSON values."""
        return {
            "batch_sizes": sorted(self.batches),
            "sizes": {name: sorted(seen) for name, seen in sorted(self.sizes.items())},
            "difference": self.largest,
        }


def free_sizes(fields: tuple[Field, ...]) -> Iterator[Free]:
    """The symbolic sizes of a network's inputs, in the order of its call."""
    place = 0
    for one in fields:
        for axis, size in enumerate(one.shape, start=1):
            if isinstance(size, str):
                yield Free(size, place, axis, one.ragged and axis == 1)
        place += 2 if one.ragged else 1


def difference(expected: Array, answer: Array, what: str, arrays: list[Array]) -> float:
    """The largest difference of two answers; `ArtifactError`, which begins with `what`, where it is too large.

    Whole numbers must be equal; equal infinities are, and NaN is never right.
    """
    if expected.shape != answer.shape:
        raise ArtifactError(f"{what} has the shape {answer.shape} instead of {expected.shape}.", do=_DO)
    if not expected.size:
        return 0.0
    rtol, atol = (RTOL, ATOL) if np.issubdtype(expected.dtype, np.floating) else (0.0, 0.0)
    close = np.isclose(answer, expected, rtol=rtol, atol=atol)
    with np.errstate(invalid="ignore"):
        apart = np.abs(expected.astype(np.float64) - answer.astype(np.float64))
    apart[expected == answer] = 0.0  # infinities among them
    if not close.all():
        off = np.where(close, -1.0, np.nan_to_num(apart, nan=np.inf))
        worst = tuple(int(place) for place in np.unravel_index(int(np.argmax(off)), off.shape))
        raise ArtifactError(
            f"{what} is {answer[worst]} instead of {expected[worst]} at {worst}, for inputs of the shapes "
            f"{_shapes(arrays)}; {1.0 - close.mean():.2%} of its numbers are off by more than {atol:g} + {rtol:g} of "
            "their size.",
            do=_DO,
        )
    return float(apart.max())


def _resize(arrays: list[Array], one: Free) -> None:
    """Give one free size another value, in place of the list.

    A sequence loses its last step, or is doubled where it has one only; an image or a volume is
    doubled, because networks may ask for multiples.
    """
    array = arrays[one.place]
    size = array.shape[one.axis]
    if one.has_lengths and size > 1:
        arrays[one.place] = array[:, :-1]
        arrays[one.place + 1] = np.minimum(arrays[one.place + 1], size - 1)
        return
    arrays[one.place] = np.concatenate([array, array], axis=one.axis)
    if one.has_lengths:
        arrays[one.place + 1] = 2 * arrays[one.place + 1]


def _trained(name: str, network: Network) -> Callable[[list[Array]], list[Array]]:
    """The module as a function that says, where it fails by itself, that the export is not to blame."""
    run = torch_network(exportable(network.module))

    def call(arrays: list[Array]) -> list[Array]:
        try:
            return run(arrays)
        except (RuntimeError, ValueError, IndexError) as error:
            raise ArtifactError(
                f"The network {name!r} itself fails on inputs of the shapes {_shapes(arrays)}: {error}",
                do="a network must take any number of examples, and any size that its schema leaves free",
            ) from error

    return call


def _shapes(arrays: list[Array]) -> str:
    return " and ".join(str(array.shape) for array in arrays)


def _batch_sizes(inputs: Columns, count: int) -> list[int]:
    """One, three, and a full batch, as far as there are examples."""
    at_most = min(count, FULL)
    sizes = [sum(np.asarray(column[row]).nbytes for column in inputs.values()) for row in range(at_most)]
    full = int(np.searchsorted(np.cumsum(sizes), FULL_BYTES, side="right"))
    return sorted({1, min(3, count), max(full, min(3, count))})


def _headline(
    predictor: Predictor, network: Network, valid: Prepared, headline: Callable[[Columns], float]
) -> dict[str, float]:
    """The headline metric of the trained network and of the artifact, both decoded as the artifact does."""
    columns = {**valid.columns, **network_inputs(network.inputs, valid)}
    trained = replace(predictor, network=torch_network(exportable(network.module)))
    wanted = float(headline(trained.answers(columns, valid.traces)))
    got = float(headline(predictor.answers(columns, valid.traces)))
    undefined = math.isnan(wanted) and math.isnan(got)
    apart = 0.0 if undefined or wanted == got else abs(wanted - got)
    if not apart <= HEADLINE * max(1.0, abs(wanted)):
        raise ArtifactError(
            f"The headline metric is {got:.6g} through the artifact and {wanted:.6g} through the trained network.",
            do=_DO,
        )
    return {"trained": wanted, "artifact": got, "difference": apart}
