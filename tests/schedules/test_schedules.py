"""The schedules: ends and bounds for any length, and torch's own as an oracle."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim import lr_scheduler

from stepwell.schedules import constant, cosine, exponential, one_cycle, plateau, step

ALL = [constant, step, exponential, cosine, one_cycle, plateau]
TOTAL = 37


def torch_factors(make, total: int = TOTAL, values=None) -> list[float]:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = make(optimizer)
    found = []
    for cycle in range(total):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step() if values is None else scheduler.step(values[cycle])
    return found


def ours(module, options, total: int = TOTAL) -> list[float]:
    return [module.factor(options, cycle, total, ()) for cycle in range(total)]


@given(
    module=st.sampled_from(ALL),
    total=st.integers(1, 5000),
    share=st.floats(0, 1),
    evaluations=st.lists(st.floats(allow_nan=True), max_size=30),
)
def test_a_factor_lies_between_0_and_1_at_every_cycle(module, total, share, evaluations):
    cycle = min(int(share * total), total - 1)
    value = module.factor(module.Options(), cycle, total, evaluations)
    assert isinstance(value, float)
    assert 0 <= value <= 1 + 1e-12


@given(total=st.integers(2, 3000))
def test_ends(total):
    for module in (constant, step, exponential, cosine):
        assert module.factor(module.Options(), 0, total, ()) == 1
    assert exponential.factor(exponential.Options(final=0.2), total, total, ()) == pytest.approx(0.2)
    assert cosine.factor(cosine.Options(final=0.2), total, total, ()) == pytest.approx(0.2)
    options = one_cycle.Options(rise=0.5, initial=0.1, final=0.01)
    if total > 4:
        assert one_cycle.factor(options, 0, total, ()) == pytest.approx(0.1)
    assert one_cycle.factor(options, total - 1, total, ()) == pytest.approx(0.01)
    assert one_cycle.factor(options, total + 5, total, ()) == pytest.approx(0.01)


@given(every=st.sampled_from([1 / 2, 1 / 3, 1 / 4, 0.1, 1 / 7]), periods=st.integers(1, 200))
def test_a_stepwise_fall_comes_exactly_at_its_share(every, periods):
    total = round(periods / every)
    options = step.Options(every=every, factor=0.5)
    for number in range(1, round(1 / every)):
        assert step.factor(options, number * periods, total, ()) == 0.5**number
        assert step.factor(options, number * periods - 1, total, ()) == 0.5 ** (number - 1)


def test_step_exponential_and_cosine_equal_torch():
    assert ours(step, step.Options(every=5 / TOTAL, factor=0.3)) == pytest.approx(
        torch_factors(lambda optimizer: lr_scheduler.StepLR(optimizer, 5, 0.3))
    )
    assert ours(exponential, exponential.Options(final=0.1)) == pytest.approx(
        torch_factors(lambda optimizer: lr_scheduler.ExponentialLR(optimizer, 0.1 ** (1 / TOTAL)))
    )
    assert ours(cosine, cosine.Options(final=0.1)) == pytest.approx(
        torch_factors(lambda optimizer: lr_scheduler.CosineAnnealingLR(optimizer, TOTAL, 0.1))
    )


@pytest.mark.parametrize(("curve", "torch_name"), [("cosine", "cos"), ("linear", "linear")])
@pytest.mark.parametrize("total", [5, 37, 100])
def test_one_cycle_equals_torch(curve, torch_name, total):
    options = one_cycle.Options(rise=0.3, initial=0.04, final=0.04 * 1e-4, curve=curve)
    expected = torch_factors(
        lambda optimizer: lr_scheduler.OneCycleLR(
            optimizer, 1.0, total_steps=total + 1, pct_start=0.3 * total / (total + 1), anneal_strategy=torch_name
        ),
        total,
    )
    reference = lr_scheduler.OneCycleLR(
        torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0, momentum=0.5),
        1.0,
        total_steps=total,
        anneal_strategy=torch_name,
    )
    assert len(expected) == total
    found = []
    for cycle in range(total):
        found.append(reference.get_last_lr()[0])
        if cycle < total - 1:
            reference.optimizer.step()
            reference.step()
    assert ours(one_cycle, options, total) == pytest.approx(found)


def test_plateau_equals_torch():
    values = [1.0, 0.9, 0.9, 0.95, 0.91, 0.8, 0.8, 0.79995, 0.8, 0.81, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7]
    options = plateau.Options(patience=2, factor=0.5, gain=1e-3, final=0.2)
    expected = torch_factors(
        lambda optimizer: lr_scheduler.ReduceLROnPlateau(
            optimizer, factor=0.5, patience=2, threshold=1e-3, threshold_mode="abs", min_lr=0.2
        ),
        len(values),
        values,
    )
    found = [plateau.factor(options, 0, 1, values[:seen]) for seen in range(len(values))]
    assert found == pytest.approx(expected)
    assert min(found) == 0.2


def test_a_validation_that_is_no_number_is_no_gain():
    options = plateau.Options(patience=1)
    assert plateau.factor(options, 0, 1, [1.0, math.nan, math.nan]) == pytest.approx(0.1)


def test_schedules_do_without_torch():
    code = "import sys, stepwell.schedules.one_cycle, stepwell.schedules.plateau; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
