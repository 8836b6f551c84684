"""The structs that Python packs are those that the compiler lays out."""

import numpy as np
import pytest

from gpu import jpeg
from gpu.backend import PIECE
from gpu.cuda import descriptors
from gpu.cuda.sources import source
from gpu.expression import MAX_STACK, OPCODES
from tests.gpu.host.device import HostDevice

FIELDS = {
    "Source": "pixels valid segments first table pieces pitch nodata scale offset stretch"
    " width height type has_nodata same_place table_low pieces_across unused",
    "Layer": "hidden first_source mask",
    "Instruction": "operand code unused",
    "Job": "sources layers program ranges keys palette curves pixels indices values valid counts layer_count variables outputs width height"
    " top fresh resampling plain physical reduced mode palette_size reducers program_end used",
    "Image": "pixels width height mcus_x mcus_y first_interval intervals background top",
    "JpegTables": "reciprocal correction shift ac dc zigzag",
    "Region": "values inside result count",
}  # fmt: skip


def offsets(name):
    """Offset of each field and the size, as the compiler has them."""
    text = "".join(
        source(kernel)
        for kernel in {"Image": ["seg_scan"], "JpegTables": ["seg_scan"], "Region": ["statistics"]}.get(name, ["shade"])
    )
    fields = FIELDS[name].split()
    body = "".join(f"out[{i}] = __builtin_offsetof({name}, {field});" for i, field in enumerate(fields))
    text += f'\nextern "C" __global__ void layout(s64* out) {{ {body} out[{len(fields)}] = sizeof({name}); }}\n'
    device = HostDevice()
    memory, stream, found = device.allocate(512), device.stream(), np.zeros(len(fields) + 1, np.int64)
    device.compile(text, "layout", ())((1, 1, 1), 1, [np.uint64(memory.address)], stream)
    stream.download(found, memory.address)
    stream.synchronize()
    return found.tolist()


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        ("Source", descriptors.SOURCE), ("Layer", descriptors.LAYER), ("Job", descriptors.JOB),
        ("Image", descriptors.IMAGE), ("Region", descriptors.REGION), ("Instruction", descriptors.INSTRUCTION),
        ("JpegTables", jpeg.TABLES),
    ],
)  # fmt: skip
def test_structs(name, dtype):
    assert list(dtype.names) == FIELDS[name].split()
    assert [dtype.fields[field][1] for field in dtype.names] + [dtype.itemsize] == offsets(name)


def test_constants():
    text = source("shade")
    assert f"MAX_VARIABLES = {descriptors.MAX_VARIABLES};" in text
    assert f"MAX_OUTPUTS = {descriptors.MAX_OUTPUTS};" in text
    assert f"MAX_LAYERS = {descriptors.MAX_LAYERS};" in text
    assert f"PIECE_ROWS = {PIECE[0]};" in text
    assert f"PIECE_COLUMNS = {PIECE[1]};" in text
    assert f"MAX_STACK = {MAX_STACK};" in text
    assert f"case {len(OPCODES) - 1}:" in text
    assert f"case {len(OPCODES)}:" not in text
