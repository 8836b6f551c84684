"""Dates in this view: stepping, choosing, what is missing."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta

from playwright.sync_api import Route, expect

from tests.browser.viewer import S2, Viewer

MIDDLE = (460, 200, 300, 260)


def usable(viewer: Viewer) -> list[str]:
    return [day["date"] for day in viewer.days() if day["cover"] >= 0.5 and (day["cloud"] or 0) < 60]


def test_buttons_and_keys_step_through_usable_images(viewer: Viewer) -> None:
    viewer.open()
    days = usable(viewer)
    assert len(days) < len(viewer.days())
    viewer.button("Previous image").click()
    expect(viewer.page).to_have_url(re.compile(f"time={days[-2]}"))
    viewer.settle()
    viewer.expect_picture(MIDDLE, style="natural", time=days[-2])
    viewer.page.keyboard.press("ArrowLeft")
    expect(viewer.page).to_have_url(re.compile(f"time={days[-3]}"))
    viewer.page.keyboard.press("ArrowRight")
    expect(viewer.page).to_have_url(re.compile(f"time={days[-2]}"))
    viewer.button("Next image").click()
    expect(viewer.page).to_have_url(re.compile(f"time={days[-1]}"))
    expect(viewer.button("Next image")).to_be_disabled()


def test_date_says_cover_and_cloud(viewer: Viewer) -> None:
    viewer.open()
    days = viewer.days()
    expect(viewer.date).to_have_value(viewer.link["time"])
    options = viewer.date.get_by_role("option")
    assert options.count() == len(days)
    expect(options.first).to_have_text(
        re.compile(r"^\d+ \w+ \d{4} · .*% cloud · (whole view covered|\d+ % of the view covered)$")
    )
    viewer.date.select_option(days[0]["date"])
    viewer.settle()
    viewer.expect_picture(MIDDLE, style="natural", time=days[0]["date"])


def test_calendar_by_keyboard(viewer: Viewer) -> None:
    viewer.open()
    days = [day["date"] for day in viewer.days()]
    viewer.button("Calendar").click()
    dialog = viewer.page.get_by_role("dialog", name="Calendar")
    chosen = dialog.get_by_role("gridcell", selected=True).get_by_role("button")
    expect(chosen).to_have_accessible_name(re.compile(r"% cloud, "))
    expect(chosen).to_be_focused()
    steps = (date.fromisoformat(days[-1]) - date.fromisoformat(days[-2])).days
    for _ in range(steps):
        viewer.page.keyboard.press("ArrowLeft")
    viewer.page.keyboard.press("Enter")
    expect(dialog).to_have_count(0)
    assert viewer.link["time"] == days[-2]


def test_strip_selects_by_click(viewer: Viewer) -> None:
    viewer.open()
    circles = viewer.page.locator(".strip circle:not(.chosen)")
    first = circles.first.bounding_box()
    assert first
    viewer.page.mouse.move(first["x"] + 3, first["y"] + 3)
    expect(viewer.page.locator(".strip .tip")).to_be_visible()
    viewer.page.mouse.down()
    viewer.page.mouse.up()
    expect(viewer.page).to_have_url(re.compile(f"time={viewer.days()[0]['date']}"))


def test_clearest_near_this_date(viewer: Viewer) -> None:
    viewer.open()
    cloudy = max(viewer.days(), key=lambda day: day["cloud"] or 0)
    viewer.date.select_option(cloudy["date"])
    viewer.settle()
    viewer.button("Clearest near this date").click()
    viewer.settle()
    found = next(day for day in viewer.days() if day["date"] == viewer.link["time"])
    assert found["cloud"] < 30 < cloudy["cloud"]


def test_a_day_without_image_says_so_and_offers_the_next(viewer: Viewer) -> None:
    viewer.open()
    days = [day["date"] for day in viewer.days()]
    missing = (date.fromisoformat(days[4]) + timedelta(days=1)).isoformat()
    viewer.open(f"?collection={S2}&style=natural&time={missing}&lang=en")
    alert = viewer.page.get_by_role("alert")
    expect(alert).to_contain_text(re.compile(r"No image on \d+ \w+ 20\d\d here"))
    alert.get_by_role("button", name="Next:").click()
    viewer.settle()
    assert viewer.link["time"] == days[5]
    expect(viewer.page.get_by_role("alert")).to_have_count(0)


def test_a_place_without_images_offers_the_way_back(viewer: Viewer) -> None:
    viewer.open(f"?collection={S2}&style=natural&view=100,0,10&lang=en", settled=False)
    alert = viewer.page.get_by_role("alert")
    expect(alert).to_contain_text("There are no images of this place")
    alert.get_by_role("button", name="Go to where there are").click()
    viewer.page.wait_for_timeout(700)
    viewer.settle()
    viewer.expect_picture(MIDDLE, style="natural", time=viewer.link["time"])


def test_a_thousand_dates(viewer: Viewer) -> None:
    days = [(date(2015, 7, 1) + timedelta(days=4 * i)).isoformat() for i in range(1000)]
    rows = [{"date": day, "items": 1, "cover": 1 - i % 3 / 4, "cloud": (i * 37) % 100} for i, day in enumerate(days)]
    viewer.page.route("**/dates?**", lambda route: route.fulfill(json=rows))
    viewer.open(settled=False)
    expect(viewer.date.get_by_role("option")).to_have_count(1000, timeout=20_000)
    for _ in range(5):
        viewer.button("Previous image").click()
    took = viewer.page.evaluate(
        """async () => {
          const strip = document.querySelector('.strip');
          const start = performance.now();
          for (let i = 0; i < 20; i++) {
            strip.dispatchEvent(new WheelEvent('wheel', { deltaY: 100, clientX: 800, clientY: 700, bubbles: true, cancelable: true }));
            await new Promise(requestAnimationFrame);
          }
          return (performance.now() - start) / 20;
        }"""
    )
    assert took < 250, f"{took:.0f} ms for one zoom of the strip"
    assert viewer.page.locator(".strip circle").count() > 500


def test_two_acquisitions_of_a_day_and_years_are_read(viewer: Viewer) -> None:
    def answer(route: Route) -> None:
        route.fulfill(
            body=json.dumps(
                [
                    {"date": "1985", "items": 1, "cover": 1, "cloud": None},
                    {"date": "2005", "items": 2, "cover": 1, "cloud": None},
                ]
            ),
            content_type="application/json",
        )

    viewer.page.route("**/dates?**", answer)
    viewer.open(settled=False)
    expect(viewer.date).to_have_value("2005")
    expect(viewer.status).to_have_text("Image of 2005")
