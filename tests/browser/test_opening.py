"""The page opens on a picture, and its link keeps everything."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.viewer import S2, Viewer

MIDDLE = (460, 200, 300, 260)


def test_opens_on_the_newest_usable_image(viewer: Viewer) -> None:
    viewer.open()
    usable = [day for day in viewer.days() if day["cover"] >= 0.5 and (day["cloud"] or 0) < 60]
    assert viewer.link["time"] == usable[-1]["date"]
    assert viewer.link["collection"] == S2
    viewer.expect_picture(MIDDLE, style="natural", time=usable[-1]["date"])
    expect(viewer.status).to_have_text(re.compile(r"^Image of \d{1,2} \w+ 20\d\d, \d+ % cloud$"))


def test_a_style_by_its_plain_title_changes_picture_and_legend(viewer: Viewer) -> None:
    viewer.open()
    viewer.choose("Plant health")
    viewer.expect_picture(MIDDLE, style="ndvi", time=viewer.link["time"])
    expect(viewer.region("Legend")).to_contain_text("Plant health")
    expect(viewer.region("Legend")).to_contain_text("dense plants")
    assert viewer.link["style"] == "ndvi"


def test_thumbnails_show_this_view(viewer: Viewer) -> None:
    viewer.open("?style=natural")
    thumb = viewer.page.locator("label", has_text="Plant health NDVI").locator("img")
    expect(thumb).to_have_class("shown")
    assert thumb.evaluate("image => image.naturalWidth") > 0
    assert "/styles/ndvi/map?" in thumb.evaluate("image => image.src")


def test_the_link_restores_everything(viewer: Viewer, make_viewer: Any) -> None:
    viewer.open()
    viewer.choose("Water")
    viewer.button("Previous image").click()
    viewer.page.mouse.move(600, 400)
    viewer.page.mouse.wheel(0, -300)
    viewer.page.wait_for_timeout(800)
    viewer.settle()
    viewer.page.get_by_role("slider", name="Opacity").fill("60")
    viewer.settle()
    link = viewer.page.url.removeprefix(viewer.base)
    seen = viewer.pixels(MIDDLE)
    again = make_viewer().open(link)
    assert again.page.url.removeprefix(again.base) == link
    assert abs(again.pixels(MIDDLE) - seen).mean() < 2


def test_back_undoes(viewer: Viewer) -> None:
    viewer.open()
    time = viewer.link["time"]
    viewer.button("Previous image").click()
    viewer.settle()
    assert viewer.link["time"] < time
    viewer.page.go_back()
    viewer.settle()
    assert viewer.link["time"] == time
    viewer.expect_picture(MIDDLE, style="natural", time=time)


def test_other_collections_with_and_without_dates(viewer: Viewer) -> None:
    viewer.open()
    viewer.page.get_by_role("combobox", name="Collection").select_option(label="Heights (demo)")
    viewer.settle()
    viewer.expect_picture(MIDDLE, style=viewer.link["style"], time="latest", collection="dem-demo")
    expect(viewer.page.get_by_text("This layer has no dates.")).to_be_visible()
    viewer.page.get_by_role("combobox", name="Collection").select_option(label="Land cover (demo)")
    viewer.settle()
    assert viewer.link["collection"] == "land-cover-demo"
    assert viewer.region("Legend").get_by_role("listitem").count() >= 4


def test_opacity_lets_the_background_through(viewer: Viewer) -> None:
    viewer.open()
    full = viewer.pixels(MIDDLE)
    viewer.page.get_by_role("slider", name="Opacity").fill("0")
    viewer.settle()
    empty = viewer.pixels(MIDDLE)
    assert empty.std(axis=(0, 1)).max() < 2 < full.std(axis=(0, 1)).min()


def test_contrast_and_gamma_change_the_pixels_at_once(viewer: Viewer) -> None:
    viewer.open()
    before = viewer.pixels(MIDDLE)
    viewer.page.get_by_text("Brightness and contrast").click()
    viewer.page.get_by_role("slider", name="Gamma").fill("2")
    viewer.page.wait_for_timeout(300)
    brighter = viewer.pixels(MIDDLE)
    assert brighter.mean() > before.mean() * 1.3
    assert viewer.link["tone"] == "0,0,2"


@pytest.mark.parametrize(
    ("language", "layers", "image"),
    [("cs", "Vrstvy", "Snímek z"), ("de", "Ebenen", "Bild vom"), ("fr", "Couches", "Image du")],
)
def test_languages(viewer: Viewer, language: str, layers: str, image: str) -> None:
    viewer.open(f"?lang={language}")
    expect(viewer.button(layers)).to_be_visible()
    expect(viewer.status).to_contain_text(image)
    assert viewer.page.locator("html").get_attribute("lang") == language
    viewer.page.goto(viewer.base)  # remembered
    expect(viewer.button(layers)).to_be_visible()


def test_the_first_load_is_small(viewer: Viewer) -> None:
    sizes: dict[str, int] = {}

    def measure(response: Any) -> None:
        if "/assets/" in response.url or response.url.rstrip("/") == viewer.base.rstrip("/"):
            sizes[response.url] = int(response.headers.get("content-length", 0))

    viewer.page.on("response", measure)
    viewer.open()
    assert len(sizes) >= 3
    assert sum(sizes.values()) < 300_000, sizes


def test_own_mix_and_formula(viewer: Viewer) -> None:
    viewer.open()
    viewer.page.get_by_text("My own mix", exact=True).click()
    viewer.page.get_by_text("Formula", exact=True).first.click()
    formula = viewer.page.get_by_role("textbox", name="Formula")
    formula.fill("(B08-B99)/2")
    viewer.button("Show it").click()
    expect(viewer.page.get_by_role("alert")).to_contain_text("There is no band “B99” here")
    formula.fill("(B08-B04)/(B08+B04)")
    viewer.button("Show it").click()
    expect(viewer.page).to_have_url(re.compile("style=custom"))
    viewer.settle()
    assert viewer.link["expression"] == "(B08-B04)/(B08+B04)"
    before = viewer.pixels(MIDDLE)
    viewer.page.get_by_text("Three bands", exact=True).click()
    for channel, band in (("Red", "B08"), ("Green", "B04"), ("Blue", "B03")):
        viewer.page.get_by_role("combobox", name=channel).select_option(band)
    viewer.button("Show it").click()
    expect(viewer.page).to_have_url(re.compile("assets=B08,B04,B03"))
    viewer.settle()
    assert abs(viewer.pixels(MIDDLE) - before).mean() > 10
