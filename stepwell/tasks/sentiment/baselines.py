"""The simple rivals of a classifier of texts: the shares of the classes, and logistic regression on TF-IDF."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from stepwell import sampling
from stepwell.baselines import constant, threads
from stepwell.errors import MissingExtraError
from stepwell.metrics import macro_f1
from stepwell.preparation import Prepared, take
from stepwell.schema import Array, Columns, Schema, Trace
from stepwell.task import Rival
from stepwell.tasks.sentiment.transforms.look_up import UNKNOWN

INVERSE_PENALTIES = (1.0, 10.0)
"""scikit-learn's C, the one that does better inside the training part."""

ITERATIONS = 300
"""The most steps of lbfgs."""

PILOT = 1000
"""Texts of the fit by which the time of the others is foreseen."""


def rivals(train: Prepared, schema: Schema, seed: int, seconds: float) -> dict[str, Rival]:
    """`constant` and `linear`, fitted on prepared training texts in about `seconds`.

    `linear` is logistic regression on the TF-IDF weights of single tokens and pairs of neighbors. Its penalty, and
    whether classes weigh alike, are those with the highest macro F1 on a fifth of the training part. Both answer
    `label`, `probability` and `probabilities`, as `prepare.decode` does.
    """
    tokens, target = schema.inputs[0], schema.targets[0]
    targets = np.asarray(train.columns[target.name], dtype=np.int64)
    shares = constant.fit(targets, len(target.classes))
    model, n, note = _linear(train, tokens.name, targets, schema, seed, seconds)

    def answer_constant(columns: Columns, traces: Sequence[Trace]) -> Columns:
        return _answers(shares(len(columns[tokens.name])), target.classes)

    def answer_linear(columns: Columns, traces: Sequence[Trace]) -> Columns:
        return _answers(model(cast("list[Array]", columns[tokens.name])), target.classes)

    said = f"the shares of the classes in all {len(train):,} training examples"
    return {
        "constant": Rival(answer_constant, len(train), said),
        "linear": Rival(answer_linear, n, note),
    }


Predict = Callable[[Sequence[Array]], Array]
"""Token numbers `(time,)` of each text to probabilities `(n, classes)`, float64."""


@dataclass(frozen=True)
class Setting:
    """What is chosen for a linear model: scikit-learn's C, and whether every class weighs alike."""

    inverse_penalty: float
    balanced: bool

    def __str__(self) -> str:
        return f"C {self.inverse_penalty:g}, {'classes of equal weight' if self.balanced else 'texts of equal weight'}"


def _linear(
    train: Prepared, name: str, targets: Array, schema: Schema, seed: int, seconds: float
) -> tuple[Predict, int, str]:
    """The model, the number of texts it was fitted on, and which."""
    texts = cast("list[Array]", train.columns[name])
    classes = len(schema.targets[0].classes)
    order = sampling.order(seed, "linear baseline", train.ids, targets.tolist())
    tried = [Setting(c, balanced) for c in INVERSE_PENALTIES for balanced in (False, True)]
    pilot = order[:PILOT]
    _need_sklearn()  # its import is not part of what a fit takes
    _fitted(_rows(texts, pilot[:2]), targets[pilot[:2]], classes, tried[-1])  # nor what is loaded at the first one
    start = time.perf_counter()
    _fitted(_rows(texts, pilot), targets[pilot], classes, tried[-1])
    each = (time.perf_counter() - start) / len(pilot)
    # All settings on four fifths, and the best on everything.
    n = min(len(train), max(len(pilot), int(seconds / (each * (0.8 * len(tried) + 1)))))
    chosen = order[:n]
    held, learned = chosen[::5], np.delete(chosen, np.s_[::5])
    best = tried[0]
    if len(np.unique(targets[learned])) == classes:
        truth = take(train.truth, held)
        grams = _Grams(_rows(texts, learned))
        seen, asked = grams.weights(_rows(texts, learned)), grams.weights(_rows(texts, held))
        found = {
            one: _macro_f1(truth, _regression(seen, targets[learned], classes, one)(asked), schema) for one in tried
        }
        best = max(tried, key=lambda one: found[one])
    which = f"all {n:,} training examples" if n == len(train) else f"stratified {n:,} of {len(train):,}"
    note = f"TF-IDF of tokens and pairs, logistic regression ({best}), {which}"
    return _fitted(_rows(texts, chosen), targets[chosen], classes, best), n, note


