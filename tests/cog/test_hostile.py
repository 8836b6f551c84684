"""Headers that lie, blocks that end early, files that change while they are read: an error each, never more."""

from __future__ import annotations

import os
import struct
import tracemalloc
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.cog.files import asset, band, pixels, write
from tileserver.cog import Unsupported, codecs, open_cog
from tileserver.cog.codecs import BlockError
from tileserver.cog.tiff import Directory, TiffError, directories
from tileserver.errors import SourceUnreadable
from tileserver.models import Grid
from tileserver.reading import FastReader

GRID = Grid(crs="EPSG:32633", bounds=(500_000, 5_197_000, 503_000, 5_200_000), width=64, height=64)


def parse(data: bytes) -> list[Directory]:
    def read(offset: int, length: int) -> bytes:
        part = data[offset : offset + length]
        if len(part) != length:
            raise SourceUnreadable("The file ends too early.")
        return part

    return directories(read, len(data))


def tiff(entries: list[tuple[int, int, int, int]], following: int = 0) -> bytes:
    """A little-endian TIFF of one directory of (tag, type, count, value)."""
    body = b"".join(struct.pack("<HHII", *entry) for entry in sorted(entries))
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + body + struct.pack("<I", following)


TILED = [
    (256, 4, 1, 64),
    (257, 4, 1, 64),
    (258, 3, 1, 16),
    (322, 4, 1, 64),
    (323, 4, 1, 64),
    (324, 4, 1, 0),
    (325, 4, 1, 0),
]


def changed(tag: int, value: int, count: int = 1) -> bytes:
    return tiff([(t, kind, count if t == tag else n, value if t == tag else v) for t, kind, n, v in TILED])


