"""Curves lie on scikit-learn's points, have the areas of the metrics beside them, and are short."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import calibration
from sklearn import metrics as oracle

from stepwell import discovery
from stepwell.metrics import auroc, average_precision, coverage, ece, precision_recall, reliability, residuals, roc
from stepwell.schema import Field, Schema


def schema(classes):
    return Schema((), (Field("label", "category", "int64", (), tuple(classes)),), ())


def answers(n, classes, seed=0, digits=None):
    generator = np.random.default_rng(seed)
    true = generator.integers(0, classes, n)
    raw = generator.random((n, classes))
    raw[np.arange(n), true] += 0.5
    values = raw / raw.sum(axis=1, keepdims=True)
    if digits:
        values = np.round(values, digits)
    names = [f"c{one}" for one in range(classes)]
    labels = [names[one] for one in values.argmax(axis=1)]
    return (
        true,
        values,
        ({"label": [names[one] for one in true]}, {"label": labels, "probabilities": values}, schema(names)),
    )


@pytest.mark.parametrize("digits", [None, 1])
def test_two_classes_lie_on_the_points_of_scikit_learn(digits):
    true, values, given = answers(60, 2, digits=digits)
    across, up, _ = oracle.roc_curve(true, values[:, 1], drop_intermediate=False)
    line = roc.curve(roc.prepare(*given))
    np.testing.assert_allclose(line["false_positive_rate"], across)
    np.testing.assert_allclose(line["true_positive_rate"], up)
    precision, recall, _ = oracle.precision_recall_curve(true, values[:, 1])
    line = precision_recall.curve(precision_recall.prepare(*given))
    np.testing.assert_allclose(line["recall"], recall[:-1][::-1])
    np.testing.assert_allclose(line["precision"], precision[:-1][::-1])


@pytest.mark.parametrize(("n", "classes"), [(50, 2), (20_000, 2), (20_000, 5)])
def test_curves_are_short_and_keep_their_area(n, classes):
    _, _, given = answers(n, classes)
    line = roc.curve(roc.prepare(*given))
    assert len(line["false_positive_rate"]) <= roc.POINTS
    assert (line["false_positive_rate"][0], line["false_positive_rate"][-1]) == (0.0, 1.0)
    assert (line["true_positive_rate"][0], line["true_positive_rate"][-1]) == (0.0, 1.0)
    area = np.trapezoid(line["true_positive_rate"], line["false_positive_rate"])
    assert area == pytest.approx(auroc.score(auroc.prepare(*given), None), abs=0.003)
    line = precision_recall.curve(precision_recall.prepare(*given))
    area = np.diff(line["recall"], prepend=0.0) @ line["precision"]
    assert area == pytest.approx(average_precision.score(average_precision.prepare(*given), None), abs=0.03)


def test_several_classes_have_a_line_each_beside_their_mean():
    _, _, given = answers(300, 3)
    line = roc.curve(roc.prepare(*given))
    each = [line[f"true_positive_rate of c{one}"] for one in range(3)]
    np.testing.assert_allclose(np.mean(each, axis=0), line["true_positive_rate"])
    line = precision_recall.curve(precision_recall.prepare(*given))
    assert set(line) == {"recall", "precision", *(f"precision of c{one}" for one in range(3))}
    _, _, given = answers(300, roc.SHOWN + 1)
    assert set(roc.curve(roc.prepare(*given))) == {"false_positive_rate", "true_positive_rate"}


def test_a_class_alone_has_no_curve():
    truth = {"label": ["c0"] * 3}
    predictions = {"label": ["c0"] * 3, "probabilities": np.full((3, 2), 0.5)}
    assert roc.curve(roc.prepare(truth, predictions, schema(["c0", "c1"]))) == {}
    assert precision_recall.curve(roc.prepare(truth, predictions, schema(["c0", "c1"]))) == {}
    nothing = {"label": [], "probabilities": np.zeros((0, 2))}
    assert roc.curve(roc.prepare({"label": []}, nothing, schema(["c0", "c1"]))) == {}
    assert reliability.curve(reliability.prepare({"label": []}, nothing, schema(["c0", "c1"])))["count"] == []


def test_reliability_is_what_the_calibration_error_is_made_of():
    true, values, given = answers(500, 3)
    line = reliability.curve(reliability.prepare(*given))
    right, confidence = calibration.calibration_curve(values.argmax(1) == true, values.max(1), n_bins=ece.BINS)
    np.testing.assert_allclose(line["right"], right)
    np.testing.assert_allclose(line["confidence"], confidence)
    assert sum(line["count"]) == 500
    off = np.abs(np.array(line["right"]) - np.array(line["confidence"]))
    assert np.average(off, weights=line["count"]) == pytest.approx(ece.score(ece.prepare(*given), None))


def test_residuals_are_a_few_of_all_from_the_lowest_answer_to_the_highest():
    generator = np.random.default_rng(0)
    truth, answered = generator.normal(size=5000), generator.normal(size=5000)
    numbers = Schema((), (Field("value", "number", "float32"),), ())
    line = residuals.curve(residuals.prepare({"value": truth}, {"value": answered}, numbers))
    assert len(line["prediction"]) == len(line["residual"]) == residuals.POINTS
    assert line["prediction"] == sorted(line["prediction"])
    assert (line["prediction"][0], line["prediction"][-1]) == pytest.approx((answered.min(), answered.max()))
    assert line["residual"][0] == pytest.approx((answered - truth)[answered.argmin()])
    assert residuals.curve(residuals.prepare({"value": []}, {"value": []}, numbers)) == {
        "prediction": [],
        "residual": [],
    }


def test_coverage_counts_what_is_promised_and_is_undefined_where_nothing_is():
    numbers = Schema((), (Field("value", "number", "float32"),), ())
    truth = {"value": np.array([1.0, 2.0, 3.0])}
    promised = {"value": truth["value"], "low": np.array([1.0, 2.5, 0.0]), "high": np.array([1.5, 3.0, 9.0])}
    state = coverage.prepare(truth, promised, numbers)
    assert coverage.score(state, None) == pytest.approx(2 / 3)
    assert coverage.score(state, np.array([0.0, 1.0, 0.0])) == 0.0
    assert np.isnan(coverage.score(coverage.prepare(truth, {"value": truth["value"]}, numbers), None))
    names = {"label": ["c0", "c1"], "set": [["c1", "c0"], ["c0"]]}
    assert coverage.score(coverage.prepare({"label": ["c0", "c1"]}, names, schema(["c0", "c1"])), None) == 0.5
    assert np.isnan(coverage.score(coverage.prepare({"label": []}, {"label": [], "set": []}, schema(["c0"])), None))


@pytest.mark.parametrize("name", discovery.names("metrics"))
def test_every_metric_has_a_score_or_a_curve_as_its_kind_says(name):
    metric = discovery.load("metrics", name)
    assert hasattr(metric, "curve") == (metric.KIND == "curve")
    assert hasattr(metric, "score") == (metric.KIND in ("number", "per_class", "table"))
    assert metric.DIRECTION in ("max", "min")
