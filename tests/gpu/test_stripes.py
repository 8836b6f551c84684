"""Huge pictures in stripes: the same bytes as in one piece, whatever is cut where."""

import io
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gpu import jpeg
from gpu.backend import Job, Layer, Source
from gpu.cpu import CpuBackend
from gpu.cuda import CudaBackend, backend
from gpu.cuda.arena import Staging
from gpu.cuda.device import DeviceMemoryError
from gpu.cuda.encoder import intervals_of
from gpu.cuda.stripes import rows_read, split
from gpu.encode import over
from tests.gpu.host.device import HostDevice, HostStream
from tests.gpu.host.exercise import pillow
from tests.gpu.scenes import grid, pixels, recipe

HEIGHT, WIDTH = 203, 310
RGB = recipe("r,g,b", rescale=((500, 9000),))


def bands(count=3, step=1.0, holes=0.0, key=None, turn=0.03, **kwargs):
    """A layer turned in its source, so that a row of the picture crosses several rows of it."""
    control = grid(HEIGHT, WIDTH, (step, step), (9.5, 1.5), turn, 3)
    height, width = int(HEIGHT * step) + 20, int(WIDTH * step) + 20
    return Layer(
        sources=tuple(
            Source(
                pixels=pixels(i, height, width, holes=holes), nodata=0, control=control, stretch=(1 / step, 1 / step),
                key=None if key is None else (key, i), **kwargs,
            )
            for i in range(count)
        )
    )  # fmt: skip


def pieces(*stretches):
    """A layer whose pieces, one below the other, have these stretches."""
    layer = bands(step=2.3)
    column = tuple((stretch,) for stretch in stretches)
    return replace(layer, sources=tuple(replace(source, pieces=column) for source in layer.sources))


def masked(layer, seed):
    hidden = np.zeros(65536, np.bool_)
    hidden[[8, 9]] = True
    data = np.random.default_rng(seed).integers(0, 12, (120, 170)).astype(np.uint8)
    return replace(layer, mask=Source(pixels=data, control=grid(HEIGHT, WIDTH, (0.5, 0.5))), hidden=hidden)


def job(*layers, chosen=RGB, **kwargs):
    return Job(layers=layers, recipe=chosen, height=HEIGHT, width=WIDTH, format="jpg", **kwargs)


JOBS = {
    "resident": job(bands(key="a")),
    "holes": job(bands(holes=0.3), background=(10, 200, 30)),
    "bilinear": job(bands(step=1.4), chosen=replace(RGB, resampling="bilinear")),
    "cubic, widened": job(bands(step=2.3), chosen=replace(RGB, resampling="cubic")),
    "cubic, in pieces": job(pieces((0.4, 0.3), (0.9, 0.8)), chosen=replace(RGB, resampling="cubic")),
    "average": job(bands(step=1.9), chosen=replace(RGB, resampling="average")),
    "steep": job(bands(step=0.5, turn=0.4, holes=0.1)),
    "mosaic behind clouds": job(*(masked(bands(holes=0.5), seed) for seed in range(2)), quality=60),
    "median": job(bands(), bands(holes=0.2), bands(key="b", holes=0.2), reducers=("median",)),
    "on its own grid": job(Layer(sources=tuple(Source(pixels=pixels(i, HEIGHT, WIDTH)) for i in range(3)))),
    "a band is missing": job(Layer(sources=(None, *bands(2).sources))),
    "nothing": job(),
}


def make(**kwargs):
    options = {"specialise": "never", "slots": 1, "pool_bytes": 8 << 20, "scratch_bytes": 1 << 18, **kwargs}
    return CudaBackend(HostDevice(), CpuBackend(), **options)


@pytest.fixture(scope="module")
def gpu(kernels):
    return kernels


def striped(gpu, one, count):
    file = io.BytesIO()
    with gpu._slot() as slot:
        counts = gpu._stripes.draw(slot, one, file.write, count=count)
    return file.getvalue(), counts


@pytest.mark.parametrize("name", JOBS)
def test_bytes_are_those_of_one_piece(gpu, name):
    one = JOBS[name]
    whole = gpu.draw([one])[0]
    alpha = gpu.shade(one).alpha
    for count in (1, 3, 8):
        content, (visible, opaque) = striped(gpu, one, count)
        assert content == whole.content
        assert visible == np.count_nonzero(alpha)
        assert opaque == np.count_nonzero(alpha == 255)


def test_bytes_are_libjpeg_turbos_in_any_order_of_threads(gpu, thread_order):
    """More stripes than streams, and restart markers that wrap several times."""
    picture = gpu.shade(JOBS["resident"])
    content, _ = striped(gpu, JOBS["resident"], 9)
    assert content == pillow(picture.pixels, 85, "420", jpeg.INTERVALS["420"])
    assert {content[i + 1] for i in range(600, len(content) - 2) if content[i] == 0xFF} >= set(range(0xD0, 0xD8))


def test_bands_in_page_locked_memory(gpu, thread_order):
    """Read only when their copy runs, rows by rows; the same file as from resident ones."""
    one = JOBS["bilinear"]
    pinned = []
    for source in one.layers[0].sources:
        memory = gpu.device.pinned(source.pixels.nbytes).view(np.uint16).reshape(source.pixels.shape)
        memory[:] = source.pixels
        pinned.append(replace(source, pixels=memory))
    passing = replace(one, layers=(Layer(sources=tuple(pinned)),))
    resident = replace(one, layers=(Layer(sources=tuple(replace(s, key=("r", i)) for i, s in enumerate(pinned))),))
    expected = pillow(over_white(gpu.shade(one)), 85, "420", jpeg.INTERVALS["420"])
    assert striped(gpu, passing, 5)[0] == expected
    assert striped(gpu, resident, 5)[0] == expected


