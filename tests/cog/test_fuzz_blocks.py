"""Blocks made to harm: too little time or memory for what they ask, and decoders that trust them."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.cog.files import asset, band
from tileserver.cog import codecs
from tileserver.cog.codecs import BlockError
from tileserver.cog.lzw import lzw_decode
from tileserver.cog.tiff import Directory
from tileserver.errors import SourceUnreadable
from tileserver.models import Grid
from tileserver.reading import FastReader, _warm

MOST_BYTES, MOST_SECONDS = 64 << 20, 3.0
GREY = np.zeros((64, 64), np.uint8)


@pytest.fixture(scope="module", autouse=True)
def compiled() -> None:
    """Time is measured, compilers are not."""
    _warm().join()


def image(**fields: object) -> Directory:
    """One block of 64 x 64 bytes unless the fields say else."""
    known = {
        "width": 64, "height": 64, "block_width": 64, "block_height": 64, "bands": 1, "planar": False, "bits": 8,
        "kind": "u", "compression": 1, "predictor": 1, "photometric": 1, "tiled": True, "reduced": False,
        "mask": False, "extra": (), "tables": b"", "lerc": (4, 0), "offsets": np.zeros(1, np.uint64),
        "counts": np.zeros(1, np.uint64), "big_endian": False,
    }  # fmt: skip
    return Directory(**(known | fields))  # type: ignore[arg-type]


def refused(what: Directory, data: bytes) -> None:
    """A BlockError soon and without much memory."""
    started = time.process_time()
    tracemalloc.start()
    try:
        with pytest.raises(BlockError):
            codecs.decode(what, data, 0)
        assert tracemalloc.get_traced_memory()[1] < MOST_BYTES
    finally:
        tracemalloc.stop()
    assert time.process_time() - started < MOST_SECONDS


def packed(codes: list[int]) -> bytes:
    """LZW codes of nine bits."""
    number = 0
    for code in codes:
        number = number << 9 | code
    length = 9 * len(codes)
    return (number << -length % 8).to_bytes(-(-length // 8), "big")


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=4000), st.integers(1, 40))
def test_lzw_gives_back_what_another_made(data: bytes, times: int) -> None:
    whole = data * times
    out = np.empty(len(whole), np.uint8)
    assert lzw_decode(imagecodecs.lzw_encode(whole), out=out).tobytes() == whole


@settings(max_examples=500, deadline=None)
@given(st.binary(max_size=200))
def test_lzw_of_any_bytes(data: bytes) -> None:
    for head in (b"", b"\x80"):
        try:
            out = lzw_decode(head + data, out=np.empty(300, np.uint8))
        except ValueError:
            continue
        assert len(out) <= 300


@pytest.mark.parametrize("codes", [[256, 300, 258], [256, 258], [256, 65, 259], [300], [256, 65, 256, 258]])
def test_lzw_codes_of_no_table(codes: list[int]) -> None:
    refused(image(compression=codecs.LZW), packed(codes))


CRASH = """
import numpy as np
from tests.cog.test_fuzz_blocks import codecs, image, packed
what = image(compression=codecs.LZW)
for n in range(3000):
    junk = [np.full(82_000, 0x41, np.uint8) for _ in range(4)]
    del junk
    try:
        codecs.decode(what, packed([256, 300 + n % 200, 258, 258, 300, 259]), 0)
    except codecs.BlockError:
        pass
