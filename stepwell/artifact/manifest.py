"""What lies in an artifact: `manifest.json`, read with limits and believed only as far as its digests hold.

An artifact is a folder with this manifest and the plain files that it lists, nothing in folders
below. Whoever opens one may have got it from anywhere, so nothing is opened before `read` and
`verify` have passed, and a file is never reached through a link or a path.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from stepwell import files
from stepwell.errors import ArtifactError, RunError
from stepwell.judge.confidence import Confidence
from stepwell.schema import Field

FORMAT = 1
"""The number of the format that this version writes; it reads every one up to this."""

FILE = "manifest.json"
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
_AGAIN = "copy the artifact once more from where it came, or export it again: stepwell resume RUN"


@dataclass(frozen=True)
class Stored:
    """What a file of the artifact must be: its SHA-256 (64 hexadecimal digits) and its size in bytes."""

    sha256: str
    size: int


@dataclass(frozen=True)
class NetworkFile:
    """An exported network: its file, and the fields that it takes and answers, in order (see `input_names`)."""

    file: str
    inputs: tuple[Field, ...]
    outputs: tuple[Field, ...]


NOT_STATED = "not stated"
"""The license of what comes without one."""


@dataclass(frozen=True)
class License:
    """The license and the source of something in the artifact that others made (pre-trained weights, say)."""

    of: str
    license: str
    source: str


@dataclass(frozen=True)
class Manifest:
    """All that an artifact says of itself.

    `preparation` is `preparation.to_json`: schema (with the classes), fitted transforms, inference.
    `confidence` is what was fitted on validation to rely on answers, None where nothing was.
    `predict_with` names the network that predicts. `extra` is the optional install that predicting
    needs ("" for none). `files` lists every file beside the manifest. `gate` holds what the gate
    measured, None until it has passed; `created` is ISO 8601 in UTC.
    """

    format: int
    task: str
    stepwell: str
    created: str
    preparation: dict[str, Any]
    networks: dict[str, NetworkFile]
    predict_with: str
    files: dict[str, Stored]
    extra: str = ""
    licenses: tuple[License, ...] = ()
    gate: dict[str, Any] | None = field(default=None)
    confidence: Confidence | None = None


def input_names(fields: tuple[Field, ...]) -> tuple[str, ...]:
    """The names of a network's arrays in the order of the call: each field, a ragged one followed by its lengths."""
    return tuple(name for one in fields for name in ((one.name, f"{one.name}_lengths") if one.ragged else (one.name,)))


def describe(folder: Path) -> dict[str, Stored]:
    """The files that lie in a folder, sorted by name, each with its digest and size; the manifest apart."""
    return {
        path.name: Stored(files.sha256(path), path.stat().st_size)
        for path in sorted(folder.iterdir())
        if path.name != FILE
    }


def write(folder: Path, manifest: Manifest) -> None:
    """Write the manifest whole and sealed; `ArtifactError` for a name that `read` would refuse."""
    _refuse_names(manifest, folder / FILE)
    files.write_json(folder / FILE, files.sealed(manifest))


def read(folder: Path) -> Manifest:
    """The manifest of the artifact in `folder`; no other file is opened.

    Raises `ArtifactError` where it is missing, a link, too large, damaged, of a newer format, or
    names anything but plain files of the folder itself.
    """
    path = folder / FILE
    linked, there = _seen(path)
    if linked:
        raise ArtifactError(
            "The manifest is a link, and links in an artifact are not followed.",
            where=str(path),
            do="copy the artifact with its files in place of links",
        )
    if not there:
        raise ArtifactError(
            f"This folder is no artifact: it holds no {FILE}.",
            where=str(folder),
            do="name a finished run, or the folder 'artifact' inside one",
        )
    try:
        values = files.read_json(path)
        _refuse_format(values, path)
        values = files.unsealed(values, path)
    except RunError as error:
        raise ArtifactError(error.what, where=str(path), do=_AGAIN) from error
    try:
        manifest = msgspec.convert(values, Manifest)
    except msgspec.ValidationError as error:
        raise ArtifactError(f"The manifest is damaged: {error}.", where=str(path), do=_AGAIN) from error
    _refuse_names(manifest, path)
    return manifest


