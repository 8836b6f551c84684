"""The viewer as a test sees it: by roles and names, and by its pixels."""

from __future__ import annotations

import io
import math
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import ConsoleMessage, Locator, Page, Request, expect

S2 = "sentinel-2-demo"
EARTH = 2 * math.pi * 6378137.0
Box = tuple[int, int, int, int]
"""Left, top, width, height in CSS pixels."""


@dataclass
class Viewer:
    """One page."""

    page: Page
    base: str
    complaints: list[str] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)
    """Patterns of complaints that the test provokes."""

    def __post_init__(self) -> None:
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self._complain(f"error: {error}"))
        self.page.on("request", self._request)

    def _complain(self, text: str) -> None:
        if not any(re.search(pattern, text) for pattern in self.allowed):
            self.complaints.append(text)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self._complain(f"{message.type}: {message.text}")

    def _request(self, request: Request) -> None:
        if not request.url.startswith((self.base, "blob:", "data:")):
            self._complain(f"asked elsewhere: {request.url}")

    def open(self, query: str = "", *, settled: bool = True) -> Viewer:
        """Load the page; until the picture is painted unless told otherwise."""
        self.page.goto(self.base + query)
        if settled:
            self.settle()
        return self

    def settle(self) -> None:
        """Until the picture is painted and nothing is loading."""
        expect(self.page.locator("#map")).to_have_attribute("aria-busy", "false", timeout=30_000)
        self.page.wait_for_timeout(350)  # the fading in of tiles
        expect(self.page.locator("#map")).to_have_attribute("aria-busy", "false", timeout=30_000)

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def region(self, name: str) -> Locator:
        return self.page.get_by_role("region", name=name, exact=True)

    def drawer(self, name: str) -> Locator:
        return self.page.locator("#drawer").get_by_role("region", name=name, exact=True)

    def style(self, title: str) -> Locator:
        return self.page.get_by_role("radio", name=title).first

    def choose(self, title: str) -> None:
        self.style(title).check()
        self.settle()

    @property
    def date(self) -> Locator:
        return self.page.get_by_role("combobox", name="Date", exact=True)

    @property
    def status(self) -> Locator:
        return self.page.locator("#status")

    @property
    def link(self) -> dict[str, str]:
        return {key: values[0] for key, values in parse_qs(urlsplit(self.page.url).query).items()}

    def days(self) -> list[dict[str, Any]]:
        """What the server says of the view now."""
        left, bottom, right, top = self.extent((0, 0, *self.size))
        west, east = left / EARTH * 360, right / EARTH * 360
        south, north = (math.degrees(math.atan(math.sinh(2 * math.pi * y / EARTH))) for y in (bottom, top))
        bbox = f"{west},{south},{east},{north}"
        return httpx.get(f"{self.base}collections/{self.link['collection']}/dates", params={"bbox": bbox}).json()

    @property
    def size(self) -> tuple[int, int]:
        size = self.page.viewport_size
        assert size
        return size["width"], size["height"]

    def extent(self, box: Box) -> tuple[float, float, float, float]:
        """Left, bottom, right, top in EPSG:3857 of a box of the window."""
        lon, lat, zoom = (float(part) for part in self.link["view"].split(","))
        resolution = EARTH / 256 / 2**zoom
        x = lon / 360 * EARTH + (box[0] - self.size[0] / 2) * resolution
        y = math.asinh(math.tan(math.radians(lat))) / (2 * math.pi) * EARTH - (box[1] - self.size[1] / 2) * resolution
        return x, y - box[3] * resolution, x + box[2] * resolution, y

    def pixels(self, box: Box) -> NDArray[np.float64]:
        """(height, width, 3) of the screen."""
        clip = dict(zip(("x", "y", "width", "height"), box, strict=True))
        shot = Image.open(io.BytesIO(self.page.screenshot(clip=clip))).convert("RGB")  # type: ignore[arg-type]
        return np.asarray(shot, float)

    def expected(self, box: Box, *, style: str, time: str, collection: str = S2) -> NDArray[np.float64]:
        """(height, width, 3): the server's own map of the box, over the page's land colour."""
        params = {
            "bbox": ",".join(f"{value:.3f}" for value in self.extent(box)),
            "bbox-crs": "EPSG:3857",
            "crs": "EPSG:3857",
            "width": str(box[2]),
            "height": str(box[3]),
            "datetime": time,
            "f": "png",
            "strict": "true",
        }
        answer = httpx.get(f"{self.base}collections/{collection}/styles/{style}/map", params=params, timeout=60)
        answer.raise_for_status()
        return np.asarray(Image.open(io.BytesIO(answer.content)).convert("RGB"), float)

    def expect_picture(self, box: Box, *, tolerance: float = 12, **of: str) -> None:
        """The screen shows what the server's map of the same place shows, up to resampling and JPEG."""
        seen, wanted = (_blocks(pixels) for pixels in (self.pixels(box), self.expected(box, **of)))
        off = float(np.abs(seen - wanted).mean())
        assert off < tolerance, f"mean difference {off:.1f} of 255"


def _blocks(pixels: NDArray[np.float64], size: int = 10) -> NDArray[np.float64]:
    """Means of squares: the screen's tiles come from another zoom than the map."""
    height, width = (length // size * size for length in pixels.shape[:2])
    return pixels[:height, :width].reshape(height // size, size, width // size, size, 3).mean((1, 3))
