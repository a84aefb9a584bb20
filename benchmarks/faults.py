"""What survives kills, faults, a full disk and bit rot? Counted at full size; what the tests try at a small one.

    python benchmarks/faults.py                # every writer killed and failed at every call, a full disk
    python benchmarks/faults.py --damages 5000

Kills: each writer of `tests/faults/writers.py` in a process that ends before, within or after its N-th system call, for
every N, with unsynced bytes lost. Faults: the N-th call fails, once or from then on, with each of four errors. Damage:
a flipped bit or a cut file. Disks: a file system of 16 MiB (tmpfs; skipped with a reason where none can be mounted)
that a checkpoint does not fit on; whole trainings by the command line on disks that are too small, each elsewhere,
then made larger; and on one that is read-only. Anything but the old content, the new content or a sentence ends this
with a traceback.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests" / "faults"), str(ROOT)]

import torch  # noqa: E402
from test_faults_damage import fall_back, refusals  # noqa: E402
from test_faults_errors import ERRORS, fail_at_every_call  # noqa: E402
from test_faults_kills import whole_after_kills  # noqa: E402
from writers import WRITERS, state  # noqa: E402

from stepwell import checkpoint, files  # noqa: E402
from stepwell.errors import RunError  # noqa: E402

DISK = 16 * 2**20  # bytes
TOO_SMALL = (36, 80, 160, 260, 360, 480, 600)  # kB: from the run's first file to its report
TRAINED = ("history.jsonl", "checkpoints/000000000300/model.safetensors", "predictions/test.jsonl")


def kills(folder: Path) -> None:
    """Every writer, killed at every point."""
    command = [sys.executable, ROOT / "tests" / "faults" / "kill_writers.py", folder, *WRITERS]
    points = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    for name, count in points.items():
        whole_after_kills(name, folder, count)
        print(f"  {name:<18} killed at {count - 1:>3} points: old or new was read back each time")


def faults(folder: Path) -> None:
    """Every writer, failed at every call, with every error, once and from then on."""
    for name in WRITERS:
        calls = 0
        for error in ERRORS:
            for stays in (False, True):
                place = folder / f"{name} {error} {stays}"
                place.mkdir()
                calls += fail_at_every_call(name, error, stays=stays, tmp_path=place)
        print(f"  {name:<18} failed at {calls:>4} calls: a sentence, and old or new was read back each time")


def damages(folder: Path, count: int) -> None:
    """Checkpoints and artifacts with a flipped bit or cut short."""
    for number, name in enumerate(("manifest.json", "state.json", "model.safetensors")):
        found = fall_back(name, 1, count // 5, folder / f"checkpoint {number}")
        print(f"  checkpoint, {name:<18} {found:>4} of {count // 5} refused; the others changed nothing that is read")
    for number, name in enumerate(("manifest.json", "model.onnx")):
        place = folder / f"artifact {number}"
        place.mkdir()
        found = refusals(name, 1, count // 5, place)
        print(f"  artifact,   {name:<18} {found:>4} of {count // 5} refused; the others changed nothing that is read")


@contextmanager
def small_disk(folder: Path, size: int = DISK) -> Iterator[str]:
    """Mount a file system of `size` bytes on `folder`; yields why that is not possible here, or ""."""
    folder.mkdir(exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "stepwell", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        yield "there is no mount command"
        return
    if done.returncode != 0:
        yield (done.stderr.strip() or "mounting is not allowed").splitlines()[0]
        return
    try:
        yield ""
    finally:
        subprocess.run(["umount", str(folder)], check=True)  # noqa: S607 - wherever the system has it


def full_disk(folder: Path) -> None:
    """A checkpoint that does not fit is refused, the one before is whole, and saving works once there is room."""
    with small_disk(folder) as reason:
        if reason:
            print(f"  skipped: no small file system can be mounted here ({reason})")
            return
        checkpoint.save(folder / "checkpoints", {**state(1), "best": torch.ones(2**20)}, 1)
        room = folder / "something else"
        room.write_bytes(bytes(9 * 2**20))
        try:
            checkpoint.save(folder / "checkpoints", {**state(2), "best": torch.ones(2**20)}, 2)
        except RunError as error:
            print("  said: " + str(error).replace("\n", "\n      "))
        else:
            sys.exit("a full disk took a checkpoint")
        found, notes = checkpoint.load_latest(folder / "checkpoints")
        if found is None or found["progress"]["cycle"] != 1 or notes or files.clean(folder):
            sys.exit("the checkpoint before was not whole, or something was left over")
        room.unlink()
        checkpoint.save(folder / "checkpoints", {**state(2), "best": torch.ones(2**20)}, 2)
        found, _ = checkpoint.load_latest(folder / "checkpoints")
        if found is None or found["progress"]["cycle"] != 2:
            sys.exit("saving did not work again")
        print("  the checkpoint before was whole, nothing was left over, and saving went on once there was room")


def remount(folder: Path, how: str) -> None:
    """Change a file system that `small_disk` mounted."""
    subprocess.run(["mount", "-o", f"remount,{how}", str(folder)], check=True)  # noqa: S607 - wherever the system has it


def stepwell(folder: Path, words: str, code: int) -> str:
    """The command line in `folder`, which must end with `code` and no traceback; returns what it says."""
    command = [sys.executable, "-m", "stepwell", *words.split()]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != code or "Traceback" in done.stderr:
        sys.exit(f"stepwell {words} ended with {done.returncode}:\n{done.stderr}")
    return done.stderr


def trainings(folder: Path) -> None:
    """A training stops in words wherever the disk is full, goes on where there is room, and is the undisturbed one."""
    shutil.copy(ROOT / "tests" / "fixtures" / "rows.csv", folder)
    train = f"train table {folder}/rows.csv --target answer --recipe quick --steps 300 --training.threads 1 --run run"
    train += " --training.checkpoint-every 0.001 -q"
    stepwell(folder, train, 0)
    wanted = [(folder / "run" / name).read_bytes() for name in TRAINED]
    for size in TOO_SMALL:
        with small_disk(disk := folder / "disk", size * 1000) as reason:
            if reason:
                print(f"  skipped: no small file system can be mounted here ({reason})")
                return
            said = stepwell(disk, train, 1).partition("\n")[0]
            begun = (disk / "run" / "draft.yaml").exists()
            remount(disk, f"size={DISK}")
            stepwell(disk, "resume run -q" if begun else train, 0)
            if [(disk / "run" / name).read_bytes() for name in TRAINED] != wanted:
                sys.exit(f"on a disk of {size} kB it was not the undisturbed training")
            print(f"  {size:>4} kB: {said}\n          then, with room, the undisturbed training bit for bit")
    with small_disk(disk):
        shutil.copytree(folder / "run", disk / "run")
        remount(disk, "ro")
        for words in (train.replace("--run run", "--run new"), "resume run --steps 3"):
            if "read-only" not in stepwell(disk, words, 1):
                sys.exit(f"stepwell {words} did not say that the disk is read-only")
        for words in (f"evaluate run {folder}/rows.csv", f"predict run {folder}/rows.csv", "runs"):
            stepwell(disk, words, 0)
    print("  read-only: train and resume say so; evaluate, predict and runs work")


def main() -> None:
    """Everything, in temporary folders."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--damages", type=int, default=1000, help="flipped bits and cut files, over five kinds of file")
    wanted = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for part in ("kills", "faults", "damages"):
            (folder / part).mkdir()
        print("Killed at every system call:")
        kills(folder / "kills")
        print("Failed at every system call (ENOSPC, EIO, EACCES, no memory; once, and from then on):")
        faults(folder / "faults")
        print("Damaged:")
        damages(folder / "damages", wanted.damages)
        print("A disk of 16 MiB that is full:")
        full_disk(folder / "disk")
        print("Trainings on disks that are too small, and on one that is read-only:")
        (folder / "trainings").mkdir()
        trainings(folder / "trainings")


if __name__ == "__main__":
    main()
