"""The one place where any exception is caught: what fails in the doctor is noted once and switched off."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

from stepwell.device import out_of_memory

LOOKING = ContextVar("a doctor looks for itself", default=False)
"""What happens meanwhile is no training: no doctor hears it, neither its own nor one that watches another network."""


class Guard:
    """Runs pieces of the doctor by name; one that raises is noted in `failed` and never run again.

    The training that is watched must not die of its doctor, so this is the only broad `except` of the house.
    """

    def __init__(self) -> None:
        self.failed: dict[str, str] = {}

    @contextlib.contextmanager
    def __call__(self, name: str, *, short: bool = False) -> Iterator[None]:
        """Keep in what the block raises. KeyboardInterrupt and the like pass, and with `short` that memory is short."""
        try:
            yield
        except Exception as error:
            if short and out_of_memory(error):
                raise
            self.failed.setdefault(name, f"{type(error).__name__}: {str(error).partition(chr(10))[0]}")

    def allows(self, name: str) -> bool:
        """Whether the piece has never failed."""
        return name not in self.failed
