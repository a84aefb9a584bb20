"""What kind of run is asked for: one training, folds, an ensemble, a comparison. Imports no torch until one begins."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from stepwell.errors import UsageError, did_you_mean
from stepwell.job import Job

ENSEMBLES = ("bagging", "snapshots", "averaging")
LOSSES = ("focal",)
"""What is done about classes of unequal size by a loss of its own, and not by a method of the shelf `imbalance`."""


def understood(
    folds: int | str | None,
    ensemble: int | None,
    imbalance: str | None,
    settings: dict[str, Any],
    compare: str | Sequence[str] | None = None,
) -> tuple[str, dict[str, Any]]:
    """The kind of run that is asked for, and what it must know besides its recipe; its own go out of `settings`.

    `UsageError` where two kinds are asked for at once, or a number makes no sense.
    """
    how = settings.pop("ensemble.kind", None)
    methods = "all" if imbalance == "compare" else None
    asked = {"folds": folds, "ensemble": ensemble, "comparison": methods, "settings compared": compare}
    chosen = [kind for kind, value in asked.items() if value is not None]
    if len(chosen) > 1:
        raise UsageError(f"One run is of one kind, not of {' and '.join(chosen)}.", do="ask for one of them at a time")
    if folds is not None and folds != "all":
        return "folds", {"folds": _at_least_two(folds, "folds", "a number of folds, for instance 5, or all")}
    if folds is not None:
        return "folds", {"folds": "all"}
    if ensemble is not None:
        if how is not None and how not in ENSEMBLES:
            raise UsageError(f"There is no ensemble of kind {how!r}.", do=did_you_mean(str(how), ENSEMBLES))
        count = _at_least_two(ensemble, "ensemble", "a number of networks, for instance 5")
        return "ensemble", {"ensemble": count, "how": how or ENSEMBLES[0]}
    if how is not None:
        raise UsageError("ensemble.kind says nothing where no ensemble is asked for.", do="give --ensemble N too")
    if imbalance == "compare":
        return "comparison", {}
    if compare is not None:
        if imbalance is not None:
            settings["loss" if imbalance in LOSSES else "imbalance"] = imbalance
        words = [compare] if isinstance(compare, str) else compare
        return "comparison", {"settings": [word for one in words for word in one.split(",") if word]}
    if imbalance is not None:
        section = "loss" if imbalance in LOSSES else "imbalance"
        if section in settings:
            raise UsageError(
                f"imbalance {imbalance!r} and {section} {settings[section]!r} are both asked for.", do="choose one"
            )
        settings[section] = imbalance
    return "single", {}


def _at_least_two(value: int | str, name: str, wanted: str) -> int:
    count = int(value) if str(value).isdecimal() else 0
    if count < 2:
        raise UsageError(f"{name} is {value!r}.", do=f"give {wanted}")
    return count


def trainer(kind: str) -> Callable[[Job], None]:
    """What carries out a run of this kind."""
    if kind == "single":
        from stepwell import training

        return training.train
    if kind == "folds":
        from stepwell.trials import folds

        return folds.carry_out
    if kind == "ensemble":
        from stepwell.trials import ensemble

        return ensemble.carry_out
    return _compared


def _compared(job: Job) -> None:
    """A comparison: of the settings that are named, else of the methods for classes of unequal size."""
    if job.run.state()["trial"].get("settings"):
        from stepwell.trials import switches

        switches.carry_out(job)
    else:
        from stepwell.trials import comparison

        comparison.carry_out(job)
