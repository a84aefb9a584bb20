"""A run as one page (`report.html`) and one card (`card.md`), drawn from the same facts.

build(run_folder, gallery) -> str     one self-contained HTML page: no script, no network
card(run_folder) -> str               the same in short, as Markdown
sections/                             a section of the page a file: ORDER, TITLE, section(facts) -> HTML or None
"""

from stepwell.report.facts import Facts, Gallery
from stepwell.report.markdown import card
from stepwell.report.page import build

__all__ = ["Facts", "Gallery", "build", "card"]
