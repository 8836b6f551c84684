"""What one takes along: links, frames, services, pictures, data; and the way to a place."""

from __future__ import annotations

import io
import re
from typing import Any
from urllib.parse import urljoin

import httpx
import numpy as np
import pytest
import rasterio
from PIL import Image
from playwright.sync_api import expect

from tests.browser.viewer import S2, Viewer

MIDDLE = (460, 200, 300, 260)


def field(viewer: Viewer, name: str) -> str:
    return viewer.page.get_by_role("textbox", name=name, exact=True).input_value()


def test_share_gives_addresses_that_work(viewer: Viewer, make_viewer: Any) -> None:
    viewer.open(f"?collection={S2}&style=ndvi&lang=en")
    viewer.button("Share").click()
    link = field(viewer, "Link")
    again = make_viewer().open(link.removeprefix(viewer.base))
    assert again.link["time"] == viewer.link["time"]
    again.expect_picture(MIDDLE, style="ndvi", time=viewer.link["time"])
    tile = httpx.get(field(viewer, "XYZ URL").format(z=12, x=2218, y=1387))
    assert tile.headers["content-type"] == "image/png"
    assert b"<Layer>" in httpx.get(field(viewer, "WMTS URL")).content
    assert httpx.get(field(viewer, "TileJSON URL")).json()["tilejson"] == "3.0.0"
    qgis = viewer.page.get_by_role("link", name="Open in QGIS").get_attribute("href")
    assert b"<qlr" in httpx.get(urljoin(viewer.base, qgis)).content


def test_embed_code_shows_the_map_in_another_page(viewer: Viewer, make_viewer: Any, elsewhere: Any) -> None:
    viewer.open(f"?collection={S2}&style=ndvi&lang=en")
    viewer.button("Share").click()
    code = field(viewer, "Embed code")
    viewer.button("Show preview").click()
    expect(viewer.page.frame_locator("iframe").get_by_role("combobox", name="Date")).to_be_attached()

    host = make_viewer()
    host.allowed.append("asked elsewhere")
    host.page.goto(elsewhere(f"<!doctype html><title>x</title>{code}"))
    frame = host.page.frame_locator("iframe")
    expect(frame.locator("#map")).to_have_attribute("aria-busy", "false", timeout=30_000)
    expect(frame.get_by_role("button", name="Share")).to_have_count(0)
    host.page.wait_for_timeout(400)
    assert host.pixels((300, 150, 200, 150)).std() > 5


def test_only_the_embedded_viewer_may_be_framed(server: str) -> None:
    plain, embedded = httpx.get(server), httpx.get(f"{server}?embed=1")
    assert "frame-ancestors 'self'" in plain.headers["content-security-policy"]
    assert plain.headers["x-frame-options"] == "SAMEORIGIN"
    assert "frame-ancestors *" in embedded.headers["content-security-policy"]
    assert "x-frame-options" not in embedded.headers
    for answer in (plain, embedded):
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert answer.headers["access-control-allow-origin"] == "*"
    assert "application/json" in httpx.get(server, headers={"Accept": "application/json"}).headers["content-type"]
    assert httpx.get(f"{server}?f=json").json()["type"] == "Catalog"


def test_files_are_compressed_and_kept(server: str) -> None:
    name = re.search(r"assets/index-[\w-]+\.js", httpx.get(server).text)
    assert name
    script = httpx.get(server + name[0], headers={"Accept-Encoding": "br, gzip"})
    assert script.headers["content-encoding"] == "br"
    assert "immutable" in script.headers["cache-control"]
    assert httpx.get(server + name[0], headers={"Accept-Encoding": "gzip"}).headers["content-encoding"] == "gzip"
    assert "content-encoding" not in httpx.get(server + name[0], headers={"Accept-Encoding": "identity"}).headers
    assert httpx.get(f"{server}viewer-config.json").json() == {"title": "Tilescope", "basemaps": [], "downloads": True}
    for path in (
        "assets/..%2findex.html",
        "assets/%2e%2e%2fembed.js",
        "assets/index.html",
        "assets/",
        "assets/nothing.js",
        "assets/%00.js",
    ):
        answer = httpx.get(server + path)
        assert answer.status_code == 404, path
        assert answer.json()["code"] == "NotFound"


