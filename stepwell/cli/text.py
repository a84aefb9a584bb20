"""How answers look to a person: findings, scores beside baselines, runs, the environment. Plain text, no color."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from stepwell.progress import duration, printable

_SHOWN = 3
_VALUES = 12
_SLICES = 5
_SEVERITY = {3: "stop", 2: "harmful", 1: "notice"}


def check(findings: Sequence[Mapping[str, Any]], summary: Mapping[str, Any], *, everything: bool) -> str:
    """What a check found, the gravest first, after what the data are."""
    told = {name: value for name, value in summary.items() if value != {}}
    return "\n".join([*_pairs(told), *found(findings, everything=everything)])


def found(findings: Sequence[Mapping[str, Any]], *, everything: bool, ordered: bool = False) -> list[str]:
    """Findings, the gravest first unless they are `ordered` already; three of them unless `everything`."""
    if not findings:
        return ["nothing found that would harm"]
    listed = list(findings) if ordered else sorted(findings, key=lambda one: -one["severity"])
    shown = listed if everything else listed[:_SHOWN]
    lines = []
    for one in shown:
        lines.append(f"{_SEVERITY[one['severity']]:<8} {one['name']}: {printable(one['message'])}")
        if everything:
            told = {"why": one.get("why"), "seen in": ", ".join(one.get("examples", ()))}
            told |= {"refuted by": one.get("refuted_by")}
            lines += [f"{'':<8} {key}: {printable(value)}" for key, value in told.items() if value]
        lines += [f"{'':<8} do: {printable(one['remedy'])}"] if one.get("remedy") else []
    if len(shown) < len(listed):
        lines.append(f"and {len(listed) - len(shown)} more; -v shows all, with reasons and examples")
    return lines


def live(finding: Any) -> str:
    """One line while a script runs."""
    return f"stepwell: update {finding.where.get('step', 0)}: {finding.name}: {printable(finding.message)}\n"


def diagnosed(facts: Mapping[str, Any], *, everything: bool) -> str:
    """What the doctor saw in a script: findings, causes first; what was read, and what was not."""
    lines = []
    for name, updates, cost in facts["watched"]:
        lines.append(f"watched {name} for {updates:,} updates; looking took {100 * cost:.1f} % of the time")
    lines += found(facts["findings"], everything=everything, ordered=True) if facts["watched"] else []
    lines += [f"not judged: {printable(one)}" for one in facts["unread"]]
    if facts["code"]:
        why = f": {printable(facts['error'])}" if facts["error"] else ""
        lines.append(f"the script ended with exit code {facts['code']}{why}")
    return "\n".join(lines)


def healed(facts: Mapping[str, Any]) -> str:
    """What healing came to: each finding with its answer, what was tried, where the healed run is."""
    lines = []
    for one in facts["findings"]:
        state = "proven" if one["verified"] else "advice"
        lines.append(f"{one['name']}: {state}: {printable(one['remedy'])}")
    if facts["tried"]:
        table = [["tried", "gain", "at least", "over placebo", "at least", ""]]
        for one in facts["tried"]:
            proof = one["proof"]
            cells = [proof[name] for name in ("gain", "low", "over_placebo", "low_over_placebo")]
            numbers = ["" if cell is None else f"{cell:+.3f}" for cell in cells]
            table.append([one["flags"], *numbers, "accepted" if one["accepted"] else one["said"].partition(":")[0]])
        lines += ["", *_table(table)]
        lines += ["", f"cost: {facts['cost']['arms']:.0f} trainings, {facts['cost']['trainings']:g} times one"]
    lines += [facts["said"]]
    if facts["page"]:
        lines.append(f"page: {facts['page']}")
    if facts["run"]:
        lines.append(f"run:  {facts['run']}")
    return "\n".join(lines)


def lessons(known: Mapping[str, str]) -> str:
    """The lessons that there are, one a line."""
    width = max(map(len, known), default=0)
    return "\n".join(f"{name:<{width}}  {title}" for name, title in known.items())


def taught(facts: Mapping[str, Any]) -> str:
    """What a lesson came to, and where its page is."""
    lines = [
        f"the {side} network ends at {level:.2f} of the loss of the best constant answer"
        for side, level in facts["losses"].items()
    ]
    lines += found([one for one in facts["findings"] if one["severity"] > 1], everything=False, ordered=True)
    return "\n".join([*lines, f"page: {facts['page']}"])


def trained(facts: Mapping[str, Any], *, everything: bool) -> str:
    """What a training came to: scores beside baselines, findings, where the report is, what to do next."""
    folder = Path(facts["run"])
    run = shlex.quote(str(folder))
    lines = [f"{facts['task']}: done in {duration(facts['seconds'])}", "", *scores(facts), ""]
    if facts.get("trial"):
        lines += [*together(facts["trial"], facts["trial"].get("metric") or facts["headline"]), ""]
    if facts.get("findings"):
        lines += [*found(facts["findings"], everything=everything), ""]
    lines += [f"report:   {facts['report']}"]
    if facts.get("artifact"):
        lines += [f"predict:  stepwell predict {run} FILES", f"evaluate: stepwell evaluate {run} DATA"]
    return "\n".join(lines)


def together(trial: Mapping[str, Any], metric: str) -> list[str]:
    """Several trainings of one run, a line each: the metric of each alone, and what else it says."""
    members = trial["members"]
    table = [[trial["kind"], "examples", metric, "with those above", "minus the first"]]
    for one in members:
        difference = one["differences"].get(metric)
        minus = ""
        if difference:
            low, high = (_number(difference[end]) for end in ("low", "high"))
            minus = f"{_number(difference['value'])} ({low} to {high})"
        alone, joint = one["scores"].get(metric), one["together"].get(metric)
        table.append([one["name"], f"{one['n']:,}", _number(alone), "" if joint is None else _number(joint), minus])
    kept = [0, 1, 2, *(place for place in (3, 4) if any(row[place] for row in table[1:]))]
    lines = _table([[row[place] for place in kept] for row in table])
    spread = trial["spread"].get(metric)
    if spread:
        lines.append(f"mean {_number(spread['mean'])}, standard deviation {_number(spread['deviation'])}")
    return [*lines, *([trial["note"]] if trial["note"] else [])]


def evaluated(facts: Mapping[str, Any]) -> str:
    """The scores on some data, and what of the data could not be judged."""
    lines = [f"judged on: {printable(str(facts['data']))}", "", *scores(facts)]
    lines += [*_trained_on(facts), *_apart(facts)]
    unreadable = facts.get("unreadable") or {}
    if unreadable:
        lines += ["", f"{len(unreadable):,} could not be read and are not in the scores:"]
        lines += [printable(f"  {name}: {what}") for name, what in list(unreadable.items())[:_SHOWN]]
        lines += [f"  and {len(unreadable) - _SHOWN:,} more; --json names all"] if len(unreadable) > _SHOWN else []
    return "\n".join(lines)


def _trained_on(facts: Mapping[str, Any]) -> list[str]:
    """That some of the data were trained on, what the headline is without them, and a few of them."""
    leak = facts.get("leak")
    if not leak:
        return []
    without = leak["without"]
    value = f"{facts['headline']} {_between(without)}" if without else "nothing is left to judge"
    shown = ", ".join(leak["examples"][:_SHOWN])
    many = f"{leak['leaked']:,} of {leak['n']:,} examples were trained on (for instance {printable(shown)})"
    return ["", f"{many}, which makes these scores too good", f"without them: {value}"]


def _apart(facts: Mapping[str, Any]) -> list[str]:
    """The slices whose difference to all others is hardly chance, a line each."""
    found = (facts.get("slices") or {}).get("found", ())
    clear = [one for one in found if one["chance"] < 0.05]
    lines = [
        printable(f"  {one['column']}: {one['value']}  {_between(one['score'])}, n {one['score']['n']:,}; ")
        + f"{_between(one['gap'])} from all others"
        for one in clear[:_SLICES]
    ]
    if len(clear) > _SLICES:
        lines.append(f"  and {len(clear) - _SLICES:,} more; --json names all")
    return ["", f"slices that stand apart by their {facts['headline']}:", *lines] if lines else []


def _between(score: Mapping[str, Any]) -> str:
    low, high, value = (_number(score[key]) for key in ("low", "high", "value"))
    return f"{value} ({low} to {high})"


def compared(facts: Mapping[str, Any], page: str | None) -> str:
    """The verdict on some runs, their scores, and each pair's differences with interval and probability."""
    metrics = sorted(facts["metrics"], key=lambda name: name != facts["headline"])
    sides = facts["sides"]
    table = [[f"{facts['n']:,} examples", *sides]]
    for name in metrics:
        found = [facts["scores"][side].get(name) for side in sides]
        if not any(found):
            continue  # undefined on these examples
        table.append([name, *(_number(one["value"] if one else None) for one in found)])
    lines = [printable(facts["verdict"]), "", *_table(table)]
    for pair in facts["pairs"]:
        table = [[f"{pair['first']} - {pair['second']}", "difference", "95 % interval", "probability", "test"]]
        for name in metrics:
            if one := pair["differences"].get(name):
                low, high, value = (one["score"][key] for key in ("low", "high", "value"))
                chance = "< 0.001" if one["adjusted"] < 0.001 else f"{one['adjusted']:.3f}"
                table.append([name, _number(value), f"{_number(low)} to {_number(high)}", chance, one["test"]])
        lines += ["", *_table(table)]
    lines += ["", *(printable(note) for note in facts["notes"])]
    return "\n".join([*lines, *([f"report:   {page}"] if page else [])])


