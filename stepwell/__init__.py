"""Stepwell: from raw data and a question to a network that can be trusted.

    stepwell.check(data)                     what is wrong with the data
    stepwell.train(task, data, …)            check, split, train, judge, explain, export; gives a Result
    stepwell.resume(run)                     take up a run that was stopped
    stepwell.heal(run)                       what the doctor found, answered by changes that are proven
    stepwell.predict(run, sources)           the artifact at work, one dictionary an example
    stepwell.evaluate(run, data=None)        scores with intervals beside baselines
    stepwell.compare(runs)                   is one really better? paired differences on the same test examples
    stepwell.load(run)                       the Predictor of a run or an artifact
    stepwell.sample(task, folder)            the task's built-in data
    stepwell.watch(model, optimizer, …)      the doctor in any PyTorch loop
    stepwell.runs() · stepwell.env()         what has been trained here; versions, threads, devices

Importing this module imports nothing else; the first use of a name does.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stepwell.api import check, compare, env, evaluate, heal, resume, runs, sample, train
    from stepwell.doctor.watch import watch
    from stepwell.prediction import load, predict

__version__ = "0.1.0"

__all__ = [
    "check",
    "compare",
    "env",
    "evaluate",
    "heal",
    "load",
    "predict",
    "resume",
    "runs",
    "sample",
    "train",
    "watch",
]
_HOMES = {"load": "prediction", "predict": "prediction", "watch": "doctor.watch"}
"""Where the names are that do not wait for the imports of the others."""


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'stepwell' has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(importlib.import_module(f"stepwell.{_HOMES.get(name, 'api')}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
