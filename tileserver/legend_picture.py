"""Legends as SVG and PNG, both from one layout."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal
from xml.sax.saxutils import escape

import numpy as np
from font_roboto import Roboto
from PIL import Image, ImageDraw, ImageFont

from tileserver.legend import Legend
from tileserver.models import Color
from tileserver.styles import color_to_hex

_MARGIN, _SWATCH, _ROW, _BAR = 8, 14, 20, 220
_TITLE_SIZE, _TEXT_SIZE = 14, 12
_INK, _PAPER, _EDGE = (34, 34, 34, 255), (255, 255, 255, 255), (0, 0, 0, 90)


@dataclass(frozen=True, slots=True)
class _Box:
    """A filled rectangle in pixels; several colours run from left to right."""

    x: float
    y: float
    width: float
    height: float
    colors: tuple[Color, ...]


@dataclass(frozen=True, slots=True)
class _Text:
    """A line of text; y is its middle."""

    x: float
    y: float
    text: str
    size: int
    anchor: Literal["start", "middle", "end"] = "start"


@dataclass(frozen=True, slots=True)
class _Layout:
    width: int
    height: int
    shapes: tuple[_Box | _Text, ...]


@lru_cache(maxsize=8)
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(Roboto, size)


def _length(text: str, size: int) -> float:
    return float(_font(size).getlength(text))


def _layout(legend: Legend) -> _Layout:
    shapes: list[_Box | _Text] = [_Text(_MARGIN, _MARGIN + 8, legend.title, _TITLE_SIZE)]
    y = _MARGIN + 24.0
    if legend.kind == "ramp":
        y = _ramp(legend, shapes, y)
    else:
        for entry in legend.entries:
            shapes.append(_Box(_MARGIN, y, _SWATCH, _SWATCH, (entry.color,)))
            shapes.append(_Text(_MARGIN + _SWATCH + 8, y + _SWATCH / 2, entry.label, _TEXT_SIZE))
            y += _ROW
        if legend.unit and legend.unit != "1":
            shapes.append(_Text(_MARGIN, y + 6, f"[{legend.unit}]", _TEXT_SIZE))
            y += _ROW
    return _Layout(round(max(_right(shape) for shape in shapes) + _MARGIN), round(y + _MARGIN / 2), tuple(shapes))


def _ramp(legend: Legend, shapes: list[_Box | _Text], y: float) -> float:
    """The bar, its ends with the unit, and its words under each other where they would overlap."""
    shapes.append(_Box(_MARGIN, y, _BAR, _SWATCH, legend.colors))
    y += _SWATCH + 11
    unit = f" {legend.unit}" if legend.unit and legend.unit != "1" else ""
    shapes.append(_Text(_MARGIN, y, f"{legend.lowest:g}", _TEXT_SIZE))
    shapes.append(_Text(_MARGIN + _BAR, y, f"{legend.highest:g}{unit}", _TEXT_SIZE, "end"))
    y += 12
    for value, label in legend.marks:
        share = (value - legend.lowest) / ((legend.highest - legend.lowest) or 1.0)
        color = legend.colors[min(round(share * (len(legend.colors) - 1)), len(legend.colors) - 1)]
        shapes.append(_Box(_MARGIN, y, _SWATCH, _SWATCH, (color,)))
        shapes.append(_Text(_MARGIN + _SWATCH + 8, y + _SWATCH / 2, f"{value:g}{unit}  {label}", _TEXT_SIZE))
        y += _ROW
    return y


def _right(shape: _Box | _Text) -> float:
    if isinstance(shape, _Box):
        return shape.x + shape.width
    return shape.x + (_length(shape.text, shape.size) if shape.anchor == "start" else 0)


def legend_size(legend: Legend) -> tuple[int, int]:
    """(width, height) of the pictures in pixels."""
    layout = _layout(legend)
    return layout.width, layout.height


def legend_svg(legend: Legend) -> bytes:
    """The legend as SVG; a screen reader finds its title and description."""
    layout = _layout(legend)
    body: list[str] = []
    for number, shape in enumerate(layout.shapes):
        if isinstance(shape, _Text):
            body.append(
                f'<text x="{shape.x:g}" y="{shape.y + shape.size * 0.35:g}" font-size="{shape.size}" '
                f'text-anchor="{shape.anchor}">{_xml(shape.text)}</text>'
            )
            continue
        fill = _fill(shape.colors[0])
        if len(shape.colors) > 1:
            body.append(_gradient(f"ramp{number}", shape.colors))
            fill = f'fill="url(#ramp{number})"'
        body.append(
            f'<rect x="{shape.x:g}" y="{shape.y:g}" width="{shape.width:g}" height="{shape.height:g}" {fill} '
            'stroke="#000" stroke-opacity="0.35"/>'
        )
    size = f'width="{layout.width}" height="{layout.height}"'
    view = f'viewBox="0 0 {layout.width} {layout.height}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {view} role="img" '
        f'font-family="Roboto, system-ui, sans-serif" fill="#222"><title>{_xml(legend.title)}</title>'
        f"<desc>{_xml(legend.description)}</desc>"
        f'<rect {size} fill="#fff"/>{"".join(body)}</svg>'
    ).encode()


def _xml(text: str) -> str:
    return escape("".join(c for c in text if c.isprintable()))


def _fill(color: Color) -> str:
    opacity = f' fill-opacity="{color[3] / 255:.3g}"' if color[3] < 255 else ""
    return f'fill="{color_to_hex((*color[:3], 255))}"{opacity}'


def _gradient(name: str, colors: Sequence[Color]) -> str:
    stops = "".join(
        f'<stop offset="{i / (len(colors) - 1):.4g}" stop-color="{color_to_hex((*c[:3], 255))}" '
        f'stop-opacity="{c[3] / 255:.3g}"/>'
        for i, c in enumerate(colors)
    )
    return f'<linearGradient id="{name}">{stops}</linearGradient>'


def legend_png(legend: Legend) -> bytes:
    """The legend as PNG."""
    layout = _layout(legend)
    picture = Image.new("RGBA", (layout.width, layout.height), _PAPER)
    draw = ImageDraw.Draw(picture, "RGBA")
    anchors = {"start": "lm", "middle": "mm", "end": "rm"}
    for shape in layout.shapes:
        if isinstance(shape, _Text):
            draw.text((shape.x, shape.y), shape.text, _INK, _font(shape.size), anchors[shape.anchor])
            continue
        columns = np.linspace(0, len(shape.colors) - 1, round(shape.width))
        channels = np.array(shape.colors, float)
        row = np.stack([np.interp(columns, np.arange(len(channels)), channels[:, i]) for i in range(4)], axis=1)
        bar = np.repeat(np.round(row).astype(np.uint8)[None], round(shape.height), axis=0)
        picture.alpha_composite(Image.fromarray(bar), (round(shape.x), round(shape.y)))
        draw.rectangle((shape.x, shape.y, shape.x + shape.width, shape.y + shape.height), outline=_EDGE)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
