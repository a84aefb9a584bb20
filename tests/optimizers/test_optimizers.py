"""The optimizers: every option reaches torch, and the updates are the published ones."""

from __future__ import annotations

import copy
import subprocess
import sys

import pytest
import torch
from torch import nn
from torch.optim.optimizer import register_optimizer_step_post_hook

from stepwell.errors import RecipeError
from stepwell.optimizers import adagrad, adam, adamw, rmsprop, sgd

ALL = [sgd, adam, adamw, rmsprop, adagrad]


def groups_of(model: nn.Module) -> list[dict[str, object]]:
    parameters = list(model.parameters())
    return [{"params": [p for p in parameters if p.ndim > 1]}, {"params": [p for p in parameters if p.ndim <= 1]}]


@pytest.mark.parametrize(
    ("module", "options", "expected"),
    [
        (sgd, sgd.Options(0.3, 0.8, True, 0.01), {"lr": 0.3, "momentum": 0.8, "nesterov": True, "fused": True}),
        (adam, adam.Options(0.3, 0.8, 0.7, 1e-3, 0.01), {"lr": 0.3, "betas": (0.8, 0.7), "eps": 1e-3, "fused": True}),
        (adamw, adamw.Options(0.3, 0.8, 0.7, 1e-3, 0.01), {"lr": 0.3, "betas": (0.8, 0.7), "eps": 1e-3, "fused": True}),
        (
            rmsprop,
            rmsprop.Options(0.3, 0.8, 0.7, True, 1e-3, 0.01),
            {"lr": 0.3, "alpha": 0.8, "momentum": 0.7, "centered": True, "eps": 1e-3},
        ),
        (
            adagrad,
            adagrad.Options(0.3, 0.5, 1e-3, 0.01),
            {"lr": 0.3, "initial_accumulator_value": 0.5, "eps": 1e-3, "fused": True},
        ),
    ],
)
def test_every_option_reaches_torch_and_only_matrices_are_decayed(module, options, expected):
    matrices, vectors = module.build(options, groups_of(nn.Linear(3, 2))).param_groups
    assert {name: matrices[name] for name in expected} == expected
    assert (matrices["weight_decay"], vectors["weight_decay"]) == (0.01, 0.0)
    assert {name: vectors[name] for name in expected} == expected


def test_a_group_of_biases_alone_is_not_decayed():
    bias = nn.Parameter(torch.ones(3))
    (group,) = sgd.build(sgd.Options(l2=0.1), [{"params": [bias]}]).param_groups
    assert group["weight_decay"] == 0


