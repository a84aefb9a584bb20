"""What a cycle, a validation and a whole run take, in seconds and bytes, measured on throwaway copies of the model."""

from __future__ import annotations

import contextlib
import copy
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from stepwell import building, device, discovery, recipe
from stepwell.building import Data
from stepwell.errors import TrainingError
from stepwell.feed import Feed, Placement
from stepwell.loop import Diverged, Plan, Training
from stepwell.schema import Batch

TRIED = 0.0  # seconds of measuring that stand for: one cycle, to see that it works and what it needs
WARM_CYCLES, MEASURED_SECONDS, MEASURED_CYCLES = 3, 0.5, 60  # of few cycles one warms up
SPREAD = (0.5, 0.25, 0.75, 0.125, 0.875, 0.375, 0.625)  # lengths of the first batches, as shares of all that are less
HOPELESS = 10.0  # times what a cycle takes with another number of threads: one cycle tells enough
VALIDATED_EXAMPLES, TRIED_EXAMPLES = 512, 256  # on which a validation is measured; one batch, to see what it needs
EXPORTING, FITTING = 170 * 2**20, 70 * 2**20  # bytes that PyTorch's export and scikit-learn take (measured)
EXPORTED, JUDGED = 11, 14  # times the weights, and times the answers, that the exporter and the judge take (measured)
LOOKED = 1.0  # times what the answers of layers take in a cycle, that they take where the doctor looks (at least)
FITTED_NUMBERS, FITTED_BYTES = 2**25, 12  # numbers that a linear rival sees at most; bytes that each takes


def measure(
    draft: recipe.Recipe,
    folder: discovery.Folder,
    data: Data,
    placement: Placement,
    most: float,
    given: nn.Module | None,
    rival: float = math.inf,
) -> tuple[float, float]:
    """Seconds of one cycle and of one validation, in at most about `most` seconds, on a throwaway copy of the model.

    `given` is a user's own module in place of the one that the recipe builds, `rival` the seconds of a cycle that
    this one is compared with: what is hopelessly slower is measured no longer.
    """
    seconds, model = cycle_seconds(draft, folder, data, placement, most, given, rival)
    brief = most == TRIED or seconds > most
    return seconds, _validation_seconds(folder, data, model, TRIED_EXAMPLES if brief else VALIDATED_EXAMPLES)


def cycle_seconds(
    draft: recipe.Recipe,
    folder: discovery.Folder,
    data: Data,
    placement: Placement,
    most: float,
    given: nn.Module | None,
    rival: float = math.inf,
) -> tuple[float, nn.Module]:
    """Seconds of one cycle, measured as in `measure`, and the throwaway model."""
    built = building.build_model(draft, folder, data.preparation.schema) if given is None else copy.deepcopy(given)
    model = built.to(placement.device)
    if placement.channels_last:
        model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    objectives = building.build_objectives(draft, folder, data.preparation.schema)
    feed = building.build_feed(draft, folder, data, placement, draft.options("training").batch_size)
    least = 2 if feed.longest() is None else 3  # cycles: as many of short batches as of long ones
    feed = _in_turn(feed, (1.0,) if most == TRIED else SPREAD)
    plan = Plan(cycles=10**9, evaluate_every=10**9, ema=draft.options("training").ema)
    training = Training(model, building.build_turns(draft, objectives, model), feed, plan, lambda _: {})
    times: list[float] = []
    before = start = time.perf_counter()
    with contextlib.suppress(Diverged):  # its speed is measured all the same; the training itself will say so
        for _ in training:
            if placement.device.type == "cuda":
                torch.cuda.synchronize(placement.device)
            now = time.perf_counter()
            times.append(now - before)
            before = now
            if most == TRIED or times[0] > HOPELESS * rival:
                break
            enough = len(times) >= least and (least == 2 or len(times) % 2) and now - start > most
            if enough or len(times) >= WARM_CYCLES + MEASURED_CYCLES:
                break
    warm = WARM_CYCLES if len(times) > len(SPREAD) else min(1, len(times) - 1)
    measured = times[max(0, warm) :] or [time.perf_counter() - start]
    return sum(measured) / len(measured), model


