"""For everybody: axe, keyboard, phone, dark, calm."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.viewer import S2, Viewer
from tests.live import ROOT

AXE = ROOT / "viewer" / "node_modules" / "axe-core" / "axe.min.js"
STATES = {
    "opening": "",
    "compare and chart": f"?collection={S2}&style=ndvi&open=chart&places=15,50&compare=swipe:{S2},natural,latest",
    "time lapse": "?open=lapse",
    "find": "?open=find",
    "download": "?open=download",
    "share": "?open=share",
    "help and values": "?open=help&pin=15,50.01",
    "an empty day": f"?collection={S2}&style=natural&time=2024-05-06",
    "a class raster": "?collection=land-cover-demo",
}


PHONE = ("opening", "compare and chart", "a class raster")
CASES = [(state, 1200, 760, "light") for state in STATES] + [(state, 360, 740, "dark") for state in PHONE]


@pytest.mark.parametrize(("state", "width", "height", "scheme"), CASES)
def test_axe_finds_nothing(make_viewer: Any, state: str, width: int, height: int, scheme: str) -> None:
    viewer = make_viewer(width=width, height=height, color_scheme=scheme, bypass_csp=True, reduced_motion="reduce")
    viewer.open(STATES[state])
    viewer.page.evaluate(AXE.read_text())
    found = viewer.page.evaluate(
        "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']})"
    )
    assert [(one["id"], [node["target"] for node in one["nodes"]]) for one in found["violations"]] == []


def test_by_keyboard_alone(viewer: Viewer) -> None:
    viewer.open()
    reached = set()
    for _ in range(45):
        viewer.page.keyboard.press("Tab")
        name = viewer.page.evaluate(
            "document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent.trim()"
        )
        reached.add(name)
    assert {
        "Layers",
        "Compare",
        "Time lapse",
        "Chart",
        "Download",
        "Share",
        "Date",
        "Previous image",
        "Play",
        "Calendar",
    } <= reached
    viewer.button("Share").focus()
    viewer.page.keyboard.press("Enter")
    expect(viewer.page.get_by_role("heading", name="Share")).to_be_focused()
    viewer.page.keyboard.press("Escape")
    expect(viewer.drawer("Share")).to_have_count(0)


def test_space_does_not_play_while_a_control_has_the_focus(viewer: Viewer) -> None:
    viewer.open()
    viewer.page.get_by_role("searchbox").focus()
    viewer.page.keyboard.press(" ")
    viewer.button("Layers").focus()
    viewer.page.keyboard.press(" ")
    expect(viewer.button("Play")).to_be_visible()
    expect(viewer.button("Layers")).to_have_attribute("aria-expanded", "false")


def test_phone(make_viewer: Any) -> None:
    viewer = make_viewer(width=360, height=740, has_touch=True, is_mobile=True)
    viewer.open()
    assert viewer.page.evaluate("document.documentElement.scrollWidth") <= 360
    viewer.expect_picture((40, 160, 220, 200), style="natural", time=viewer.link["time"], tolerance=14)
    for name in (
        "Layers",
        "Compare",
        "Time lapse",
        "Chart",
        "Find",
        "Download",
        "Share",
        "Previous image",
        "Play",
        "Search",
        "Zoom in",
    ):
        box = viewer.button(name).bounding_box()
        assert box, name
        assert box["x"] >= 0, name
        assert box["x"] + box["width"] <= 360.5, name
        assert min(box["width"], box["height"]) >= 40, (name, box)
    viewer.button("Layers").click()
    viewer.style("Plant health").check()
    viewer.settle()
    assert viewer.link["style"] == "ndvi"
    viewer.button("Layers").click()
    viewer.button("Compare").click()
    expect(viewer.page.get_by_role("slider", name="Compare position")).to_be_visible()
    viewer.button("Share").click()
    expect(viewer.page.get_by_role("textbox", name="Link", exact=True)).to_be_visible()


def test_dark(make_viewer: Any) -> None:
    dark, light = (make_viewer(color_scheme=scheme).open() for scheme in ("dark", "light"))
    box = (300, 690, 40, 10)
    assert dark.pixels(box).mean() + 60 < light.pixels(box).mean()


def test_calm_does_not_flicker(make_viewer: Any) -> None:
    viewer = make_viewer(reduced_motion="reduce")
    viewer.open(f"?collection={S2}&style=natural&compare=flicker:{S2},ndvi,latest&lang=en")
    front = viewer.page.locator(".tag.front").inner_text()
    viewer.page.wait_for_timeout(2200)
    assert viewer.page.locator(".tag.front").inner_text() == front
    viewer.button("Switch").click()
    assert viewer.page.locator(".tag.front").inner_text() != front


def test_the_tour_is_short_and_skippable(viewer: Viewer) -> None:
    viewer.open()
    viewer.button("Help").click()
    viewer.button("Take the tour").click()
    tour = viewer.page.get_by_role("dialog", name="Tour")
    for step in (1, 2, 3, 4):
        expect(tour).to_contain_text(f"Step {step} of 4")
        tour.get_by_role("button", name="Done" if step == 4 else "Next").click()
    expect(tour).to_have_count(0)
    viewer.button("Help").click()
    viewer.button("Take the tour").click()
    viewer.page.keyboard.press("Escape")
    expect(tour).to_have_count(0)
