"""GetCapabilities of WMTS: sections, versions, update sequence; documents kept until the catalog changes."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock
from urllib.parse import quote

from cachetools import LRUCache
from isal import igzip
from starlette.responses import Response

from tileserver.api.etags import matches
from tileserver.api.kvp import KeyValues, MissingParameter
from tileserver.api.ows import OwsError
from tileserver.api.parts import Parts
from tileserver.api.published import dimension, fragment, published
from tileserver.api.sequence import Sequences, compare
from tileserver.api.wmts_document import (
    NEAREST,
    SECTIONS,
    Sets,
    capabilities,
    layer_fragment,
    unchanged,
)
from tileserver.errors import InvalidParameter
from tileserver.models import Collection

_DOCUMENT_BYTES = 192 << 20
_SMALL = 1400


class Capabilities:
    """Answers GetCapabilities."""

    def __init__(self, parts: Parts, sets: Sets) -> None:
        self.parts = parts
        self.sets = sets
        self._lock = Lock()
        self._sequences = Sequences()
        self._documents: LRUCache[tuple[str, str, int], tuple[bytes, bytes]] = LRUCache(
            _DOCUMENT_BYTES, getsizeof=lambda pair: len(pair[0]) + len(pair[1])
        )

    def answer(self, values: KeyValues, scope: str, base: str, headers: Mapping[str, str]) -> Response:
        """The document that the parameters ask for. Raises OwsError, InvalidParameter, NotFound."""
        _negotiate(values)
        sections = _sections(values)
        layers = published(self.parts.catalog, scope)
        state = tuple((collection.id, revision) for collection, revision in layers)
        sequence = self._sequences.number(scope, state)
        current = _is_current(values.get("UpdateSequence"), sequence)
        media = "text/xml" if values.get("AcceptFormats").split(",")[0].strip() == "text/xml" else "application/xml"
        out = {
            "Cache-Control": f"public, max-age={self.parts.settings.latest_max_age}",
            "Vary": "Accept-Encoding",
        }
        if current:
            return Response(unchanged(sequence), headers=out, media_type=media)
        if sections != SECTIONS:
            body = self._compose(layers, scope, base, sequence, sections)
            return Response(body, headers=out, media_type=media)
        plain, packed = self._document(layers, scope, base, sequence)
        zipped = "gzip" in headers.get("accept-encoding", "") and bool(packed)
        out["ETag"] = f'"{sequence}-{len(plain)}{"-gzip" if zipped else ""}"'
        if matches(headers.get("if-none-match"), out["ETag"]):
            return Response(status_code=304, headers=out)
        if zipped:
            out["Content-Encoding"] = "gzip"
        return Response(packed if zipped else plain, headers=out, media_type=media)

    def _document(
        self, layers: list[tuple[Collection, str]], scope: str, base: str, sequence: int
    ) -> tuple[bytes, bytes]:
        """The whole document, plain and gzipped (empty where it is not worth it)."""
        key = (scope, base, sequence)
        with self._lock:
            known = self._documents.get(key)
        if known is None:
            plain = self._compose(layers, scope, base, sequence, SECTIONS)
            known = plain, igzip.compress(plain, 2, mtime=0) if len(plain) > _SMALL else b""
            with self._lock:
                if sum(map(len, known)) <= self._documents.maxsize:
                    self._documents[key] = known
        return known

    def _compose(
        self,
        layers: list[tuple[Collection, str]],
        scope: str,
        base: str,
        sequence: int,
        sections: tuple[str, ...],
    ) -> bytes:
        path = f"/collections/{quote(scope, safe='')}/wmts" if scope else "/wmts"
        pieces = [(one, self._layer(one, revision)) for one, revision in layers] if "Contents" in sections else []
        return capabilities(
            pieces, self.sets, self.parts.settings, base=base, path=path, sequence=sequence, sections=sections
        )

    def _layer(self, collection: Collection, revision: str) -> bytes:
        catalog = self.parts.catalog

        def make() -> bytes:
            taken = {other.id for other in catalog.collections()}
            times = dimension(catalog, collection.id)
            return layer_fragment(collection, times, self.sets, nearest=collection.id + NEAREST not in taken)

        return fragment(("wmts", catalog.uri, collection.id, revision), make)


def _negotiate(values: KeyValues) -> None:
    """Raises OwsError where none of the accepted versions is ours."""
    accepted = [version.strip() for version in values.get("AcceptVersions").split(",") if version.strip()]
    if accepted and "1.0.0" not in accepted:
        raise OwsError("VersionNegotiationFailed", "This service speaks version 1.0.0.")


def _sections(values: KeyValues) -> tuple[str, ...]:
    if "Sections" not in values:
        return SECTIONS
    asked = [name.strip() for name in values.get("Sections").split(",") if name.strip()]
    if not asked:
        raise MissingParameter("sections")
    for name in asked:
        if name not in {*SECTIONS, "All"}:
            raise InvalidParameter("sections", name, ", ".join((*SECTIONS, "All")))
    return SECTIONS if "All" in asked else tuple(name for name in SECTIONS if name in asked)


def _is_current(text: str, sequence: int) -> bool:
    """Has the client the newest document? Raises OwsError where it claims a newer one."""
    if not text:
        return False
    try:
        order = compare(text, sequence)
    except ValueError as error:
        raise OwsError("InvalidUpdateSequence", str(error)) from None
    if order > 0:
        raise OwsError("InvalidUpdateSequence", f"The newest update sequence is {sequence}.")
    return order == 0
