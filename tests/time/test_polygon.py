"""Pixel weights against areas by shapely, samples against NumPy, bad areas against clear words."""

from __future__ import annotations

import math

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.affinity import rotate, scale
from shapely.geometry import mapping

from tileserver.errors import InvalidParameter, TileserverError, TooLarge
from tileserver.polygon import bbox_of, parse_area, pixel_weights, projected, true_area
from tileserver.samples import quantiles, summarize

STAR = shapely.Polygon(
    [
        (10 + r * math.cos(a), 8 + r * math.sin(a))
        for a, r in zip(np.arange(0, 2 * math.pi, 0.4), [7.3, 2.1] * 8, strict=True)
    ]
)
CASES = {
    "one pixel": shapely.box(3, 4, 4, 5),
    "inside one pixel": shapely.box(3.2, 4.1, 3.7, 4.9),
    "half pixels": shapely.box(2.5, 2.25, 7.75, 6.5),
    "everything": shapely.box(-5, -5, 40, 40),
    "nothing": shapely.box(50, 50, 60, 60),
    "star": STAR,
    "beyond all edges": scale(STAR, 3, 3),
    "hole": shapely.box(2, 2, 15, 13).difference(rotate(shapely.box(5, 5, 9, 9), 30)),
    "two parts with a hole": shapely.union(
        shapely.box(1.5, 1.5, 6.5, 6.5).difference(shapely.box(3, 3, 4, 4)), shapely.box(9.1, 2.3, 14.9, 12.7)
    ),
    "sliver": shapely.Polygon([(0.1, 0.1), (19.9, 15.2), (19.9, 15.3)]),
}


def exact(geometry, height, width):
    cells = [shapely.box(c, r, c + 1, r + 1) for r in range(height) for c in range(width)]
    return shapely.area(shapely.intersection(cells, geometry)).reshape(height, width)


@pytest.mark.parametrize("name", CASES)
def test_weights_are_the_areas_inside(name):
    weights = pixel_weights(CASES[name], 16, 20)
    np.testing.assert_allclose(weights, exact(CASES[name], 16, 20), atol=1e-9)


coordinate = st.one_of(st.integers(-3, 12).map(float), st.floats(-3, 12, allow_subnormal=False, width=32))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(coordinate, coordinate), min_size=3, max_size=12))
def test_weights_of_any_area(points):
    area = shapely.make_valid(shapely.Polygon(points))
    parts = [p for p in shapely.get_parts(area) if p.geom_type in {"Polygon", "MultiPolygon"}]
    if not parts:
        return
    area = shapely.union_all(parts)
    np.testing.assert_allclose(pixel_weights(area, 9, 10), exact(area, 9, 10), atol=1e-6)


def test_ten_thousand_vertices_across_a_large_grid():
    """A comb whose teeth all cross the grid: the worst number of pieces stays in bounded memory."""
    x = np.linspace(1, 1999, 5000)
    teeth = [(a, 1.0 if i % 2 else 1990.0) for i, a in enumerate(x)]
    comb = shapely.Polygon([*teeth, (1999, 1999), (1, 1999)])
    assert pixel_weights(comb, 2000, 2000).sum() == pytest.approx(comb.area, rel=1e-9)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60))
def test_equal_weights_are_numpys_statistics(values):
    data = np.array(values)
    found = summarize(data, np.ones(len(data)))
    expected = np.percentile(data, [10, 50, 90])
    np.testing.assert_allclose([found.p10, found.median, found.p90], expected, rtol=1e-9, atol=1e-6)
    np.testing.assert_allclose([found.mean, found.std], [data.mean(), data.std()], rtol=1e-7, atol=1e-5)
    assert (found.min, found.max, found.count) == (data.min(), data.max(), len(data))


def test_weights_count():
    found = summarize(np.array([1.0, 5.0, 9.0]), np.array([1.0, 3.0, 0.0]))
    assert found.mean == 4.0
    assert (found.max, found.count) == (5.0, 2)
    assert summarize(np.array([1.0]), np.array([0.0])) is None
    assert quantiles(np.array([3.0]), np.array([0.2]), (0.1, 0.9)) == (3.0, 3.0)


def square(west=0.0, south=0.0, size=1.0):
    return [
        [west, south],
        [west + size, south],
        [west + size, south + size],
        [west, south + size],
        [west, south],
    ]


