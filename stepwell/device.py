"""Where networks run: devices, precision, threads and memory, and the description that opens a bug report.

torch is imported only inside the functions that choose or set something of it; `describe` does so
only where it is installed.
"""

from __future__ import annotations

import ctypes
import functools
import gc
import importlib.metadata
import math
import os
import platform
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from stepwell.errors import MissingExtraError, UsageError

DEVICES = ("cpu", "cuda", "mps")
PRECISIONS = ("fp32", "bf16", "fp16")

_FAST_BF16 = {"avx512_bf16", "amx_bf16"}
"""Without one of these, bf16 on a CPU is slower than fp32 (measured: 0.73 of its speed)."""

_CGROUP = Path("/sys/fs/cgroup")


def pick(wanted: str = "auto") -> tuple[str, str]:
    """The device to train on (cpu, cuda or mps) and one sentence why; `UsageError` where it is not here."""
    torch = _torch("training")
    here = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if wanted == "auto":
        found = next((name for name in ("cuda", "mps") if here[name]), "cpu")
        return found, f"{found}: the fastest device that PyTorch {torch.__version__} finds here"
    if wanted not in here:
        raise UsageError(f"There is no device {wanted!r}.", do="choose one of auto, " + ", ".join(DEVICES))
    if not here[wanted]:
        names = ", ".join(name for name in DEVICES if here[name])
        raise UsageError(
            f"The device {wanted!r} is not available: PyTorch {torch.__version__} finds only {names} here.",
            do="use --device auto, or install a PyTorch that supports it (`stepwell env` shows what is there)",
        )
    return wanted, "as asked"


def precisions(device: str) -> tuple[str, ...]:
    """The precisions that this device computes at full speed, fp32 first."""
    if device == "cpu":
        return ("fp32", "bf16") if _FAST_BF16 & cpu_flags() else ("fp32",)
    if device == "mps":
        return ("fp32", "fp16")
    cuda = _torch("training").cuda
    return ("fp32", "bf16", "fp16") if cuda.is_bf16_supported(including_emulation=False) else ("fp32", "fp16")


def pick_precision(wanted: str, device: str) -> tuple[str, str]:
    """The precision to train in and one sentence why; `UsageError` where the device does not have it."""
    known = precisions(device)
    if wanted == "auto":
        if device == "cuda" and "bf16" in known:
            return "bf16", "bf16: this GPU computes it at full speed, and its range is that of fp32"
        return "fp32", f"fp32: safe everywhere; {device} offers " + ", ".join(known)
    if wanted not in known:
        raise UsageError(
            f"The precision {wanted!r} is not supported on {device} here (it offers {', '.join(known)}).",
            where="training.precision",
            do=f"use --training.precision {known[-1]} or auto",
        )
    return wanted, "as asked"


def cores() -> int:
    """How many CPU cores this process may use: its affinity, and a container's share where there is one."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _cpu_quota()
    return max(1, min(allowed, math.ceil(quota))) if quota else allowed


def set_threads(wanted: int | str = "auto") -> int:
    """Set how many threads torch computes with ("auto": every core that we may use); returns the number."""
    count = cores() if wanted == "auto" else int(wanted)
    _torch("training").set_num_threads(count)
    return count


def memory_total(device: str = "cpu") -> int:
    """The memory in bytes that a process may use on `device`, a container's limit respected; 0 where unknown."""
    if device == "cuda":
        return int(_torch("training").cuda.mem_get_info()[1])
    sizes = [_physical_memory(), _cgroup_number("memory.max", "memory/memory.limit_in_bytes")]
    return min((size for size in sizes if size), default=0)


def memory_free(device: str = "cpu") -> int:
    """The memory in bytes that is still free on `device`, as far as the system tells; 0 where unknown."""
    if device == "cuda":
        return int(_torch("training").cuda.mem_get_info()[0])
    limit = _cgroup_number("memory.max", "memory/memory.limit_in_bytes")
    used = _cgroup_number("memory.current", "memory/memory.usage_in_bytes")
    available = re.search(r"^MemAvailable:\s+(\d+) kB", _read("/proc/meminfo"), re.MULTILINE)
    free = int(available[1]) * 1024 if available else _physical_memory()
    return min(free, max(limit - used, 0)) if limit and used else free


def memory_used() -> int:
    """The memory in bytes that this process takes, after what it has freed went back to the system; 0 where unknown."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:  # glibc keeps what was freed, most of which the next step of a training takes again
        gc.collect()
        trim(0)
    words = _read("/proc/self/statm").split()
    return int(words[1]) * os.sysconf("SC_PAGE_SIZE") if words else 0


def out_of_memory(error: BaseException) -> bool:
    """Whether it says that memory is short: Python's, a GPU's, or the CPU's allocator, which has none of its own."""
    named = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
    return named or "can't allocate memory" in str(error)


