"""Saving a training's state and taking it up again, exactly.

A checkpoint is a folder `checkpoints/<cycle>/`: tensors as safetensors (one file a top-level entry of
the state), everything else in `state.json`, and `manifest.json` with the sha256 of each file,
written last. The folder is written beside and renamed whole; the two newest are kept. There is no
pickle anywhere. What is the latest is computed from the manifests, newest first: one that does not
hold is passed over, and that is said.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from stepwell import files
from stepwell.errors import RunError

FORMAT = 1
KEEP = 2
_NAME = re.compile(r"[A-Za-z0-9_]+\.(json|safetensors)")
_LARGEST = 2**40  # bytes of one file; the manifest says which files there are


def save(root: Path, state: Mapping[str, Any], cycle: int) -> Path:
    """Write `state` (nested dicts and lists of tensors and JSON values) as the checkpoint of `cycle`.

    Older checkpoints but the `KEEP` newest are removed afterwards. Raises RunError where the disk
    refuses; the checkpoints that were there stay whole.
    """
    final = root / f"{cycle:012d}"
    with files.whole_folder(final) as folder:
        contents: dict[str, bytes] = {}
        plain: dict[str, Any] = {}
        for entry, value in state.items():
            found: dict[str, Tensor] = {}
            plain[entry] = _split(value, "", found)
            if found:
                contents[f"{entry}.safetensors"] = save_tensors(found)
        contents["state.json"] = json.dumps(plain).encode()
        for name, content in contents.items():
            files.write_whole(folder / name, content)
        digests = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
        manifest = {"format": FORMAT, "cycle": cycle, "sha256": digests}
        files.write_json(folder / "manifest.json", files.sealed(manifest))
    with contextlib.suppress(RunError):  # the new one is safe; an old one too many is no harm
        for old in _newest_first(root)[KEEP:]:
            files.discard(old)
    return final


def require_room(root: Path, state: Mapping[str, Any]) -> None:
    """`RunError` where the disk of `root` cannot hold the checkpoints of a training that begins with `state`.

    One more than `KEEP` is there while it is written. A state grows (moments of an optimizer, the best weights), so
    that this is the least that is needed: what passes may still fill the disk, what is refused would have.
    """
    size = sum(tensor.nbytes for value in state.values() for tensor in _tensors(value))
    needed = size * (KEEP + 1 - min(KEEP, len(_newest_first(root))))
    free = files.free_bytes(root)
    if needed > free:
        raise RunError(
            f"The checkpoints of this training need at least {needed / 1e6:,.2f} MB, and the disk has "
            f"{free / 1e6:,.2f} MB left.",
            where=str(root),
            do="free some room on this disk, or choose a folder on another one with --run",
        )


def load_latest(root: Path) -> tuple[dict[str, Any] | None, list[str]]:
    """The state of the newest checkpoint that holds, and a sentence about each that does not.

    None where there is no checkpoint at all; RunError where there are some and none holds.
    """
    notes: list[str] = []
    candidates = _newest_first(root)
    for folder in candidates:
        try:
            return load(folder), notes
        except RunError as error:
            notes.append(f"{error.what} Falling back to the checkpoint before it.")
    if candidates:
        raise RunError(
            "No checkpoint of this run is whole: " + " ".join(notes),
            where=str(root),
            do="train again; the recipe and the split are still in the run folder (stepwell train --from RUN)",
        )
    return None, notes


def latest(root: Path, up_to: float = math.inf) -> int | None:
    """The cycle of the newest checkpoint up to a cycle, whole or not; None where there is none."""
    return next((cycle for folder in _newest_first(root) if (cycle := int(folder.name)) <= up_to), None)


def load_at(root: Path, cycle: int) -> dict[str, Any]:
    """The state in the checkpoint of that cycle, as `load`."""
    return load(root / f"{cycle:012d}")


def load(folder: Path) -> dict[str, Any]:
    """The state in one checkpoint folder; RunError where a file is missing, altered or of a newer format."""
    contents: dict[str, bytes] = {}
    for name, digest in _digests(folder).items():
        contents[name] = files.read_bytes(folder / name, _LARGEST)
        if hashlib.sha256(contents[name]).hexdigest() != digest:
            raise RunError(f"{name} of checkpoint {folder.name} is damaged (its sha256 differs).", where=str(folder))
    try:
        plain = json.loads(contents["state.json"])
        return {
            entry: _join(value, load_tensors(contents[f"{entry}.safetensors"]))
            if f"{entry}.safetensors" in contents
            else value
            for entry, value in plain.items()
        }
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError, MemoryError, SafetensorError) as error:
        raise RunError(f"Checkpoint {folder.name} cannot be read: {error}.", where=str(folder)) from error


def _digests(folder: Path) -> dict[str, str]:
    """The files of a checkpoint and their sha256, from its manifest; RunError where that is damaged or newer."""
    path = folder / "manifest.json"
    values = files.read_json(path)
    found = values.get("format") if isinstance(values, dict) else None
    if not isinstance(found, int) or isinstance(found, bool) or found < 1:
        raise RunError(f"The manifest of checkpoint {folder.name} is damaged.", where=str(folder))
    if found > FORMAT:
        raise RunError(
            f"Checkpoint {folder.name} has format {found}; this version reads up to {FORMAT}.",
            where=str(folder),
            do="update Stepwell",
        )
    digests = files.unsealed(values, path).get("sha256")
    if not isinstance(digests, dict) or not all(_NAME.fullmatch(name) for name in digests):
        raise RunError(f"The manifest of checkpoint {folder.name} is damaged.", where=str(folder))
    return digests


def _newest_first(root: Path) -> list[Path]:
    with files.refusing("read", root):
        if not root.is_dir():
            return []
        found = [path for path in root.iterdir() if path.name.isdigit() and (path / "manifest.json").is_file()]
    return sorted(found, reverse=True)


def _tensors(value: Any) -> Iterator[Tensor]:
    """Every tensor of a state."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping | list | tuple):
        for one in value.values() if isinstance(value, Mapping) else value:
            yield from _tensors(one)


def _split(value: Any, path: str, found: dict[str, Tensor]) -> Any:
    """`value` with each tensor replaced by a reference; the tensors, contiguous on the CPU, go to `found`."""
    if isinstance(value, Tensor):
        found[path] = value.detach().cpu().contiguous().clone()
        return {"$tensor": path}
    if isinstance(value, Mapping):
        return {str(key): _split(one, f"{path}/{key}", found) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_split(one, f"{path}/{index}", found) for index, one in enumerate(value)]
    return value


def _join(value: Any, tensors: Mapping[str, Tensor]) -> Any:
    if isinstance(value, dict):
        if value.keys() == {"$tensor"}:
            return tensors[value["$tensor"]]
        return {key: _join(one, tensors) for key, one in value.items()}
    if isinstance(value, list):
        return [_join(one, tensors) for one in value]
    return value