ELEMENT = """<!doctype html><title>x</title>
<script type="module" src="{base}embed.js"></script>
<tile-viewer collection="{s2}" style="ndvi" bbox="14.95,49.98,15.05,50.05" lang="en"></tile-viewer>
<script>
  window.told = [];
  const element = document.querySelector('tile-viewer');
  for (const kind of ['view', 'time', 'pick']) element.addEventListener(kind, (event) => told.push([kind, event.detail]));
</script>"""


def test_the_element_and_its_messages(viewer: Viewer, elsewhere: Any) -> None:
    page = viewer.page
    viewer.allowed.append("asked elsewhere")
    page.goto(elsewhere(ELEMENT.format(base=viewer.base, s2=S2)))
    page.wait_for_function("told.some(([kind]) => kind === 'time')", timeout=30_000)
    view = page.evaluate("told.filter(([kind]) => kind === 'view').at(-1)[1]")
    assert 14.99 < view["lon"] < 15.01
    assert 50.0 < view["lat"] < 50.03
    day = page.evaluate(
        "fetch(document.querySelector('script').src.replace('embed.js', 'collections/"
        + S2
        + "/dates')).then((answer) => answer.json()).then((days) => days[0].date)"
    )
    page.evaluate("day => element.setAttribute('time', day)", day)
    page.wait_for_function("day => told.some(([kind, detail]) => kind === 'time' && detail.time === day)", arg=day)
    page.evaluate("element.setView({lon: 15.02, lat: 50.02, zoom: 13})")
    page.wait_for_function("told.some(([kind, detail]) => kind === 'view' && detail.zoom === 13)")
    page.mouse.click(400, 300)
    page.wait_for_function("told.some(([kind, detail]) => kind === 'pick' && typeof detail.value === 'number')")


def test_picture_with_caption(viewer: Viewer) -> None:
    viewer.open(f"?collection={S2}&style=natural&lang=en")
    viewer.button("Download").click()
    with viewer.page.expect_download() as download:
        viewer.button("Picture (PNG)").click()
    image = Image.open(download.value.path())
    assert image.size == viewer.size
    assert download.value.suggested_filename == f"{S2}-natural-{viewer.link['time']}.png"
    pixels = np.asarray(image.convert("RGB"), float)
    box = (460, 200, 300, 260)
    wanted = viewer.expected(box, style="natural", time=viewer.link["time"])
    assert abs(pixels[200:460, 460:760] - wanted).mean() < 3
    strip = pixels[-20:, :400]
    assert strip.max() > 200 > strip.mean()


def test_geotiff_of_the_view(viewer: Viewer) -> None:
    viewer.open(f"?collection={S2}&style=natural&lang=en")
    viewer.button("Download").click()
    colours = viewer.page.get_by_role("link", name="GeoTIFF (colours)").get_attribute("href")
    with rasterio.open(io.BytesIO(httpx.get(urljoin(viewer.base, colours), timeout=60).content)) as tif:
        assert (tif.width, tif.height) == viewer.size
        assert tif.crs.to_epsg() == 3857
    viewer.page.get_by_role("checkbox", name="B04").check()
    viewer.page.get_by_role("checkbox", name="B08").check()
    values = viewer.page.get_by_role("link", name="GeoTIFF (values)").get_attribute("href")
    with rasterio.open(io.BytesIO(httpx.get(urljoin(viewer.base, values), timeout=60).content)) as tif:
        assert tif.count == 2
        assert tif.dtypes[0] == "uint16"


