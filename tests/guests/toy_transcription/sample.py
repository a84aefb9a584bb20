"""Words of the letters a to e: each letter is a burst in its own channels, with noise and pauses, as .npy files."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np

from stepwell import files

LETTERS = "abcde"
CHANNELS = 6
WORDS = 320

DIFFICULTY = "always answering the commonest training word has a character error rate of about 0.75"


def write(folder: str | Path, seed: int = 0) -> None:
    """Write `transcripts.csv` (file, text) and `signals/<number>.npy`, float32 `(time, 6)`."""
    generator = np.random.default_rng(seed)
    voices = np.eye(len(LETTERS), CHANNELS) + 0.3 * generator.standard_normal((len(LETTERS), CHANNELS))
    (Path(folder) / "signals").mkdir(parents=True)
    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerow(["file", "text"])
    for number in range(WORDS):
        spelled = generator.integers(0, len(LETTERS), generator.integers(2, 6))
        pieces = [np.zeros((generator.integers(1, 4), CHANNELS))]
        for letter in spelled:
            pieces.append(np.tile(voices[letter], (int(generator.integers(4, 8)), 1)))
            pieces.append(np.zeros((generator.integers(2, 5), CHANNELS)))
        signal = np.concatenate(pieces)
        signal += 0.25 * generator.standard_normal(signal.shape)
        content = io.BytesIO()
        np.save(content, signal.astype(np.float32))
        name = f"signals/{number:03d}.npy"
        files.write_whole(Path(folder) / name, content.getvalue())
        writer.writerow([name, "".join(LETTERS[letter] for letter in spelled)])
    files.write_whole(Path(folder) / "transcripts.csv", table.getvalue())
