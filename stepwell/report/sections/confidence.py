"""What travels with the network so that its answers can be relied on: temperature, decision, promised coverage."""

from __future__ import annotations

from stepwell.judge.confidence import Confidence
from stepwell.judge.scores import Scores
from stepwell.report import wording
from stepwell.report.facts import Facts
from stepwell.report.markup import render

ORDER = 48
TITLE = "How far to rely on an answer"


def section(facts: Facts) -> str | None:
    """A sentence for each thing that was fitted on the validation part; None where nothing was."""
    scores = facts.scores
    found = scores.confidence if scores is not None else None
    if scores is None or found is None:
        return None
    lines = [*_temperature(found), *_decision(found, scores.positive), *_coverage(found, scores)]
    fitted = found.temperature != 1.0 or found.costs or found.threshold is not None or found.coverage is not None
    return render(_TEMPLATE, lines=lines, n=wording.count(found.n), fitted=bool(fitted)) if lines else None


def _temperature(found: Confidence) -> list[tuple[str, str]]:
    before, after = (found.measured.get(name) for name in ("log_loss_before", "log_loss"))
    if found.temperature == 1.0:
        if before is None or after is None:
            return []
        said = f"a temperature would have brought the log loss from {wording.plain(before)} to {wording.plain(after)}"
        return [("probabilities", f"They are left as the network gives them: {said} on examples it was not fitted on.")]
    gain = f" (log loss {wording.plain(before)} before, {wording.plain(after)} after)" if before and after else ""
    surer = "surer" if found.temperature > 1 else "less sure"
    by = wording.plain(found.temperature)
    return [
        (
            "probabilities",
            f"The network was {surer} than it may be: its logits are divided by {by}{gain}.",
        )
    ]


def _decision(found: Confidence, positive: str) -> list[tuple[str, str]]:
    if found.threshold is None and not found.costs:
        return []
    at = (
        f"{positive or 'The second class'} is answered from a probability of {wording.plain(found.threshold)} on."
        if found.threshold is not None
        else ""
    )
    before, after = (found.measured.get(name) for name in ("cost_before", "cost"))
    cost = ""
    if before is not None and after is not None:
        usual = wording.plain(before)
        cost = f"An answer costs {wording.plain(after)} on average; the likeliest class would cost {usual}."
    return [("decision", f"{at} {cost}".strip())]


def _coverage(found: Confidence, scores: Scores) -> list[tuple[str, str]]:
    if found.coverage is None:
        return []
    held = scores.scores.get("coverage")
    said = f"Sets or intervals are to hold the truth in {wording.percent(found.coverage)} of cases."
    if held is not None:
        about = scores.metrics["coverage"]
        said += (
            f" On {wording.count(held.n)} {scores.part} examples they held it in "
            f"{wording.value(held.value, about, held.n)} ({wording.interval(held, about)})."
        )
    if len(found.widths) == 1:
        said += f" An interval reaches {wording.plain(found.widths[0])} to either side of the answer."
    return [("coverage", said)]


_TEMPLATE = """
<dl>{% for name, said in lines %}<dt>{{ name }}</dt><dd>{{ said }}</dd>{% endfor %}</dl>
<p class="small">{% if fitted %}Fitted on {{ n }} validation examples and carried by the artifact; it holds for examples
drawn like those.{% else %}Tried on {{ n }} validation examples.{% endif %}</p>
"""
