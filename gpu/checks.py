"""What compiled code must be able to rely on: arrays as long as it reads them."""

from __future__ import annotations

from gpu.backend import PIECE, Control, Job, Source


def check_job(job: Job) -> None:
    """Raises ValueError for a job that would be read beyond its ends."""
    controls: set[int] = set()
    for layer in job.layers:
        if len(layer.sources) != len(job.recipe.variables):
            raise ValueError(f"a layer has {len(layer.sources)} bands, the recipe {len(job.recipe.variables)}")
        for source in (*layer.sources, layer.mask):
            if source is not None:
                check_source(source, job.height, job.width, controls)


def check_source(source: Source, height: int, width: int, known: set[int] | None = None) -> None:
    """Raises ValueError; controls whose id is `known` are not looked at again."""
    if source.valid is not None and source.valid.shape != source.pixels.shape:
        raise ValueError("the mask has another shape than the pixels")
    if source.pieces:
        down, across = (-(-side // piece) for side, piece in zip((height, width), PIECE, strict=True))
        if len(source.pieces) != down or any(len(line) != across for line in source.pieces):
            raise ValueError(f"{len(source.pieces)} rows of pieces for a picture of {height} x {width}")
    control = source.control
    if control is None or (known is not None and id(control) in known):
        return
    _check_control(control, height)
    if known is not None:
        known.add(id(control))


def _check_control(control: Control, height: int) -> None:
    first, (count, columns) = control.first, control.segments.shape
    if len(first) != height + 1 or columns != 5:
        raise ValueError(f"a control of {len(first) - 1} rows for a picture of {height}")
    if first[0] < 0 or first[-1] > count or (first[1:] < first[:-1]).any():
        raise ValueError("the rows of a control are not in order")