def test_find_shows_this_view_on_each_day(viewer: Viewer) -> None:
    viewer.open(f"?collection={S2}&style=natural&lang=en")
    viewer.button("Find").click()
    scenes = viewer.page.locator(".scenes > li")
    expect(scenes.first.locator("img")).to_be_visible()
    expect(viewer.drawer("Find")).to_contain_text(f"{len(viewer.days())} days with images")
    viewer.page.get_by_role("slider", name="Most cloud").fill("10")
    clear = [day["date"] for day in viewer.days() if (day["cloud"] or 0) <= 10]
    expect(viewer.drawer("Find")).to_contain_text(f"{len(clear)} days with images")
    scenes.nth(2).hover()
    expect(viewer.page.locator(".strip .pointed")).to_have_count(1)
    scenes.nth(2).get_by_role("button", name="Files").click()
    href = scenes.nth(2).get_by_role("link").first.get_attribute("href")
    assert httpx.head(href or "").status_code in {200, 206, 405}
    scenes.nth(2).get_by_role("button").first.click()
    expect(viewer.page).to_have_url(re.compile(f"time={clear[-3]}"))


def test_values_at_a_click_and_under_the_pointer(viewer: Viewer) -> None:
    viewer.open(f"?collection={S2}&style=ndvi&lang=en")
    viewer.page.mouse.move(640, 330)
    expect(viewer.region("Legend").locator("b")).to_have_text(re.compile(r"^-?0?\.?\d"))
    viewer.page.mouse.click(640, 400)
    card = viewer.page.get_by_role("region", name="Values here")
    expect(card).to_be_visible()
    lon, lat = (float(part) for part in viewer.link["pin"].split(","))
    point = httpx.get(
        f"{viewer.base}collections/{S2}/point",
        params={"lon": lon, "lat": lat, "style": "ndvi", "datetime": viewer.link["time"]},
    ).json()
    expect(card.locator("strong")).to_have_text(re.compile(f"^{round(point['style']['value'], 2):g}"[:4]))
    card.get_by_text(re.compile(r"\d bands")).click()
    expect(card).to_contain_text("B08")
    viewer.page.keyboard.press("Escape")
    expect(card).to_have_count(0)


def test_measure(viewer: Viewer) -> None:
    viewer.open(f"?collection={S2}&style=natural&view=15,50,13&lang=en")
    viewer.button("Measure").click()
    expect(viewer.page.locator(".measured")).to_be_attached()
    viewer.page.mouse.click(450, 300)
    viewer.page.wait_for_timeout(350)
    viewer.page.mouse.move(650, 300, steps=3)
    viewer.page.mouse.dblclick(650, 300)
    tag = viewer.page.locator(".measured")
    metres = 200 * 156543.034 / 2**13 * np.cos(np.radians(50.01))
    expect(tag).to_have_text(re.compile(r"^[\d.]+ km$"))
    assert float(tag.inner_text().removesuffix(" km")) == pytest.approx(metres / 1000, rel=0.01)


@pytest.mark.parametrize(
    ("text", "lat", "lon"),
    [("50.08, 14.42", 50.08, 14.42), ("50°5'N 14°25'E", 50.0833, 14.4167), ("14.42E 50.08N", 50.08, 14.42)],
)
def test_coordinates_as_people_write_them(viewer: Viewer, text: str, lat: float, lon: float) -> None:
    viewer.open()
    box = viewer.page.get_by_role("searchbox", name="Search place or coordinates")
    box.fill(text)
    expect(viewer.page.locator(".results")).to_contain_text(f"Understood as latitude {lat:.2f}")
    box.press("Enter")
    viewer.page.wait_for_timeout(800)
    view = [float(part) for part in viewer.link["view"].split(",")]
    assert view[:2] == pytest.approx([lon, lat], abs=1e-3)


def test_places_by_name_in_any_language(viewer: Viewer) -> None:
    viewer.open("?lang=cs")
    box = viewer.page.get_by_role("searchbox")
    box.fill("vídeň")
    expect(viewer.page.locator(".results")).to_contain_text("Rakousko")
    box.press("Enter")
    viewer.page.wait_for_timeout(800)
    view = [float(part) for part in viewer.link["view"].split(",")]
    assert view[:2] == pytest.approx([16.37, 48.21], abs=0.05)
    box.fill("qqqqqq")
    expect(viewer.page.locator(".results")).to_contain_text("neznáme")
