"""How fast texts are trained on: batches of like length, and Stepwell's loop beside one written by hand.

    python benchmarks/text.py [--rounds 7] [--steps 20] [--networks lstm transformer]

Like length: steps of the same network on batches that the feed put together by length, against batches in the drawn
order, both from the same texts and the same number of them; wanted: at least 1.5 times as fast. The loop: Stepwell's
training against a hand-written loop over the same batches, with the same network, loss, optimizer and schedule; wanted:
a median of at most 1.05 of its time.

The texts are the reviews of blitzer_amazon where STEPWELL_DATA names a folder that holds them, else the task's sample.
One thread; contenders in turn; seconds of CPU a step, medians of the rounds, quartiles in brackets.
"""

from __future__ import annotations

import argparse
import copy
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import cycle, islice
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import torch  # noqa: E402

from stepwell import building, device, discovery, feed, reading, recipe  # noqa: E402
from stepwell.loop import Plan, Training  # noqa: E402
from stepwell.preparation import Prepared, prepare  # noqa: E402
from stepwell.schema import Batch, Schema  # noqa: E402

TASK = "sentiment"
LEAST_GAIN, MOST_COST = 1.5, 1.05
BATCH, RATE = 32, 1e-3
TEXTS = 4096  # of the reviews: enough for 128 batches


def texts(folder: Path) -> tuple[str, Prepared, Schema]:
    """What the texts are called, prepared as the default recipe does, and their schema."""
    task = discovery.task(TASK)
    place = Path(os.environ.get("STEPWELL_DATA", "")) / "sentiment" / "blitzer_amazon"
    if not place.is_dir():
        place = folder / "sample"
        task.module("sample").write(place)
    examples = reading.read(task, place)
    some = list(range(0, len(examples), max(1, len(examples) // TEXTS)))
    module = task.module("prepare")
    fitted = module.fit(module.Options(), examples, some)
    return place.name, prepare(fitted, examples, some, ("label",)), fitted.schema


@dataclass(frozen=True)
class Repeated:
    """A feed that gives the same batches again and again."""

    given: Sequence[Batch]

    @property
    def per_epoch(self) -> int:
        """All of them."""
        return len(self.given)

    def batches(self, start: int) -> Iterator[Batch]:
        """From the first one on."""
        return islice(cycle(self.given), start, None)


class Work:
    """A network of the task and both ways to train a copy of it on given batches."""

    def __init__(self, model: str, schema: Schema) -> None:
        settings = {"model": model, "optimizer": "adamw", "optimizer.learning_rate": RATE, "schedule": "constant"}
        self.draft = recipe.draft(TASK, ("quick",), settings=settings)
        task = discovery.task(TASK)
        self.model = building.build_model(self.draft, task, schema)
        self.objectives = building.build_objectives(self.draft, task, schema)

    def by_hand(self, batches: Sequence[Batch]) -> None:
        """The loop that anyone would write."""
        model = copy.deepcopy(self.model).train()
        optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.01, fused=True)
        for batch in batches:
            optimizer.zero_grad(set_to_none=True)
            (term,) = self.objectives[0].loss(model, batch).terms.values()
            (term.sum / term.count).backward()  # type: ignore[no-untyped-call]
            optimizer.step()

    def by_stepwell(self, batches: Sequence[Batch]) -> None:
        """Stepwell's loop, without a validation, as the other has none."""
        model = copy.deepcopy(self.model)
        turns = building.build_turns(self.draft, self.objectives, model)
        plan = Plan(len(batches), evaluate_every=10**9)
        for _ in Training(model, turns, Repeated(batches), plan, lambda network: {}):  # noqa: ARG005
            pass


def seconds(run: Callable[[], object]) -> float:
    """Of CPU."""
    start = time.process_time()
    run()
    return time.process_time() - start


def told(ratios: Sequence[float]) -> str:
    """The median, and the quartiles in brackets."""
    low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive")
    return f"{middle:.3f} [{low:.3f}, {high:.3f}]"


def main() -> None:
    """Measure both and print them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--networks", nargs="+", default=["lstm", "transformer"])
    asked = parser.parse_args()
    device.set_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        name, prepared, schema = texts(Path(folder))
    columns, lengths = prepared.columns, feed.lengths_of(prepared.columns, schema)
    assert lengths is not None
    print(f"{len(prepared):,} texts of {name}, {lengths.mean():.0f} tokens on average, {lengths.max():,} at most")
    made = partial(feed.MemoryFeed, columns, prepared.ids, schema, batch_size=BATCH, seed=0)
    ordered = made(showing=replace(feed.EACH_ONCE, lengths=lengths))
    drawn = made()
    for model_name in asked.networks:
        work = Work(model_name, schema)
        gains, costs = [], []
        shown = min(asked.steps, ordered.per_epoch)
        for number in range(asked.rounds + 1):
            alike = list(islice(ordered.batches(number * shown), shown))
            mixed = list(islice(drawn.batches(number * shown), shown))
            fast, slow = seconds(partial(work.by_hand, alike)), seconds(partial(work.by_hand, mixed))
            ours, again = seconds(partial(work.by_stepwell, alike)), seconds(partial(work.by_hand, alike))
            if number:  # the first round warms up
                gains.append(slow / fast)
                costs.append(2 * ours / (fast + again))
        print(f"{model_name}: batches of like length are {told(gains)} times as fast (wanted: {LEAST_GAIN} or more)")
        print(f"{model_name}: Stepwell's loop takes {told(costs)} of a hand-written one's time (wanted: {MOST_COST})")


if __name__ == "__main__":
    main()
