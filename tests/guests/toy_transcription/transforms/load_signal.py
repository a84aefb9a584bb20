"""The bytes of an .npy file to a float32 array `(time, channels)`."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stepwell.errors import ExampleError
from stepwell.schema import Array, Columns, Trace


@dataclass(frozen=True)
class Options:
    """Nothing to set."""


@dataclass(frozen=True)
class Fitted:
    """Loads the column `signal`; every signal has `channels` channels."""

    channels: int

    @property
    def reads(self) -> tuple[str, ...]:
        return ("signal", "path")

    @property
    def writes(self) -> tuple[str, ...]:
        return ("signal",)

    def apply(self, columns: Columns, traces: Sequence[Trace]) -> Columns:
        """Load every signal; `ExampleError` for the first that is none."""
        pairs = zip(columns["signal"], columns["path"], strict=True)
        return {"signal": [self.checked(load(content, path), path) for content, path in pairs]}

    def checked(self, signal: Array, path: str) -> Array:
        """The signal; `ExampleError` where its shape or its values do not fit."""
        if signal.ndim != 2 or signal.shape[1] != self.channels or not len(signal):
            raise ExampleError(
                f"A signal is (time, {self.channels}), and this one is {signal.shape}.", where=path, do="record it anew"
            )
        if not np.isfinite(signal).all():
            raise ExampleError("The signal holds values that are no numbers.", where=path, do="record it anew")
        return signal.astype(np.float32)


def load(content: bytes, path: str) -> Array:
    """The array in the bytes of an .npy file; `ExampleError` where there is none."""
    try:
        loaded: Array = np.load(io.BytesIO(content), allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise ExampleError(f"This is no .npy file: {error}.", where=path, do="save it with numpy.save") from error
    return loaded
