"""Image classification: a picture in, one of several classes out, with a probability for each.

**What it reads.** A folder (or .zip, .tar, .tar.gz) with a folder of pictures per class, with or without train,
valid and test folders above them; the IDX files of the MNIST family; a CSV with a path and a label a row,
and optionally a group and a split; in Python arrays ``(X, y)``, a dictionary of parts, or a dataset that gives
``(x, y)`` by index. Pictures of any mode and depth that Pillow reads become uint8 with one channel or three,
turned as the camera noted, what is transparent laid on white, and of one size.

**What it answers.** ``label``, ``probability`` and ``probabilities`` (in the order of the classes: natural order,
2 before 10).

**How it is judged.** By accuracy, beside which stand balanced accuracy and macro F1 (to read where classes are
of unequal size), top-5 accuracy (it says something from six classes on; with five or fewer it is 1 by
definition), log loss, precision, recall and F1 of each class, and the confusion matrix. The best weights are
those of the highest validation accuracy, the latest of equals: log loss goes on rising with
over-confidence while the answers still get better, so that choosing by it stops too early, and
confidence can be calibrated afterwards.
"""

from __future__ import annotations

from stepwell.task import Select, Task

TASK = Task(
    title="Image classification",
    takes="pictures",
    gives="the class of each picture, with a probability for every class",
    metrics=(
        "accuracy",
        "balanced_accuracy",
        "macro_f1",
        "top_5",
        "mcc",
        "auroc",
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
    headline="accuracy",
    validate=("accuracy", "log_loss"),
    select=Select("accuracy", "max"),
    truth=("label",),
    worst="log_loss",
)
