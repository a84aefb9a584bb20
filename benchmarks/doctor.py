"""How well the doctor sees: faulty and healthy trainings in plain PyTorch, watched, and published rules beside it.

    python benchmarks/doctor.py --cases FOLDER [--seeds 0 1]      # (a) faulty and healthy programs
    python benchmarks/doctor.py --cases FOLDER --drawn 0 1 2      # programs drawn by chance, of these numbers
    python benchmarks/doctor.py --corpus tuning | set_aside       # (b) healthy trainings: false alarms
    python benchmarks/doctor.py --infected [--seeds 0 1 2 3 4]    # (c) trainings that the diagnoses' `infect` made ill

(a) FOLDER holds `cases_shared.json` and `lab.py`, which builds the programs. `--drawn` draws others in the same
grammar (`watched/drawn.py`), each with one fault and beside it a healthy twin. (b) reads real data from the folder that
STEPWELL_DATA names; whether a run counts as healthy is decided by a rule that knows nothing of the doctor
(`watched/corpus.py`), and those that do not are listed. `--daily` takes the first few cases of each family. Runs are
cached by configuration under `build/doctor`, so that a second call only diagnoses. Every look is noted in
`build/doctor/looks.log`: at `tuning` and (c) as often as need be, at
the others as rarely as possible.

A fault counts as named where a finding of severity 2 or more has its name; what is folded under a cause does not count.
"""

from __future__ import annotations

import argparse
import functools
import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import torch
from watched import corpus, drawn, figures, infected, loops, programs, real_data
from watched.cache import CACHE, Run, cached, known
from watched.figures import Faulty


def programs_watched(folder: Path, seeds: Sequence[int], only: str) -> list[str]:
    """(a): the figures over faulty and over healthy programs; prints a line for each that is not as it should be."""
    lab = programs.load_lab(folder)
    every = json.loads((folder / "cases_shared.json").read_text())["cases"]
    runs = []
    for seed in seeds:
        for case in (one for one in every if only in one["id"]):
            make = functools.partial(programs.watched, lab, case, seed)
            runs.append(cached("programs", f"{case['id']}-{seed}", {"case": case, "seed": seed}, make))
    healthy, counts = [], {name: Faulty() for name in (figures.OURS, *figures.SETS)}
    for run in runs:
        case = run.case["case"]
        true = frozenset(case["faults"])
        if case["kind"] == "healthy":
            healthy.append(figures.everyone(run))
            if healthy[-1][figures.OURS].ever:
                print(f"{run.name:<24} FALSE ALARM {healthy[-1][figures.OURS]}")
            continue
        remark = _added(counts, run, true, fails=programs.fails(case, run.ended["metric"]))
        if remark:
            print(f"{run.name:<24} metric {run.ended['metric']:.2f}: {remark}")
    return [*_faulty(counts), *(figures.alarms(healthy) if healthy else []), *_stale(runs)]


def drawn_watched(folder: Path, numbers: Sequence[int], only: str) -> list[str]:
    """The figures over programs drawn by chance, apart over those that their fault harmed, and over their twins."""
    lab = programs.load_lab(folder)
    every, harmed, healthy, left_out, runs = (Faulty(), Faulty(), [], [], [])
    for case, twin in drawn.cases(numbers):
        if only not in case["id"]:
            continue
        ill, well = (
            cached("drawn", one["id"], {"case": one}, functools.partial(programs.watched, lab, one, one["number"]))
            for one in (case, twin)
        )
        runs += [ill, well]
        if not well.ended["metric"] >= twin["reach"] - drawn.SURE:
            left_out.append(f"{twin['id']} {well.ended['metric']:.2f}")
            continue
        healthy.append(figures.everyone(well))
        if healthy[-1][figures.OURS].ever:
            print(f"{well.name:<40} FALSE ALARM {healthy[-1][figures.OURS]}")
        true = frozenset(case["faults"])
        fails = not ill.ended["metric"] >= well.ended["metric"] - programs.HARM
        said = figures.ours(ill, true)
        also = frozenset(drawn.ALSO.get(case["faults"][0], ()))
        remark = every.add(said, true, also=also, fails=fails)
        if fails:
            harmed.add(said, true, also=also, fails=fails)
        if remark:
            print(f"{ill.name:<40} metric {ill.ended['metric']:.2f} of {well.ended['metric']:.2f}: {remark}")
    print(f"twins that were not healthy, left out: {', '.join(left_out) or 'none'}")
    lines = ["-- all", *every.lines(), "-- of these, harmed by their fault", *harmed.lines()]
    return [*lines, *(figures.alarms(healthy) if healthy else []), *_stale(runs)]


def _added(
    counts: dict[str, Faulty], run: Run, true: frozenset[str], *, fails: bool, also: frozenset[str] = frozenset()
) -> str:
    """Count what all said of one faulty run; gives what is to be said of the doctor."""
    said = figures.everyone(run, true | also)
    for name in figures.SETS:
        if run.epochs:
            counts[name].add(said[name], true, also=also, fails=fails, symptoms=True)
    return counts[figures.OURS].add(said[figures.OURS], true, also=also, fails=fails)