@pytest.mark.parametrize("module", ALL)
def test_the_fused_step_is_the_plain_one(module):
    torch.manual_seed(0)
    mine, plain = nn.Linear(3, 2), nn.Linear(3, 2)
    plain.load_state_dict(mine.state_dict())
    optimizer = module.build(module.Options(learning_rate=0.01), groups_of(mine))
    kept = {
        name: value for name, value in optimizer.defaults.items() if name not in ("fused", "foreach", "weight_decay")
    }
    twins = dict(zip(mine.parameters(), plain.parameters(), strict=True))
    decay = [
        {"params": [twins[p] for p in own["params"]], "weight_decay": own["weight_decay"]}
        for own in optimizer.param_groups
    ]
    kept.pop("decoupled_weight_decay", None)
    torchs_own = getattr(torch.optim, type(optimizer).__name__)
    reference = (
        torchs_own(decay, foreach=False, fused=False, **kept)
        if module is not rmsprop
        else torchs_own(decay, foreach=False, **kept)
    )
    for _ in range(5):
        x = torch.randn(8, 3)
        for model, one in ((mine, optimizer), (plain, reference)):
            one.zero_grad()
            model(x).square().mean().backward()
            one.step()
    for a, b in zip(mine.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(a, b, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("module", ALL)
def test_it_goes_down_a_bowl(module):
    point = nn.Parameter(torch.tensor([[3.0, -2.0]]))
    optimizer = module.build(module.Options(learning_rate=0.1), [{"params": [point]}])
    for _ in range(50):
        optimizer.zero_grad()
        point.square().sum().backward()
        optimizer.step()
    assert point.detach().square().sum() < 13 / 2


def test_coupled_l2_and_decoupled_decay_differ_as_published():
    start = torch.full((1, 1), 2.0)
    moved = {}
    for name, module, options in (
        ("l2", adam, adam.Options(0.1, l2=0.5)),
        ("decay", adamw, adamw.Options(0.1, weight_decay=0.5)),
    ):
        weight = nn.Parameter(start.clone())
        optimizer = module.build(options, [{"params": [weight]}])
        weight.grad = torch.zeros(1, 1)
        optimizer.step()
        moved[name] = weight.item()
    assert moved["l2"] == pytest.approx(2 - 0.1, rel=1e-4)  # Adam normalizes the decay away
    assert moved["decay"] == pytest.approx(2 * (1 - 0.1 * 0.5), rel=1e-6)


def test_nesterov_without_momentum_is_refused_with_a_sentence():
    with pytest.raises(RecipeError, match="needs a momentum above 0"):
        sgd.build(sgd.Options(momentum=0.0, nesterov=True), [{"params": [nn.Parameter(torch.ones(2, 2))]}])


@pytest.mark.parametrize("module", [adam, adamw])
def test_the_quicker_step_is_the_optimizers_own_bit_for_bit(module):
    torch.manual_seed(0)
    mine = nn.Sequential(nn.Linear(3, 20), nn.Linear(20, 2), nn.Linear(20, 2))
    other = copy.deepcopy(mine)
    own, also = (module.build(module.Options(0.01, 0.8, 0.7, 1e-3, 0.1), groups_of(model)) for model in (mine, other))
    quicker = module.step(own)
    for number in range(12):
        x = torch.randn(8, 3)
        for model, optimizer in ((mine, own), (other, also)):
            optimizer.zero_grad()
            last = model[1 if number % 4 else 2]  # in between, the other layer has no gradient
            last(model[0](x)).square().sum().backward()
            for group in optimizer.param_groups:
                group["lr"] = 0.01 / (1 + number)
        quicker()
        also.step()
    assert all(torch.equal(a, b) for a, b in zip(mine.parameters(), other.parameters(), strict=True))
    kept, wanted = (one.state_dict()["state"] for one in (own, also))
    assert all(torch.equal(kept[key][name], value) for key in wanted for name, value in wanted[key].items())


def test_nothing_decayed_is_one_group():
    assert len(adam.build(adam.Options(), groups_of(nn.Linear(3, 2))).param_groups) == 1


@pytest.mark.parametrize("module", ALL)
def test_hooks_on_steps_and_copies_work_as_on_torchs_own(module):
    weight = nn.Parameter(torch.ones(2, 2))
    optimizer = module.build(module.Options(learning_rate=0.01), [{"params": [weight]}])
    stepped: list[str] = []
    optimizer.register_step_post_hook(lambda *_: stepped.append("its own"))
    of_all = register_optimizer_step_post_hook(lambda *_: stepped.append("everyone's"))
    try:
        weight.square().sum().backward()
        optimizer.step()
    finally:
        of_all.remove()
    assert sorted(stepped) == ["everyone's", "its own"]
    twin_weight, twin = copy.deepcopy((weight, optimizer))
    for w, one in ((weight, optimizer), (twin_weight, twin)):
        one.zero_grad()
        w.square().sum().backward()
        one.step()
    assert torch.equal(weight, twin_weight) and isinstance(twin, getattr(torch.optim, type(optimizer).__name__))


STEPS = """
import importlib, sys, torch
for name in ("sgd", "adam", "adamw", "rmsprop", "adagrad"):
    module = importlib.import_module("stepwell.optimizers." + name)
    weight = torch.nn.Parameter(torch.ones(2, 2))
    optimizer = module.build(module.Options(), [{"params": [weight]}])
    step = module.step(optimizer) if hasattr(module, "step") else optimizer.step
    for _ in range(3):
        optimizer.zero_grad()
        weight.square().sum().backward()
        step()
    optimizer.load_state_dict(optimizer.state_dict())
print([name for name in sys.modules if name.startswith("torch._dynamo")])
"""


def test_no_optimizer_loads_the_compiler():
    done = subprocess.run([sys.executable, "-c", STEPS], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout == "[]\n"
