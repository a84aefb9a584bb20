"""What healing a run came to, as a page that a skeptic would accept: everything tried, with its bounds and its cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from stepwell.errors import counted
from stepwell.report.charts import linear_axis
from stepwell.report.dots import Row, dots
from stepwell.report.markup import render_file


def build(found: Mapping[str, Any]) -> str:
    """The page as self-contained HTML, of the content of `heal.json`."""
    page = render_file(
        "healing.html",
        found=found,
        picture=picture(found["tried"]),
        tried=[cells(one) for one in found["tried"]],
        resized=any("batch_size" in one["flags"] for one in found["tried"]),
        count=counted(len(found["tried"]), "change was", "changes were"),
    )
    return str(page)


def picture(tried: Sequence[Mapping[str, Any]]) -> Markup | None:
    """The gain of each change that came past its first seed, down to its lower bound; None where none did."""
    rows = [_row(one) for one in tried if one["proof"]["low"] is not None]
    values = [0.0, *(value for row in rows for value in (row.low, row.high))]
    room = 0.08 * (max(values) - min(values))
    return dots(rows, linear_axis(min(values) - room, max(values) + room), zero=True) if rows else None


def _row(one: Mapping[str, Any]) -> Row:
    proof = one["proof"]
    low = min(proof["low"], proof["low_over_placebo"])
    gain = min(proof["gain"], proof["over_placebo"])
    return Row(one["flags"], f"{gain:+.3f}, at least {low:+.3f}", low, gain, gain, one["said"], strong=one["accepted"])


def cells(one: Mapping[str, Any]) -> dict[str, Any]:
    """What a table says of one change that was tried."""
    proof = one["proof"]

    def number(value: float | None) -> str:
        return "–" if value is None else f"{value:+.3f}"

    return {
        "change": one["flags"],
        "finding": one["finding"].replace("_", " "),
        "arms": [
            (name, ", ".join(f"{value:.3f}" for value in one[name])) for name in ("unchanged", "placebo", "changed")
        ],
        "gain": f"{number(proof['gain'])} ({number(proof['low'])})",
        "over": f"{number(proof['over_placebo'])} ({number(proof['low_over_placebo'])})",
        "from": "the first weights" if one.get("forked_at") is None else f"cycle {one['forked_at']:,}",
        "noise": "–" if proof["noise"] is None else f"{proof['noise']:.3f}",
        "said": "accepted" if one["accepted"] else one["said"].partition(":")[0],
    }
