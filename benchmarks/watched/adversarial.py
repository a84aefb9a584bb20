"""A generator and a discriminator that learn by turns, one of them watched (Goodfellow et al. 2014)."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from stepwell.doctor.record import Record
from stepwell.doctor.watch import watch

from . import networks, references
from .observed import heard
from .problems import Problem

BLUR = 0.3  # of noise on what the discriminator sees, which falls to nothing
MADE = 1000


def watched(case: Mapping[str, Any], given: Problem) -> tuple[Record, dict[str, Any]]:
    """One case: what the doctor read of the network that it watched, and how it ended."""
    torch.manual_seed(case["seed"])
    began, hidden, noise = time.process_time(), case["net"]["hidden"], case["net"]["noise"]
    generator = networks.mlp([noise, hidden, hidden, 2], "relu")
    critic = networks.mlp([2, hidden, hidden, 1], "leaky_relu")
    settings = {name: value for name, value in case["optimizer"].items() if name != "name"}
    optimizers = [torch.optim.Adam(one.parameters(), **settings) for one in (generator, critic)]
    steps = case["most_steps"]
    place = ("generator", "discriminator").index(case["watches"])
    told = None if case["told"] == "nothing" else steps
    with watch((generator, critic)[place], optimizers[place], steps=told, told=heard) as doctor:
        for step in range(steps):
            _turn(case, given, (generator, critic), optimizers, BLUR * (1 - step / steps))
    with torch.no_grad():
        made = generator(torch.randn(MADE, noise))
    skill = references.skill(given, made)
    ended = {"skill": skill, "best": skill, "reference": references.reference(given), "cost": doctor.cost}
    weights = sum(one.numel() for one in (generator, critic)[place].parameters())
    seconds = time.process_time() - began
    return doctor.record, {
        **ended,
        "weights": weights,
        "steps": steps,
        "unread": doctor.record.unread,
        "seconds": seconds,
    }


def _turn(
    case: Mapping[str, Any],
    given: Problem,
    nets: tuple[nn.Module, nn.Module],
    optimizers: list[torch.optim.Optimizer],
    blur: float,
) -> None:
    """One step of the discriminator, one of the generator."""
    (generator, critic), size = nets, case["batch"]
    real = given.x[torch.randint(len(given.x), (size,))]
    made = generator(torch.randn(size, case["net"]["noise"]))
    yes, no = torch.ones(size, 1), torch.zeros(size, 1)
    optimizers[1].zero_grad()
    told = critic(torch.cat([real, made.detach()]) + blur * torch.randn(2 * size, 2))
    F.binary_cross_entropy_with_logits(told, torch.cat([yes, no])).backward()
    optimizers[1].step()
    optimizers[0].zero_grad()
    F.binary_cross_entropy_with_logits(critic(made + blur * torch.randn(size, 2)), yes).backward()
    optimizers[0].step()
