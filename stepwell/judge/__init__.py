"""Scores with intervals beside baselines: what a network is worth, and how sure that is.

scoring.judge(...)              all metrics of a task on one part, as `scores.json` holds them
scoring.evaluate_metrics(...)   the plain values, for a validation
slices, leak, importance        where it is better or worse, what a leak is worth, what answers rest on
paired                          is one really better? differences with intervals and tests
bootstrap                       how an interval comes about
scores                          what `scores.json` holds, typed, and read back
confidence                      how far answers can be relied on, fitted once and applied to every answer

Nothing is imported here: whoever answers needs `confidence` and waits for nothing else.
"""
