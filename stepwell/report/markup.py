"""HTML that is safe whatever names and messages hold: every value is escaped, and made visible."""

from __future__ import annotations

import functools
import unicodedata
from importlib.resources import files
from typing import Any

import jinja2
from markupsafe import Markup

_REPLACED = {number: chr(0x2400 + number) for number in range(0x20)}  # a newline shows as ␊ and breaks nothing
_REPLACED[0x7F] = "␡"
_REPLACED |= dict.fromkeys((*range(128, 160), 8232, 8233, *range(8234, 8239), *range(8294, 8298)), "�")


def visible(value: Any) -> Any:
    """`value`; in a text, controls that would break a line or turn its direction are replaced by signs one sees."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    return value.encode("utf-8", "replace").decode().translate(_REPLACED)


def render(template: str, /, **values: Any) -> Markup:
    """A Jinja template filled in; every value is escaped unless it is `Markup` already.

    A page extends `frame.html` by its title, its table of contents and its main part.
    """
    return Markup(_template(template).render(**values))  # noqa: S704 - the environment escapes


def render_file(file: str, /, **values: Any) -> Markup:
    """As `render`, for a template file of this package."""
    return render(text_file(file), **values)


def text_file(name: str) -> str:
    """The content of a text file that lies beside this module."""
    return files("stepwell.report").joinpath(name).read_text(encoding="utf-8")


def anchor(text: str) -> str:
    """A word that may stand in an id and after the # of an address."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return "-".join("".join(letter if letter.isalnum() else " " for letter in plain).split())


@functools.cache
def _template(text: str) -> jinja2.Template:
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=visible,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=jinja2.FunctionLoader(text_file),
    )
    environment.globals["style"] = Markup(text_file("page.css"))  # noqa: S704 - our own file
    return environment.from_string(text)
