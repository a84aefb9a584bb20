"""What single settings are worth: each of their other values is trained on the same data, all differences are shown.

The members share split and number of cycles; where a setting of the preparation differs the examples are prepared anew,
fitted on the same training part. The first is the recipe as it is, and that one is exported: what a difference on the
test part suggests is tried on new data before it is believed.
"""

from __future__ import annotations

import typing
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal

from stepwell import device, files, intake, outcome, recipe
from stepwell.errors import MissingExtraError, RecipeError, UsageError, counted, did_you_mean
from stepwell.job import Job, Shared
from stepwell.judge.trial import Trial
from stepwell.recipe import Recipe
from stepwell.settings import convert, fields_of
from stepwell.trials import comparison, members
from stepwell.trials.comparison import Arm

AS_IT_IS = "as it is"
"""The recipe without a change."""

MOST = 24
"""Trainings of one run, at most."""


def carry_out(job: Job) -> None:
    """Train the recipe and each change of it that this run still lacks, and judge all of them."""
    job.run.write_json("environment.json", {**device.describe(), "seed": job.recipe.values["seed"]})
    ways, passed = changes(job.recipe, job.run.state()["trial"]["settings"])
    data = intake.look(job)
    job.run.set_state("running")
    for one in passed:
        job.progress.note(one)
    budget, like = job.recipe.options("budget").time, None
    arms: list[Arm] = []
    for number, (name, changed) in enumerate(ways):
        job.progress.note(f"{name}: {number + 1} of {len(ways)}")
        left, gone, slowness = len(ways) - number, job.clock.gone(), job.clock.slowness()
        draft = members.with_share(changed, budget, gone, left, baselines=False, slowness=slowness)
        run, draft = members.open_member(job, number + 1, draft)
        try:
            own = data if _prepared_alike(job.recipe, changed) else intake.otherwise(job, data, changed)
        except MissingExtraError as error:
            passed.append(f"{name} was passed over: {error.what}")
            job.progress.note(passed[-1])
            continue
        if not members.finished(run):
            members.learn(job, run, draft, Shared(data=own, like=like))
            run.set_state("finished")
        like = like or run.recipe()
        arms.append(Arm(name, run, members.model_of(job, run, own), own))
    frozen = arms[0].run.recipe()
    files.write_whole(job.run.path("recipe.yaml"), recipe.to_yaml(frozen))
    note = " ".join(
        [
            f"The recipe as it is was kept. {members.lengths([arm.run for arm in arms])}",
            f"Of {counted(len(arms) - 1, 'change', 'changes')} one in twenty seems to matter by chance alone.",
            *passed,
        ]
    )

    def together() -> Trial:
        return replace(comparison.judged(job, arms), chosen=AS_IT_IS, note=note)

    outcome.finish(replace(job, recipe=frozen), data, arms[0].model, together)


def changes(draft: Recipe, wanted: Sequence[str]) -> tuple[list[tuple[str, Recipe]], list[str]]:
    """The recipe as it is and each change of one setting, named after it; and in sentences what does not go with it.

    `wanted` are settings of a few values (all others of each are tried), sections (all such settings in them), or
    `setting=value`. `UsageError` for what is none of these, or where nothing is left to compare.
    """
    known = recipe.flat(draft)
    ways, passed = [(AS_IT_IS, draft)], []
    for path, value in dict.fromkeys(pair for one in wanted for pair in _pairs(draft, known, one)):
        if value == known[path]:
            continue
        name = f"{path} {_written(value)}"
        try:
            ways.append((name, recipe.with_values(draft, {path: (value, "one of the values that are compared")})))
        except RecipeError as error:
            passed.append(f"{name} was passed over: {error.what}")
    if len(ways) < 2:
        raise UsageError("Nothing is left to compare.", where="; ".join(passed), do="name other settings")
    if len(ways) > MOST:
        raise UsageError(f"These are {len(ways)} trainings; {MOST} are taken.", do="name fewer settings")
    return ways, passed


def _pairs(draft: Recipe, known: dict[str, Any], wanted: str) -> list[tuple[str, Any]]:
    """The settings and values that one of the words asks for."""
    path, sign, value = wanted.partition("=")
    path = path if path in known or f"{path}.name" not in known else f"{path}.name"
    if sign and path in known:
        return [(path, _read(draft, path, value))]
    named = [one for one in known if one == path or one.startswith(f"{path}.")]
    if sign or not named:
        raise UsageError(f"There is no setting {path!r}.", do=did_you_mean(path, known))
    found = [(one, value) for one in named for value in _values(draft, one)]
    if not found:
        raise UsageError(f"{path} has no few values that could all be tried.", do=f"name one, as in {path}=VALUE")
    return found


def _read(draft: Recipe, path: str, text: str) -> Any:
    """A value as it was typed; `UsageError` where it is none of the setting."""
    kind = _kind(draft, path)
    try:
        return text if kind is None else convert(text, kind, text=True)
    except ValueError as wanted:
        raise UsageError(f"{path}: got {text!r}, wanted {wanted}.", do=f"name another, as in {path}=VALUE") from wanted


def _values(draft: Recipe, path: str) -> tuple[Any, ...]:
    """All values of a setting that has few: yes and no, or some words; none of any other."""
    kind = _kind(draft, path)
    while typing.get_origin(kind) is Annotated:
        kind = typing.get_args(kind)[0]
    if kind is bool:
        return (False, True)
    return typing.get_args(kind) if typing.get_origin(kind) is Literal else ()


def _kind(draft: Recipe, path: str) -> Any:
    """The annotation of a setting; None for the name of a component, and in a section of many components."""
    section, _, name = path.partition(".")
    try:
        options: type = type(draft.options(section))
    except RecipeError:
        return None
    return fields_of(options).get(name)


def _prepared_alike(one: Recipe, other: Recipe) -> bool:
    return bool(one.values.get("prepare") == other.values.get("prepare"))


def _written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
