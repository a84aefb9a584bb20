"""What training measured, a line of JSON an event: the same bytes whenever the same run is repeated or resumed.

    {"kind": "step", "cycle": 1, "epoch": 0, "loss": {"model": 2.3}, "learning_rate": {"model": 0.1}}
    {"kind": "evaluation", "cycle": 40, "epoch": 1, "values": {"accuracy": 0.9}, "best": true}

Losses stay on their device until 64 cycles are read together, so that recording never waits for a
step. A checkpoint notes `offset`, and resuming cuts the file back to it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import torch
from torch import Tensor

from stepwell import files
from stepwell.loop import Evaluation, Step

TOGETHER = 64  # steps read from the device at once

_encode = json.JSONEncoder(allow_nan=False).encode  # made once: a line a step is written with it


class History:
    """The file `history.jsonl` of one run, open for appending."""

    def __init__(self, path: Path, offset: int = 0) -> None:
        self._lines = files.Lines(path)
        try:
            self._lines.truncate_to(offset)
        except BaseException:
            self._lines.close()
            raise
        self._waiting: list[Step] = []
        self.loss = float("nan")

    @property
    def offset(self) -> int:
        """Bytes written so far; flush first."""
        return self._lines.offset

    def add(self, event: Step | Evaluation) -> None:
        """Record one event of the loop."""
        if isinstance(event, Step):
            self._waiting.append(event)
            if len(self._waiting) >= TOGETHER:
                self._write_waiting()
            return
        self._write_waiting()
        values = {name: _short(value) for name, value in event.values.items()}
        line = {"kind": "evaluation", "cycle": event.cycle, "epoch": event.epoch, "values": values, "best": event.best}
        self._lines.append(_encode(line))

    def flush(self, *, durable: bool = False) -> None:
        """Write what waits, and hand it to the system, or down to the disk."""
        self._write_waiting()
        self._lines.flush(durable=durable)

    def latest_loss(self) -> float:
        """The first objective's loss of the newest step (reads it from the device)."""
        if self._waiting:
            self.loss = float(next(iter(self._waiting[-1].losses.values()), self.loss))
        return self.loss

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self.flush()
        finally:
            self._lines.close()

    def _write_waiting(self) -> None:
        if not self._waiting:
            return
        losses = _read([step.losses for step in self._waiting])
        norms = _read([step.gradient_norms for step in self._waiting])
        lines = []
        for step, loss, norm in zip(self._waiting, losses, norms, strict=True):
            rates = {name: _short(rate) for name, rate in step.learning_rates.items()}
            line = {"kind": "step", "cycle": step.cycle, "epoch": step.epoch, "loss": loss, "learning_rate": rates}
            lines.append(_encode({**line, "gradient_norm": norm} if norm else line))
        self._lines.append(*lines)
        self.loss = self.latest_loss()
        self._waiting.clear()


def _read(steps: list[Mapping[str, Tensor]]) -> list[dict[str, float | None]]:
    """The numbers of many steps' tensors, read from the device at once."""
    tensors = [tensor for step in steps for tensor in step.values()]
    numbers = iter(torch.stack(tensors).float().tolist() if tensors else [])
    return [{name: _short(next(numbers)) for name in step} for step in steps]


def _short(value: float) -> float | None:
    """Seven significant digits: what single precision holds; None (null in JSON) where it is not finite."""
    return float(f"{value:.7g}") if math.isfinite(value) else None
