"""The verbs that answer: `predict` and `load`, apart from the other verbs so that one answer waits for nothing else.

What trains, checks and judges is not imported here: a process that answers for one picture spends most of its time
on imports (`benchmarks/predict.py`).
"""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from stepwell import archives
from stepwell.artifact import predictor
from stepwell.artifact.predictor import Predictor

Source = Any
"""Where inputs lie: a path, or arrays and the like in memory, as the task's `prepare.inputs` takes them."""


def predict(run: str | Path, sources: Sequence[Source] | Source) -> Iterator[dict[str, Any]]:
    """The artifact's answer for each input, one dictionary an example; an unreadable one says `error`.

    `run` is a run folder or an artifact folder, which is loaded at once; `sources` files, folders, globs, archives or
    arrays, which are read while the answers are taken.
    """
    loaded = load(run)
    return (answer for source in _gathered(sources) for answer in loaded.predict(source))


def load(run: str | Path) -> Predictor:
    """The Predictor of a run folder or an artifact folder; its digests are checked first."""
    return predictor.load(Path(run))


def _gathered(sources: Sequence[Source] | Source) -> Iterator[Source]:
    """Single files together, so that they share batches; a folder, an archive or a pattern among them on its own."""
    if not isinstance(sources, list | tuple) or not all(isinstance(one, str | Path) for one in sources):
        yield sources
        return
    together: list[Source] = []
    for one in sources:
        path = Path(one)
        pattern = not path.exists() and glob.has_magic(str(one))
        if path.is_dir() or pattern or (path.is_file() and archives.archive_kind(path) is not None):
            if together:
                yield together
            together = []
            yield one
        else:
            together.append(one)
    if together:
        yield together
