"""The page: its sections in their order, a table of contents, one style, and nothing that is fetched."""

from __future__ import annotations

from pathlib import Path

from markupsafe import Markup

from stepwell import discovery
from stepwell.report import facts as reading
from stepwell.report import wording
from stepwell.report.facts import Facts, Gallery
from stepwell.report.markup import anchor, render_file

ROOM = "report.sections"


def build(run_folder: Path, gallery: Gallery | None = None, *, examples: bool = True) -> str:
    """The report of a run as one self-contained HTML page.

    `gallery` holds pictures by kind ("samples", "worst"). With `examples` False pictures, ids and paths
    stay out. `RunError` where the folder is no run, or one of its files is damaged.
    """
    return page(reading.read(run_folder, gallery or {}, examples=examples))


def page(facts: Facts) -> str:
    """The page that these facts make."""
    modules = sorted((discovery.load(ROOM, name).ORDER, name) for name in discovery.names(ROOM))
    sections = []
    for _, name in modules:
        module = discovery.load(ROOM, name)
        body = module.section(facts)
        if body is not None:
            sections.append((anchor(name), module.TITLE, Markup(body)))  # noqa: S704 - a section gives HTML
    harmful = sum(1 for one in facts.findings if one.severity >= 2)
    content = render_file(
        "page.html",
        title=facts.title,
        name=facts.name,
        takes=facts.takes,
        gives=facts.gives,
        day=str(facts.state.get("created", ""))[:10],
        version=str(facts.environment.get("stepwell", "")),
        seconds=wording.duration(facts.timings.seconds) if facts.timings.seconds is not None else "",
        harmful=harmful,
        sections=sections,
    )
    return str(content)
