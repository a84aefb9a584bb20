"""The command line: words typed -> one call of `stepwell.api` -> words printed.

Results go to standard output, progress and errors to standard error; with ``--json`` exactly one
object goes to standard output, ``{"error": {…}}`` where it failed. Exit codes: 0 done, 1 not done
(or a check that found harm), 2 wrong words. Help imports neither numpy nor yaml.
"""

from __future__ import annotations

import io
import os
import sys
import traceback
from collections.abc import Sequence
from typing import TextIO

from stepwell import discovery
from stepwell.cli.verbs import COMMON_FLAGS, VERBS, Answer, Unread, answer
from stepwell.errors import Interrupted, StepwellError, UsageError, did_you_mean
from stepwell.files import json_text
from stepwell.progress import printable

_HEAD = """\
Stepwell: from raw data and a question to a network that can be trusted.

usage: stepwell VERB …
"""
_FOOT = """
`stepwell VERB --help` says more; `stepwell train TASK --help` lists a task's settings.

    stepwell sample {first} folder
    stepwell train {first} folder

Tasks: {tasks}.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code. `argv` are the words after ``stepwell``."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a name must not stop the printing of it
    try:
        return _settled(list(sys.argv[1:] if argv is None else argv))
    except Unread:
        # Python flushes at exit, and must not complain then.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _settled(words: list[str]) -> int:
    """Run, and turn whatever a user or the system can cause into a few lines and an exit code."""
    as_json, verbose = "--json" in words, "-v" in words
    settled = False
    try:
        code = _run(words, as_json=as_json)
        settled = True
    except StepwellError as error:
        code, settled = _fail(error, as_json=as_json, verbose=verbose), True
    except KeyboardInterrupt:
        code, settled = _fail(Interrupted("Stopped."), as_json=as_json, verbose=False), True
    except (OSError, MemoryError) as error:
        code, settled = _fail(_from_system(error), as_json=as_json, verbose=verbose), True
    except Unread:
        settled = True
        raise
    finally:
        if as_json and not settled:  # a fault of Stepwell: its traceback follows on standard error
            fault = str(sys.exc_info()[1])
            _say(sys.stdout, _error_json(StepwellError(fault, do="please report this with the traceback"), "fault"))
    return code


def _run(words: list[str], *, as_json: bool) -> int:
    leading = []
    while words and words[0] in COMMON_FLAGS:
        leading.append(words.pop(0))
    if not words or words[0] in ("-h", "--help", "help"):
        _say(sys.stdout, _help())
        return 0
    if words[0] == "--version":
        from stepwell import __version__

        _say(sys.stdout, f"stepwell {__version__}")
        return 0
    verb = words.pop(0)
    if verb not in VERBS:
        what = f"There is no flag {verb} before the verb." if verb.startswith("-") else f"There is no verb {verb!r}."
        raise UsageError(what, do=did_you_mean(verb, VERBS) + " `stepwell --help` explains them.")
    done = answer(verb, [*leading, *words])
    _print(done, as_json=as_json)
    return done.code


def _print(done: Answer, *, as_json: bool) -> None:
    if as_json and done.facts is not None:
        _say(sys.stdout, json_text(done.facts))
    elif done.text:
        _say(sys.stdout, done.text)


def _fail(error: StepwellError, *, as_json: bool, verbose: bool) -> int:
    if verbose:
        traceback.print_exception(error)
    if as_json:
        _say(sys.stdout, _error_json(error, error.kind))
    else:
        name = "stopped" if isinstance(error, Interrupted) else "error"
        lines = [f"{name}: {error.what}"]
        lines += [f"  where: {printable(error.where)}"] if error.where else []
        lines += [f"  do:    {error.do}".replace("\n", "\n         ")] if error.do else []
        _say(sys.stderr, "\n".join(lines), paint_first=len(name) + 1)
    return error.exit_code


def _error_json(error: StepwellError, kind: str) -> str:
    return json_text({"error": {"kind": kind, "message": error.what, "where": error.where, "do": error.do}})


def _from_system(error: OSError | MemoryError) -> StepwellError:
    if isinstance(error, MemoryError):
        return StepwellError("There is not enough memory.", do="close other programs, or use a smaller --batch-size")
    where = str(error.filename or "")
    return StepwellError(f"The system refuses: {error.strerror or error}.", where=where)


def _say(stream: TextIO, text: str, *, paint_first: int = 0) -> None:
    """Print lines, control characters spelled out; the first characters in red where a person looks on."""
    shown = "\n".join(printable(line) for line in text.splitlines())
    if paint_first and stream.isatty() and not os.environ.get("NO_COLOR"):
        shown = f"\033[1;31m{shown[:paint_first]}\033[0m{shown[paint_first:]}"
    try:
        stream.write(shown + "\n")
        stream.flush()
    except BrokenPipeError as error:
        raise Unread from error


def _help() -> str:
    tasks = discovery.tasks()
    foot = _FOOT.format(first=tasks[0], tasks=", ".join(tasks))
    width = max(len(verb.usage) for verb in VERBS.values())
    return _HEAD + "\n".join(f"    {verb.usage:<{width}}  {verb.line}" for verb in VERBS.values()) + "\n" + foot
