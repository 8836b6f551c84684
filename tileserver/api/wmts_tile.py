"""What a WMTS request names: a layer, its style and time, a tile within the published limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from morecantile import TileMatrixSet

from tileserver.api.dimension import Dimension, dimension_time
from tileserver.api.ows import out_of_range
from tileserver.api.published import dimension
from tileserver.api.queries import integer
from tileserver.api.wmts_document import NEAREST, Sets, limits_of
from tileserver.errors import InvalidParameter, NotFound
from tileserver.models import Collection, Style
from tileserver.ports import Catalog
from tileserver.times import Time

_FAR = 10**11


@dataclass(frozen=True, slots=True)
class Layer:
    """A collection as WMTS offers it."""

    collection: Collection
    dimension: Callable[[], Dimension | None]
    nearest: bool
    """Snaps to the nearest earlier image."""
    revision: str
    """Of the collection, from before it was read."""

    def style(self, name: str) -> Style:
        """A style by its identifier; the first one for "" and "default". Raises InvalidParameter."""
        for style in self.collection.styles:
            if name in {style.id, "", "default"}:
                return style
        raise InvalidParameter("style", name, ", ".join(style.id for style in self.collection.styles))

    def time(self, text: str) -> Time:
        """What a time means here. Raises InvalidParameter."""
        return dimension_time(text, self.dimension, by_day=self.nearest)


def find_layer(catalog: Catalog, name: str, scope: str = "") -> Layer:
    """The layer of an identifier, within one collection if `scope` names it. Raises InvalidParameter."""
    for collection_id in dict.fromkeys((name, name.removesuffix(NEAREST))):
        if scope not in {collection_id, ""}:
            continue
        try:
            revision = catalog.revision(collection_id)
            collection = catalog.collection(collection_id)
        except NotFound:
            continue
        if collection.styles:
            known = partial(dimension, catalog, collection_id)
            return Layer(collection, known, collection_id != name, revision)
    raise InvalidParameter("layer", name, "a layer of the capabilities document")


@dataclass(frozen=True, slots=True)
class TileAddress:
    """A tile that the capabilities announce."""

    tms: TileMatrixSet
    zoom: int
    col: int
    row: int


def find_tile(sets: Sets, collection: Collection, named: Mapping[str, str]) -> TileAddress:
    """The tile of TileMatrixSet, TileMatrix, TileRow and TileCol. Raises InvalidParameter or OwsError."""
    name = named["TileMatrixSet"]
    tms = sets.get(name.replace("EPSG:", "EPSG"))
    if tms is None:
        raise InvalidParameter("TileMatrixSet", name, ", ".join(sets))
    matrices = {matrix.id: int(matrix.id) for matrix in tms.tileMatrices}
    matrix = named["TileMatrix"]
    if matrix not in matrices:
        raise InvalidParameter("TileMatrix", matrix, f"{tms.minzoom} to {tms.maxzoom}")
    row = integer(named["TileRow"], "TileRow", -_FAR, _FAR)
    col = integer(named["TileCol"], "TileCol", -_FAR, _FAR)
    limits = limits_of(collection, {str(tms.id): tms}).get(str(tms.id), ())
    within = next((one for one in limits if one.matrix == matrix), None)
    if within is None:
        raise out_of_range("TileMatrix", tms.minzoom, tms.minzoom + len(limits) - 1)
    if not within.min_row <= row <= within.max_row:
        raise out_of_range("TileRow", within.min_row, within.max_row)
    if not within.min_col <= col <= within.max_col:
        raise out_of_range("TileCol", within.min_col, within.max_col)
    return TileAddress(tms, matrices[matrix], col, row)
