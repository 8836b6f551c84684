"""Frames to files, one frame in memory at a time."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from PIL import GifImagePlugin, Image

Format = Literal["mp4", "webm", "gif", "webp"]
MEDIA_TYPES: dict[Format, str] = {
    "mp4": "video/mp4",
    "webm": "video/webm",
    "gif": "image/gif",
    "webp": "image/webp",
}


class Encoder(Protocol):
    """Takes frames; the file is complete when the block is left."""

    def add(self, frame: NDArray[np.uint8]) -> None:
        """(height, width, 3) RGB, always of the same even size."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Codec:
    container: str
    codec: str
    options: dict[str, str]
    container_options: dict[str, str]


_CODECS: dict[str, _Codec] = {
    "mp4": _Codec(
        container="mp4",
        codec="libx264",
        options={"preset": "veryfast", "crf": "20"},
        container_options={"movflags": "+faststart"},
    ),
    "webm": _Codec(
        container="webm",
        codec="libvpx-vp9",
        options={"deadline": "realtime", "cpu-used": "7", "row-mt": "1", "crf": "30", "b": "0"},
        container_options={},
    ),
    "webp": _Codec(
        container="webp",
        codec="libwebp_anim",
        options={"quality": "80", "compression_level": "2"},
        container_options={"loop": "0"},
    ),
}
_BT709 = 1
_LIMITED = 1


class VideoEncoder:
    """MP4 (H.264), WebM (VP9) and animated WebP by FFmpeg's libraries."""

    def __init__(self, path: Path, form: Format, width: int, height: int, fps: Fraction) -> None:
        import av  # 40 ms, which a server that never films need not spend at its start

        codec = _CODECS[form]
        self._video = form != "webp"
        self._frame = av.VideoFrame.from_ndarray
        self._container: Any = av.open(str(path), "w", format=codec.container, options=codec.container_options)
        stream: Any = self._container.add_stream(codec.codec, rate=fps, options=codec.options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.thread_count = 2
        if self._video:  # WebP has no such choice
            stream.codec_context.colorspace = stream.codec_context.color_primaries = _BT709
            stream.codec_context.color_trc = _BT709
            stream.codec_context.color_range = _LIMITED
        self._stream = stream

    def add(self, frame: NDArray[np.uint8]) -> None:
        picture = self._frame(np.ascontiguousarray(frame), format="rgb24")
        if self._video:
            picture = picture.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG")
        self._container.mux(self._stream.encode(picture))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._container.mux(self._stream.encode())
        self._container.close()


class GifEncoder:
    """GIF by Pillow, written frame by frame with a palette each."""

    _SAMPLE = 192
    _COLORS = 256

    def __init__(self, path: Path, width: int, height: int, fps: Fraction) -> None:
        self._file = path.open("wb")
        self._milliseconds = max(round(100 / fps), 2) * 10
        size = width.to_bytes(2, "little") + height.to_bytes(2, "little")
        forever = b"\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00"
        self._file.write(b"GIF89a" + size + b"\x00\x00\x00" + forever)

    def add(self, frame: NDArray[np.uint8]) -> None:
        picture = Image.fromarray(frame)
        # The palette of a small picture is almost that of the whole, in a hundredth of the time.
        sample = picture.resize((self._SAMPLE, self._SAMPLE), Image.Resampling.NEAREST)
        palette = sample.quantize(self._COLORS, Image.Quantize.MEDIANCUT)
        indexed = picture.quantize(palette=palette, dither=Image.Dither.NONE)
        blocks = GifImagePlugin.getdata(indexed, duration=self._milliseconds, include_color_table=True)
        for block in blocks:
            self._file.write(block)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.write(b"\x3b")
        self._file.close()


def open_encoder(path: Path, form: Format, width: int, height: int, fps: Fraction) -> Encoder:
    """The encoder of a format."""
    if form == "gif":
        return GifEncoder(path, width, height, fps)
    return VideoEncoder(path, form, width, height, fps)
