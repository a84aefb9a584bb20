"""Writes docs/metrics.md from the metrics themselves: python tests/metrics/metrics_page.py."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from stepwell import discovery
from stepwell.schema import Columns, Field, Schema

PAGE = Path(__file__).resolve().parents[2] / "docs" / "metrics.md"

CLASSES = Schema((), (Field("label", "category", "int64", (), ("ant", "bee", "cow"), ordered=True),), ())
NUMBERS = Schema((), (Field("value", "number", "float32"),), ())
TRUE_CLASSES: Columns = {"label": ["ant", "ant", "bee", "bee", "cow", "ant"]}
ANSWERED_CLASSES: Columns = {
    "label": ["ant", "bee", "bee", "bee", "ant", "ant"],
    "probabilities": np.array(
        [[0.8, 0.1, 0.1], [0.3, 0.6, 0.1], [0.2, 0.7, 0.1], [0.1, 0.5, 0.4], [0.5, 0.2, 0.3], [0.6, 0.3, 0.1]]
    ),
    "set": [["ant"], ["bee", "ant"], ["bee"], ["bee", "cow"], ["ant"], ["ant"]],
}
TRUE_NUMBERS: Columns = {"value": np.array([3.0, -0.5, 2.0, 7.0])}
ANSWERED_NUMBERS: Columns = {
    "value": np.array([2.5, 0.0, 2.0, 8.0]),
    "low": np.array([1.9, -0.6, 1.4, 7.4]),
    "high": np.array([3.1, 0.6, 2.6, 8.6]),
}

TOP = """# Metrics

What every number in `scores.json` and in the report means. This page is written from the docstrings of
`stepwell/metrics/` (`python tests/metrics/metrics_page.py`), and a test holds the two together; every metric that
scikit-learn has is compared with it there to 1e-9, with weights, ties and missing classes.

Every score comes with an interval at 95 %, over the examples, or over groups of them where examples of a group repeat
each other; a difference of two networks has the same kind of interval, on the same examples:

- *percentile*: percentiles of a bootstrap (Efron, Annals of Statistics 7, 1979), expanded where the value rests on few
  examples (Hesterberg, The American Statistician 69, 2015). Metrics that are dear to score take 200 resamples, all
  others 1,000. A mean over classes has two pseudo-answers drawn into each resample, on average one right and one wrong
  (after Agresti and Coull, The American Statistician 52, 1998). What chance alone makes greater (the calibration error)
  has its percentiles reflected at the value;
- *studentized*: percentiles of how many standard errors a resampled value lies from the value (the bootstrap-t: Efron,
  The Jackknife, the Bootstrap and Other Resampling Plans, 1982; Hall, Annals of Statistics 16, 1988), for losses
  without an upper end and for R². Since the worst errors there are have mostly not been seen, each end starts from the
  examples with one half more of the one that moves the value furthest that way;
- *logit*: Student's interval on the logit scale, the standard error from each example's influence on the value
  (Jaeckel, The Infinitesimal Jackknife, 1972; DeLong, DeLong and Clarke-Pearson, Biometrics 44, 1988; by groups
  Obuchowski, Biometrics 53, 1997; on the logit scale Pepe, The Statistical Evaluation of Medical Tests, 2003), for
  areas under curves. A difference of two areas has DeLong's symmetric interval.

None is narrower than what examples of a kind that was not seen could do (Clopper and Pearson, Biometrika 26, 1934). How
often the intervals hold the truth is counted by `benchmarks/coverage.py`, of 200 test sets of 500 examples each, whose
two standard errors are 0.03. Of numbers, MSE and RMSE held it in 0.94 of sets, R² and MAE in 0.955 where errors
grow with the value and have long tails, and in 0.97, 0.935 and 0.96 of normal errors; where all errors are exponential,
three seeds gave MSE 0.99, 0.95 and 0.94, and the median absolute error 0.92. Of classes, two seeds lie further apart
than the metrics do (weighted F1 0.925 and 0.98, average precision 0.925 and 0.975); macro precision with a class of
5 %, five times answered, is wider than need be (0.98 and 0.97).

