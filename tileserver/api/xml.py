"""XML answers: templates that escape everything, and texts without the characters that XML forbids."""

from __future__ import annotations

import re

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

BASE = "\ue000"
"""Stands for the server's address in fragments that are kept; a private character that no text brings in."""

# XML 1.0 has tab, line feed, carriage return and all from the blank on but surrogates and two non-characters.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\uf900-\ufffd\U00010000-\U0010ffff]")


def clean(text: object) -> str:
    """The text without what XML forbids and without private characters."""
    return _FORBIDDEN.sub("", str(text))


def environment() -> Environment:
    """The templates of this package: every value is cleaned and escaped, a missing one is an error."""
    templates = Environment(
        loader=PackageLoader("tileserver.api"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: clean(value) if type(value) is str else value,
    )
    templates.globals["BASE"] = Markup(BASE)  # noqa: S704 - a constant
    return templates


def with_base(fragment: bytes, base: str) -> bytes:
    """A fragment with the server's address put in."""
    return fragment.replace(BASE.encode(), Markup.escape(base).encode())
