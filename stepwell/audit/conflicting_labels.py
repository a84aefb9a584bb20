"""The same content under two labels: at least one of them is wrong, or one label is not enough."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from stepwell.inspection import Inspection
from stepwell.schema import Finding


def check(inspection: Inspection, parts: Sequence[str] | None) -> list[Finding]:
    """Severity 2."""
    if not inspection.labels:
        return []
    alike: dict[str, list[int]] = {}
    for i in inspection.looked:
        digest = inspection.digests[i]
        if digest is not None and inspection.labels[i] is not None:
            alike.setdefault(digest, []).append(i)
    sets = [indices for indices in alike.values() if len({inspection.labels[i] for i in indices}) > 1]
    if not sets:
        return []
    pairs = Counter(" / ".join(sorted({str(inspection.labels[i]) for i in indices})) for indices in sets)
    count = sum(map(len, sets))
    # No answer can be right more often than the commonest label of each set.
    lost = sum(len(indices) - max(Counter(inspection.labels[i] for i in indices).values()) for indices in sets)
    pair, often = pairs.most_common(1)[0]
    return [
        Finding(
            name="conflicting_labels",
            severity=2,
            message=f"{count:,} examples in {len(sets):,} sets have the same content but different labels"
            f"{inspection.scope}, most often {pair!r} ({often:,}).",
            why=f"No model can be right on all of them (at least {lost:,} answers stay wrong), and training is "
            "pulled both ways.",
            remedy="look at these examples and give each content one label, or remove it",
            evidence={"examples": count, "sets": len(sets), "surely_wrong": lost, "pairs": dict(pairs.most_common(5))},
            examples=inspection.names([i for indices in sets[:3] for i in indices[:2]], 6),
            refuted_by="a difference between the decoded contents of the examples named here",
        )
    ]
