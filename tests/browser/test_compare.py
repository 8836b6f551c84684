"""Two pictures over or beside each other."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.viewer import S2, Viewer

LEFT = (320, 200, 120, 200)
RIGHT = (760, 200, 120, 200)


def test_compare_opens_on_a_year_earlier_and_swipes(viewer: Viewer) -> None:
    viewer.open()
    now = viewer.link["time"]
    viewer.button("Compare").click()
    slider = viewer.page.get_by_role("slider", name="Compare position")
    expect(slider).to_be_visible()
    viewer.settle()
    mode, rest = viewer.link["compare"].split(":")
    then = rest.split(",")[2]
    assert mode == "swipe"
    assert abs(int(now[:4]) - int(then[:4])) == 1
    viewer.expect_picture(LEFT, style="natural", time=then)
    viewer.expect_picture(RIGHT, style="natural", time=now)
    slider.fill("100")
    viewer.page.wait_for_timeout(300)
    viewer.expect_picture(RIGHT, style="natural", time=then)
    slider.fill("0")
    viewer.page.wait_for_timeout(300)
    viewer.expect_picture(LEFT, style="natural", time=now)
    slider.press("ArrowRight")
    assert viewer.link["time"] == now
    assert viewer.link["swipe"] == "0.5"


def test_the_divider_follows_the_pointer(viewer: Viewer) -> None:
    viewer.open()
    viewer.button("Compare").click()
    viewer.settle()
    viewer.page.mouse.move(600, 380)
    viewer.page.mouse.down()
    viewer.page.mouse.move(820, 380, steps=4)
    viewer.page.mouse.up()
    assert 65 < float(viewer.link["swipe"]) < 71


def test_side_by_side_shares_the_view(viewer: Viewer) -> None:
    viewer.open()
    viewer.button("Compare").click()
    viewer.page.get_by_role("radio", name="Side by side").check()
    viewer.settle()
    assert viewer.link["compare"].startswith("side:")
    panes = viewer.page.locator(".pane")
    expect(panes).to_have_count(2)
    viewer.button("Four maps").click()
    expect(panes).to_have_count(4)
    viewer.settle()
    assert len(viewer.link["compare"].split(";")) == 3
    viewer.page.get_by_role("radio", name="Swipe").check()
    expect(panes).to_have_count(1)


def test_each_side_has_its_own_style_and_collection(viewer: Viewer) -> None:
    viewer.open()
    now = viewer.link["time"]
    viewer.button("Compare").click()
    viewer.settle()
    viewer.page.locator(".tags").get_by_role("button").first.click()
    viewer.choose("Plant health")
    viewer.button("Next image").click()
    viewer.settle()
    other = viewer.link["compare"].split(":")[1].split(",")
    assert other[1] == "ndvi"
    viewer.expect_picture(LEFT, style="ndvi", time=other[2])
    viewer.expect_picture(RIGHT, style="natural", time=now)
    viewer.page.get_by_role("combobox", name="Collection").select_option(label="Heights (demo)")
    viewer.settle()
    assert viewer.link["compare"].split(":")[1].startswith("dem-demo,")


def test_flicker_shows_one_then_the_other(viewer: Viewer) -> None:
    viewer.open(f"?collection={S2}&style=natural&compare=flicker:{S2},ndvi,latest&lang=en")
    seen = []
    for _ in range(14):
        seen.append(viewer.pixels((500, 250, 60, 60)).mean(axis=(0, 1)).round(-1).tolist())
        viewer.page.wait_for_timeout(220)
    assert len({tuple(color) for color in seen}) >= 2


def test_a_year_earlier_without_image_offers_the_nearest(viewer: Viewer) -> None:
    viewer.open()
    first = viewer.days()[0]["date"]
    viewer.open(f"?collection={S2}&style=natural&time={first}&lang=en")
    viewer.button("Compare").click()
    viewer.button("A year earlier").click()
    alert = viewer.page.get_by_role("alert")
    expect(alert).to_contain_text(re.compile(r"There is no image around .* here\. The nearest is of"))
    alert.get_by_role("button", name=re.compile("^Show ")).click()
    viewer.settle()
    then = viewer.link["compare"].split(",")[2]
    assert then in [day["date"] for day in viewer.days()]
    viewer.expect_picture(LEFT, style="natural", time=then)


def test_swap_and_end(viewer: Viewer) -> None:
    viewer.open()
    now = viewer.link["time"]
    viewer.button("Compare").click()
    viewer.settle()
    viewer.button("Swap sides").click()
    assert viewer.link["time"] != now
    assert viewer.link["compare"].endswith(now)
    viewer.page.keyboard.press("Escape")
    assert "compare" not in viewer.link


def test_difference_is_black_where_nothing_changed(viewer: Viewer) -> None:
    viewer.open()
    now = viewer.link["time"]
    viewer.open(f"?collection={S2}&style=natural&time={now}&compare=difference:{S2},natural,{now}&lang=en")
    assert viewer.pixels(RIGHT).mean() < 2
    viewer.button("A year earlier").click()
    viewer.settle()
    then = viewer.link["compare"].split(",")[2]
    viewer.page.get_by_text("Swipe", exact=True).click()
    viewer.page.wait_for_timeout(300)
    viewer.expect_picture(RIGHT, style="natural", time=now)
    viewer.page.get_by_text("Difference", exact=True).click()
    viewer.page.wait_for_timeout(300)
    wanted = abs(viewer.expected(RIGHT, style="natural", time=now) - viewer.expected(RIGHT, style="natural", time=then))
    assert abs(viewer.pixels(RIGHT).mean() - wanted.mean()) < 6