"""


def test_lzw_does_not_read_memory_of_others() -> None:
    """Found by the fuzzer: a table that was never filled points anywhere, and the process dies."""
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", CRASH], cwd=root, capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-500:]


def lerc(**changes: int) -> bytes:
    """A constant image of LERC2 with header fields changed and its checksum made right."""
    data = bytearray(imagecodecs.lerc_encode(GREY + np.uint8(7)))
    places = {"version": 6, "rows": 14, "columns": 18, "bands": 22, "length": 34, "kind": 38}
    for name, value in changes.items():
        struct.pack_into("<i", data, places[name], value)
    struct.pack_into("<I", data, 10, fletcher32(bytes(data[14:])))
    return bytes(data)


def fletcher32(data: bytes) -> int:
    words = np.frombuffer(data.ljust(-(-len(data) // 2) * 2, b"\0"), ">u2").astype(object)
    low = high = 0
    for word in words:
        low = (low + int(word)) % 65535
        high = (high + low) % 65535
    return (high or 65535) << 16 | (low or 65535)


def test_lerc_as_made_is_fine() -> None:
    out = codecs.decode(image(compression=codecs.LERC), lerc(), 0)
    assert (out == 7).all()


@pytest.mark.parametrize(
    "changes", [{"bands": 300_000}, {"bands": -1}, {"rows": 1 << 20}, {"kind": 7}, {"kind": 99}, {"length": 1 << 30}]
)
def test_lerc_of_another_shape(changes: dict[str, int]) -> None:
    """Seventy bytes that would become a gigabyte."""
    refused(image(compression=codecs.LERC), lerc(**changes))


def test_lerc_of_many_images_is_one() -> None:
    tracemalloc.start()
    out = codecs.decode(image(compression=codecs.LERC), lerc() * 20_000, 0)
    assert out.shape == (1, 64, 64)
    assert tracemalloc.get_traced_memory()[1] < MOST_BYTES
    tracemalloc.stop()


def jpeg(side: int = 64) -> bytes:
    """A grey JPEG of 64 x 64 pixels whose frame says another size."""
    data = imagecodecs.jpeg8_encode(GREY, 80)
    at = data.index(b"\xff\xc0") + 5
    return bytes(data[:at] + struct.pack(">HH", side, side) + data[at + 4 :])


def behind_a_restart() -> bytes:
    """A marker without content, read as one with, hides the true frame and shows another."""
    small, huge = jpeg(), jpeg(60_000)
    at = small.index(b"\xff\xc0")
    jump = 4 + struct.unpack(">H", huge[2:4])[0]
    hidden = (huge[:2] + b"\xff\xd0" + huge[2:]).ljust(jump, b"\0")[:jump]
    return hidden + small[at : at + 19] + bytes(40)


def deep() -> bytes:
    """Twelve bits a pixel."""
    return imagecodecs.jpeg8_encode(np.zeros((64, 64), np.uint16), 80, bitspersample=12)


@pytest.mark.parametrize("make", [behind_a_restart, deep, lambda: jpeg(60_000)])
def test_jpeg_of_another_size_or_kind(make: Callable[[], bytes]) -> None:
    refused(image(compression=codecs.JPEG), make())


def test_jpeg_of_thousands_of_scans() -> None:
    side, file = 1024, io.BytesIO()
    Image.fromarray(np.zeros((side, side), np.uint8)).save(file, "JPEG", progressive=True)
    data = file.getvalue()
    last = data[data.rindex(b"\xff\xda") : -2]
    what = image(compression=codecs.JPEG, width=side, height=side, block_width=side, block_height=side)
    assert codecs.decode(what, data, 0).shape == (1, side, side)
    refused(what, data[:-2] + last * 5000 + data[-2:])


def test_jpeg_tables_with_a_picture_of_their_own() -> None:
    for photometric in (1, codecs.YCBCR):
        refused(image(compression=codecs.JPEG, tables=jpeg(60_000), photometric=photometric), jpeg())


@pytest.mark.parametrize("codec", [codecs.ZSTD, codecs.PACKBITS, codecs.DEFLATE])
def test_streams_that_are_too_long(codec: int) -> None:
    makers = {codecs.ZSTD: imagecodecs.zstd_encode, codecs.DEFLATE: imagecodecs.zlib_encode}
    data = b"\x81\x00" * (1 << 20) if codec == codecs.PACKBITS else makers[codec](bytes(1 << 28))
    refused(image(compression=codec), data)
    refused(image(compression=codecs.LERC, lerc=(4, 2)), imagecodecs.zstd_encode(bytes(1 << 28)))


def tiff(path: Path, size: int, block: int, *, count: int, bands: int = 1, data: bytes = b"") -> Path:
    """A BigTIFF near Graz, deflate, all of whose blocks are the one at its end and say that they are `count` long."""
    blocks = (size // block) ** 2
    words = {
        33550: struct.pack("<3d", 20, 20, 0),
        33922: struct.pack("<6d", 0, 0, 0, 500_000, 5_200_000, 0),
        34735: struct.pack("<16H", 1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 32633),
    }
    tables = 4096
    end = tables + 8 * blocks
    fields = [
        (256, 4, 1, size), (257, 4, 1, size), (258, 3, 1, 8), (259, 3, 1, 8), (262, 3, 1, 1), (277, 3, 1, bands),
        (284, 3, 1, 1), (322, 4, 1, block), (323, 4, 1, block), (324, 4, blocks, tables),
        (325, 4, blocks, tables + 4 * blocks), (33550, 12, 3, 0), (33922, 12, 6, 0), (34735, 3, 16, 0),
    ]  # fmt: skip
    at, body, tail = 16 + 8 + 20 * len(fields) + 8, struct.pack("<Q", len(fields)), b""
    for tag, kind, number, value in fields:
        body += struct.pack("<HHQQ", tag, kind, number, at + len(tail) if tag in words else value)
        tail += words.get(tag, b"")
    with path.open("wb") as file:
        file.write((b"II+\0\x08\0\0\0" + struct.pack("<Q", 16) + body + bytes(8) + tail).ljust(tables, b"\0"))
        file.write(np.full(blocks, end, "<u4").tobytes() + np.full(blocks, count, "<u4").tobytes() + data)
        file.truncate(max(end + count, file.tell()))
    return path


GRID = Grid(crs="EPSG:32633", bounds=(500_000, 5_189_760, 510_240, 5_200_000), width=256, height=256)


def drawn(path: Path) -> None:
    """A tile of 512 x 512 pixels of a file, in little memory, or SourceUnreadable."""
    started = time.process_time()
    tracemalloc.start()
    try:
        FastReader(1 << 20).sources([(asset(path), band())], GRID, "nearest")
    except SourceUnreadable:
        pass
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 2 * MOST_BYTES
    assert time.process_time() - started < 2 * MOST_SECONDS


def test_blocks_that_say_they_are_long(tmp_path: Path) -> None:
    """Hundreds of blocks of 60 MiB, all of them in one hole of a sparse file."""
    drawn(tiff(tmp_path / "a.tif", 6400, 64, count=60 << 20))


def test_blocks_of_one_pixel(tmp_path: Path) -> None:
    drawn(tiff(tmp_path / "a.tif", 1000, 1, count=9, data=imagecodecs.zlib_encode(b"\7")))


def test_directories_that_share_their_tables(tmp_path: Path) -> None:
    path, number, tables = tmp_path / "a.tif", 1 << 20, 1 << 20
    fields = [
        (254, 4, 1, 1), (256, 4, 1, 16384), (257, 4, 1, 16384), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1),
        (322, 4, 1, 16), (323, 4, 1, 16), (324, 16, number, tables), (325, 16, number, tables),
    ]  # fmt: skip
    directory = struct.pack("<Q", len(fields)) + b"".join(struct.pack("<HHQQ", *field) for field in fields)
    step, many = len(directory) + 8, 60
    links = [16 + step * (n + 1) for n in range(many - 1)] + [0]
    body = b"".join(directory + struct.pack("<Q", link) for link in links)
    with path.open("wb") as file:
        file.write(b"II+\0\x08\0\0\0" + struct.pack("<Q", 16) + body)
        file.truncate(tables + 8 * number)
    drawn(path)
