"""Two processes that train one network: each reads, the first speaks, and none waits for the other's doctor."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from programs import Program, network
from torch import nn

import stepwell

LONGEST = 240  # seconds

pytestmark = pytest.mark.skipif(not torch.distributed.is_gloo_available(), reason="needs gloo")


def train(rank: int, folder: str) -> None:
    """Half of every batch each, with a softmax too many; what was read and found goes to a file."""
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    x, y, _, _ = Program().data()
    torch.manual_seed(0)
    body = network(last=nn.Softmax(-1))
    body.insert(1, nn.BatchNorm1d(32))
    model = nn.parallel.DistributedDataParallel(body)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with stepwell.watch(model, optimizer, steps=40) as doctor:
        for start in range(0, 600, 15):
            rows = slice(start + rank, start + 15, 2)
            optimizer.zero_grad()
            F.cross_entropy(model(x[rows]), y[rows]).backward()
            optimizer.step()
    said = {
        "names": [one.name for one in doctor.findings if one.severity > 1],
        "gradients": [row["gradients"] for row in doctor.record.steps[:3]],
        "unread": doctor.record.unread,
        "probes": len(doctor.record.probes),
    }
    (Path(folder) / f"{rank}.json").write_text(json.dumps(said))
    torch.distributed.destroy_process_group()


def test_findings_are_said_once_and_the_gradient_is_the_mean_of_all(tmp_path: Path) -> None:
    # Not forked: the threads that other tests here have started would not be there in a fork, and be waited for.
    context = torch.multiprocessing.start_processes(train, (str(tmp_path),), nprocs=2, join=False, start_method="spawn")
    assert context is not None
    ended = [context.join(LONGEST / 2) for _ in range(2)]  # returns as soon as one of them ends
    if not any(ended):
        for process in context.processes:
            process.kill()
    assert any(ended), f"two processes did not end within {LONGEST} s"
    first, second = (json.loads((tmp_path / f"{rank}.json").read_text()) for rank in (0, 1))
    assert first["names"] == ["softmax_before_ce"] and second["names"] == []
    assert first["gradients"] == second["gradients"]  # each has other rows: what is read is their mean
    assert not first["unread"] and first["probes"] >= 3 and second["probes"] >= 3
