"""Time series: of a pixel, of areas drawn and dropped in, and what one takes home."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import httpx
from playwright.sync_api import expect

from tests.browser.viewer import S2, Viewer

AREA = {"type": "Polygon", "coordinates": [[[14.98, 50.0], [15.0, 50.0], [15.0, 50.02], [14.98, 50.02], [14.98, 50.0]]]}


def rows_of(viewer: Viewer) -> int:
    return viewer.page.get_by_role("figure", name="Time series").get_by_role("row").count() - 1


def test_a_click_charts_the_pixel(viewer: Viewer) -> None:
    viewer.open(f"?collection={S2}&style=ndvi&lang=en")
    viewer.button("Chart").click()
    expect(viewer.drawer("Chart")).to_contain_text("Click the map")
    viewer.page.mouse.click(500, 380)
    figure = viewer.page.get_by_role("figure", name="Time series")
    expect(figure.locator("canvas")).to_be_visible()
    expect(viewer.page.get_by_role("progressbar")).to_have_count(0, timeout=30_000)
    lon, lat = (float(part) for part in viewer.link["places"].split(","))
    series = httpx.get(
        f"{viewer.base}collections/{S2}/timeseries", params={"lon": lon, "lat": lat, "style": "ndvi", "group": "day"}
    ).json()
    assert rows_of(viewer) == len(series["datetime"])
    last = figure.get_by_role("row").nth(1).get_by_role("cell").first
    expect(last).to_contain_text(f"{series['value'][-1]:.3g}")
    viewer.page.mouse.click(560, 300)
    expect(viewer.drawer("Chart").get_by_role("listitem")).to_have_count(2)
    assert figure.get_by_role("columnheader").count() == 3


def test_csv_and_picture(viewer: Viewer) -> None:
    viewer.open(f"?collection={S2}&style=ndvi&open=chart&places=14.99,50.01&lang=en")
    expect(viewer.page.get_by_role("progressbar")).to_have_count(0, timeout=30_000)
    with viewer.page.expect_download() as download:
        viewer.button("Download CSV").click()
    rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text())))
    assert len(rows) == rows_of(viewer)
    assert {"place", "datetime", "value", "masked", "item"} <= set(rows[0])
    assert -1 <= float(rows[-1]["value"]) <= 1
    with viewer.page.expect_download() as download:
        viewer.button("Save picture").click()
    assert Path(download.value.path()).read_bytes()[:4] == b"\x89PNG"


def test_a_point_of_the_chart_shows_its_image(viewer: Viewer) -> None:
    viewer.open(f"?collection={S2}&style=ndvi&open=chart&places=14.99,50.01&lang=en")
    expect(viewer.page.get_by_role("progressbar")).to_have_count(0, timeout=30_000)
    plot = viewer.page.locator(".u-over").bounding_box()
    assert plot
    viewer.page.mouse.move(plot["x"] + 5, plot["y"] + 80)
    viewer.page.mouse.click(plot["x"] + 3, plot["y"] + 80)
    expect(viewer.page).to_have_url(re.compile(f"time={viewer.days()[0]['date']}"))


def test_draw_area(viewer: Viewer) -> None:
    viewer.open(f"?collection={S2}&style=ndvi&open=chart&lang=en")
    viewer.button("Draw area").click()
    for x, y in ((420, 300), (560, 300), (560, 420)):
        viewer.page.mouse.click(x, y)
        viewer.page.wait_for_timeout(350)
    viewer.page.mouse.dblclick(420, 420)
    expect(viewer.drawer("Chart").get_by_role("listitem")).to_have_count(1)
    expect(viewer.drawer("Chart").get_by_role("listitem")).to_contain_text(re.compile("ha|km²"))
    expect(viewer.page.get_by_role("progressbar")).to_have_count(0, timeout=40_000)
    assert rows_of(viewer) >= 10
    assert len(viewer.link["places"].split(",")) == 8


def test_an_area_from_a_file_and_years_over_each_other(viewer: Viewer) -> None:
    viewer.open(f"?collection={S2}&style=ndvi&open=chart&lang=en")
    feature = {"type": "Feature", "properties": {"name": "My <b>field</b>"}, "geometry": AREA}
    viewer.page.locator("input[type=file]").set_input_files(
        {"name": "a.geojson", "mimeType": "application/json", "buffer": json.dumps(feature).encode()}
    )
    expect(viewer.drawer("Chart").get_by_role("listitem")).to_contain_text("My <b>field</b>")
    expect(viewer.page.get_by_role("progressbar")).to_have_count(0, timeout=40_000)
    assert rows_of(viewer) >= 10
    viewer.button("Year over year").click()
    expect(viewer.button("One course")).to_be_visible()
    viewer.button("Show table").click()
    expect(viewer.page.get_by_role("table", name="Plant health")).to_be_visible()
    viewer.page.locator("input[type=file]").set_input_files(
        {"name": "a.json", "mimeType": "application/json", "buffer": b"nothing"}
    )
    expect(viewer.page.get_by_role("alert")).to_contain_text("could not be read")


def test_a_failing_series_says_so(viewer: Viewer) -> None:
    viewer.allowed.append("503")
    viewer.page.route(
        "**/timeseries?**",
        lambda route: route.fulfill(status=503, json={"code": "Overloaded", "detail": "Too many requests at once."}),
    )
    viewer.open(f"?collection={S2}&style=ndvi&open=chart&places=14.99,50.01&lang=en")
    expect(viewer.page.get_by_role("alert")).to_have_text("Too many requests at once.")
