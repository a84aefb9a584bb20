"""Numbers derived from a record, all relative to something, so that thresholds hold for networks of any size.

Every function gives None where what it needs was not read. Healthy ranges were
measured on 84 runs of 28 healthy configurations, and set against 65 faulty ones (docs/doctor.md).
"""

from __future__ import annotations

import math
import re
from statistics import fmean, median
from typing import Any

from stepwell.doctor.record import Record

FAILING, STRUGGLING, LAGGING, SLEEPING = 0.9, 0.6, 0.25, 0.97  # of the loss of the best constant prediction
ROUNDED = 1e-10  # a variance between answers, as a share of their square, that is no more than rounding
STANDING = 0.05  # of the same: by what a loss that stands has fallen in a tenth of the training, at most
FEW, SUNK = 32, 0.02  # updates; what the loss has fallen by, from the first half to the second, where it sinks
COMPARED, CLEARLY = 200, 0.05  # rows from which neighbors are a measure, and by how much they are to be better
REPEATED = 0.1  # of the rows: where more are there twice, a neighbor may be the row itself
TOLD = 0.6  # of the way from what chance gets right to all, in balanced accuracy: above it classes are told apart
FLAT = 0.01  # of it: less from one third of the updates to the next is no change
EARLIEST, PROBES = (
    0.25,
    3,
)  # of the horizon, and probes, before dynamics are judged: 0 of 84 healthy runs alarm from there


def constant(record: Record) -> float | None:
    """The loss of the best constant prediction; None where unknown or not positive, and in a game.

    There another network learns from this one's answers, and how good they can be changes with it. Where the probe
    holds one class alone though there are more, as in sorted data, it is the loss of answers that know nothing.
    """
    alone = sum(1 for one in record.facts.get("class_counts", []) if one) == 1
    name = "uniform_loss" if alone and record.facts.get("classes_seen", 1) > 1 else "constant"
    value = None if record.facts.get("game") else record.facts.get(name)
    return value if isinstance(value, float) and math.isfinite(value) and value > 1e-12 else None


def chance(record: Record) -> float | None:
    """The largest of the losses of the best constant, of zero and of uniform answers: what a network may begin with."""
    known = [record.facts.get(name) for name in ("constant", "zero_loss", "uniform_loss")]
    finite = [one for one in known if isinstance(one, float) and math.isfinite(one) and one > 0]
    return max(finite) if constant(record) is not None and finite else None


def broken_at(record: Record) -> int | None:
    """The first update whose loss is not a finite number."""
    return next((int(row["step"]) for row in record.steps if not math.isfinite(row["loss"])), None)


