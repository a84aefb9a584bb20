"""A run as one page (`report.html`) and one card (`card.md`), drawn from the same facts.

build(run_folder, gallery) -> str     one self-contained HTML page: no script, no network
card(run_folder) -> str               the same in short, as Markdown
both(run_folder, gallery)             the two, from a run folder that is read once
sections/                             a section of the page a file: ORDER, TITLE, section(facts) -> HTML or None
"""

from pathlib import Path

from stepwell.report import facts, markdown
from stepwell.report import page as pages
from stepwell.report.facts import Facts, Gallery
from stepwell.report.markdown import card
from stepwell.report.page import build

__all__ = ["Facts", "Gallery", "both", "build", "card"]


def both(run_folder: Path, gallery: Gallery, *, examples: bool = True) -> tuple[str, str]:
    """Page and card of a run; raises as `build`."""
    found = facts.read(run_folder, gallery, examples=examples)
    return pages.page(found), markdown.text(found)