def _fitted(texts: Sequence[Array], targets: Array, classes: int, setting: Setting) -> Predict:
    grams = _Grams(texts)
    predict = _regression(grams.weights(texts), targets, classes, setting)
    return lambda shown: predict(grams.weights(shown))


def _regression(rows: Any, targets: Array, classes: int, setting: Setting) -> Callable[[Any], Array]:
    """Logistic regression from sparse rows to probabilities; a class that was not seen has probability 0."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    seen = np.unique(targets)
    if len(seen) < 2:
        return lambda shown: np.eye(classes)[np.full(shown.shape[0], seen[0])]
    model = LogisticRegression(
        C=setting.inverse_penalty, class_weight="balanced" if setting.balanced else None, max_iter=ITERATIONS
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        with threads.one():
            model.fit(rows, targets)

    def predict(shown: Any) -> Array:
        whole = np.zeros((shown.shape[0], classes))
        if len(whole):
            whole[:, seen] = model.predict_proba(shown)
        return whole

    return predict


class _Grams:
    """The TF-IDF weights of tokens and of pairs of neighbors, those that the texts of the fit hold.

    Counts enter as 1 + log(count), times 1 + log((1 + n) / (1 + texts that hold it)), and rows have length 1: that is
    scikit-learn's `TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)` on the tokens.
    """

    def __init__(self, texts: Sequence[Array]) -> None:
        from sklearn.feature_extraction.text import TfidfTransformer

        keys, _ = _keys(texts)
        self._known = np.unique(keys)
        self._weighting = TfidfTransformer(sublinear_tf=True).fit(self._counts(texts))

    def weights(self, texts: Sequence[Array]) -> Any:
        """A sparse row of weights a text, `(n, grams)`."""
        return self._weighting.transform(self._counts(texts))

    def _counts(self, texts: Sequence[Array]) -> Any:
        from scipy.sparse import csr_matrix

        keys, rows = _keys(texts)
        places = np.minimum(np.searchsorted(self._known, keys), max(len(self._known) - 1, 0))
        kept = self._known[places] == keys if len(self._known) else np.zeros(len(keys), dtype=bool)
        ones = np.ones(int(kept.sum()))
        return csr_matrix((ones, (rows[kept], places[kept])), shape=(len(texts), max(len(self._known), 1)))


def _need_sklearn() -> None:
    try:
        import sklearn.feature_extraction.text
        import sklearn.linear_model  # noqa: F401 - imported where it is used
    except ModuleNotFoundError as error:
        raise MissingExtraError("scikit-learn", "train", "The linear baseline") from error


def _keys(texts: Sequence[Array]) -> tuple[Array, Array]:
    """A number for every known token, and every pair of known neighbors, of all texts, and the row that each is of."""
    lengths = np.asarray([len(text) for text in texts])
    tokens = np.concatenate([*texts, np.zeros(0, dtype=np.int64)]).astype(np.int64)
    rows = np.repeat(np.arange(len(texts)), lengths)
    known = tokens > UNKNOWN
    pairs = known[:-1] & known[1:] & (rows[:-1] == rows[1:])
    joined = (tokens[:-1] << 32) + tokens[1:]
    return np.concatenate([tokens[known], joined[pairs]]), np.concatenate([rows[known], rows[:-1][pairs]])


def _rows(texts: Sequence[Array], chosen: Array) -> list[Array]:
    return [texts[i] for i in chosen.tolist()]


def _macro_f1(truth: Columns, probabilities: Array, schema: Schema) -> float:
    answers = _answers(probabilities, schema.targets[0].classes)
    return macro_f1.score(macro_f1.prepare(truth, answers, schema), None)


def _answers(probabilities: Array, classes: Sequence[str]) -> Columns:
    best = probabilities.argmax(axis=1)
    return {
        "label": [classes[i] for i in best.tolist()],
        "probability": probabilities[np.arange(len(best)), best],
        "probabilities": probabilities,
    }
