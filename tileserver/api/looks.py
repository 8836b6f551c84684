"""How requests want a collection drawn, read once for each spelling: tiles of one map differ in their place alone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from starlette.datastructures import QueryParams

from tileserver.api.parts import Parts
from tileserver.api.queries import flag, reducer, style_of
from tileserver.errors import NotFound
from tileserver.models import Collection, Reducer, Style


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A collection at one revision, and how it is drawn."""

    collection: Collection
    revision: str
    style: Style
    query: QueryParams
    reducer: Reducer | None
    strict: bool
    unscale: bool


class Looks:
    """The looks that one service has been asked for."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._read = lru_cache(maxsize=2048)(self._read_anew)

    def of(self, collection_id: str, style_id: str | None, query: bytes) -> Look:
        """The look of a style, the first one for None, with a query string. Raises NotFound, InvalidParameter."""
        return self._read(collection_id, self._parts.catalog.revision(collection_id), style_id, query)

    def _read_anew(self, collection_id: str, revision: str, style_id: str | None, query: bytes) -> Look:
        collection = self._parts.catalog.collection(collection_id)
        values = QueryParams(query)
        if style_id is not None:
            style = style_of(self._parts, collection, style_id, values)
        elif collection.styles:
            style = collection.styles[0]
        else:
            raise NotFound("style of", collection.id)
        return Look(
            collection=collection,
            revision=revision,
            style=style,
            query=values,
            reducer=reducer(values.get("reducer")),
            strict=flag(values.get("strict"), "strict", default=False),
            unscale=flag(values.get("unscale"), "unscale", default=True),
        )