def memory_peak() -> int:
    """The most memory in bytes that this process has taken so far."""
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def describe() -> dict[str, Any]:
    """Versions, machine, cores, threads, memory in bytes, devices and extras: plain values, for ``env`` and a run."""
    return {
        "stepwell": _version("stepwell") or "not installed as a package",
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": _processor(),
        "cores": cores(),
        "threads": _threads(),
        "memory": memory_total(),
        "memory_free": memory_free(),
        "devices": _devices(),
        "extras": {name: not missing for name, missing in _missing_packages().items()},
        "packages": {name: version for name in _packages() if (version := _version(name))},
    }


def commit(folder: Path) -> str | None:
    """The git commit of the code in `folder`, with "+changes" where files differ from it; None without git."""
    try:
        head = _git(folder, "rev-parse", "HEAD")
        return head + ("+changes" if _git(folder, "status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.SubprocessError):
        return None


@functools.cache
def cpu_flags() -> frozenset[str]:
    """What this CPU can do, by the names of /proc/cpuinfo; empty where the system does not say."""
    found = re.search(r"^(?:flags|Features)\s*:(.*)$", _read("/proc/cpuinfo"), re.MULTILINE)
    return frozenset(found[1].split()) if found else frozenset()


def _torch(purpose: str) -> Any:
    try:
        import torch
    except ImportError as error:
        raise MissingExtraError("torch", "train", purpose.capitalize()) from error
    return torch


def _devices() -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = [{"name": "cpu", "what": _processor(), "precisions": list(precisions("cpu"))}]
    try:
        torch = _torch("training")
    except MissingExtraError:
        return listed
    for index in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        facts = torch.cuda.get_device_properties(index)
        known = list(precisions("cuda"))
        listed.append({"name": f"cuda:{index}", "what": facts.name, "memory": facts.total_memory, "precisions": known})
    if torch.backends.mps.is_available():
        listed.append({"name": "mps", "what": "Apple GPU", "precisions": list(precisions("mps"))})
    return listed


def _threads() -> int | None:
    try:
        return int(_torch("training").get_num_threads())
    except MissingExtraError:
        return None


def _requirements() -> list[tuple[str, str]]:
    """Package and extra ("" for the light install) of every requirement that this install declares."""
    try:
        declared = importlib.metadata.requires("stepwell") or []
    except importlib.metadata.PackageNotFoundError:
        return []
    found = []
    for one in declared:
        name = re.match(r"[A-Za-z0-9._-]+", one)
        extra = re.search(r"extra\s*==\s*['\"]([^'\"]+)['\"]", one)
        if name:
            found.append((name[0], extra[1] if extra else ""))
    return found


def _packages() -> list[str]:
    return sorted({name for name, _ in _requirements() if name != "stepwell"}, key=str.lower)


def _missing_packages() -> dict[str, list[str]]:
    missing: dict[str, list[str]] = {extra: [] for _, extra in sorted(_requirements()) if extra}
    for name, extra in _requirements():
        if extra and _version(name) is None:
            missing[extra].append(name)
    return missing


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    found = re.search(r"^model name\s*:\s*(.*)$", _read("/proc/cpuinfo"), re.MULTILINE)
    return found[1].strip() if found else platform.processor() or platform.machine()


def _physical_memory() -> int:
    if sys.platform == "win32":
        return 0
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return 0


def _cpu_quota() -> float:
    """The CPU share that the container grants, in cores; 0 without a limit."""
    words = _read(_CGROUP / "cpu.max").split()
    if len(words) == 2 and words[0].isdigit():
        return int(words[0]) / int(words[1])
    quota, period = _cgroup_number("cpu/cpu.cfs_quota_us"), _cgroup_number("cpu/cpu.cfs_period_us")
    return quota / period if quota > 0 and period > 0 else 0.0


def _cgroup_number(*names: str) -> int:
    """The first of these control files that holds a number; 0 where none does ("max" is no number)."""
    for name in names:
        text = _read(_CGROUP / name).strip()
        if text.isdigit():
            return int(text)
    return 0


def _read(path: Path | str) -> str:
    try:
        return Path(path).read_text(errors="replace")
    except OSError:
        return ""


def _git(folder: Path, *words: str) -> str:
    words = ("git", "-C", str(folder), *words)
    done = subprocess.run(words, capture_output=True, text=True, timeout=5, check=True)  # noqa: S603 - our own words
    return done.stdout.strip()
