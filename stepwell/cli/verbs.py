"""The verbs: the flags of each, its one call of the api, and its answer."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import gc
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO, NoReturn

from stepwell import discovery
from stepwell.cli import flags, rows, text
from stepwell.errors import UsageError, did_you_mean

COMMON_FLAGS = ("--json", "--quiet", "-q", "-v")

Arguments = argparse.Namespace


class Unread(Exception):
    """Whoever reads our output (head, less) has seen enough."""


@dataclass(frozen=True)
class Answer:
    """What a verb has to say: `facts` for ``--json`` (None: it printed them itself), `text` for a person."""

    facts: Any
    text: str
    code: int = 0


@dataclass(frozen=True)
class Verb:
    """One verb: its words and line in ``--help``, what adds its flags, and what does it.

    `free` says that ``--section.option value`` is taken too, for whatever sections there are; `rest`, that whatever
    follows the first plain word is left as it is (`arguments.rest`).
    """

    usage: str
    line: str
    add_flags: Callable[[argparse.ArgumentParser], None]
    run: Callable[[Arguments], Answer]
    free: bool = False
    rest: bool = False


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(message[:1].upper() + message[1:] + ".", do=f"`{self.prog} --help` shows what it takes")


def answer(name: str, words: list[str]) -> Answer:
    """Understand the words after a verb and do what they say; `UsageError` where they make no sense."""
    verb = VERBS[name]
    parser = _parser(name)
    words, rest = _divided(words) if verb.rest else (words, [])
    known = list(dict.fromkeys([*re.findall(r"--[a-z][a-z-]*", parser.format_usage()), *COMMON_FLAGS]))
    words = flags.with_dashes(words, known)
    if "-h" in words or "--help" in words:
        asked = [word for word in words if not word.startswith("-")]
        if name == "train":
            return Answer(None, flags.task_help(asked[0]) if asked else f"{parser.format_help()}\n{flags.tasks_help()}")
        return Answer(None, parser.format_help() + (f"\n{flags.FREE_FLAGS}" if verb.free else ""))
    free: dict[str, str] = {}
    if verb.free:
        words, free = flags.split(words, known)
    arguments, unknown = parser.parse_known_args(words)
    if unknown:
        what = "flag" if unknown[0].startswith("-") else "further word"
        hint = did_you_mean(unknown[0].partition("=")[0], known) if what == "flag" else f"`{parser.prog} --help`"
        raise UsageError(f"`stepwell {name}` takes no {what} {unknown[0]!r}.", do=hint)
    arguments.rest = rest
    arguments.settings, arguments.known = free | flags.shortcuts(arguments), known
    return verb.run(arguments)


def _divided(words: list[str]) -> tuple[list[str], list[str]]:
    """The words up to the first that is no flag, and the rest."""
    first = next((place for place, word in enumerate(words) if not word.startswith("-")), len(words))
    return words[: first + 1], words[first + 1 :]


def _parser(name: str) -> argparse.ArgumentParser:
    verb = VERBS[name]
    parser = _Parser(
        prog=f"stepwell {name}",
        description=verb.line[:1].upper() + verb.line[1:] + ".",
        allow_abbrev=False,
    )
    verb.add_flags(parser)
    parser.add_argument("--json", action="store_true", help="print exactly one JSON object")
    parser.add_argument("-q", "--quiet", action="store_true", help="show no progress")
    parser.add_argument("-v", dest="verbose", action="store_true", help="show more: all findings, tracebacks")
    return parser


def _api() -> ModuleType:
    from stepwell import api

    return api


@contextlib.contextmanager
def _loading() -> Iterator[None]:
    """Load without Python's search for cycles, which goes through all that is loaded, time and again, for nothing.

    Measured: a twelfth less of all that one prediction takes.
    """
    searched = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if searched:
            gc.enable()


def _progress(arguments: Arguments) -> str:
    return "quiet" if arguments.quiet else "verbose" if arguments.verbose else "auto"


def _check_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("data", metavar="DATA", help="a folder, an archive or a file")
    parser.add_argument("--task", help="the task the data are for (found when not named)")
    flags.add_shortcuts(parser, ("target",))


def _check(arguments: Arguments) -> Answer:
    if arguments.task is not None:
        discovery.task(arguments.task)  # a wrong word is answered before anything heavy is imported
    report = _api().check(
        arguments.data, task=arguments.task, settings=arguments.settings, progress=_progress(arguments)
    )
    found = [dataclasses.asdict(one) for one in report.findings]
    worst = max((one["severity"] for one in found), default=0)
    shown = text.check(found, report.summary, everything=arguments.verbose)
    return Answer({"findings": found, "summary": report.summary}, shown, 1 if worst >= 2 else 0)


def _train_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("task", metavar="TASK", help="what is to be learned: one of the tasks below")
    parser.add_argument("data", metavar="DATA", help="a folder, an archive or a file")
    parser.add_argument("--recipe", action="append", default=[], metavar="NAME|FILE", help="settings to stand on")
    parser.add_argument("--run", metavar="FOLDER", help="the run folder (default runs/TASK/TIME)")
    parser.add_argument("--from", dest="start", metavar="RUN", help="begin with the weights of an earlier run")
    parser.add_argument("--folds", metavar="K|all", help="train K times, each time with another fold left out")
    parser.add_argument("--ensemble", metavar="N", help="train N networks that answer as one (--ensemble.kind KIND)")
    parser.add_argument("--imbalance", metavar="METHOD|compare", help="what is done about classes of unequal size")
    parser.add_argument("--compare", metavar="SETTING,…", help="train other values of settings too: what each is worth")
    parser.add_argument("--heal", action="store_true", help="answer what the doctor finds, prove it, train that too")
    parser.add_argument("--dry-run", action="store_true", help="print the resolved recipe and stop")
    parser.add_argument("--force", action="store_true", help="train although the audit says stop")
    parser.add_argument("--no-examples", action="store_true", help="keep pictures, texts and paths out of the report")
    flags.add_shortcuts(parser)


def _train(arguments: Arguments) -> Answer:
    given = (discovery.task(arguments.task).name, arguments.data)  # a wrong word is answered before torch is imported
    flags.refuse_unknown(given[0], arguments.settings, arguments.known)
    if arguments.dry_run:
        if arguments.start:
            raise UsageError("--dry-run reads no earlier run.", do="leave out --from")
        from stepwell.recipe import to_yaml

        several = {name: getattr(arguments, name) for name in ("folds", "ensemble", "imbalance", "compare")}
        recipe = _api().plan(*given, arguments.recipe, arguments.settings, **several)
        return Answer({"recipe": recipe.values, "origins": recipe.origins}, to_yaml(recipe))
    if arguments.heal:
        asked = (arguments.folds, arguments.ensemble, arguments.compare)
        if any(one is not None for one in asked) or arguments.imbalance == "compare":
            raise UsageError("Only a single training is healed.", do="leave out --heal, or ask for one training")
        found = _api().train_and_heal(
            *given,
            recipes=arguments.recipe,
            settings=arguments.settings,
            run=arguments.run,
            start=arguments.start,
            force=arguments.force,
            pictures=not arguments.no_examples,
            progress=_progress(arguments),
        )
        return _healing(found)
    result = _api().train(
        *given,
        recipes=arguments.recipe,
        settings=arguments.settings,
        run=arguments.run,
        start=arguments.start,
        folds=arguments.folds,
        ensemble=arguments.ensemble,
        imbalance=arguments.imbalance,
        compare=arguments.compare,
        force=arguments.force,
        pictures=not arguments.no_examples,
        progress=_progress(arguments),
    )
    return _trained(result, arguments)


def _resume_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="a run folder")
    parser.add_argument("--data", metavar="DATA", help="where the data lie now, if they were moved")
    flags.add_shortcuts(parser, ("epochs", "steps", "time"))


def _resume(arguments: Arguments) -> Answer:
    more = {f"budget.{name}": value for name, value in arguments.settings.items()}
    result = _api().resume(arguments.run, settings=more, data=arguments.data, progress=_progress(arguments))
    return _trained(result, arguments)


def _trained(result: Any, arguments: Arguments) -> Answer:
    facts = result.to_json()
    return Answer(facts, text.trained(facts, everything=arguments.verbose))


def _predict_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="a run or artifact folder")
    parser.add_argument("sources", metavar="FILES", nargs="+", help="files, folders, globs or archives")
    parser.add_argument("--out", metavar="FILE", help="write to this .csv or .jsonl file instead")
    parser.add_argument("--format", choices=rows.FORMATS, help="csv or jsonl (default: as FILE ends, else csv)")


def _predict(arguments: Arguments) -> Answer:
    form = rows.form(arguments.out, arguments.format)
    with _loading():
        from stepwell import prediction  # what `api.predict` is, without all that the other verbs need

        answers = prediction.predict(arguments.run, arguments.sources)
    if arguments.json and arguments.out is None:
        predictions = list(answers)
        failed = sum("error" in one for one in predictions)
        return Answer({"predictions": predictions}, "", _predicted_code(len(predictions), failed))
    with _output(arguments.out) as file:
        count, failed = rows.write(answers, file, form)
    if failed and not arguments.quiet:
        sys.stderr.write(f"{failed} of {count} could not be read; see the column or key `error`\n")
    facts = {"out": arguments.out, "predictions": count, "errors": failed}
    said = f"{count} predictions in {arguments.out}" if arguments.out else ""
    return Answer(facts, said, _predicted_code(count, failed))


def _predicted_code(count: int, failed: int) -> int:
    return 1 if failed == count else 0


@contextlib.contextmanager
def _output(path: str | None) -> Iterator[BinaryIO]:
    if path is None:
        try:
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
        except BrokenPipeError as error:
            raise Unread from error
    else:
        from stepwell.files import whole_file

        with whole_file(Path(path)) as file:
            yield file


def _evaluate_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="a run folder")
    parser.add_argument("data", metavar="DATA", nargs="?", help="labeled data (default: the run's test part)")


def _evaluate(arguments: Arguments) -> Answer:
    facts = _api().evaluate(arguments.run, arguments.data)
    return Answer(facts, text.evaluated(facts))


def _compare_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("runs", metavar="RUN", nargs="+", help="two run folders or more")
    parser.add_argument("--report", metavar="FILE", help="write the comparison as a page to this .html file")


def _compare(arguments: Arguments) -> Answer:
    facts = _api().compare(arguments.runs, report=arguments.report)
    return Answer(facts, text.compared(facts, arguments.report))


def _diagnose_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "target", metavar="SCRIPT|RUN", help="a Python script that trains with PyTorch, as it is; or a run's folder"
    )
    parser.epilog = "Words after SCRIPT are the script's own; flags of diagnose stand before it."


def _diagnose(arguments: Arguments) -> Answer:
    live = None if arguments.quiet else lambda one: sys.stderr.write(text.live(one))
    # One object alone goes to standard output: what the script prints there goes to standard error.
    with contextlib.redirect_stdout(sys.stderr) if arguments.json else contextlib.nullcontext():
        examined = _api().diagnose(arguments.target, arguments.rest, told=live)
    facts = dataclasses.asdict(examined)
    worst = max((one["severity"] for one in facts["findings"]), default=0)
    code = 1 if worst >= 2 or examined.code else 0
    return Answer(facts, text.diagnosed(facts, everything=arguments.verbose), code)


def _heal_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="a run folder")
    parser.add_argument("--data", metavar="DATA", help="where the data lie now, if they were moved")
    flags.add_shortcuts(parser, ("time",))


def _heal(arguments: Arguments) -> Answer:
    time = arguments.settings.get("time")
    return _healing(_api().heal(arguments.run, time=time, data=arguments.data, progress=_progress(arguments)))


def _healing(found: Any) -> Answer:
    facts = {"run": found.healed, **dataclasses.asdict(found)}
    return Answer(facts, text.healed(facts), 0 if found.healed else 1)


def _lesson_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", nargs="?", help="a lesson; without one, those that there are")
    parser.add_argument("--run", metavar="FOLDER", help="where to write (default lessons/NAME)")


def _lesson(arguments: Arguments) -> Answer:
    if arguments.name is None:
        known = discovery.describe("lessons")
        return Answer({"lessons": known}, text.lessons(known))
    taught = _api().lesson(arguments.name, arguments.run, progress=_progress(arguments))
    facts = dataclasses.asdict(taught)
    return Answer(facts, text.taught(facts))


def _sample_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("task", metavar="TASK", help="a task")
    parser.add_argument("folder", metavar="FOLDER", help="a folder that is new or empty")
    parser.add_argument("--seed", type=int, default=0, help="which sample of all that there are (default 0)")


def _sample(arguments: Arguments) -> Answer:
    task = discovery.task(arguments.task).name
    folder = _api().sample(task, arguments.folder, seed=arguments.seed)
    return Answer({"folder": folder}, text.sampled(task, folder))


def _runs_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("root", metavar="ROOT", nargs="?", default="runs", help="where to look (default runs)")
    parser.add_argument("--remove", metavar="RUN", help="remove this run for good")


def _runs(arguments: Arguments) -> Answer:
    if arguments.remove:
        _api().remove(arguments.remove)
        return Answer({"removed": arguments.remove}, f"removed {arguments.remove}")
    listed = _api().runs(arguments.root)
    return Answer({"runs": listed}, text.runs(listed, arguments.root))


def _env_flags(parser: argparse.ArgumentParser) -> None:
    del parser  # it takes no words of its own


def _env(arguments: Arguments) -> Answer:
    del arguments
    facts = _api().env()
    return Answer(facts, text.environment(facts))


VERBS = {
    "check": Verb(
        "check DATA", "what is wrong with the data, before an hour is spent on it", _check_flags, _check, True
    ),
    "train": Verb(
        "train TASK DATA",
        "check, split, train, judge, explain, export; one run folder comes out",
        _train_flags,
        _train,
        True,
    ),
    "resume": Verb(
        "resume RUN", "take up a run that was stopped or killed, or go on beyond its end", _resume_flags, _resume
    ),
    "predict": Verb("predict RUN FILES", "the artifact at work; no PyTorch needed", _predict_flags, _predict),
    "evaluate": Verb(
        "evaluate RUN [DATA]", "scores with intervals, on the test part or on new data", _evaluate_flags, _evaluate
    ),
    "compare": Verb(
        "compare RUN RUN…", "is one really better? a paired answer on the same examples", _compare_flags, _compare
    ),
    "diagnose": Verb(
        "diagnose SCRIPT|RUN",
        "why does it not learn? the doctor watches any PyTorch script, unmodified, or reads a run again",
        _diagnose_flags,
        _diagnose,
        rest=True,
    ),
    "heal": Verb(
        "heal RUN", "answers what the doctor found in a run by changes that are proven; trains it", _heal_flags, _heal
    ),
    "lesson": Verb(
        "lesson [NAME]", "what goes wrong in training, had on purpose and explained on a page", _lesson_flags, _lesson
    ),
    "sample": Verb("sample TASK FOLDER", "the task's built-in data, as a user's own would lie", _sample_flags, _sample),
    "runs": Verb("runs [ROOT]", "what has been trained here: state, score, size; remove", _runs_flags, _runs),
    "env": Verb("env", "versions, threads, devices, extras: the first thing in a bug report", _env_flags, _env),
}