def _faulty(counts: dict[str, Faulty]) -> list[str]:
    return [line for name, one in counts.items() for line in (f"-- {name}", *one.lines())]


def _stale(runs: Sequence[Run]) -> list[str]:
    count = sum(run.stale for run in runs)
    return [f"{count} of {len(runs)} runs were read by another version of the doctor"] if count else []


def corpus_watched(name: str, only: str, *, daily: bool, made: bool, details: bool) -> list[str]:
    """(b): the false alarms among runs that are healthy by the rule; `details` says which, and what was said.

    `made` takes those alone that are in the cache: how it stands while others are still to be run.
    """
    if real_data.folder() is None:
        return ["left out: set STEPWELL_DATA to the folder of the real data"]
    runs = [
        cached(name, case["id"], case, functools.partial(loops.watched, case))
        for case in corpus.cases(name, daily=daily)
        if only in case["id"] and (not made or known(name, case["id"], case))
    ]
    reasons = {run.name: corpus.verdict(run.case, run.ended) for run in runs}
    said = {run.name: figures.everyone(run) for run in runs}
    well = [run for run in runs if not reasons[run.name]]
    for run in runs:
        spoken = said[run.name][figures.OURS]
        if reasons[run.name]:
            print(f"{run.name:<20} {run.case['problem']:<16} not healthy: {reasons[run.name]}; named {spoken.names}")
        elif details and spoken.ever:
            print(f"{run.name:<20} {run.case['problem']:<16} ALARM {spoken.names}, ever {sorted(spoken.ever)}")
    families = Counter(run.case["family"] for run in well)
    lines = [f"{len(well)} of {len(runs)} runs are healthy by the rule: {dict(sorted(families.items()))}"]
    lines += figures.alarms([said[run.name] for run in well])
    sayers: Counter[str] = Counter(one for run in well for one in said[run.name][figures.OURS].names)
    return [*lines, f"what {figures.OURS} said: {dict(sayers.most_common())}", *_stale(runs)]


def infected_watched(seeds: Sequence[int], only: str) -> list[str]:
    """(c): the figures over runs that an infection harmed; prints a line for each that is not as it should be."""
    runs = []
    for case in infected.cases(seeds):
        name = f"{case['network']}-{case['fault'] or 'healthy'}-{case['seed']}"
        if only in name or not case["fault"]:
            runs.append(cached("infected", name, case, functools.partial(infected.watched, case)))
    twins = {(run.case["network"], run.case["seed"]): run for run in runs if not run.case["fault"]}
    counts = {name: Faulty() for name in (figures.OURS, *figures.SETS)}
    unharmed = []
    for run in (one for one in runs if one.case["fault"]):
        fault = run.case["fault"]
        healthy = twins[run.case["network"], run.case["seed"]]
        if not infected.harmed(run.ended["skill"], healthy.ended["skill"]):
            unharmed.append(f"{run.name} {figures.named(run.record)}")
            continue
        also = frozenset(infected.ALSO.get(fault, ()))
        remark = _added(counts, run, frozenset({fault}), fails=True, also=also)
        if remark:
            print(f"{run.name:<34} skill {run.ended['skill']:.2f}: {remark}")
    print(f"no harm was done by {len(unharmed)}: {', '.join(unharmed)}")
    healthy_said = [figures.everyone(run) for run in twins.values()]
    return [*_faulty(counts), *figures.alarms(healthy_said), *_stale(runs)]


def main() -> None:
    """Watch what the words ask for, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--drawn", type=int, nargs="+", default=[], help="numbers of programs drawn for each fault")
    parser.add_argument("--corpus", choices=["tuning", "set_aside"])
    parser.add_argument("--infected", action="store_true")
    parser.add_argument("--daily", action="store_true")
    parser.add_argument("--made", action="store_true", help="of a corpus, only the runs that are in the cache")
    parser.add_argument("--only", default="")
    parser.add_argument("--why", default="", help="what this look is for, for the log")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    if asked.cases is not None and asked.drawn:
        part, lines = f"drawn {asked.drawn}", drawn_watched(asked.cases, asked.drawn, asked.only)
    elif asked.cases is not None:
        part, lines = f"programs seeds {asked.seeds}", programs_watched(asked.cases, asked.seeds, asked.only)
    elif asked.infected:
        part, lines = f"infected seeds {asked.seeds}", infected_watched(asked.seeds, asked.only)
    elif asked.corpus is not None:
        details = asked.corpus == "tuning" or bool(asked.why)
        part = f"corpus {asked.corpus}{' daily' if asked.daily else ''}{' as far as made' if asked.made else ''}"
        lines = corpus_watched(asked.corpus, asked.only, daily=asked.daily, made=asked.made, details=details)
    else:
        print("left out: ask for --cases FOLDER, --corpus tuning, --corpus set_aside or --infected")
        return
    print("\n".join(lines))
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "looks.log").open("a") as log:
        log.write(f"{datetime.now(UTC):%Y-%m-%d %H:%M} {part} {asked.only or 'all'} {asked.why}: {lines}\n")


if __name__ == "__main__":
    main()
