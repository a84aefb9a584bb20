"""Sentiment, and any classification of texts: a text in, one of several classes out, with a probability for each.

**What it reads.** Texts with a label each, in a table or a folder per class; labels are names, or stars.

**How texts become input.** Words in lower case and signs, by a vocabulary of the training part. Upper case,
punctuation, stop words (negations always stay) and word endings are options, as are characters and subwords in place of
words; what they are worth is measured, not assumed. Of a text of more tokens than `--prepare.longest` the beginning and
the end are kept.

**What it answers.** ``label``, ``probability`` and ``probabilities`` (in the order of the classes: natural order,
2 before 10).

**How it is judged.** By macro F1, because accuracy hides the class in the middle, beside accuracy, balanced accuracy,
log loss, and precision, recall and F1 of each class. The best weights are those of the lowest validation log loss:
it moves with every answer, where macro F1 on a few hundred texts jumps with single ones, and networks of texts grow
over-confident early, which log loss sees and macro F1 does not. Where classes come in an order (stars, or negative,
neutral and positive) quadratic kappa says how far off the wrong answers are; of any others it is undefined.
"""

from __future__ import annotations

from stepwell.task import Select, Task

TASK = Task(
    title="Sentiment",
    takes="texts",
    gives="the class of each text, with a probability for every class",
    metrics=(
        "macro_f1",
        "accuracy",
        "balanced_accuracy",
        "mcc",
        "quadratic_kappa",
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
    headline="macro_f1",
    validate=("calibrated_log_loss", "macro_f1", "accuracy", "log_loss"),
    select=Select("calibrated_log_loss", "min"),
    compare="log_loss",
    truth=("label",),
    worst="log_loss",
    exempt={"bad_file": "all texts of the sample lie in one file"},
)