def verify(folder: Path, manifest: Manifest) -> None:
    """Read every listed file once; `ArtifactError` at the first that is missing, a link, or not what was written."""
    for name, stored in manifest.files.items():
        _check(folder / name, stored, keep=False)


def contents(folder: Path, manifest: Manifest, name: str) -> bytes:
    """The verified content of one listed file: the very bytes whose digest was compared."""
    return _check(folder / name, manifest.files[name], keep=True)


def version() -> str:
    """The installed version of Stepwell; says so where it runs from a checkout that is not installed."""
    # Not `stepwell.__version__`: the top of the house would then lie below this room.
    from importlib import metadata  # slow to import, and whoever reads an artifact need not know

    try:
        found: str | None = metadata.version("stepwell")
    except metadata.PackageNotFoundError:
        return "not installed as a package"
    return found or "not known"  # None, whatever its type says, where the file that holds it may not be read


def now() -> str:
    """The time, to the second, as the manifest's `created` says it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _seen(path: Path) -> tuple[bool, bool]:
    """Whether there is a link at this path, and whether a plain file."""
    try:
        with files.refusing("read", path):
            return path.is_symlink(), path.is_file()
    except RunError as error:
        raise ArtifactError(error.what, where=str(path), do=error.do) from error


def _refuse_format(values: Any, path: Path) -> None:
    number = values.get("format") if isinstance(values, Mapping) else None
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise ArtifactError("The manifest is damaged: it states no format number.", where=str(path), do=_AGAIN)
    if number > FORMAT:
        raise ArtifactError(
            f"This artifact has format {number}; this version of Stepwell reads up to format {FORMAT}.",
            where=str(path),
            do=f"pip install --upgrade stepwell (the artifact was written by version {values.get('stepwell')})",
        )


def _refuse_names(manifest: Manifest, path: Path) -> None:
    """`ArtifactError` unless every file is a plain name of this folder, and every network one of the files."""
    for name in manifest.files:
        if not _PLAIN_NAME.fullmatch(name) or ".." in name or name == FILE:
            raise ArtifactError(
                f"The manifest names the file {name!r}, which is no plain name of a file in its folder.",
                where=str(path),
                do="do not use this artifact: Stepwell writes none like it",
            )
    for name, network in manifest.networks.items():
        if network.file not in manifest.files:
            raise ArtifactError(
                f"The manifest gives no digest for {network.file!r}, the file of the network {name!r}.",
                where=str(path),
                do=_AGAIN,
            )
    if manifest.predict_with not in manifest.networks:
        raise ArtifactError(
            f"The manifest predicts with a network {manifest.predict_with!r}, which it does not have.",
            where=str(path),
            do=_AGAIN,
        )


def _check(path: Path, stored: Stored, *, keep: bool) -> bytes:
    """Compare one file with its size and digest; returns its content if `keep`, else nothing of it stays in memory."""
    digest, size, kept = hashlib.sha256(), 0, []
    try:
        with open(path, "rb", opener=_without_links) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ArtifactError(f"{path.name} is not a plain file.", where=str(path), do=_AGAIN)
            while size <= stored.size and (block := file.read(2**20)):
                digest.update(block)
                size += len(block)
                if keep:
                    kept.append(block)
    except OSError as error:
        reason = "it is a link" if path.is_symlink() else error.strerror or str(error)
        raise ArtifactError(
            f"The artifact's file {path.name} cannot be read: {reason}.", where=str(path), do=_AGAIN
        ) from error
    if size != stored.size:
        raise ArtifactError(
            f"The artifact's file {path.name} is damaged: it has {'more' if size > stored.size else 'fewer'} "
            f"than the {stored.size:,} bytes that were written.",
            where=str(path),
            do=_AGAIN,
        )
    if digest.hexdigest() != stored.sha256:
        raise ArtifactError(
            f"The artifact's file {path.name} is damaged: its SHA-256 is not the one that was written.",
            where=str(path),
            do=_AGAIN,
        )
    return b"".join(kept)


def _without_links(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
