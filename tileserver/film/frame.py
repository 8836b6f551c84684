"""What is drawn over a film's pictures. Sizes follow the width, so that a film is readable on a phone too."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from font_roboto import Roboto, RobotoMedium
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from tileserver.film.scale import scale_bar

_PLATE = (16, 33, 29, 190)
_INK = (255, 255, 255, 255)
_LEGEND_SHARE = 0.36
"""Of the width and of the height: the most that a legend may take."""


@lru_cache(32)
def _font(size: int, *, strong: bool = False) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(RobotoMedium if strong else Roboto, size)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caption:
    """What all frames of a film say."""

    title: str
    credit: str
    metres_per_pixel: float
    legend: bytes | None = None
    """PNG."""


class FrameArtist:
    """Draws frames of one size. The parts that do not change are drawn once."""

    def __init__(self, width: int, height: int, caption: Caption) -> None:
        self._width = width
        self._height = height
        self._unit = max(10, round(min(width, height * 1.6) / 44))
        self._title = caption.title
        self._fixed = [(part, place) for part, place in self._corners(caption) if part is not None]

    def draw(self, picture: NDArray[np.uint8], date: str) -> NDArray[np.uint8]:
        """(height, width, 3): a picture (the same shape) with everything on it."""
        frame = Image.fromarray(picture)
        edge = self._unit // 2
        for part, place in self._fixed:
            frame.paste(part, place, part)
        lines = [(date, True)] + ([(self._title, False)] if self._title else [])
        plate = self._plate(lines, self._width - 2 * edge)
        frame.paste(plate, (edge, edge), plate)
        return np.asarray(frame)

    def _corners(self, caption: Caption) -> list[tuple[Image.Image | None, tuple[int, int]]]:
        """Scale bar, credit and legend with their places, from the bottom up."""
        edge = self._unit // 2
        bar = self._bar(caption.metres_per_pixel)
        free = self._width - bar.width - 3 * edge
        credit = self._plate([(caption.credit, False)], free, small=True) if caption.credit else None
        low = self._height - edge
        places: list[tuple[Image.Image | None, tuple[int, int]]] = [(bar, (edge, low - bar.height))]
        if credit is not None:
            places.append((credit, (self._width - edge - credit.width, low - credit.height)))
            low -= credit.height + edge
        legend = self._legend(caption.legend)
        if legend is not None:
            places.append((legend, (self._width - edge - legend.width, low - legend.height)))
        return places

    def _plate(self, lines: list[tuple[str, bool]], most: int, *, small: bool = False) -> Image.Image:
        """Lines of text on a dark plate, shortened to fit; the strong one is larger."""
        pad = self._unit // 2
        rows = []
        for text, strong in lines:
            size = round(self._unit * (1.5 if strong else 0.8 if small else 1.0))
            font = _font(size, strong=strong)
            rows.append((_shortened(text, font, most - 2 * pad), font, round(size * 1.25)))
        width = round(max(font.getlength(text) for text, font, _ in rows)) + 2 * pad
        height = sum(row for *_, row in rows) + pad
        plate = Image.new("RGBA", (width, height), (0, 0, 0, 0))
        draw = ImageDraw.Draw(plate)
        draw.rounded_rectangle((0, 0, width - 1, height - 1), self._unit // 3, _PLATE)
        y = pad // 2
        for text, font, row in rows:
            draw.text((pad, y + row / 2), text, _INK, font, "lm")
            y += row
        return plate

    def _bar(self, metres_per_pixel: float) -> Image.Image:
        """A scale bar with its length above it."""
        pad, line = self._unit // 2, max(2, self._unit // 6)
        length, label = scale_bar(metres_per_pixel, self._width / 4)
        font = _font(round(self._unit * 0.8))
        text = font.getlength(label)
        width = round(max(length, text)) + 2 * pad
        height = round(self._unit * 1.9)
        plate = Image.new("RGBA", (width, height), (0, 0, 0, 0))
        draw = ImageDraw.Draw(plate)
        draw.rounded_rectangle((0, 0, width - 1, height - 1), self._unit // 3, _PLATE)
        draw.text((width / 2, pad * 0.6), label, _INK, font, "mt")
        left = (width - length) / 2
        base = height - pad * 0.8
        draw.rectangle((left, base - line, left + length - 1, base), _INK)
        for x in (left, left + length - line):
            draw.rectangle((x, base - 2.5 * line, x + line - 1, base), _INK)
        return plate

    def _legend(self, png: bytes | None) -> Image.Image | None:
        """The legend on its paper, made smaller where it would hide too much."""
        if png is None:
            return None
        legend = Image.open(io.BytesIO(png)).convert("RGBA")
        shrink = min(self._width * _LEGEND_SHARE / legend.width, self._height * _LEGEND_SHARE / legend.height, 1.0)
        size = (max(round(legend.width * shrink), 1), max(round(legend.height * shrink), 1))
        if shrink < 1:
            legend = legend.resize(size, Image.Resampling.LANCZOS)
        legend.putalpha(legend.getchannel("A").point(lambda alpha: alpha * 235 // 255))
        return legend


def _shortened(text: str, font: ImageFont.FreeTypeFont, most: float) -> str:
    """The text, or as much of it as fits, with an ellipsis."""
    text = "".join(character for character in text if character.isprintable())
    if font.getlength(text) <= most:
        return text
    while text and font.getlength(text + "…") > most:
        text = text[:-1]
    return text.rstrip() + "…"
