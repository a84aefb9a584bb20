"""The price of a leak: the headline with and without the test examples that training had seen."""

from __future__ import annotations

from stepwell.report import wording
from stepwell.report.dots import axis_for, dots, row
from stepwell.report.facts import Facts
from stepwell.report.markup import render

ORDER = 12
TITLE = "The price of the leak"


def section(facts: Facts) -> str | None:
    """Both scores and their difference; None where nothing leaked."""
    scores = facts.scores
    if scores is None or scores.leak is None:
        return None
    leak, about = scores.leak, scores.metrics[scores.headline]
    rows = [row("with them", leak.with_leak, about, note=f"all {wording.count(leak.n)} {scores.part} examples")]
    if leak.without is not None:
        kept = wording.count(leak.n - leak.leaked)
        rows.append(row("without them", leak.without, about, note=f"{kept} examples that are new", strong=True))
    return render(
        _TEMPLATE,
        leaked=wording.count(leak.leaked),
        n=wording.count(leak.n),
        share=wording.percent(leak.leaked / leak.n),
        part=scores.part,
        price=wording.difference(leak.price, about) if leak.price is not None else None,
        about=about,
        picture=dots(rows, axis_for(min(one.low for one in rows), max(one.high for one in rows), about)),
        examples=leak.examples if facts.examples else (),
    )


_TEMPLATE = """
<p class="notice">{{ leaked }} of {{ n }} {{ part }} examples ({{ share }}) are copies of training examples, or belong
to one of their groups.
{% if price %}What they add to the {{ about.title }}: {{ price[0] }} ({{ price[1] }}).
{% endif %}
The score without them is the one to expect on new data.</p>
<figure>
{{ picture }}
<figcaption>A dot is the {{ about.title }}, its bar the interval; both rest on the same resamples. The parts came with
the data and were kept; parts that Stepwell makes never cut a group.</figcaption>
</figure>
{% if examples %}<p class="small">For instance
{% for one in examples %}<code>{{ one }}</code>{{ ", " if not loop.last }}
{%- endfor %}.</p>{% endif %}
"""
