"""What of a style decides items and pixels, worked out once for each."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from gpu.backend import Recipe
from gpu.cpu.interpreter import program
from tileserver.models import Style
from tileserver.styles import recipe, style_to_render

_MANY = 4096
SHORT = 16
"""Steps of a formula."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A style and what follows from it."""

    style: Style
    physical: Recipe
    stored: Recipe
    """Without scale and offset."""
    fingerprint: str
    brief: bool
    """Is a pixel a look-up or a short formula of plain arithmetic, for which there are compiled loops?"""

    @property
    def names(self) -> tuple[str, ...]:
        """The bands that an item must have."""
        return self.physical.variables

    def recipe(self, *, unscale: bool) -> Recipe:
        """For physical or for stored values."""
        return self.physical if unscale else self.stored


_known: dict[int, Prepared] = {}


def prepared(style: Style) -> Prepared:
    """Kept by identity, since services hand out the same frozen value. Raises gpu.expression.ExpressionError."""
    known = _known.get(id(style))
    if known is None or known.style is not style:
        if len(_known) >= _MANY:
            _known.clear()
        physical = recipe(style)
        known = _known[id(style)] = Prepared(
            style=style,
            physical=physical,
            stored=replace(physical, unscale=False),
            fingerprint=digest(repr(sorted(style_to_render(style).items(), key=str))),
            brief=_brief(physical),
        )
    return known


def _brief(recipe: Recipe) -> bool:
    if recipe.color_formula or recipe.classes or recipe.intervals:
        return False
    if recipe.plain:
        return True
    programs = [program(each, recipe.variables) for each in recipe.expressions]
    return all(programs) and sum(len(each[0]) for each in programs if each) <= SHORT


def digest(text: str) -> str:
    """32 hexadecimal digits that name a text."""
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
