"""Films of a place: one frame for each day, drawn as tiles are."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gpu.backend import Picture
from tileserver.errors import InvalidParameter, NotFound, SourceUnreadable, TooLarge
from tileserver.extent import MERCATOR, in_crs, metres_per_unit
from tileserver.film.encoder import Format, open_encoder
from tileserver.film.frame import Caption, FrameArtist
from tileserver.film.words import date_words
from tileserver.legend import legend_of
from tileserver.legend_picture import legend_png
from tileserver.models import Bbox, Collection, Grid, Style
from tileserver.pipeline import in_order
from tileserver.render import MapRequest, Renderer
from tileserver.selection import Selection
from tileserver.styles import color_from_hex, word
from tileserver.times import Time

SMALLEST, LARGEST = 64, 3840
"""Pixels along a side."""
_DEGREE_METRES = 111_319.49


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmRequest:
    """Everything that decides a film."""

    collection: Collection
    style: Style
    times: tuple[Time, ...]
    """One for each frame."""
    bbox: Bbox
    grid: Grid
    """Both sides even: video codecs halve the colour's resolution."""
    fps: Fraction
    format: Format
    caption: str | None = None
    """Instead of the collection's and style's titles; "" for none."""
    language: str = "en"
    legend: bool = True


def film_grid(bbox: Bbox, crs: str, width: int) -> Grid:
    """The frames' grid; the height follows from the area. Raises InvalidParameter or TooLarge."""
    if width < SMALLEST:
        raise InvalidParameter("width", width, f"{SMALLEST} to {LARGEST} pixels")
    if width > LARGEST:
        raise TooLarge("Width of the film in pixels", width, LARGEST)
    try:
        bounds = in_crs(bbox, crs)
    except ValueError:
        raise InvalidParameter("bbox", bbox, f"an area that {crs} reaches") from None
    wide, tall = bounds[2] - bounds[0], bounds[3] - bounds[1]
    if not (wide > 0 and tall > 0):
        raise InvalidParameter("bbox", bbox, "west,south,east,north of an area that is larger than nothing")
    height = width * tall / wide
    if not SMALLEST <= height <= LARGEST:
        raise InvalidParameter(
            "bbox", bbox, f"an area whose film is {SMALLEST} to {LARGEST} pixels high, not {height:.0f}"
        )
    return Grid(crs=crs, bounds=bounds, width=width // 2 * 2, height=round(height / 2) * 2)


def make_film(renderer: Renderer, request: FilmRequest, path: Path, say: Callable[[float], None]) -> str:
    """Write a film and tell what it holds; days that show nothing or cannot be read are left out.

    Raises NotFound when no day shows anything, SourceUnreadable when that is why.
    """
    grid = request.grid
    artist = FrameArtist(grid.width, grid.height, _caption(request))
    background = np.array(color_from_hex(renderer.settings.background)[:3], np.uint8)
    clock = _clock_needed(request.times)
    frames, broken = 0, list[SourceUnreadable]()
    with (
        ThreadPoolExecutor(2, thread_name_prefix="film") as pool,
        open_encoder(path, request.format, grid.width, grid.height, request.fps) as encoder,
    ):
        drawn = in_order(pool, lambda time: _drawn(renderer, request, time), request.times, ahead=4)
        for done, picture in enumerate(drawn, start=1):
            if isinstance(picture, SourceUnreadable):
                broken.append(picture)
            elif picture is not None:
                date = _date(picture.selection, request.language, clock=clock)
                encoder.add(artist.draw(_flat(picture.picture, background), date))
                frames += 1
            say(done / (len(request.times) + 1))
        if not frames:
            raise broken[0] if broken else NotFound("picture on any of the dates in", request.bbox)
    empty = len(request.times) - frames - len(broken)
    said = [f"{frames} frames"]
    said += [f"{empty} dates show nothing"] if empty else []
    said += [f"unreadable: {', '.join(error.item for error in broken)}"] if broken else []
    return "; ".join(said)


@dataclass(frozen=True, slots=True)
class _Drawn:
    picture: Picture
    selection: Selection


def _drawn(renderer: Renderer, request: FilmRequest, time: Time) -> _Drawn | SourceUnreadable | None:
    """One frame's picture, or why there is none; None where it shows nothing."""
    wanted = MapRequest(
        collection=request.collection,
        style=request.style,
        time=time,
        grid=request.grid,
        bbox=request.bbox,
        strict=True,
    )
    try:
        picture, selection = renderer.picture(wanted)
    except SourceUnreadable as error:
        return error
    return _Drawn(picture, selection) if picture.alpha.any() else None


def _flat(picture: Picture, background: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(height, width, 3) over a colour."""
    rgba = picture.rgba()
    alpha = rgba[..., 3:].astype(np.uint16)
    if (alpha == 255).all():
        return np.ascontiguousarray(rgba[..., :3])
    mixed = rgba[..., :3] * alpha + background * (255 - alpha)
    return ((mixed + 127) // 255).astype(np.uint8)


def _caption(request: FilmRequest) -> Caption:
    title = request.caption
    if title is None:
        style = word(request.style.titles, request.language)
        style = f"{style} ({request.style.expert})" if request.style.expert else style
        title = f"{request.collection.title} · {style}"
    legend = legend_of(request.collection, request.style, request.language)
    show = request.legend and legend.kind != "composite"  # red, green, blue explain nothing in a film
    return Caption(
        title=title,
        credit=request.collection.attribution,
        metres_per_pixel=metres_per_pixel(request.grid, request.bbox),
        legend=legend_png(legend) if show else None,
    )


def metres_per_pixel(grid: Grid, bbox: Bbox) -> float:
    """On the ground, from west to east in the middle of a picture."""
    across = (grid.bounds[2] - grid.bounds[0]) / grid.width
    unit = metres_per_unit(grid.crs)
    shrink = math.cos(math.radians((bbox[1] + bbox[3]) / 2))
    if unit is None:
        return across * _DEGREE_METRES * max(shrink, 0.01)
    return across * unit * (shrink if grid.crs == MERCATOR else 1.0)


def _clock_needed(times: tuple[Time, ...]) -> bool:
    """Two frames of one day need more than the date."""
    days = [time.start.date() for time in times if time.start]
    return len(days) != len(set(days))


def _date(selection: Selection, language: str, *, clock: bool) -> str:
    """What a frame shows, in words; from the first to the last moment of what is composed."""
    starts = [item.datetime for item in selection.items if item.datetime]
    if not starts:
        return ""
    ends = [item.end_datetime for item in selection.items if item.end_datetime]
    return date_words(min(starts), max([*starts, *ends]), language, clock=clock)