def level(record: Record) -> float | None:
    """The loss now over that of the best constant: the lesser of what training and the probe say of the last fifth."""
    best = constant(record)
    if best is None or not record.steps:
        return None
    losses = [row["loss"] for row in record.steps if math.isfinite(row["loss"])]
    looks = last_probes(record) or record.probes[-1:]
    probed = [row["loss"] for row in looks if math.isfinite(row["loss"])]
    last = losses[-max(1, len(losses) // 5) :]
    said = [fmean(last)] if last else []
    said += [min(probed)] if probed else []
    return min(said) / best if said else None


def reached(record: Record) -> float | None:
    """The level, or that of the loss on held-out data at the last looks where it is less.

    What a network answers well that it has not learnt from, it has learnt: where labels are noise in part, the loss of
    what it learns from stays above.
    """
    now, best = level(record), constant(record)
    held = [row["valid_loss"] for row in last_probes(record) if math.isfinite(row.get("valid_loss", math.nan))]
    return min(now, min(held) / best) if now is not None and best is not None and held else now


def level_in_training(record: Record) -> float | None:
    """The mean loss of the last fifth of the updates, as training computes it, dropout and all, over the constant's."""
    best = constant(record)
    losses = [row["loss"] for row in record.steps if math.isfinite(row["loss"])]
    last = losses[-max(1, len(losses) // 5) :]
    return fmean(last) / best if best is not None and last else None


def failing(record: Record) -> bool:
    """Whether it learns nothing: the loss is not finite, or above nine tenths of the best constant's."""
    now = level(record)
    return broken_at(record) is not None or (now is not None and now > FAILING)


def struggling(record: Record) -> bool:
    """Whether it has learnt little: the loss is not finite, or above six tenths of the best constant's."""
    now = reached(record)
    return broken_at(record) is not None or (now is not None and now > STRUGGLING)


def harmed(record: Record) -> bool:
    """Whether it struggles, or its nearest neighbors tell a row far better than it does: for what is seen exactly."""
    return struggling(record) or behind(record)


def behind(record: Record) -> bool:
    """Whether the mean or the vote of its five nearest neighbors tells a row far better than the network does.

    They err less than half as much, and by a twentieth of the scale less. The network is taken at its better, on rows
    that it has learnt from or on others; the neighbors of a row are others than itself, where rows hardly repeat.
    """
    facts = record.facts
    right, left = facts.get("neighbors_balanced"), facts.get("neighbors_left")
    if facts.get("labels", 0) < COMPARED or facts.get("seen_twice", 0.0) > REPEATED or facts.get("game"):
        return False
    if right is not None:
        names = ("balanced_accuracy", "valid_balanced_accuracy")
        ours = [row[name] for row in last_probes(record) for name in names if name in row]
        return bool(ours) and 1 - max(ours) > max(2 * (1 - right), 1 - right + CLEARLY)
    now = level(record)
    return left is not None and now is not None and now > max(2 * left, left + CLEARLY)


def tells(record: Record) -> bool:
    """Whether classes are told apart at the last two looks, however unsure the answers and large the loss."""
    rows = [row for row in last_probes(record, 2) if row.get("recall")]
    named = ("balanced_accuracy", "valid_balanced_accuracy")
    best = [(max(row[name] for name in named if name in row), 1 / len(row["recall"])) for row in rows]
    return bool(best) and all(right - chance > TOLD * (1 - chance) for right, chance in best)


def lagging(record: Record) -> bool:
    """Whether over a quarter of the best constant's loss is left: enough for what no healthy network begins with."""
    now = reached(record)
    return broken_at(record) is not None or (now is not None and now > LAGGING)


def slept(record: Record) -> bool:
    """Whether nothing was learnt in the second tenth of the training: its loss stood at that of the best constant.

    One that came from far above and still falls is on its way.
    """
    best, planned = constant(record), record.length if record.ended else record.horizon or record.length
    early = [row["loss"] for row in record.steps if planned / 10 <= row["step"] < planned / 5]
    if best is None or len(early) < 2:
        return False
    half = len(early) // 2
    return fmean(early) > SLEEPING * best and fmean(early[:half]) - fmean(early[half:]) < STANDING * best


def mature(record: Record) -> bool:
    """Whether enough was seen for what is not exact to be judged."""
    return (record.progress >= EARLIEST and len(record.probes) >= PROBES) or broken_at(record) is not None


def excess(record: Record) -> float | None:
    """The loss at the beginning over the largest chance level; healthy networks measured up to 1.5."""
    reference, initial = chance(record), record.facts.get("initial_loss")
    return initial / reference if reference and isinstance(initial, float) else None


def early_update(record: Record) -> float | None:
    """The median over matrices, then over updates 2 to 12, of ||change|| / ||weights||; healthy: up to 0.15.

    Infinite where a change or a weight is no finite number; of the first update where there is no other. Updates whose
    gradient was no finite number are left out: at any rate they would have been the same.
    """
    early = [row for row in record.steps if row.get("updates") and row["step"] < 12]
    read = {row["step"]: row["updates"] for row in early if all(map(math.isfinite, row.get("gradients", {}).values()))}
    rows = [one for step, one in read.items() if step >= 1] or list(read.values())
    medians = [median(value if math.isfinite(value) else math.inf for value in one.values()) for one in rows]
    return median(medians) if medians else None


def late_update(record: Record) -> float | None:
    """The median, over updates after the first quarter, of ||change|| / ||weights|| of the fastest matrix."""
    rows = [row["updates"] for row in record.steps if row.get("updates") and row["step"] >= record.length * EARLIEST]
    fastest = [max(one.values()) for one in rows]
    finite = [one for one in fastest if math.isfinite(one)]
    return median(finite) if finite else None


def share(value: float) -> str:
    """A share of the weights in words: as percent, or as a multiple where it is more than ten times."""
    if value <= 10:
        return f"{100 * value:.1f} %"
    return f"{value:,.0f} times their size" if math.isfinite(value) else "more than can be counted"


def reach(record: Record) -> float | None:
    """How far the fastest matrix moved in all, as a multiple of its size, from the updates that were read."""
    rows = [row["updates"] for row in record.steps if row.get("updates")]
    values = [max(one.values()) for one in rows]
    finite = [one for one in values if math.isfinite(one)]
    return fmean(finite) * record.length if finite else None


def growth(record: Record) -> float | None:
    """The median over matrices of ||weights|| at last over those at first; healthy: up to 1.5."""
    rows = [row["weights"] for row in record.steps if row.get("weights")]
    ratios = [rows[-1][name] / one for name, one in rows[0].items() if one > 1e-8 and name in rows[-1]] if rows else []
    return median(ratios) if ratios else None


def moves(record: Record) -> bool:
    """Whether the fastest matrix moves by a hundredth of its size, over all updates that are planned."""
    far = reach(record)
    return far is None or far / max(record.progress, 0.05) > 0.01


def gradient_spread(record: Record) -> float | None:
    """Decades between the largest and the least ||gradient|| / ||weights|| over layers at the first three updates.

    A numbered block of several matrices ("encoder.layer.3") counts as one layer, by its largest: queries and keys of a
    fresh attention have next to no gradient, whatever passes through their block. A layer that gets none at all at
    first though one before it does is passed around on purpose, as residual branches are whose last scale begins at 0.
    A table of embeddings begins many times as large as a matrix, and few of its rows are in a batch: that its gradient
    is small says nothing. But what arrives there has passed the layers after it, and they are not starved of more. Of a
    matrix that begins smaller than its inputs ask for, as the last one often does so that no answer is sure at first,
    the gradient is set against the size that they ask for.
    """
    spreads = []
    tables, gains = record.facts.get("tables", []), record.facts.get("gains", {})
    around: set[str] | None = None
    for row in record.steps:
        if row["step"] > 2 or not row.get("gradients"):
            continue
        blocks: dict[str, float] = {}
        arrives = 0.0
        for name, gradient in row["gradients"].items():
            if row["weights"][name] <= 1e-8:
                continue
            if name in tables:
                arrives = max(arrives, gradient / row["weights"][name])
            else:
                numbered = re.match(r".*?\.\d+(?=\.)|\d+(?=\.)", name)
                block = numbered[0] if numbered else name
                own = min(1.0, gains.get(name, 1.0)) * gradient / row["weights"][name]
                blocks[block] = max(blocks.get(block, 0.0), own)
        if around is None:
            reached = next((place for place, value in enumerate(blocks.values()) if value > 0), len(blocks))
            around = {block for place, block in enumerate(blocks) if place > reached and blocks[block] == 0.0}
        relative = [value for block, value in blocks.items() if block not in around]
        if len(relative) > 1 and max(relative) > 0 and all(map(math.isfinite, relative)):
            spreads.append(math.log10(max(relative) / min(max(min(relative), arrives, 1e-30), max(relative))))
    return median(spreads) if spreads else None


def layers(probe: dict[str, Any], name: str) -> dict[str, float]:
    """What a signal read of every layer at one probe."""
    return {layer: row[name] for layer, row in probe.get("layers", {}).items() if name in row}


def through_one_unit(record: Record) -> bool:
    """Whether a layer before the last has a single unit; the last may be the answer itself, of two classes."""
    return 1 in list(layers(first_probe(record), "width").values())[:-1]


def first_probe(record: Record) -> dict[str, Any]:
    """The look at the beginning; {} where there was none."""
    return record.probes[0] if record.probes and record.probes[0]["step"] == 0 else {}


def last_probes(record: Record, count: int = 3) -> list[dict[str, Any]]:
    """The newest probes, of the second half of what was trained; of a brief one, which has few, the newest alone."""
    after = [row for row in record.probes if row["step"] > 0]
    return [row for row in after if row["step"] >= record.length / 2][-count:] or after[-1:]


def between_at_first(record: Record) -> tuple[str, float] | None:
    """The layer whose output differs least between samples at the beginning, and that share.

    A layer that answers the same to all samples though later ones, or the whole network, do not is passed around, and
    does not count. One that is called again and again, as in a recurrence written out, counts by the call whose output
    differs most.
    """
    first = first_probe(record)
    called: dict[str, tuple[str, float]] = {}
    for name, share in layers(first, "between").items():
        layer = re.sub(r"\.\d+$", "", name)
        called[layer] = max(called.get(layer, (name, 0.0)), (name, share), key=lambda one: one[1])
    read = list(called.values())
    last = next((place for place, (_, share) in reversed(list(enumerate(read))) if share > 0.0), -1)
    if first.get("output_between", 0.0) > ROUNDED * first.get("output_largest", 0.0) ** 2:
        last = len(read)
    through = [one for place, one in enumerate(read) if one[1] > 0.0 or place > last]
    return min(through, key=lambda one: one[1]) if through else None


def between_now(record: Record) -> tuple[str, float] | None:
    """The same at the last probes: for each layer its largest share, then the least over layers."""
    probes = last_probes(record)
    read = [layers(row, "between") for row in probes]
    names = set.intersection(*(set(one) for one in read)) if read else set()
    largest = {name: max(one[name] for one in read) for name in sorted(names)}
    return min(largest.items(), key=lambda one: one[1]) if largest else None


def own_rises(record: Record, by: float = 0.05) -> float | None:
    """The share of probed updates that raised the loss of their own batch by more than `by`."""
    best = constant(record) or 0.0
    pairs = [row["own"] for row in record.steps if "own" in row]
    rises = [(after - before) / (abs(before) + 0.02 * best + 1e-12) for before, after in pairs]
    return fmean(float(not one <= by) for one in rises) if rises else None


def late_loss(record: Record) -> float | None:
    """The worst smoothed loss after the first tenth over that of the best constant; None where a penalty is in it."""
    best = None if record.facts.get("loss_touches_parameters") else constant(record)
    losses = [row["loss"] for row in record.steps if math.isfinite(row["loss"])]
    width = max(5, len(losses) // 40)
    if best is None or len(losses) < 4 * width:
        return None
    late = losses[len(losses) // 10 :]
    return max(fmean(late[i : i + width]) for i in range(len(late) - width + 1)) / best


def valid_rise(record: Record) -> tuple[float, int] | None:
    """How far the validation loss is above its least over the last three probes, in losses of the best constant.

    Zero where one of the three is the least: it falls still, however far apart the probes lie.
    """
    best = constant(record)
    rows = [(row["step"], row["valid_loss"]) for row in record.probes if math.isfinite(row.get("valid_loss", math.nan))]
    if best is None or len(rows) < 6:
        return None
    step, least = min(rows, key=lambda one: one[1])
    last = rows[-3:]
    return (fmean(value for _, value in last) - least) / best if step < last[0][0] else 0.0, step


def gradient_growth(record: Record) -> float | None:
    """The largest gradient norm over the median of those read before it, of the whole network."""
    norms = [
        (row["step"], math.sqrt(sum(one**2 for one in row["gradients"].values())))
        for row in record.steps
        if row.get("gradients")
    ]
    worst = None
    for i in range(3, len(norms)):
        before = median(norm for _, norm in norms[:i])
        if before > 0 and math.isfinite(norms[i][1]):
            ratio = norms[i][1] / before
            worst = ratio if worst is None else max(worst, ratio)
    return worst


def fall(record: Record) -> float | None:
    """How far the mean loss of the last third of the updates is under that of the third before, over the constant's.

    Where a penalty is in the loss, which falls whatever is learnt, it is the fall of the probe's between two looks.
    """
    best = constant(record)
    probed = [row["loss"] for row in last_probes(record, 2) if math.isfinite(row["loss"])]
    if best is not None and record.facts.get("loss_touches_parameters") and len(probed) == 2:
        return float(probed[0] - probed[1]) / best
    losses = [row["loss"] for row in record.steps if math.isfinite(row["loss"])]
    third = len(losses) // 3
    if best is None or third < 5:
        return None
    return (fmean(losses[third : 2 * third]) - fmean(losses[2 * third :])) / best


def falls_still(record: Record) -> bool:
    """Whether the loss falls at the end, by more than one percent of the constant's from third to third."""
    return (fall(record) or 0.0) > FLAT


def few(record: Record) -> bool:
    """Whether a training that is over had no more than some dozen updates, too few to tell what it can learn."""
    return record.ended and record.length < FEW


def sinks(record: Record) -> bool:
    """Whether the loss of the last half of the updates is under that of the first by a fiftieth of the constant's."""
    best, losses = constant(record), [row["loss"] for row in record.steps if math.isfinite(row["loss"])]
    half = len(losses) // 2
    return best is not None and half > 1 and fmean(losses[:half]) - fmean(losses[half:]) > SUNK * best
