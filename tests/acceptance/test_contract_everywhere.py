"""Every service of every style of every odd collection answers: pictures, values, documents; never a failure of ours."""

from __future__ import annotations

import mercantile
import pytest

from tests.acceptance.contract_archive import PLACE

COLLECTIONS = (
    "Moj-archiv-e", "alpha", "below", "broken", "dateline", "empty", "impossible", "masked", "nested", "polar", "scenes",
    "southup", "tagged", "told", "turned", "twice", "undated", "years",
)  # fmt: skip


def addresses(collection: dict) -> list[str]:
    """GET addresses of one collection."""
    west, south, east, north = collection["extent"]["spatial"]["bbox"][0]
    lon, lat = ((west + east) / 2 if west < east else 179.9), max(-84, min(84, (south + north) / 2))
    box, at = f"bbox={west},{south},{east},{north}", f"lon={lon}&lat={lat}"
    base = f"/collections/{collection['id']}"
    out = [
        base,
        f"{base}/dates",
        f"{base}/point?{at}",
        f"{base}/coverage?{box}",
        f"{base}/qgis.qlr",
        f"{base}/map/tiles",
    ]
    out += [f"{base}/wmts/1.0.0/WMTSCapabilities.xml", f"/stac/collections/{collection['id']}/items"]
    for style in collection["renders"]:
        here = f"{base}/styles/{style}"
        out += [f"{here}/legend.{kind}" for kind in ("svg", "png", "json")]
        out += [f"{here}/map?width=90&f={kind}" for kind in ("png", "tif")]
        out += [f"{here}/WebMercatorQuad/tilejson.json", f"{base}/point?{at}&style={style}"]
        for when in ("latest", "best", "2022", "..--.."):
            for zoom in (0, 5, 12, 16):
                tile = mercantile.tile(lon, lat, zoom)
                url = f"/xyz/{collection['id']}/{style}/{when}/{zoom}/{tile.x}/{tile.y}"
                out += [url, f"{url}.jpg?reducer=mean"]
    return out


def test_all_collections_are_there(odd):
    assert sorted(one["id"] for one in odd.get("/collections").json()["collections"]) == sorted(COLLECTIONS)


@pytest.mark.parametrize("name", COLLECTIONS)
def test_every_address_answers(odd, name):
    collection = odd.get(f"/collections/{name}").json()
    allowed = {200, 502} if name == "broken" else {200}
    failed = [
        (url, one.status_code) for url in addresses(collection) if (one := odd.get(url)).status_code not in allowed
    ]
    assert failed == []


def test_announced_links_lead_somewhere(odd):
    """What collections and items link to on this server."""
    base = str(odd.base_url)
    documents = [odd.get("/?f=json").json(), odd.get("/collections/nested").json()]
    documents += odd.get("/stac/collections/nested/items").json()["features"]
    hrefs = {link["href"] for document in documents for link in document["links"]}
    hrefs |= {asset["href"] for document in documents for asset in document.get("assets", {}).values()}
    tile = mercantile.tile(*PLACE, 12)
    for href in sorted(hrefs):
        if href.startswith(base):
            url = href.replace("{z}", "12").replace("{x}", str(tile.x)).replace("{y}", str(tile.y))
            if "{" not in url and "/wmts" not in url.partition("?")[0][-6:] and "/wms" not in url[-5:]:
                assert odd.get(url).status_code == 200, url
