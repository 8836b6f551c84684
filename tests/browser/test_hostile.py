"""What goes wrong and who means ill: nothing runs that should not, nothing ends dead."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from playwright.sync_api import Error, Route, expect

from tests.browser.viewer import S2, Viewer

BOMB = '"><img src=x onerror="window.pwned=1"><script>window.pwned=1</script>{{7*7}}${window.pwned=1}'
LINKS = [
    f"?collection={quote(BOMB)}",
    f"?collection={S2}&style={quote(BOMB)}&time={quote(BOMB)}",
    f"?collection={S2}&style=custom&expression={quote(BOMB)}&rescale={quote(BOMB)}",
    f"?compare=swipe:{quote(BOMB)},{quote(BOMB)},2023-01-01",
    f"?lang={quote(BOMB)}&open={quote(BOMB)}&view={quote(BOMB)}&basemap={quote(BOMB)}",
    f"?places={quote(BOMB)}&pin={quote(BOMB)}&film={quote(BOMB)}&skip={quote(BOMB)}#{quote(BOMB)}",
    "?__proto__=1&constructor=2&view=0,0,5&toString=3",
]


@pytest.mark.parametrize("link", LINKS)
def test_hostile_links(viewer: Viewer, link: str) -> None:
    viewer.allowed += ["40[04]", "Failed to load resource"]
    viewer.open(link, settled=False)
    expect(viewer.button("Layers")).to_be_visible()
    viewer.page.wait_for_timeout(1200)
    assert viewer.page.evaluate("window.pwned") is None
    assert viewer.page.locator("img[src=x], body script").count() == 0


def test_hostile_titles(viewer: Viewer) -> None:
    collections = httpx.get(f"{viewer.base}collections").json()
    for collection in collections["collections"]:
        collection["title"] = BOMB
        collection["tilescope:attribution"] = BOMB
        for render in collection["renders"].values():
            render["title"] = render["description"] = BOMB
            render["tilescope:titles"] = render["tilescope:descriptions"] = {"en": BOMB}
            render["tilescope:expert"] = BOMB
    legend = {
        "type": "classes",
        "title": BOMB,
        "entries": [{"color": "red;background:url(//evil.test)", "label": BOMB, "value": 1}],
    }
    viewer.page.route("**/collections", lambda route: route.fulfill(json=collections))
    viewer.page.route("**/legend.json?**", lambda route: route.fulfill(json=legend))
    viewer.page.route(
        "**/viewer-config.json", lambda route: route.fulfill(json={"title": BOMB, "basemaps": [], "downloads": True})
    )
    viewer.open()
    viewer.page.mouse.click(640, 400)
    viewer.button("Share").click()
    viewer.button("Compare").click()
    viewer.page.wait_for_timeout(600)
    assert viewer.page.evaluate("window.pwned") is None
    assert BOMB in viewer.page.locator("#credit").inner_text()


def test_the_policy_stops_inline_code(viewer: Viewer) -> None:
    viewer.allowed.append("Content Security Policy")
    viewer.open()
    viewer.page.evaluate(
        "() => { const s = document.createElement('script'); s.textContent = 'window.pwned = 1'; document.body.append(s); }"
    )
    viewer.page.evaluate("() => { document.body.setAttribute('style', 'display: none'); }")
    viewer.page.wait_for_timeout(100)
    assert viewer.page.evaluate("window.pwned") is None
    assert viewer.page.locator("body").evaluate("body => getComputedStyle(body).display") != "none"


def test_server_down(viewer: Viewer) -> None:
    viewer.allowed.append("Failed to load|ERR_")
    viewer.page.route("**/collections", lambda route: route.abort())
    viewer.open(settled=False)
    alert = viewer.page.get_by_role("alert")
    expect(alert).to_contain_text("The server did not answer")
    viewer.page.unroute("**/collections")
    alert.get_by_role("button", name="Try again").click()
    viewer.settle()
    expect(viewer.page.get_by_role("alert")).to_have_count(0)


def test_tiles_that_fail_and_come_back(viewer: Viewer) -> None:
    viewer.allowed.append("502")
    failing = {"on": True}

    def tile(route: Route) -> None:
        if failing["on"]:
            route.fulfill(status=502, json={"code": "SourceUnreadable", "detail": "broken", "item": "a", "asset": "b"})
        else:
            route.continue_()

    viewer.page.route("**/xyz/**", tile)
    viewer.open(settled=False)
    alert = viewer.page.get_by_role("alert")
    expect(alert).to_contain_text("Parts of the picture could not be loaded")
    failing["on"] = False
    alert.get_by_role("button", name="Try again").click()
    viewer.settle()
    viewer.expect_picture((460, 200, 300, 260), style="natural", time=viewer.link["time"])


def test_an_overloaded_server_is_asked_again(viewer: Viewer) -> None:
    viewer.allowed.append("503")
    asked: dict[str, int] = {}

    def tile(route: Route) -> None:
        url = route.request.url
        asked[url] = asked.get(url, 0) + 1
        if asked[url] == 1:
            route.fulfill(status=503, headers={"Retry-After": "1"}, json={"code": "Overloaded", "detail": "later"})
        else:
            route.continue_()

    viewer.page.route("**/xyz/**", tile)
    viewer.open()
    assert set(asked.values()) == {2}
    viewer.expect_picture((460, 200, 300, 260), style="natural", time=viewer.link["time"])
    expect(viewer.page.get_by_role("alert")).to_have_count(0)


def test_dates_that_fail(viewer: Viewer) -> None:
    viewer.allowed.append("500")
    viewer.page.route("**/dates?**", lambda route: route.fulfill(status=500, body="<h1>boom</h1>"))
    viewer.open(settled=False)
    alert = viewer.page.get_by_role("alert")
    expect(alert).to_contain_text("The dates of this view could not be read")
    viewer.page.unroute("**/dates?**")
    alert.get_by_role("button", name="Try again").click()
    viewer.settle()
    assert viewer.link["time"] == viewer.days()[-1]["date"]


def test_a_vanished_collection(viewer: Viewer) -> None:
    viewer.open("?collection=gone&style=natural&time=2024-05-09&view=15,50,12&lang=en", settled=False)
    alert = viewer.page.get_by_role("alert")
    expect(alert).to_contain_text("There is no collection “gone” on this server any more")
    alert.get_by_role("button", name="Show what there is").click()
    viewer.settle()
    assert viewer.link["collection"] == S2
    viewer.expect_picture((460, 200, 300, 260), style="natural", time=viewer.link["time"])


def test_an_empty_server(viewer: Viewer) -> None:
    viewer.page.route("**/collections", lambda route: route.fulfill(json={"collections": [], "links": []}))
    viewer.open(settled=False)
    expect(viewer.page.get_by_role("alert")).to_contain_text("There are no images on this server yet")


def test_a_slow_network_shows_the_newest_answer(viewer: Viewer) -> None:
    viewer.open()
    days = [day["date"] for day in viewer.days()]
    held: list[Route] = []
    viewer.page.route(f"**/xyz/{S2}/natural/{days[0]}/**", lambda route: held.append(route))  # noqa: PLW0108  playwright keeps what it is given
    viewer.date.select_option(days[0])
    viewer.page.wait_for_timeout(300)
    assert held
    viewer.date.select_option(days[3])
    viewer.page.wait_for_timeout(300)
    for route in held:
        with suppress(Error):  # nobody waits for it any more
            route.continue_()
    viewer.settle()
    viewer.expect_picture((460, 200, 300, 260), style="natural", time=days[3])


def test_messages_of_strangers_choose_nothing_unknown(viewer: Viewer, elsewhere: Any) -> None:
    host = viewer
    host.allowed.append("asked elsewhere")
    source = f"{viewer.base}?embed=1&collection={S2}&style=natural&lang=en"
    page = f'<!doctype html><title>x</title><iframe src="{source}" width=900 height=600></iframe>'
    host.page.goto(elsewhere(page))
    inside = host.page.frame_locator("iframe")
    expect(inside.locator("#map")).to_have_attribute("aria-busy", "false", timeout=30_000)
    for message in (
        {"tilescope": "setStyle", "style": "__proto__"},
        {"tilescope": "setTime", "time": BOMB},
        {"tilescope": "setView", "lon": "x"},
        {"tilescope": {}},
        "text",
        None,
        {"tilescope": "setCollection", "collection": BOMB},
    ):
        host.page.evaluate(
            "message => document.querySelector('iframe').contentWindow.postMessage(message, '*')", message
        )
    host.page.wait_for_timeout(500)
    expect(inside.locator("#legend")).to_contain_text("Natural colours")
