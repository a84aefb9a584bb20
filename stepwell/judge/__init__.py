"""Scores with intervals beside baselines: what a network is worth, and how sure that is.

scoring.judge(...)              all metrics of a task on one part, as `scores.json` holds them
scoring.evaluate_metrics(...)   the plain values, for a validation
slices, leak, importance        where it is better or worse, what a leak is worth, what answers rest on
paired                          is one really better? differences with intervals and tests
bootstrap                       how an interval comes about
scores                          what `scores.json` holds, typed, and read back
"""

from stepwell.judge.scores import Scores, from_json
from stepwell.judge.scoring import evaluate_metrics, judge

__all__ = ["Scores", "evaluate_metrics", "from_json", "judge"]
