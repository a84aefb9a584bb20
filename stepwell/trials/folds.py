"""Cross-validation: every example is answered by a network that did not see it, and all answers are judged together.

Each member is trained on k - 1 folds (a part of them kept to choose its weights) and answers the fold that is left.
The parent pools the answers: its scores rest on every example, with one interval over all, and beside them
stands how far the folds differ. It judges a recipe and exports no network: train without `folds` for one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec
from torch import nn

from stepwell import building, device, files, intake, outcome, preparation, recipe, splitting
from stepwell.building import Data
from stepwell.errors import UsageError
from stepwell.job import Job, Looked, Shared
from stepwell.judge import scoring, trial
from stepwell.judge.trial import Trained, Trial
from stepwell.recipe import Recipe
from stepwell.run import Run
from stepwell.schema import Columns
from stepwell.trials import members
from stepwell.trials.members import Answers

RULE = "kfold"
MOST = 100  # folds that `all` makes
PART = "out-of-fold"


def carry_out(job: Job) -> None:
    """Train every fold that this run still lacks, and judge all of them together."""
    job.run.write_json("environment.json", {**device.describe(), "seed": job.recipe.values["seed"]})
    looked = intake.read(job)
    count = _count(job, looked)
    job.run.set_state("running")
    budget, like, runs = job.recipe.options("budget").time, None, []
    for fold in range(count):
        job.progress.note(f"fold {fold + 1} of {count}")
        draft = members.with_share(
            _draft(job.recipe, count, fold),
            budget,
            job.clock.gone(),
            count - fold,
            baselines=True,
            slowness=job.clock.slowness(),
        )
        run, draft = members.open_member(job, fold + 1, draft)
        if not members.finished(run):
            done, data, model = members.learn(job, run, draft, Shared(looked=looked, like=like))
            _answer(replace(done, clock=job.clock), data, model)
            run.set_state("finished")
        like = like or run.recipe()
        runs.append(run)
    with job.clock.stage("judging", job.progress):
        _judge(job, runs)
    outcome.conclude(job, {})


def _count(job: Job, looked: Looked) -> int:
    """How many folds were asked for; "all" is one for each group of examples that stay together."""
    asked = job.run.state()["trial"]["folds"]
    if asked != "all":
        return int(asked)
    ties = intake.find_ties(job.recipe.options("split"), looked.examples, looked.inspection)
    count = len(set(splitting.join_groups(looked.examples, looked.inspection.digests, ties)))
    if count > MOST:
        raise UsageError(
            f"One fold for each of {count:,} groups of examples would be {count:,} trainings.",
            where="folds",
            do=f"give a number of folds, for instance 5 (`all` is for at most {MOST})",
        )
    return max(2, count)


def _draft(draft: Recipe, count: int, fold: int) -> Recipe:
    """The recipe of one fold: the rule of its split becomes k folds, with the options that both rules have."""
    rule = draft.name("split")
    own = {name: value for name, value in draft.values["split"].items() if name != "name"}
    folded: dict[str, Any] = {"name": RULE, "k": count, "fold": fold}
    if rule == RULE:
        folded = {**own, **folded}
    else:
        known = recipe.options_type(draft.task, "split", RULE)
        fields = recipe.describe_options(known) if known is not None else []
        folded |= {one.field: own[one.field] for one in fields if one.field in own}
        if rule == "chronological":
            folded["by"] = "time"
    why = f"fold {fold + 1} of {count}"
    return recipe.with_values(draft, {f"split.{name}": (value, why) for name, value in folded.items()})


def _answer(job: Job, data: Data, model: nn.Module) -> None:
    """Write what the network and each baseline of one fold answer on the examples that they did not see."""
    schema = data.preparation.schema
    model = model.to("cpu").float().eval()
    network = next(iter(building.networks(job.folder, model, schema).values()))
    ids = tuple(data.examples.ids[index] for index in data.parts["test"])
    with job.clock.stage("baselines", job.progress):
        rivals = outcome.rivals(job, data)
        for name, rival in rivals.items():
            predictions, truth = building.answer_part(data, "test", rival.predict)
            members.write_answers(job.run, f"baseline-{name}", Answers(ids, predictions, truth))
    with job.clock.stage("answering", job.progress):
        predictions, truth = building.answer_part(data, "test", building.answering(job.folder, network, data))
        members.write_answers(job.run, "test", Answers(ids, predictions, truth))
    job.run.write_json("baselines.json", {name: {"n": one.n, "note": one.note} for name, one in rivals.items()})


def _judge(job: Job, runs: Sequence[Run]) -> None:
    """Pool the answers of all folds, score them once, and write scores, predictions and findings."""
    rooms = job.folder.rooms("transforms")
    schema = preparation.from_json(runs[0].read_json("preparation.json"), rooms).schema
    card = job.folder.card.facing(schema)
    each = [members.read_answers(run, "test") for run in runs]
    pooled = _pooled(each)
    trained = []
    for run, one in zip(runs, each, strict=True):
        values = scoring.evaluate_metrics(card.metrics, job.folder.rooms("metrics"), one.truth, one.predictions, schema)
        trained.append(Trained(f"fold {run.folder.name}", len(one.ids), values))
    rows = {row.id: row for row in splitting.read_split(runs[0].path("split.csv"))}
    scores = scoring.judge(
        card,
        job.folder.rooms("metrics"),
        pooled.truth,
        pooled.predictions,
        schema,
        [rows[one].group for one in pooled.ids],
        job.recipe.values["seed"],
        _rivals(runs),
        part=PART,
    )
    note = f"Each of these examples was answered by the network of the fold that left it out. {members.lengths(runs)}"
    together = Trial("folds", tuple(trained), trial.spread(trained), note=note)
    # The folds split the data, and so know the lineage in which this look counts.
    files.write_json(job.run.path("run.json"), {**job.run.state(), "lineage": runs[0].state().get("lineage", "")})
    scores["looks"] = outcome.count_look(job, pooled.ids)
    job.run.write_json("scores.json", {**scores, "trial": msgspec.to_builtins(together)})
    members.write_answers(job.run, "test", pooled, PART)
    job.run.write_json("findings.json", _findings(runs))
    files.write_whole(job.run.path("recipe.yaml"), recipe.to_yaml(runs[0].recipe()))


def _pooled(each: Sequence[Answers]) -> Answers:
    """All answers after one another."""
    return Answers(
        tuple(name for one in each for name in one.ids),
        preparation.concatenate([one.predictions for one in each]),
        preparation.concatenate([one.truth for one in each]),
    )


def _rivals(runs: Sequence[Run]) -> dict[str, tuple[Columns, int, str]]:
    """The pooled answers of every baseline that each fold has, the fewest training examples it saw, and which."""
    about: list[Mapping[str, Any]] = [run.read_json("baselines.json") for run in runs]
    found = {}
    for name in about[0]:
        if all(name in one for one in about):
            answers = _pooled([members.read_answers(run, f"baseline-{name}") for run in runs])
            least = min((one[name] for one in about), key=lambda one: int(one["n"]))
            found[name] = (answers.predictions, least["n"], least["note"])
    return found


def _findings(runs: Sequence[Run]) -> list[Any]:
    """What was found of any fold, each once, worst first."""
    found = {(one["name"], one["message"]): one for run in runs for one in run.read_json("findings.json")}
    return sorted(found.values(), key=lambda one: -int(one["severity"]))
