"""What every test stands on: one thread each, guests at the door, and two ways of drawing examples.

`tests/guests` is on the path of this process and of those it starts. What lies there is announced by
`guests-0.dist-info/entry_points.txt`, the same door that packages of others use.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Before numpy or torch is imported: the workers of pytest-xdist share the cores, and results must not depend on them.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"
os.environ.setdefault("MPLBACKEND", "Agg")

ROOT = Path(__file__).resolve().parent.parent
GUESTS = ROOT / "tests" / "guests"

sys.path.insert(0, str(GUESTS))
os.environ["PYTHONPATH"] = os.pathsep.join(
    [str(GUESTS), str(ROOT), *filter(None, [os.environ.get("PYTHONPATH", "")])],
)

# The same examples every time, so that a failure is never chance; `make fuzz` looks for new ones.
settings.register_profile(
    "ci",
    max_examples=30,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("fuzz", max_examples=2000, deadline=None, print_blob=True)
settings.load_profile("ci")


@pytest.fixture
def looks_by_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """The doctor looks every few updates whatever that costs, and tries no batch: nothing hangs on how fast we are."""
    from stepwell.doctor import pace, watch

    monkeypatch.setattr(pace, "SHARE", 1e9)
    monkeypatch.setattr(watch, "LOOK_SHARE", 0.0)
