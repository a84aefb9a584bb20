"""Takes up a run and is killed while it trains: `python killed.py RUN SEED`.

A checkpoint is taken after every cycle; from a chosen one on a SIGKILL waits for a chosen moment, which may lie within
the writing of a checkpoint. Nothing here is tidied up, as nothing is when a machine stops.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stepwell import api, checkpoint, training


def main(run: str, seed: str) -> None:
    chance = random.Random(seed)
    last, moment = chance.randrange(4, 16), chance.uniform(0.0, 0.03)
    save = checkpoint.save

    def counted(root: Path, state: Mapping[str, Any], cycle: int) -> Path:
        if cycle == last:
            threading.Timer(moment, os.kill, (os.getpid(), signal.SIGKILL)).start()
        return save(root, state, cycle)

    checkpoint.save = counted
    training.CHECKPOINT_SHARE = 0
    api.resume(run, progress="quiet")


if __name__ == "__main__":
    main(*sys.argv[1:])
