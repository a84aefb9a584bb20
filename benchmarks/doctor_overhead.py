"""What watching costs: a training watched beside the same one not watched, in turns, each in a process of its own.

    python benchmarks/doctor_overhead.py [--rounds 12] [--networks mlp,cnn]

The first 64 updates, which are looked at densely, and the look at the beginning are told apart from the rest. Of that:
the ratio of processor time and the median over rounds of the ratio of elapsed time (which neighbors on the machine
disturb). The share that the doctor says itself is of all updates; the time in which a process waits for its turn is
taken out of it.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import stepwell

FIRST = 64


class Last(nn.Module):
    """A classifier of the last step of an LSTM."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm, self.out = nn.LSTM(16, 64, batch_first=True), nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.lstm(x)[0][:, -1])


class Encoder(nn.Module):
    """Two blocks of attention over 32 tokens."""

    def __init__(self) -> None:
        super().__init__()
        block = nn.TransformerEncoderLayer(64, 4, 128, dropout=0.1, batch_first=True, norm_first=True)
        self.blocks, self.out = nn.TransformerEncoder(block, 2, enable_nested_tensor=False), nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.blocks(x).mean(1))


def mlp(columns: int, width: int) -> nn.Module:
    """Two hidden layers."""
    layers = [nn.Linear(columns, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 10)]
    return nn.Sequential(*layers)


def cnn() -> nn.Module:
    """Two convolutions with batch normalization."""
    layers = [nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2)]
    layers += [nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.AdaptiveAvgPool2d(1)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(32, 10))


@dataclass(frozen=True)
class Case:
    """A network, the shape of one batch, and how many updates make a round."""

    build: Callable[[], nn.Module]
    shape: tuple[int, ...]
    updates: int


CASES = {
    "small mlp": Case(lambda: mlp(64, 128), (64, 64), 512),
    "mlp": Case(lambda: mlp(512, 1024), (128, 512), 48),
    "cnn": Case(cnn, (64, 3, 32, 32), 32),
    "lstm": Case(Last, (32, 64, 16), 48),
    "transformer": Case(Encoder, (32, 32, 64), 48),
}


def serve(pipe: Connection, name: str, watched: bool) -> None:
    """Train as many updates as are asked for, and answer (processor seconds, seconds); 0 ends it."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    case = CASES[name]
    model = case.build()
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    inputs, targets = torch.randn(8, *case.shape), torch.randint(0, 10, (8, case.shape[0]))
    watching = stepwell.watch(model, optimizer) if watched else contextlib.nullcontext()
    started, busy = time.perf_counter(), 0.0
    with watching as doctor:
        while count := pipe.recv():
            worked, began = time.process_time(), time.perf_counter()
            for step in range(count):
                optimizer.zero_grad()
                F.cross_entropy(model(inputs[step % 8]), targets[step % 8]).backward()
                optimizer.step()
            took = time.perf_counter() - began
            busy += took
            pipe.send((time.process_time() - worked, took))
        waited = (time.perf_counter() - started) / busy
        pipe.send((doctor.cost * waited, len(doctor.record.probes)) if doctor is not None else (0.0, 0))


def measured(name: str, rounds: int) -> str:
    """One line of the table."""
    context = multiprocessing.get_context("spawn")
    pipes, processes = [], []
    for watched in (False, True):
        here, there = context.Pipe()
        processes.append(context.Process(target=serve, args=(there, name, watched)))
        processes[-1].start()
        pipes.append(here)

    def turn(count: int) -> list[tuple[float, float]]:
        told = []
        for pipe in pipes:
            pipe.send(count)
            told.append(pipe.recv())
        return told

    first = turn(FIRST)
    turns = [turn(CASES[name].updates) for _ in range(rounds)]
    (_, _), (share, looks) = turn(0)
    for process in processes:
        process.join()
    bare, watched = (sum(one[which][0] for one in turns) for which in (0, 1))
    elapsed = statistics.median(one[1][1] / one[0][1] for one in turns)
    each = 1000 * bare / (rounds * CASES[name].updates)
    extra = first[1][0] - first[0][0]
    return (
        f"| {name} | {each:.1f} | {extra:.2f} | {100 * (watched / bare - 1):+.1f} % | {elapsed:.3f} "
        f"| {100 * share:.1f} % | {looks} of {FIRST + rounds * CASES[name].updates:,} |"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=12, help="rounds in turn after the first updates (default 12)")
    parser.add_argument("--networks", default=",".join(CASES), help=f"of {', '.join(CASES)}")
    arguments = parser.parse_args()
    print(
        "| network | ms an update | s more in the first 64 | processor time | elapsed, median | says itself | looks |"
    )
    print("|---|---|---|---|---|---|---|")
    for name in arguments.networks.split(","):
        print(measured(name, arguments.rounds), flush=True)


if __name__ == "__main__":
    main()
