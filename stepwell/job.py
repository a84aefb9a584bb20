"""What one training works with, and the clock that its time budget runs by."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from stepwell import discovery
from stepwell.progress import Progress
from stepwell.recipe import Recipe
from stepwell.run import Run

if TYPE_CHECKING:
    from torch import nn

    from stepwell.building import Data
    from stepwell.inspection import Inspection
    from stepwell.schema import Examples, Finding


@dataclass
class Clock:
    """When the command began, and how long each stage took: in seconds of the clock, and of the processor."""

    began: float = field(default_factory=time.perf_counter)
    stages: dict[str, float] = field(default_factory=dict)
    cpu: dict[str, float] = field(default_factory=dict)
    worked: float = field(default_factory=time.process_time)

    def gone(self) -> float:
        """Seconds since the command began."""
        return time.perf_counter() - self.began

    def slowness(self) -> float:
        """How many seconds of the clock one of the processor took so far, at least 1: more where others work too."""
        return max(1.0, self.gone() / max(time.process_time() - self.worked, 1e-3))

    @contextlib.contextmanager
    def stage(self, name: str, progress: Progress) -> Iterator[None]:
        """Time a stage and tell it."""
        progress.stage(name)
        start, worked = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            self.stages[name] = round(self.stages.get(name, 0.0) + time.perf_counter() - start, 3)
            self.cpu[name] = round(self.cpu.get(name, 0.0) + time.process_time() - worked, 3)

    def add(self, other: Clock) -> None:
        """The stages of a training that is one of several count as stages of the whole."""
        for mine, its in ((self.stages, other.stages), (self.cpu, other.cpu)):
            for name, seconds in its.items():
                mine[name] = round(mine.get(name, 0.0) + seconds, 3)


@dataclass(frozen=True)
class Looked:
    """What reading and checking found: the examples, what was seen of each, the findings before any split."""

    examples: Examples
    inspection: Inspection
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Shared:
    """What one of several trainings takes over from the others, so that nothing is done twice.

    `looked` spares it the reading, `data` all of reading, splitting and preparing. `like` is the frozen recipe of
    an earlier member: what the machine and the clock decided for that one (batches, threads, cycles) holds here too.
    """

    looked: Looked | None = None
    data: Data | None = None
    like: Recipe | None = None


@dataclass(frozen=True)
class Job:
    """What one training works with: the run, the task's folder, the draft recipe, the source, who is told.

    `model` is a user's own module in place of the recipe's; `start` another run whose weights are taken;
    `force` goes on in spite of findings of severity 3; `pictures` False keeps examples out of the report;
    `extension` is the budget by which a finished training goes on; `shared` what a training that is one of several
    takes over.
    """

    run: Run
    folder: discovery.Folder
    recipe: Recipe
    source: Any
    progress: Progress
    clock: Clock
    model: nn.Module | None = None
    start: Run | None = None
    force: bool = False
    pictures: bool = True
    extension: Mapping[str, Any] = field(default_factory=dict)
    shared: Shared = Shared()
