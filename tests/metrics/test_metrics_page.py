"""docs/metrics.md says what the metrics say of themselves, and its reference values are scikit-learn's."""

from __future__ import annotations

import inspect

import metrics_page
import numpy as np
import pytest
from sklearn import metrics as oracle

from stepwell import discovery

NAMES = discovery.names("metrics")


def test_the_page_is_what_the_metrics_say():
    written = metrics_page.PAGE.read_text(encoding="utf-8")
    assert written == metrics_page.page(), "write it anew: python tests/metrics/metrics_page.py"


@pytest.mark.parametrize("name", NAMES)
def test_each_says_when_it_is_empty_and_what_it_equals(name):
    text = inspect.getdoc(discovery.load("metrics", name))
    assert any(word in text for word in ("Undefined", "undefined", "Empty", "empty", "Without examples")), name
    if name not in ("coverage", "ece", "residuals"):  # scikit-learn has none
        assert "qual to `sklearn." in " ".join(text.split())


def test_reference_values():
    """Worked out by scikit-learn and, for the calibration error, by hand."""
    truth = metrics_page.TRUE_CLASSES["label"]
    said, values = (metrics_page.ANSWERED_CLASSES[one] for one in ("label", "probabilities"))

    def value(name):
        return metrics_page.score(discovery.load("metrics", name), "classes")

    assert value("accuracy") == pytest.approx(4 / 6)
    assert value("mcc") == pytest.approx(oracle.matthews_corrcoef(truth, said))
    assert value("quadratic_kappa") == pytest.approx(oracle.cohen_kappa_score(truth, said, weights="quadratic"))
    assert value("auroc") == pytest.approx(oracle.roc_auc_score(truth, values, multi_class="ovr"))
    assert value("brier") == pytest.approx(oracle.brier_score_loss(truth, values, labels=["ant", "bee", "cow"]))
    # Bins 8 (0.5: one right, one wrong), 9 (0.6: the same), 11 (0.7: right) and 12 (0.8: right):
    assert value("ece") == pytest.approx((abs(1 - 1.0) + abs(1 - 1.2) + 0.3 + 0.2) / 6)
    assert np.sum(value("confusion_matrix")) == 6
