"""From a signal to the network's input, and from its log-probabilities to text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from stepwell import archives
from stepwell.errors import DataError
from stepwell.preparation import Preparation
from stepwell.schema import Columns, Examples, Field, Schema, Trace
from toy_transcription.readers.signal_folder import from_files
from toy_transcription.transforms import load_signal, spell


@dataclass(frozen=True)
class Options:
    """Nothing to set."""


def fit(options: Options, examples: Examples, train: Sequence[int]) -> Preparation:
    """Settle alphabet, channels and scaling on the training part."""
    raw = examples.fetch(train, None)
    spelling = spell.fit(spell.Options(), raw["text"])
    signals = [load_signal.load(content, path) for content, path in zip(raw["signal"], raw["path"], strict=True)]
    loading = load_signal.Fitted(channels=signals[0].shape[-1])
    frames = np.concatenate([loading.checked(signal, path) for signal, path in zip(signals, raw["path"], strict=True)])
    mean, std = tuple(frames.mean(0).tolist()), tuple(frames.std(0).tolist())
    signal = Field("signal", "sequence", "float32", ("time", loading.channels), mean=mean, std=std)
    letters = Field("letters", "category", "int64", ("letters",), classes=spelling.alphabet)
    scores = Field("scores", "logits", "float32", ("frames", 1 + len(spelling.alphabet)), classes=spelling.alphabet)
    lengths = Field("scores_lengths", "number", "int64", measure="frames")
    chain = (("load_signal", loading), ("spell", spelling))
    return Preparation(Schema((signal,), (letters,), (scores, lengths)), chain)


def decode(outputs: Columns, traces: Sequence[Trace], schema: Schema) -> Columns:
    """Log-probabilities `(frames, 1 + letters)` each to `text`: the likeliest path, repeats and blanks taken out."""
    alphabet = schema.field("scores").classes
    texts = []
    for scores in outputs["scores"]:
        best = np.asarray(scores).argmax(axis=-1)
        kept = best[(best > 0) & (best != np.concatenate([[0], best[:-1]]))]
        texts.append("".join(alphabet[letter - 1] for letter in kept.tolist()))
    return {"text": texts}


def inputs(source: Any) -> Examples:
    """Unlabeled signals: an .npy file, a folder with some (below it too), or a list of these."""
    given = source if isinstance(source, Sequence) and not isinstance(source, str) else [source]
    paths: list[Path] = []
    for one in given:
        place = Path(one)
        paths += sorted(place.rglob("*.npy"), key=lambda path: archives.natural_key(str(path))) or [place]
    if not all(path.is_file() for path in paths):
        raise DataError("There is no signal here.", where=str(source), do="give .npy files, or a folder with some")
    return from_files(paths, [str(path) for path in paths], str(source))
