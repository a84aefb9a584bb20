"""What the checks of the contract look at: a task, its sample, and the quick run that was trained on it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from torch import nn

from stepwell import api, building, checkpoint, discovery, files, preparation, reading, splitting
from stepwell.job import Clock, Job
from stepwell.loop import chosen_weights
from stepwell.progress import open_progress
from stepwell.recipe import Recipe
from stepwell.run import Run, open_run


@dataclass(frozen=True)
class Contract:
    """A task, its sample, and the quick run that was trained on it."""

    folder: discovery.Folder
    sample: Path
    result: api.Result

    @property
    def run(self) -> Run:
        return open_run(self.result.folder)

    @property
    def recipe(self) -> Recipe:
        return self.run.recipe()

    @cached_property
    def data(self) -> building.Data:
        """The parts as the run prepared them."""
        examples = reading.read(self.folder, self.sample)
        parts = splitting.indices_by_part(splitting.read_split(self.run.path("split.csv")))
        rooms = self.folder.rooms("transforms")
        prepared_by = preparation.from_json(files.read_json(self.run.path("preparation.json")), rooms)
        in_memory = self.recipe.options("training").memory == "in_memory"
        return building.load_parts(self.folder, examples, parts, prepared_by, in_memory=in_memory)

    def model(self) -> nn.Module:
        """The model with the weights that the run chose."""
        model = building.build_model(self.recipe, self.folder, self.data.preparation.schema)
        state, _ = checkpoint.load_latest(self.run.path("checkpoints"))
        assert state is not None
        model.load_state_dict(dict(chosen_weights(state)))
        return model.eval()

    def history(self, kind: str) -> list[dict[str, Any]]:
        return [line for line in files.read_lines(self.run.path("history.jsonl")) if line["kind"] == kind]

    def untrained(self, folder: Path) -> Run:
        """A copy of the run as it was when its recipe was frozen, before the first cycle."""
        folder.mkdir()
        for name in ("run.json", "recipe.yaml", "split.csv", "preparation.json"):
            shutil.copy(self.run.path(name), folder / name)
        copy = open_run(folder)
        copy.set_state("running")
        return copy

    def job(self, run: Run) -> Job:
        """What trains `run` in this process, told to nobody."""
        return Job(run, self.folder, run.recipe(), self.sample, open_progress("quiet"), Clock())
