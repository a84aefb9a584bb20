"""The one place where any exception is caught: what fails in the doctor is noted once and switched off."""

from __future__ import annotations

from contextvars import ContextVar

from stepwell.device import out_of_memory

LOOKING = ContextVar("a doctor looks for itself", default=False)
"""What happens meanwhile is no training: no doctor hears it, neither its own nor one that watches another network."""


class Kept:
    """One block whose exceptions are kept in; a class and no generator, since several are entered in every update."""

    __slots__ = ("_failed", "_name", "_short")

    def __init__(self, failed: dict[str, str], name: str, short: bool) -> None:
        self._failed, self._name, self._short = failed, name, short

    def __enter__(self) -> None:
        """Nothing is needed beforehand."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        if not isinstance(error, Exception) or (self._short and out_of_memory(error)):
            return False
        self._failed.setdefault(self._name, f"{type(error).__name__}: {str(error).partition(chr(10))[0]}")
        return True


class Guard:
    """Runs pieces of the doctor by name; one that raises is noted in `failed` and never run again.

    The training that is watched must not die of its doctor, so this is the only broad `except` of the house.
    """

    def __init__(self) -> None:
        self.failed: dict[str, str] = {}

    def __call__(self, name: str, *, short: bool = False) -> Kept:
        """Keep in what the block raises. KeyboardInterrupt and the like pass, and with `short` that memory is short."""
        return Kept(self.failed, name, short)

    def allows(self, name: str) -> bool:
        """Whether the piece has never failed."""
        return name not in self.failed
