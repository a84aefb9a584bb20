"""The card: what a run is worth and how it came about, in short, as Markdown from the same facts as the page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from stepwell import recipe as recipes
from stepwell.judge.scores import Scores
from stepwell.recipe import Recipe
from stepwell.report import facts as reading
from stepwell.report import wording
from stepwell.report.facts import Facts, Split
from stepwell.report.markup import visible
from stepwell.schema import Finding

_SEVERITY = {1: "notice", 2: "harmful", 3: "stop and fix"}
_SPECIAL = re.compile(r"([\\`*_\[\]|~#$])")
_WEAKEST = 5
_CLEAR = 0.05
_MEANING = """They hold for data like the test part, drawn the same way. An interval says how far the number would move
with other examples of that kind; it says nothing about data of another kind, or about another training. The whole
report is report.html; every number is in scores.json, every setting in recipe.yaml."""


def card(run_folder: Path, *, examples: bool = True) -> str:
    """The card of a run as Markdown; with `examples` False paths and ids stay out. `RunError` as for `report.build`."""
    return text(reading.read(run_folder, {}, examples=examples))


def text(facts: Facts) -> str:
    """The card that these facts make."""
    blocks = [
        [f"# {escape(facts.title)}: {escape(facts.name)}"],
        [_summary(facts)],
        *(_scores(facts.scores, facts.recipe) if facts.scores else []),
        *(_care(facts.scores, examples=facts.examples) if facts.scores else []),
        *_findings(facts.findings, examples=facts.examples),
        *(_split(facts.split) if facts.split else []),
        *(_recipe(facts.recipe) if facts.recipe else []),
        ["## What these numbers mean"],
        [_MEANING],
        ["## Use", "", "```", "stepwell predict RUN FILES", "stepwell evaluate RUN DATA", "```"],
        [_made(facts)],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if any(block)) + "\n"


def escape(words: str) -> str:
    """Text that Markdown shows as it is, on one line: no HTML, no link, no table border, no emphasis."""
    plain = str(visible(words)).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _SPECIAL.sub(r"\\\1", plain)


def _summary(facts: Facts) -> str:
    purpose = f"Takes {escape(facts.takes)}, gives {escape(facts.gives)}." if facts.takes and facts.gives else ""
    told = escape(str(wording.verdict(facts.scores))) if facts.scores else "Nothing was judged yet."
    return f"{purpose} {told}".strip()


def _scores(scores: Scores, recipe: Recipe | None) -> list[list[str]]:
    names = ["network", *scores.baselines]
    lines = [_row(["metric", *names]), _row(["---"] * (len(names) + 1))]
    for metric, score in scores.scores.items():
        about = scores.metrics[metric]
        cells = [score, *(one.scores.get(metric) for one in scores.baselines.values())]
        shown = [
            f"{wording.value(one.value, about, one.n)} ({wording.interval(one, about)})" if one else "–"
            for one in cells
        ]
        lines.append(_row([about.title, *shown]))
    unit = "groups" if scores.interval.by == "group" else "examples"
    how = (
        f"{wording.count(scores.n)} {scores.part} examples; {wording.percent(scores.interval.level)} intervals "
        f"over {wording.count(scores.interval.units)} {unit}."
    )
    of_two = wording.positive(scores, recipe)
    return [["## Scores"], lines, [escape(f"{how} {of_two}".rstrip())], *_weakest(scores)]


def _care(scores: Scores, *, examples: bool) -> list[list[str]]:
    """What a reader of the headline must know besides: leaks, slices that stand apart, how far trainings differ."""
    about, lines = scores.metrics[scores.headline], []
    if said := wording.looks(scores):
        lines.append(f"- {said}")
    if scores.leak is not None:
        kept = scores.leak.without
        clean = f": without them {about.title} {wording.value(kept.value, about, kept.n)}" if kept else ""
        lines.append(
            f"- {wording.count(scores.leak.leaked)} of {wording.count(scores.leak.n)} {scores.part} examples were seen "
            f"in training, as copies or in groups{clean}{f' ({wording.interval(kept, about)})' if kept else ''}."
        )
    for one in scores.slices.found[:_WEAKEST] if scores.slices is not None and examples else ():
        if one.chance < _CLEAR:
            gap, ends = wording.difference(one.gap, about)
            lines.append(
                f"- {escape(f'{one.column}: {one.value}')}: {escape(about.title)} "
                f"{wording.value(one.score.value, about, one.score.n)} (n {wording.count(one.score.n)}), "
                f"{gap} ({ends}) from all others."
            )
    spread = scores.trial.spread.get(scores.headline) if scores.trial is not None else None
    if spread is not None:
        lines.append(
            f"- Over {wording.count(spread.n)} trainings {escape(about.title)} went from "
            f"{wording.value(spread.lowest, about, scores.n)} to {wording.value(spread.highest, about, scores.n)}."
        )
    return [["## Where to be careful"], lines] if lines else []


def _weakest(scores: Scores) -> list[list[str]]:
    if not any(scores.per_class.values()):
        return []
    metric = list(scores.per_class)[-1]
    about, found = scores.metrics[metric], scores.per_class[metric]
    sign = 1 if about.direction == "max" else -1
    lines = [
        f"- {escape(name)}: {escape(about.title)} {wording.value(found[name].value, about, found[name].n)} "
        f"({wording.interval(found[name], about)}, n {wording.count(found[name].n)})"
        for name in sorted(found, key=lambda name: sign * found[name].value)[:_WEAKEST]
    ]
    return [["The weakest classes:"], lines]


def _findings(findings: Sequence[Finding], *, examples: bool) -> list[list[str]]:
    ordered = sorted(findings, key=lambda one: -one.severity)
    lines = []
    for one in ordered:
        said = one.message if examples else one.name.replace("_", " ")
        lines.append(f"- {_SEVERITY[one.severity]}: {escape(said)} {escape(one.remedy)}".rstrip())
    return [["## Findings"], lines or ["Nothing was found that stands in the way of these numbers."]]


def _split(split: Split) -> list[list[str]]:
    total = sum(split.examples.values())
    lines = [
        f"- {part or 'in no part'}: {wording.count(count)} examples ({wording.percent(count / total)})"
        for part, count in split.examples.items()
    ]
    return [["## Data"], lines]


def _recipe(recipe: Recipe) -> list[list[str]]:
    chosen = [
        (path, value, recipe.origins[path])
        for path, value in recipes.flat(recipe).items()
        if recipe.origins[path].kind != "default" or path.endswith(".name")
    ]
    lines = [_row(["setting", "value", "origin"]), _row(["---"] * 3)]
    lines += [_row([path, str(value), str(origin)]) for path, value, origin in chosen]
    return [["## Recipe"], ["What is not a default; the rest is in recipe.yaml."], lines]


def _made(facts: Facts) -> str:
    day = str(facts.state.get("created", ""))[:10]
    known = {name: facts.environment.get(name) for name in ("stepwell", "python", "platform")}
    versions = ", ".join(f"{name} {value}" for name, value in known.items() if value)
    took = f"in {wording.duration(facts.timings.seconds)}" if facts.timings.seconds is not None else ""
    return escape(" ".join(one for one in ("Made", day, took, f"with {versions}." if versions else "") if one))


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell if cell == "---" else escape(cell) for cell in cells) + " |"