def scores(facts: Mapping[str, Any]) -> list[str]:
    """A table: a metric a line with its value, its interval and the baselines' values; the headline first.

    `facts` hold ``scores`` (name -> value), ``intervals`` (name -> low, high), ``baselines`` (name ->
    metric -> value) and, where known, ``headline`` and ``n``.
    """
    values, intervals, baselines = facts["scores"], facts.get("intervals", {}), facts.get("baselines", {})
    headline = facts.get("headline")
    names = sorted(values, key=lambda name: name != headline)
    count = f"{facts['n']:,} examples" if facts.get("n") else ""
    table = [[count, "score", "95 % interval", *baselines]]
    for name in names:
        low, high = intervals.get(name) or (None, None)
        between = f"{_number(low)} to {_number(high)}" if low is not None else ""
        table.append([name, _number(values[name]), between, *(_number(one.get(name)) for one in baselines.values())])
    undefined = [f"{headline} is undefined on these examples"] if headline and headline not in values else []
    return [*_table(table), *undefined]


def sampled(task: str, folder: Path | str) -> str:
    """Where a sample was written, and what to do with it."""
    return f"wrote a sample to {folder}\ntrain:    stepwell train {task} {shlex.quote(str(folder))}"


def runs(listed: Sequence[Mapping[str, Any]], root: str) -> str:
    """The runs under `root`, newest first."""
    if not listed:
        return f"no runs under {root}"
    table = [["run", "task", "state", "score", "size", "begun"]]
    for one in listed:
        score = one["score"]
        told = f"{score['name']} {_number(score['value'])}" if score else ""
        begun = one["created"][:16].replace("T", " ")
        table.append([one["run"], one["task"], one["state"], told, size(one["bytes"]), begun])
    return "\n".join(_table(table))


