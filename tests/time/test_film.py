"""Frames and files, read back by decoders that are not ours."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tileserver.film.encoder import open_encoder
from tileserver.film.frame import Caption, FrameArtist
from tileserver.film.scale import scale_bar
from tileserver.film.words import MONTHS, date_words


def frames(count=6, width=320, height=200):
    """Smooth pictures, each of another colour."""
    x, y = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    for i in range(count):
        yield (np.dstack([x * 255, y * 255, np.full_like(x, 255 * i / count)])).astype(np.uint8)


def decoded(path, form):
    """Frames as RGB arrays, and seconds for each."""
    if form in {"gif", "webp"}:
        with Image.open(path) as film:
            pictures = []
            for i in range(film.n_frames):
                film.seek(i)
                film.load()
                pictures.append(np.asarray(film.convert("RGB")))
            return pictures, film.info["duration"] / 1000
    with av.open(str(path)) as film:
        stream = film.streams.video[0]
        pictures = [frame.to_ndarray(format="rgb24", src_colorspace="ITU709") for frame in film.decode(stream)]
        return pictures, float(1 / stream.average_rate)


@pytest.mark.parametrize("form", ["mp4", "webm", "gif", "webp"])
def test_what_goes_in_comes_out(form, tmp_path):
    path = tmp_path / f"film.{form}"
    with open_encoder(path, form, 320, 200, Fraction(4)) as encoder:
        for frame in frames():
            encoder.add(frame)
    found, seconds = decoded(path, form)
    assert len(found) == 6
    assert seconds == pytest.approx(0.25, abs=0.011)
    for got, expected in zip(found, frames(), strict=True):
        assert got.shape == (200, 320, 3)
        assert np.abs(got.astype(int) - expected).mean() < 8


def test_videos_are_what_browsers_play(tmp_path):
    for form, codec, brand in (("mp4", "h264", b"ftyp"), ("webm", "vp9", b"\x1a\x45\xdf\xa3")):
        path = tmp_path / f"film.{form}"
        with open_encoder(path, form, 320, 200, Fraction(5, 2)) as encoder:
            for frame in frames():
                encoder.add(frame)
        content = path.read_bytes()
        assert brand in content[:16]
        if form == "mp4":
            assert content.index(b"moov") < content.index(b"mdat")  # plays before it is loaded
        with av.open(str(path)) as film:
            context = film.streams.video[0].codec_context
            assert (context.name, context.pix_fmt) == (codec, "yuv420p")
            assert context.colorspace == 1  # BT.709
            assert float(film.streams.video[0].average_rate) == 2.5


@pytest.mark.parametrize("form", ["mp4", "webm", "gif", "webp"])
def test_a_film_of_one_frame(form, tmp_path):
    path = tmp_path / f"film.{form}"
    with open_encoder(path, form, 64, 64, Fraction(1, 2)) as encoder:
        encoder.add(next(frames(1, 64, 64)))
    if form == "gif":
        assert Image.open(path).n_frames == 1
    else:
        with av.open(str(path)) as film:
            assert sum(1 for _ in film.decode(video=0)) == 1


def artist(width=800, height=600, **more):
    return FrameArtist(
        width, height, Caption(**{"title": "Fields · NDVI", "credit": "© Copernicus", "metres_per_pixel": 10.0} | more)
    )


def test_the_picture_stays_where_nothing_is_drawn():
    picture = np.full((600, 800, 3), (10, 200, 60), np.uint8)
    frame = artist().draw(picture, "3 May 2021")
    assert frame.shape == picture.shape
    changed = (frame != picture).any(axis=2)
    assert changed[:100, :300].any()  # date and title
    assert changed[-60:, :250].any()  # scale bar
    assert changed[-60:, -200:].any()  # credit
    assert not changed[150:400].any()
    assert changed.mean() < 0.1
    assert (picture == (10, 200, 60)).all()


def test_the_scale_bar_is_as_long_as_it_says():
    """10 m pixels, a quarter of 800 pixels: 2 km are 200 white pixels."""
    frame = artist(title="", credit="").draw(np.zeros((600, 800, 3), np.uint8), "x")
    white = (frame[480:] == 255).all(axis=2)
    longest = max(len(run) for row in white for run in "".join("#" if v else " " for v in row).split())
    assert longest == pytest.approx(200, abs=1)


def test_dates_differ_and_legends_fit():
    empty = np.zeros((600, 800, 3), np.uint8)
    one = artist()
    assert (one.draw(empty, "3 May 2021") != one.draw(empty, "4 May 2021")).any()
    buffer = io.BytesIO()
    Image.new("RGBA", (2000, 3000), (255, 0, 0, 255)).save(buffer, "PNG")
    frame = artist(legend=buffer.getvalue()).draw(empty, "x")
    red = (frame[..., 0] > 200) & (frame[..., 1] < 10)
    assert red.any(axis=1).sum() <= 0.37 * 600
    assert red.any(axis=0).sum() <= 0.37 * 800


@pytest.mark.parametrize("size", [(64, 64), (64, 3840), (3840, 64), (300, 64)])
def test_any_size_and_any_text(size):
    caption = {"title": "Ž" * 500 + "\n\x00", "credit": "W" * 1000}
    frame = artist(*size, **caption).draw(
        np.zeros((size[1], size[0], 3), np.uint8), "30. září 2021 – 31. prosince 2022"
    )
    assert frame.shape == (size[1], size[0], 3)


@given(st.floats(1e-3, 1e6), st.floats(16, 1000))
def test_bars_are_round_and_fit(metres_per_pixel, most):
    length, label = scale_bar(metres_per_pixel, most)
    number, unit = label.split()
    metres = float(number) * {"km": 1000, "m": 1, "cm": 0.01}[unit]
    assert length * metres_per_pixel == pytest.approx(metres)
    assert most / 2.51 <= length <= most * 1.000001
    assert f"{metres:e}"[0] in "125"


def test_dates_in_words():
    def at(*parts):
        return datetime(*parts, tzinfo=UTC)

    assert date_words(at(2021, 5, 3, 10, 4), None) == "3 May 2021"
    assert date_words(at(2021, 5, 3, 10, 4), None, clock=True) == "3 May 2021, 10:04 UTC"
    assert date_words(at(2021, 5, 3), None, "de") == "3. Mai 2021"
    assert date_words(at(2021, 5, 3), None, "fr") == "3 mai 2021"
    assert date_words(at(2021, 5, 3), None, "xx") == "3 May 2021"
    assert date_words(at(1985, 1, 1), at(1985, 12, 31, 23, 59, 59)) == "1985"
    assert date_words(at(2021, 1, 1), at(2021, 1, 31), "cs") == "1. ledna 2021 – 31. ledna 2021"
    assert all(len(months.split()) == 12 for months in MONTHS.values())
