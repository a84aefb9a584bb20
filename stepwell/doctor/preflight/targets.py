"""What is to be learnt, as far as it was seen on its way into the loss."""

from __future__ import annotations

from typing import Any

import torch

from stepwell.doctor.first import First, rows_of


def look(first: First) -> dict[str, Any]:
    """Kind ("classes", "numbers", "unseen"), whether finite, range, deviation, and the counts of classes."""
    seen = [example.replay.targets for example in first.examples if example.replay.targets is not None]
    if not seen:
        return {"targets": "unseen"}
    alike = [one for one in seen if one.shape[1:] == seen[0].shape[1:]]
    values = torch.cat([rows_of(one) for one in alike]).double()
    coded = values.shape[1] > 1 and bool(((values == 0) | (values == 1)).all() and (values.sum(1) == 1).all())
    if coded:  # one-hot
        values = values.argmax(1, keepdim=True).double()
    facts: dict[str, Any] = {
        "targets": "numbers" if seen[0].is_floating_point() and not coded else "classes",
        "targets_finite": bool(torch.isfinite(values).all()),
        "target_low": float(values.min()),
        "target_high": float(values.max()),
        "target_deviation": float(values.std(0, correction=0).max()),
        "target_mean": float(values.mean()),
        "target_distinct": int(torch.unique(values).numel()),
    }
    if facts["targets"] == "classes" and values.shape[1] == 1 and facts["target_low"] >= 0:
        counts = torch.bincount(values.flatten().long())
        facts["class_counts"] = counts[: min(len(counts), 1000)].tolist()
    return facts
