"""What is said of the machine is true, and what it cannot do is refused with a sentence."""

import importlib.metadata
import importlib.util
import json
import os
import subprocess
import sys

import pytest

from stepwell import device
from stepwell.errors import MissingExtraError, UsageError


@pytest.fixture
def _fresh_flags():
    device.cpu_flags.cache_clear()
    yield
    device.cpu_flags.cache_clear()


def _system(monkeypatch, **texts):
    """Give the control files of a system these contents, and no others."""
    monkeypatch.setattr(device, "_read", lambda path: texts.get(str(path).rpartition("/")[2].replace(".", "_"), ""))


def test_describe_is_plain_and_says_what_is_there():
    facts = device.describe()
    assert json.loads(json.dumps(facts)) == facts
    assert facts["cores"] >= 1
    assert 0 < facts["memory_free"] <= facts["memory"]
    assert facts["devices"][0]["name"] == "cpu"
    assert facts["devices"][0]["precisions"][0] == "fp32"


def test_describe_reads_extras_from_what_the_install_declares(monkeypatch):
    declared = ["numpy>=2", "torch>=2.9,<3 ; extra == 'train'", "no-such-package ; extra == 'fancy'"]
    monkeypatch.setattr(importlib.metadata, "requires", lambda _: declared)
    facts = device.describe()
    assert facts["extras"] == {"train": True, "fancy": False}
    assert facts["packages"]["numpy"] == importlib.metadata.version("numpy")
    assert "no-such-package" not in facts["packages"]


def test_describe_works_without_torch(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    facts = device.describe()
    assert facts["threads"] is None
    assert [one["name"] for one in facts["devices"]] == ["cpu"]


@pytest.mark.usefixtures("_fresh_flags")
@pytest.mark.parametrize(
    ("flags", "known"), [("avx2 avx512f", ("fp32",)), ("avx512_bf16", ("fp32", "bf16")), ("amx_bf16", ("fp32", "bf16"))]
)
def test_bf16_on_a_cpu_only_where_it_is_fast(monkeypatch, flags, known):
    _system(monkeypatch, cpuinfo=f"model name\t: X\nflags\t\t: fpu {flags}\n")
    assert device.precisions("cpu") == known
    assert device.pick_precision("auto", "cpu")[0] == "fp32"
    if "bf16" in known:
        assert device.pick_precision("bf16", "cpu") == ("bf16", "as asked")
    else:
        with pytest.raises(UsageError, match="'bf16' is not supported on cpu") as caught:
            device.pick_precision("bf16", "cpu")
        assert "fp32" in caught.value.do


def test_cores_respect_a_container(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)), raising=False)
    for texts, cores in [
        ({"cpu_max": "150000 100000\n"}, 2),
        ({"cpu_max": "max 100000\n"}, 64),
        ({"cpu_cfs_quota_us": "400000\n", "cpu_cfs_period_us": "100000\n"}, 4),
        ({"cpu_cfs_quota_us": "-1\n", "cpu_cfs_period_us": "100000\n"}, 64),
        ({"cpu_max": "10000 100000\n"}, 1),
        ({}, 64),
    ]:
        _system(monkeypatch, **texts)
        assert device.cores() == cores, texts


def test_memory_respects_a_container(monkeypatch):
    monkeypatch.setattr(device, "_physical_memory", lambda: 64 * 2**30)
    _system(monkeypatch, memory_max=f"{2**30}\n", memory_current=f"{2**29}\n", meminfo="MemAvailable:  33554432 kB\n")
    assert (device.memory_total(), device.memory_free()) == (2**30, 2**29)
    _system(monkeypatch, memory_max="max\n", meminfo="MemTotal: 1 kB\nMemAvailable:  33554432 kB\n")
    assert (device.memory_total(), device.memory_free()) == (64 * 2**30, 32 * 2**30)
    _system(monkeypatch)
    assert device.memory_free() == 64 * 2**30


def test_commit_says_where_files_differ(tmp_path):
    def git(*words):
        subprocess.run(["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b", *words], check=True)

    assert device.commit(tmp_path) is None
    git("init", "-q")
    assert device.commit(tmp_path) is None
    (tmp_path / "a").write_text("a")
    git("add", "a")
    git("commit", "-q", "-m", "a")
    head = device.commit(tmp_path)
    assert len(head) == 40
    (tmp_path / "a").write_text("b")
    assert device.commit(tmp_path) == head + "+changes"


needs_torch = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")


@needs_torch
def test_pick_explains_itself_and_refuses_what_is_not_here():
    import torch

    name, why = device.pick("auto")
    assert name in why
    assert device.pick("cpu") == ("cpu", "as asked")
    with pytest.raises(UsageError, match="no device 'tpu'"):
        device.pick("tpu")
    if not torch.cuda.is_available():
        with pytest.raises(UsageError, match="'cuda' is not available"):
            device.pick("cuda")


@needs_torch
def test_threads_are_set():
    import torch

    before = torch.get_num_threads()
    try:
        assert device.set_threads(2) == torch.get_num_threads() == 2
        assert device.set_threads("auto") == torch.get_num_threads() == device.cores()
    finally:
        torch.set_num_threads(before)


def test_a_missing_torch_is_named_with_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtraError) as caught:
        device.pick("auto")
    assert "stepwell[train]" in caught.value.do