@dataclass(frozen=True)
class _Measured:
    """A feed that gives `first` some batches, then its own."""

    feed: Feed
    first: Sequence[Batch]

    @property
    def per_epoch(self) -> int:
        """As many as the feed itself has."""
        return self.feed.per_epoch

    def longest(self) -> npt.NDArray[np.int64] | None:
        """Those of the feed itself."""
        return self.feed.longest()

    def batches(self, start: int) -> Iterator[Batch]:
        """`first`, then those of the feed from `start` on."""
        yield from self.first
        yield from self.feed.batches(start)


def _in_turn(feed: Feed, shares: Sequence[float]) -> _Measured:
    """The feed, beginning with batches than which `shares` of all are shorter, where lengths are known.

    Examples of like length come together, so that one batch may take ten times as long as the next.
    """
    longest = feed.longest()
    if longest is None:
        return _Measured(feed, ())
    order = np.argsort(longest, kind="stable")
    return _Measured(feed, [next(feed.batches(int(order[int(share * (len(order) - 1))]))) for share in shares])


@contextlib.contextmanager
def enough_memory(batch_size: int) -> Iterator[None]:
    """Turn running out of memory inside into a `TrainingError` that says what to do."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not device.out_of_memory(error):
            raise
        raise TrainingError(
            f"There is not enough memory for batches of {batch_size}.",
            do=f"--batch-size {max(1, batch_size // 2)} --training.accumulate 2 makes the same update; or train a "
            "smaller model",
        ) from error


@runtime_checkable
class Keeping(Protocol):
    """A module that keeps what it made of an example."""

    def will_keep(self, examples: int) -> int:
        """Bytes that it takes beyond what it has, once it has seen so many examples."""
        ...


def memory_plan(
    model: nn.Module, averaged: bool, train_bytes: int, answer_bytes: int, *, examples: int, earlier: int, looks: int
) -> str:
    """A sentence on the most memory that the whole run will take, after a cycle and a validation batch were tried.

    It is what training takes, with its copies of the weights and of what a checkpoint holds while it is written, or
    what comes after it if that is more: the exporter, which holds the weights in several forms; the rivals, with what
    they are fitted on, `train_bytes` being the prepared training examples that they see; and the judge of answers to
    the test part that take `answer_bytes` once. `earlier` is the most memory taken before the cycle was tried, beyond
    which the layers' answers are seen; the doctor holds those of `looks` batches. Modules that keep what they made of
    the `examples` say how much (`Keeping`).
    """
    weights = sum(t.numel() * t.element_size() for t in model.state_dict().values())
    learning = sum(t.numel() * t.element_size() for t in model.parameters() if t.requires_grad)
    copies = weights * (2 if averaged else 1)
    checkpoint = weights + copies + 2 * learning  # an optimizer's two averages of each weight among it
    kept = sum(one.will_keep(examples) for one in model.modules() if isinstance(one, Keeping))
    peak, used = device.memory_peak() + kept, device.memory_used() + kept
    trained = weights + 3 * learning  # with gradients and averages
    layers = max(0, peak - used - trained) if peak - kept > earlier else 0
    looking = used + trained + copies + LOOKED * looks * layers
    training = max(peak + copies + checkpoint + weights, looking)  # the doctor keeps the first weights
    rivals = FITTING + FITTED_BYTES * min(FITTED_NUMBERS, train_bytes)
    after = used + EXPORTED * weights + EXPORTING + rivals + JUDGED * answer_bytes
    return (
        f"memory: {max(training, after) / 2**30:.2f} GB planned ({training / 2**30:.2f} GB to train, "
        f"{after / 2**30:.2f} GB for export, rivals and judging), of {device.memory_total() / 2**30:.1f} GB"
    )


def _validation_seconds(folder: discovery.Folder, data: Data, model: nn.Module, most: int) -> float:
    """Seconds of a validation, scaled from at most so many examples."""
    valid = len(data.parts["valid"])
    if not valid:
        return 0.0
    piece = data.sample("valid", most, 0)
    network = next(iter(building.networks(folder, model, data.preparation.schema).values()))
    answer = building.answering(folder, network, data)
    start = time.perf_counter()
    answer(piece.columns, piece.traces)
    return (time.perf_counter() - start) * valid / len(piece)