Theory sets a limit where errors are rare and large: of contaminated errors (3 in 100 five times as large) 100 examples
tell too little, and the interval of their mean square held the truth in 0.79 of cases; of 100 errors of Student's t
with 4 degrees, which have hardly a variance of their squares, in 0.91. With few examples of a class the intervals fell
short too: 0.87 for macro F1 of twenty classes with five examples each, 0.86 for the difference of an AUROC of 0.94 to
one of 0.82 with ten positive examples. The report says so below 20 examples of a class and below 100 numbers. The
intervals of slices are percentiles throughout.

A metric that is undefined on the data at hand is left out, never guessed.

Averages: the *macro* recall is the balanced accuracy; *micro* averages of precision, recall and F1, and the *weighted*
recall, are the accuracy, and so have no name of their own.

The reference values are those of these examples, by hand to be checked:

"""


def score(metric: ModuleType, of: str) -> Any:
    """What the metric says of the reference examples, "classes" or "numbers"."""
    given = (TRUE_CLASSES, ANSWERED_CLASSES, CLASSES) if of == "classes" else (TRUE_NUMBERS, ANSWERED_NUMBERS, NUMBERS)
    state = metric.prepare(*given)
    return metric.curve(state) if metric.KIND == "curve" else metric.score(state, None)


def group(metric: ModuleType) -> str:
    """Whether a metric is of "classes" or of "numbers" alone: by which answers its `prepare` can read."""
    try:
        metric.prepare(TRUE_CLASSES, ANSWERED_CLASSES, CLASSES)
    except (KeyError, ValueError):
        return "numbers"
    return "classes"


def page() -> str:
    """The whole page."""
    metrics = {name: discovery.load("metrics", name) for name in discovery.names("metrics")}
    text = TOP + _examples()
    for of, title in (("classes", "Of classes"), ("numbers", "Of numbers")):
        text += f"\n## {title}\n"
        for name, metric in metrics.items():
            if group(metric) == of:
                text += _entry(name, metric, of)
    return text


def _examples() -> str:
    rows = zip(TRUE_CLASSES["label"], *ANSWERED_CLASSES.values(), strict=True)
    lines = ["| truth | answer | ant | bee | cow | set |", "|---|---|---|---|---|---|"]
    lines += [
        f"| {true} | {said} | {' | '.join(f'{one:g}' for one in values)} | {', '.join(names)} |"
        for true, said, values, names in rows
    ]
    lines += ["", "| truth | answer | low | high |", "|---|---|---|---|"]
    pairs = zip(TRUE_NUMBERS["value"], *ANSWERED_NUMBERS.values(), strict=True)
    return "\n".join([*lines, *(f"| {' | '.join(f'{one:g}' for one in row)} |" for row in pairs)]) + "\n"


def _entry(name: str, metric: ModuleType, of: str) -> str:
    summary, _, rest = inspect.cleandoc(metric.__doc__ or "").partition("\n\n")
    better = {"max": "higher", "min": "lower"}[metric.DIRECTION] if metric.KIND in ("number", "per_class") else "-"
    facts = f"`{name}` · {metric.KIND} · better: {better}"
    if metric.KIND in ("number", "per_class"):
        facts += f" · interval: {getattr(metric, 'INTERVAL', 'percentile')}"
    value = json.dumps(_rounded(score(metric, of)))
    shown = value if len(value) < 200 else value[:197] + "..."
    reading = f"{metric.HIGHER[0].upper()}{metric.HIGHER[1:]}."
    return "\n\n".join([f"\n### {summary}", facts, rest, reading, f"Reference: `{shown}`\n"])


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_rounded(one) for one in value]
    if isinstance(value, np.ndarray):
        return _rounded(value.tolist())
    return None if np.isnan(value) else float(f"{value:.6g}")


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
