"""Scripts that nobody changed, as a person would type it; and what scripts do to those who run them."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
import torch

from stepwell import cli
from stepwell.doctor import script
from stepwell.errors import UsageError

TRAINING = """
import sys, torch
from torch import nn
torch.manual_seed(0)
x = torch.randn(400, 10); y = (x[:, 0] + x[:, 1] > 0).long()
net = nn.Sequential(nn.Linear(10, 16), nn.ReLU(), nn.Linear(16, 2){last})
optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
for update in range({updates}):
    rows = torch.randint(400, (32,))
    optimizer.zero_grad()
    loss = nn.CrossEntropyLoss()(net(x[rows]), y[rows])
    loss.backward()
    optimizer.step()
    {then}
print("the script is done", *sys.argv[1:])
"""


def written(folder: Path, *, last: str = "", updates: int = 80, then: str = "pass") -> Path:
    path = folder / "train.py"
    path.write_text(TRAINING.format(last=last, updates=updates, then=then))
    return path


SOFTMAX = ", nn.Softmax(1)"


def test_a_fault_is_named_and_the_exit_code_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["diagnose", str(written(tmp_path, last=SOFTMAX)), "--own-flag", "word"]) == 1
    said = capsys.readouterr()
    assert "the script is done --own-flag word" in said.out
    assert "watched Sequential for 80 updates" in said.out
    assert "softmax_before_ce: The model ends in a softmax" in said.out
    assert said.err.startswith("stepwell: update 0: softmax_before_ce")


def test_one_object_alone_on_standard_output(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["diagnose", "--json", str(written(tmp_path, last=SOFTMAX))]) == 1
    said = capsys.readouterr()
    facts = json.loads(said.out)
    assert facts["findings"][0]["name"] == "softmax_before_ce" and facts["code"] == 0
    assert "the script is done" in said.err


def test_a_healthy_script_is_left_in_peace(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["diagnose", str(written(tmp_path))]) == 0
    assert "nothing found that would harm" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("then", "code", "error"),
    [
        ("if update == 60: sys.exit(3)", 3, ""),
        ("if update == 60: sys.exit('enough')", 1, "enough"),
        ("if update == 60: raise ValueError('its own')", 1, "ValueError: its own"),
        ("if update == 60: import os; os.chdir('/')", 0, ""),
    ],
)
def test_however_it_ends_what_was_found_is_kept(
    then: str, code: int, error: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here = Path.cwd()
    try:
        ended = script.examine(written(tmp_path, last=SOFTMAX, then=then))
    finally:
        os.chdir(here)
    assert (ended.code, ended.error) == (code, error)
    assert [one.name for one in ended.findings if one.severity > 1] == ["softmax_before_ce"]
    if error.startswith("Value"):
        assert "train.py" in capsys.readouterr().err


def test_afterwards_the_process_is_as_before(tmp_path: Path) -> None:
    before = (list(sys.argv), list(sys.path), sys.modules["__main__"], torch.Tensor.backward)
    script.examine(written(tmp_path, updates=5), ["a"])
    assert (list(sys.argv), list(sys.path), sys.modules["__main__"], torch.Tensor.backward) == before


def test_two_models_in_turn_are_two_watches(tmp_path: Path) -> None:
    path = tmp_path / "two.py"
    one = TRAINING.format(last=SOFTMAX, updates=60, then="pass")
    path.write_text(one + TRAINING.format(last="", updates=60, then="pass"))
    ended = script.examine(path)
    assert [name for name, _, _ in ended.watched] == ["Sequential", "Sequential"]
    assert [one.name for one in ended.findings if one.severity > 1] == ["softmax_before_ce"]


def test_without_a_training_that_is_said(tmp_path: Path) -> None:
    path = tmp_path / "none.py"
    path.write_text("print(1)")
    ended = script.examine(path)
    assert ended.findings == () and "no training to judge" in ended.unread[0]


def test_a_script_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no script"):
        script.examine(tmp_path / "absent.py")
