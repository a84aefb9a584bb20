"""Pictures of examples, side by side, embedded in the page."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from markupsafe import Markup

from stepwell.report.markup import render
from stepwell.schema import Picture


def gallery(pictures: Sequence[tuple[str, Picture]]) -> Markup:
    """Pictures in order, each with its caption and the id of its example; drawings, which hold words, are wider."""
    shown = [
        (name, one.caption, f"data:{one.mime};base64,{base64.b64encode(one.data).decode()}") for name, one in pictures
    ]
    wide = any(one.mime == "image/svg+xml" for _, one in pictures)
    return render(_TEMPLATE, shown=shown, wide=wide)


_TEMPLATE = """
<div class="gallery{{ ' wide' if wide }}">
{% for name, caption, data in shown %}
<figure><img src="{{ data }}" alt="{{ caption }}" loading="lazy">
<figcaption>{{ caption }}<small>{{ name }}</small></figcaption></figure>
{% endfor %}
</div>
"""
