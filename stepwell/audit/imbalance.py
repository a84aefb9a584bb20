"""Classes of very unequal size: accuracy then praises whoever always answers the largest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from stepwell.inspection import Inspection
from stepwell.schema import Finding

NOTICE, HARMFUL, MAJORITY = 5.0, 20.0, 0.9
"""Largest to smallest class from which on it is said, is harmful; share of one class that is harmful by itself."""


def check(inspection: Inspection, parts: Sequence[str] | None) -> list[Finding]:
    """Severity 1 from 5 : 1 on, 2 from 20 : 1 on or where one class holds more than 90 %."""
    counts = Counter(
        label for i, label in enumerate(inspection.labels) if label is not None and i not in inspection.errors
    )
    if len(counts) < 2:
        return []
    ranked = counts.most_common()
    (largest, most), (smallest, least) = ranked[0], ranked[-1]
    ratio, share = most / least, most / counts.total()
    if ratio < NOTICE:
        return []
    return [
        Finding(
            name="imbalance",
            severity=2 if ratio >= HARMFUL or share > MAJORITY else 1,
            message=f"The largest class, {str(largest)!r}, has {most:,} examples, the smallest, {str(smallest)!r}, "
            f"{least:,}: {ratio:.0f} times as many.",
            why=f"Always answering {str(largest)!r} is right for {100 * share:.0f} % of the examples, so that accuracy "
            "hides how the small classes fare.",
            remedy="read the scores per class; collect more of the small classes, or weight the classes",
            evidence={
                "ratio": round(ratio, 2),
                "majority_share": round(share, 4),
                "classes": len(counts),
                "largest": {str(label): count for label, count in ranked[:5]},
                "smallest": {str(label): count for label, count in ranked[-5:]},
            },
            refuted_by="a recall of the small classes as high as that of the large ones",
        )
    ]
