"""Tables: a row of numbers, categories and dates in, its class or its number out.

**What it reads.** CSV, TSV and other separated text (also .gz), with or without a header; Parquet; a folder with a
train and a test file; in Python data frames, dictionaries of columns, rows, or arrays ``(X, y)``, and a dictionary
of parts of these. Separator, header, encoding and decimal sign are found by looking; what was found, and what was
taken for the target, is said among the findings and can be set by hand (`--target`, `--reader.header`, …).
Numbers may be written with a unit ("12 kg") or as a clock shows them ("12:30"); a column called an id that never
repeats names the rows. Cells may be missing; a row without a target teaches nothing and is passed over, which is said
too.

**What it answers.** Where the target is a class: ``label``, ``probability`` and ``probabilities`` (in the order of the
classes: natural order, 2 before 10). Where it is measured: ``value``, in the unit of the target.

**How it is judged.** Classes by the area under the ROC curve, which asks for a good order of the rows and not for one
threshold; beside it stand accuracy and its averages for classes of unequal size, MCC, average precision, log loss, the
Brier score and the calibration error, which ask for honest probabilities. The best weights are those of the lowest
validation log loss. Numbers by the root of the mean squared error, beside MAE, R2 and MAPE.
"""

from __future__ import annotations

from stepwell.task import Aim, Select, Task

TASK = Task(
    title="Table",
    takes="rows of a table: numbers, categories, dates",
    gives="the class of each row, with a probability for every class; or its number",
    metrics=(
        "auroc",
        "accuracy",
        "balanced_accuracy",
        "macro_f1",
        "weighted_f1",
        "mcc",
        "average_precision",
        "log_loss",
        "brier",
        "ece",
        "precision",
        "recall",
        "f1",
        "confusion_matrix",
        "roc",
        "precision_recall",
        "reliability",
        "coverage",
    ),
    headline="auroc",
    validate=("calibrated_log_loss", "accuracy", "log_loss"),
    select=Select("calibrated_log_loss", "min"),
    compare="log_loss",
    truth=("label", "value"),
    worst="log_loss",
    exempt={"bad_file": "an example is a row of a file and no file of its own"},
    aims={
        "number": Aim(
            metrics=("rmse", "mae", "median_absolute_error", "r2", "mape", "residuals", "coverage"),
            headline="rmse",
            validate=("rmse",),
            select=Select("rmse", "min"),
            worst="rmse",
        )
    },
)