def test_the_plain_header_is_fine() -> None:
    (image,) = parse(tiff(TILED))
    assert (image.width, image.height, image.bits, image.tiled) == (64, 64, 16, True)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"II",
        b"II*\0\0\0\0\0",
        b"not a tiff at all",
        changed(256, 0),
        changed(256, 0xFFFFFFFF),
        changed(257, 0x7FFFFFFF),
        tiff([(256, 11, 1, 0x7FC00000), *TILED[1:]]),  # NaN pixels wide
        tiff([*TILED, TILED[0]]),  # twice a width
        changed(322, 0),
        changed(322, 1),  # 64 * 64 blocks announced, one there
        changed(324, 0, count=0xFFFFFFFF),
        changed(324, 8, count=1000),
        changed(258, 0xFFFFFFF0, count=5),  # points beyond the end
        tiff(TILED, following=8),  # a circle
        tiff(TILED, following=0x7FFFFFFF),
        tiff([entry for entry in TILED if entry[0] != 324]),
        tiff([entry for entry in TILED if entry[0] != 256]),
        b"MM\0+\0\x08\0\0" + b"\xff" * 8,
    ],
)
def test_headers_that_lie(data: bytes) -> None:
    with pytest.raises((TiffError, SourceUnreadable, struct.error)):
        parse(data)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_behind_a_signature(data: bytes) -> None:
    for start in (b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08", b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0"):
        with suppress(TiffError, SourceUnreadable):
            parse(start + data)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = write(tmp_path_factory.mktemp("good") / "a.tif", pixels("uint16"), compress="deflate", predictor=2)
    return path.read_bytes()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_flipped_bytes_fail_politely(good: bytes, tmp_path: Path, data: st.DataObject) -> None:
    """A file with a few bytes changed anywhere gives pixels or SourceUnreadable, nothing else."""
    broken = bytearray(good)
    for _ in range(data.draw(st.integers(1, 6))):
        near_header = data.draw(st.booleans())
        place = data.draw(st.integers(0, 600 if near_header else len(good) - 1))
        broken[place] = data.draw(st.integers(0, 255))
    path = tmp_path / "broken.tif"
    path.write_bytes(bytes(broken[: data.draw(st.sampled_from([len(good), len(good) // 2, 500]))]))
    reader = FastReader(1 << 20)
    try:
        for source in reader.sources([(asset(path), band())], GRID, "nearest"):
            assert source is None or source.pixels.ndim == 2
    except SourceUnreadable as error:
        told = error.detail
    else:
        return
    assert str(tmp_path) not in told


@pytest.mark.parametrize("codec", ["none", "deflate", "lzw", "zstd", "packbits", "lerc", "jpeg", "webp"])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_broken_blocks(tmp_path_factory: pytest.TempPathFactory, codec: str, data: st.DataObject) -> None:
    image, block = _block(tmp_path_factory, codec)
    broken = bytearray(block[: data.draw(st.integers(0, len(block)))])
    for _ in range(data.draw(st.integers(0, 4))):
        if broken:
            broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    try:
        out = codecs.decode(image, bytes(broken), 0)
    except BlockError:
        return
    assert out.shape == (image.samples, 64, 64)


_blocks: dict[str, tuple[Directory, bytes]] = {}


def _block(factory: pytest.TempPathFactory, codec: str) -> tuple[Directory, bytes]:
    if codec not in _blocks:
        options = {"interleave": "pixel"} | ({"WEBP_LOSSLESS": "YES"} if codec == "webp" else {})
        data = pixels("uint8", 3 if codec in ("jpeg", "webp") else 1)
        path = write(factory.mktemp(codec) / "a.tif", data, compress=codec, **options)
        level = open_cog(asset(path)).levels[0]
        _blocks[codec] = level.image, level.source.read(int(level.image.offsets[0]), int(level.image.counts[0]))
    return _blocks[codec]


def test_a_bomb_stays_small(good: bytes, tmp_path: Path) -> None:
    """A block that inflates to 256 MiB is refused without the memory."""
    bomb = zlib.compress(bytes(256 << 20), 9)
    path = tmp_path / "bomb.tif"
    path.write_bytes(good)
    image = open_cog(asset(path)).levels[0].image
    tracemalloc.start()
    with pytest.raises(BlockError):
        codecs.decode(image, bomb, 0)
    assert tracemalloc.get_traced_memory()[1] < 16 << 20
    tracemalloc.stop()


def test_a_jpeg_of_another_size_is_not_decoded(tmp_path_factory: pytest.TempPathFactory) -> None:
    image, block = _block(tmp_path_factory, "jpeg")
    at = block.index(b"\xff\xc0") + 5
    huge = block[:at] + struct.pack(">HH", 65000, 65000) + block[at + 4 :]
    with pytest.raises(BlockError, match="another size"):
        codecs.decode(image, huge, 0)


def test_a_file_cut_while_it_is_open(good: bytes, tmp_path: Path) -> None:
    path = tmp_path / "cut.tif"
    path.write_bytes(good)
    cog = open_cog(asset(path))
    os.truncate(path, 600)
    with pytest.raises(SourceUnreadable, match="too early"):
        list(cog.load([(cog.keys(0, 0, [0])[0], 64)]))


def test_a_replaced_file_is_read_anew_and_a_vanished_one_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", np.full((1, 150, 150), 7, np.uint16), compress="deflate")
    reader = FastReader()

    def value() -> int:
        (source,) = reader.sources([(asset(path), band())], GRID, "nearest")
        assert source is not None
        return int(source.pixels[0, 0])

    assert value() == 7
    write(tmp_path / "new.tif", np.full((1, 150, 150), 9, np.uint16), compress="zstd").replace(path)
    assert value() == 9
    path.unlink()
    with pytest.raises(SourceUnreadable, match="missing"):
        value()


def test_unsupported_is_no_error(tmp_path: Path) -> None:
    path = tmp_path / "text.tif"
    path.write_text("this is no raster")
    with pytest.raises(Unsupported):
        open_cog(asset(path))
    with pytest.raises(SourceUnreadable, match="cannot be opened"):
        FastReader().sources([(asset(path), band())], GRID, "nearest")
