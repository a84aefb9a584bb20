"""The error tree, on one page.

    StepwellError                 everything a user can cause; shown without a traceback
    ├── UsageError                the words were wrong: an unknown verb, task, name or flag (exit code 2)
    │   └── RecipeError           a setting is unknown, of the wrong type or outside its limits
    ├── DataError                 the data cannot be used as they are
    │   └── ExampleError          one example cannot be read; the others can
    ├── RunError                  a run folder is missing, locked, damaged or of a newer format
    ├── TrainingError             training cannot go on: diverged, out of memory, out of budget
    │   └── BudgetError           the time budget is used up before training can begin
    ├── ArtifactError             an artifact is damaged, unsafe, or did not pass its gate
    ├── MissingExtraError         a package of an optional install is needed
    └── Interrupted               stopped by the user; what was reached is saved

Every message says what was wrong, where, and what to do next; the three are kept apart so that
``--json`` and the terminal can show them each in their own way.
"""

from __future__ import annotations

import re
from collections.abc import Iterable


class StepwellError(Exception):
    """A failure that a user can cause and mend.

    `what` is the sentence that says what was wrong, `where` the file, row, column or setting (may be
    empty), `do` the next step (may be empty).
    """

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", do: str = "") -> None:
        self.what, self.where, self.do = what, where, do
        super().__init__(what)

    def __str__(self) -> str:
        lines = [self.what]
        if self.where:
            lines.append(f"  where: {self.where}")
        if self.do:
            lines.append(f"  do:    {self.do}")
        return "\n".join(lines)

    @property
    def kind(self) -> str:
        """The class name in snake case without `Error`: the `kind` of ``--json``."""
        name = type(self).__name__.removesuffix("Error") or "Stepwell"
        return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


class UsageError(StepwellError):
    """The words were wrong: an unknown verb, task, component, flag or value."""

    exit_code = 2


class RecipeError(UsageError):
    """A setting is unknown, of the wrong type or outside its limits."""


class DataError(StepwellError):
    """The data cannot be used as they are."""


class ExampleError(DataError):
    """One example cannot be read; the others can."""


class RunError(StepwellError):
    """A run folder is missing, locked, damaged, of another state or of a newer format."""


class TrainingError(StepwellError):
    """Training cannot go on: it diverged, ran out of memory, or its budget is too small."""


class BudgetError(TrainingError):
    """The time budget is used up before training can begin; about `least` seconds would do."""

    def __init__(self, what: str, *, least: float, do: str = "") -> None:
        super().__init__(what, do=do)
        self.least = least


class ArtifactError(StepwellError):
    """An artifact is damaged, unsafe, of a newer format, or did not pass its gate."""


class MissingExtraError(StepwellError):
    """A package of an optional install is needed."""

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs the package {package!r}, which is not installed.",
            do=f'pip install "stepwell[{extra}]"',
        )


class Interrupted(StepwellError):
    """Stopped by the user (Ctrl-C or SIGTERM); what was reached is saved."""

    exit_code = 1


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A sentence that names the nearest known words, or all of them where none is near."""
    import difflib  # only who is wrong waits for it

    names = sorted(known)
    near = difflib.get_close_matches(word, names, n=3, cutoff=0.6)
    if near:
        return "Did you mean " + " or ".join(repr(name) for name in near) + "?"
    if not names:
        return "There is nothing to choose from."
    return "Known: " + ", ".join(names) + "."


def counted(count: int, one: str, many: str) -> str:
    """A count and what it counts, as it is said: "1 file holds", "1,200 files hold"."""
    return f"{count:,} {one if count == 1 else many}"
