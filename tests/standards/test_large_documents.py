"""A catalog of 500 collections with 2000 dates each: the document is quick when warm, small when packed, and readable."""

from __future__ import annotations

import gzip
import io
from datetime import UTC, datetime, timedelta
from time import perf_counter
from types import SimpleNamespace

import pytest
from lxml import etree

from tests.ramp import CLASSES, GREY, RGB
from tileserver.api.kvp import KeyValues
from tileserver.api.wmts_capabilities import Capabilities
from tileserver.api.wmts_document import usable_sets
from tileserver.models import Collection
from tileserver.settings import Settings
from tileserver.tile_matrix_sets import load_tile_matrix_sets

START = datetime(2018, 1, 1, 10, tzinfo=UTC)


class Large:
    """A catalog of which one collection may change."""

    uri = "large"

    def __init__(self, count: int, dates: int) -> None:
        box = (14.0, 49.0, 15.0, 50.0)
        self.listed = [
            Collection(id=f"c{n}", title=f"Collection {n}", styles=(RGB, GREY, CLASSES), bbox=box) for n in range(count)
        ]
        self.dates = [(START + timedelta(days=n), box) for n in range(dates)]
        self.changes = 0

    def collections(self):
        return self.listed

    def revision(self, collection_id: str) -> str:
        return f"{self.changes}" if collection_id == "c0" else "0"

    def moments(self, collection_id: str):
        return self.dates + [
            (START + timedelta(days=9000 + n), (14, 49, 15, 50))
            for n in range(self.changes if collection_id == "c0" else 0)
        ]


@pytest.mark.slow
def test_five_hundred_layers_with_two_thousand_dates():
    catalog = Large(500, 2000)
    service = Capabilities(SimpleNamespace(settings=Settings(), catalog=catalog), usable_sets(load_tile_matrix_sets()))

    def ask(**headers):
        started = perf_counter()
        answer = service.answer(KeyValues(()), "", "https://maps.example.org", headers)
        return answer, perf_counter() - started

    ask()
    plain, seconds = ask()
    assert seconds < 0.2
    packed, seconds = ask(**{"accept-encoding": "gzip"})
    assert seconds < 0.2
    assert len(packed.body) < len(plain.body) / 5
    assert gzip.decompress(packed.body) == plain.body
    layers = values = 0
    for _, element in etree.iterparse(io.BytesIO(plain.body), huge_tree=True):
        name = etree.QName(element).localname
        layers += name == "Layer"
        values += name == "Value" and etree.QName(element).namespace.endswith("wmts/1.0")
        element.clear()
    assert (layers, values) == (1000, 500 * 2000 + 500)
    catalog.changes = 1  # one new image: only its collection is written again
    renewed, seconds = ask()
    assert seconds < 2.5
    assert b"2042-08-" in renewed.body
    assert renewed.headers["etag"] != plain.headers["etag"]