BAD = {
    "no object": 5,
    "none": None,
    "a line": {"type": "LineString", "coordinates": [[0, 0], [1, 1]]},
    "no coordinates": {"type": "Polygon"},
    "empty": {"type": "Polygon", "coordinates": []},
    "empty ring": {"type": "Polygon", "coordinates": [[]]},
    "open ring": {"type": "Polygon", "coordinates": [square()[:-1]]},
    "three positions": {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 0]]]},
    "bow tie": {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]},
    "no area": {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [2, 2], [0, 0]]]},
    "words": {"type": "Polygon", "coordinates": [[["a", 0], [1, 1], [1, 0], ["a", 0]]]},
    "nan": {"type": "Polygon", "coordinates": [[[math.nan, 0], [1, 1], [1, 0], [math.nan, 0]]]},
    "infinite": {"type": "Point", "coordinates": [math.inf, 0]},
    "out of the world": {"type": "Polygon", "coordinates": [square(0, 89.5)]},
    "too long a number": {"type": "Point", "coordinates": [10**400, 0]},
    "point of booleans": {"type": "Point", "coordinates": [True, False]},
    "point of one": {"type": "Point", "coordinates": [1]},
    "overlapping parts": {"type": "MultiPolygon", "coordinates": [[square()], [square(0.5)]]},
    "hole outside": {"type": "Polygon", "coordinates": [square(), square(5)]},
    "feature of nothing": {"type": "Feature", "geometry": None},
    "collection": {"type": "FeatureCollection", "features": []},
}


@pytest.mark.parametrize("name", BAD)
def test_bad_areas_are_named(name):
    with pytest.raises(InvalidParameter, match="geometry"):
        parse_area(BAD[name], 100)


def test_too_many_vertices_say_the_limit():
    circle = shapely.Point(10, 10).buffer(1, quad_segs=100)
    with pytest.raises(TooLarge, match=r"401 asked, the limit is 400"):
        parse_area(to_lists(circle), 400)
    assert parse_area(to_lists(circle), 401).area == pytest.approx(circle.area)


def to_lists(geometry):
    def lists(value):
        return [lists(v) for v in value] if isinstance(value, tuple | list) else value

    return {key: lists(value) for key, value in mapping(geometry).items()}


def test_good_areas():
    assert parse_area({"type": "Point", "coordinates": [14.4, 50.1, 300]}, 4).equals(shapely.Point(14.4, 50.1))
    high = [[*position, 120.5] for position in square()]
    assert parse_area({"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [high]}}, 9).area == 1
    holed = {"type": "Polygon", "coordinates": [square(0, 0, 4), square(1, 1)]}
    assert parse_area(holed, 10).area == 15


def test_antimeridian():
    drawn = parse_area({"type": "Polygon", "coordinates": [square(179.5, -1, 1)]}, 10)
    split = parse_area({"type": "MultiPolygon", "coordinates": [[square(179.5, -1, 0.5)], [square(-180, -1, 0.5)]]}, 20)
    assert drawn.geom_type == "MultiPolygon"
    assert bbox_of(drawn) == (179.5, -1, -179.5, 0)
    assert bbox_of(split)[0] == 179.5
    assert bbox_of(split)[2] == -179.5
    flat = projected(drawn, "EPSG:32660", 500_000)
    assert flat.bounds[2] - flat.bounds[0] == pytest.approx(111_320, rel=0.01)
    turned = projected(drawn, "EPSG:4326", 180.2)
    assert turned.bounds == pytest.approx((179.5, -1, 180.5, 0))


def test_edges_are_straight_in_degrees():
    """The south edge of a degree square is a parallel: in UTM it is an arc, 300 m from the chord."""
    area = parse_area({"type": "Polygon", "coordinates": [square(15, 45, 1)]}, 10)
    flat = projected(area, "EPSG:32633", 500_000)
    middle = projected(shapely.Point(15.5, 45).buffer(1e-9), "EPSG:32633", 500_000).centroid
    assert flat.exterior.distance(middle) < 1
    corners = [projected(shapely.Point(x, 45).buffer(1e-9), "EPSG:32633", 500_000).centroid for x in (15, 16)]
    assert shapely.LineString(corners).distance(middle) > 100


def test_true_area_is_that_of_the_sphere():
    assert true_area(shapely.box(-180, -90, 180, 90)) == pytest.approx(4 * math.pi)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.sampled_from(["type", "coordinates"]), inner),
    max_leaves=20,
)


@settings(max_examples=300, deadline=None)
@given(json_values, st.sampled_from(["Point", "Polygon", "MultiPolygon", "Feature", 7]))
def test_hostile_json_is_answered(coordinates, kind):
    try:
        geometry = parse_area({"type": kind, "coordinates": coordinates}, 50)
    except TileserverError:
        return
    west, south, east, north = geometry.bounds
    assert -180 <= west <= east <= 180
    assert -90 <= south <= north <= 90