def environment(facts: Mapping[str, Any]) -> str:
    """Versions, machine, devices and extras, to be read or pasted into a bug report."""
    plain = {name: value for name, value in facts.items() if not isinstance(value, (list, dict))}
    for name in ("memory", "memory_free"):
        plain[name] = size(plain[name]) if plain.get(name) else "unknown"
    extras = {f"extra {name}": "installed" if there else "missing" for name, there in facts["extras"].items()}
    devices = {f"device {one['name']}": f"{one['what']} ({', '.join(one['precisions'])})" for one in facts["devices"]}
    return "\n".join(_pairs({**plain, **devices, **extras, **facts["packages"]}))


def size(count: int) -> str:
    """Bytes as a person says them: 512 B, 1.4 MB, 23 GB."""
    amount, unit = float(count), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if amount < 1000 or unit == "TB":
            break
        amount /= 1000
    return f"{amount:.0f} {unit}" if amount >= 10 or unit == "B" else f"{amount:.1f} {unit}"


def _pairs(values: Mapping[str, Any]) -> list[str]:
    width = max((len(name) for name in values), default=0)
    return [f"{name.replace('_', ' '):<{width}}  {_value(value)}" for name, value in values.items()]


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return _value([f"{name} {_value(one)}" for name, one in value.items()])
    if isinstance(value, (list, tuple)):
        told = [_value(one) for one in value]
        more = [f"and {len(told) - _VALUES:,} more"] if len(told) > _VALUES else []
        return ", ".join(told[:_VALUES] + more)
    if isinstance(value, float):
        return f"{value:,.6g}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return "" if value is None else printable(str(value))


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    if 1000 <= abs(value) < 1e9:
        return f"{value:,.0f}"
    return f"{value:.4f}" if 1e-3 <= abs(value) < 1000 or value == 0 else f"{value:.4g}"


def _table(rows: Iterable[Sequence[str]]) -> list[str]:
    rows = [[printable(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
