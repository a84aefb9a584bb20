"""Kills writers at every point: `python kill_writers.py FOLDER WRITER…`; a folder a writer and point comes out.

Each act runs in a fork of this process, so that torch is imported once. Prints how many points each writer has.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

from faulty_disk import KILLED, Kill, faulty
from writers import WRITERS


def main(root: Path, names: list[str]) -> None:
    """Write `root/<writer>/<point>` as the kill left it."""
    points = {}
    for name in names:
        writer = WRITERS[name]
        before = root / name / "before"
        before.mkdir(parents=True)
        writer.before(before)
        code, failing = KILLED, 0
        while code == KILLED:
            failing += 1
            folder = root / name / str(failing)
            shutil.copytree(before, folder)
            child = os.fork()
            if child == 0:
                with faulty(Kill(failing)):
                    writer.act(folder)
                os._exit(0)
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if code != 0:
            sys.exit(f"{name} ended by itself with {code} at point {failing}")
        points[name] = failing
    sys.stdout.write(json.dumps(points))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