def over_white(picture):
    return over(picture.pixels, picture.alpha, (255, 255, 255))


@settings(max_examples=200, deadline=None)
@given(
    height=st.integers(1, 3000),
    width=st.integers(1, 3000),
    count=st.integers(1, 12),
    largest=st.integers(1 << 10, 1 << 24),
)
def test_split(height, width, count, largest):
    """Every interval once, every row that it shows there, every row counted once."""
    across, total = intervals_of(height, width, "420", 16)
    stripes = list(split(height, width, count, largest))
    assert [stripe.first for stripe in stripes] == [0, *(stripe.last for stripe in stripes[:-1])]
    assert stripes[-1].last == total
    assert stripes[-1].bottom == height
    counted = 0
    for stripe in stripes:
        assert stripe.first < stripe.last
        assert 0 <= stripe.top <= stripe.first * 16 // across * 16
        last_mcu = min(stripe.last * 16, across * -(-height // 16)) - 1
        assert stripe.bottom >= min((last_mcu // across + 1) * 16, height)
        assert stripe.top <= stripe.fresh
        counted += max(stripe.bottom - stripe.fresh, 0)
    assert counted == height


def test_rows_are_enough_and_few():
    source = JOBS["bilinear"].layers[0].sources[0]
    first, last = rows_read(source, "bilinear", WIDTH, 32, 64)
    places = np.array([1.5 + 1.4 * (row + 0.5) + 0.03 * column for row in (32, 63) for column in (0, WIDTH - 1)])
    assert first <= places.min() - 2
    assert last >= places.max() + 2
    assert last - first < 1.4 * 32 + 0.03 * WIDTH + 14


def test_only_the_rows_of_stripes_are_uploaded(monkeypatch):
    """Each row about once, and never a whole band."""
    sizes = []
    upload = HostStream.upload
    monkeypatch.setattr(
        HostStream, "upload", lambda self, to, data: sizes.append(data.nbytes) or upload(self, to, data)
    )
    monkeypatch.setattr(Staging, "SEGMENT", 4096)  # so that bands do not share an upload with anything else
    one = JOBS["holes"]
    content, _ = striped(make(pool_bytes=0), one, 4)
    whole = 3 * one.layers[0].sources[0].pixels.nbytes
    sent = sum(size for size in sizes if size > 4096)
    assert max(sizes) < whole / 3 / 2
    assert sent < 2 * whole
    assert content == make().draw([one])[0].content


@pytest.mark.parametrize("bands_that_fit", [0, 1, 2])
def test_bands_too_large_to_stay_pass_through(bands_that_fit):
    one = JOBS["resident"]
    size = one.layers[0].sources[0].pixels.nbytes
    small = make(pool_bytes=(1 << 18) + 70000 + bands_that_fit * size)
    assert striped(small, one, 5)[0] == make().draw([one])[0].content
    assert small.pool.used <= small.pool.budget
    assert small.pool.used >= bands_that_fit * size


def test_resident_bands_go_up_once():
    gpu = make()
    one = JOBS["resident"]
    first = striped(gpu, one, 4)[0]
    used = gpu.pool.used
    assert used > 3 * one.layers[0].sources[0].pixels.nbytes
    misses = gpu.pool.misses
    assert striped(gpu, one, 4)[0] == first
    assert (gpu.pool.used, gpu.pool.misses) == (used, misses)
    gpu.pool.clear()
    assert gpu.pool.used == 0, "a lease was not given back"


@pytest.mark.parametrize("format", ["jpg", "auto", "png"])
def test_draw_takes_stripes_for_huge_pictures(monkeypatch, format):
    monkeypatch.setattr(backend, "STRIPED", 1 << 14)
    gpu = make()
    for name in ("resident", "holes"):
        one = replace(JOBS[name], format=format)
        expected = make().cpu.draw([one])[0]
        made = gpu.draw([one])[0]
        assert (made.format, made.empty, made.opaque) == (expected.format, expected.empty, expected.opaque)
        np.testing.assert_array_equal(
            np.asarray(Image.open(io.BytesIO(made.content)).convert("RGB")),
            np.asarray(Image.open(io.BytesIO(expected.content)).convert("RGB")),
        )


def test_pieces_are_handed_on_in_order(gpu):
    pieces = []
    gpu.stream(JOBS["resident"], lambda piece: pieces.append(piece.tobytes()))
    assert b"".join(pieces) == gpu.draw([JOBS["resident"]])[0].content
    assert len(pieces) == 8


def test_no_memory_for_a_stripe(monkeypatch):
    """The CPU draws it, and the next one is drawn in stripes again."""
    monkeypatch.setattr(backend, "STRIPED", 1 << 14)
    reasons = []
    gpu = make(on_fallback=reasons.append)
    one = replace(JOBS["resident"], format="jpg")
    expected = gpu.draw([one])[0].content
    start = gpu._stripes._lanes[1].slot.encoder.start
    monkeypatch.setattr(
        gpu._stripes._lanes[1].slot.encoder, "start", lambda *_: (_ for _ in ()).throw(DeviceMemoryError("full"))
    )
    assert gpu.draw([one])[0].content == gpu.cpu.draw([one])[0].content
    assert reasons == ["memory"]
    monkeypatch.setattr(gpu._stripes._lanes[1].slot.encoder, "start", start)
    assert gpu.draw([one])[0].content == expected
