"""The time lapse: played, cleaned of bad frames, saved."""

from __future__ import annotations

import re
import time

import httpx
import numpy as np
from playwright.sync_api import expect

from tests.browser.viewer import Viewer

MIDDLE = (400, 180, 240, 240)


def test_play_and_pause(viewer: Viewer) -> None:
    viewer.open()
    viewer.button("Time lapse").click()
    frame = viewer.page.get_by_role("slider", name="Frame", exact=True)
    expect(frame).to_be_enabled()
    viewer.page.get_by_role("slider", name="Speed", exact=True).fill("8")
    before = viewer.pixels(MIDDLE)
    viewer.region("Map").focus()
    viewer.page.keyboard.press(" ")
    expect(viewer.button("Pause")).to_be_visible()
    seen: set[str] = set()
    end = time.monotonic() + 20
    while len(seen) < 4 and time.monotonic() < end:
        seen.add(viewer.date.input_value())
        viewer.page.wait_for_timeout(60)
    assert len(seen) >= 4
    changed = max(float(np.abs(viewer.pixels(MIDDLE) - before).mean()) for _ in range(6))
    assert changed > 4
    viewer.button("Pause").click()
    expect(viewer.button("Play")).to_be_visible()
    viewer.settle()
    assert viewer.link["time"] == viewer.date.input_value()
    viewer.expect_picture(MIDDLE, style="natural", time=viewer.link["time"])


def test_one_click_plays(viewer: Viewer) -> None:
    viewer.open()
    viewer.button("Play").click()
    expect(viewer.button("Pause")).to_be_visible()
    first = viewer.date.input_value()
    expect(viewer.date).not_to_have_value(first)


def test_frames_by_cloud_and_by_hand(viewer: Viewer) -> None:
    viewer.open("?open=lapse&lang=en")
    frames = viewer.page.get_by_role("list", name="Frames").get_by_role("checkbox")
    everything = len([day for day in viewer.days() if (day["cloud"] or 0) <= 60])
    expect(frames).to_have_count(everything)
    viewer.page.get_by_role("slider", name="Most cloud").fill("10")
    clear = [day for day in viewer.days() if (day["cloud"] or 0) <= 10]
    expect(frames).to_have_count(len(clear))
    frames.first.uncheck()
    expect(viewer.drawer("Time lapse")).to_contain_text(f"{len(clear) - 1} images")
    assert viewer.link["skip"] == clear[0]["date"]
    expect(viewer.page.get_by_role("slider", name="Frame", exact=True)).to_have_attribute("max", str(len(clear) - 2))


def test_scrubbing_shows_the_day(viewer: Viewer) -> None:
    viewer.open("?open=lapse&lang=en")
    expect(viewer.drawer("Time lapse")).not_to_contain_text("% loaded", timeout=30_000)
    slider = viewer.page.get_by_role("slider", name="Frame", exact=True)
    slider.fill("2")
    viewer.settle()
    day = [one for one in viewer.days() if (one["cloud"] or 0) <= 60][2]["date"]
    assert viewer.link["time"] == day
    viewer.expect_picture(MIDDLE, style="natural", time=day)


def test_export_makes_a_film(viewer: Viewer) -> None:
    viewer.open("?open=lapse&lang=en")
    viewer.page.get_by_role("slider", name="Most cloud").fill("5")
    viewer.page.get_by_role("combobox", name="Format").select_option("gif")
    viewer.button("Export").click()
    link = viewer.page.get_by_role("link", name="Save the GIF")
    expect(link).to_be_visible(timeout=60_000)
    film = httpx.get(link.get_attribute("href") or "")
    assert film.content[:6] == b"GIF89a"


def test_export_can_be_cancelled(viewer: Viewer) -> None:
    deleted: list[str] = []
    viewer.page.on("request", lambda request: deleted.append(request.url) if request.method == "DELETE" else None)
    viewer.page.route(
        re.compile(r"/jobs/"),
        lambda route: route.fulfill(json={"id": "a", "status": "running", "progress": 0.3, "message": ""}),
    )
    viewer.open("?open=lapse&lang=en")
    viewer.page.route(
        "**/timelapses",
        lambda route: route.fulfill(status=202, json={"id": "a", "status": "accepted", "progress": 0, "message": ""}),
    )
    viewer.button("Export").click()
    expect(viewer.page.get_by_role("progressbar", name="The film is being made")).to_have_attribute("value", "0.3")
    viewer.button("Cancel").click()
    expect(viewer.button("Export")).to_be_enabled()
    assert deleted
    assert deleted[0].endswith("/jobs/a")
