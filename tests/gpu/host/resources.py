"""Registers, stack and shared memory of a kernel as its machine code declares them (ELF section .nv.info)."""

import struct
from dataclasses import dataclass

REGISTERS, FRAME = 0x2F, 0x11
"""EIATTR_REGCOUNT, EIATTR_FRAME_SIZE: symbol and number."""
WORDS = 4
"""EIFMT_SVAL: the value follows, its size in bytes before it."""


@dataclass(frozen=True)
class Resources:
    registers: int
    """Of a thread."""
    stack: int
    """Bytes of local memory of a thread: arrays with a running index, calls, spilled registers."""
    shared: int
    """Bytes of a block, with those that the system takes."""

    def blocks(self, threads: int) -> int:
        """Blocks that a multiprocessor of a Hopper GPU holds: 64 Ki registers, 228 KiB shared, 2048 threads."""
        warps = -(-threads // 32)
        registers = -(-self.registers * 32 // 256) * 256 * warps
        return min(65536 // registers, (228 << 10) // max(self.shared, 1), 2048 // threads, 32)


def resources(cubin: bytes, name: str) -> Resources:
    """Of the kernel `name`."""
    sections = _sections(cubin)
    found = {REGISTERS: 0, FRAME: 0}
    number = _symbol(sections, name)
    data, at = sections[".nv.info"], 0
    while at < len(data):
        form, attribute, size = struct.unpack_from("<BBH", data, at)
        at += 4
        if form != WORDS:
            continue
        if attribute in found and struct.unpack_from("<I", data, at)[0] == number:
            found[attribute] = struct.unpack_from("<I", data, at + 4)[0]
        at += size
    shared = len(sections.get(f".nv.shared.{name}", b""))
    return Resources(found[REGISTERS], found[FRAME], shared)


def _sections(cubin: bytes) -> dict[str, bytes]:
    offset, size, count, names = *struct.unpack_from("<Q", cubin, 0x28), *struct.unpack_from("<3H", cubin, 0x3A)
    headers = [struct.unpack_from("<2I4Q2I2Q", cubin, offset + i * size) for i in range(count)]
    start = headers[names][4]
    found = {}
    for name, kind, _, _, at, length, *_ in headers:
        text = cubin[start + name : cubin.index(b"\0", start + name)].decode()
        found[text] = bytes(length) if kind == 8 else cubin[at : at + length]  # 8: takes no room in the file
    return found


def _symbol(sections: dict[str, bytes], name: str) -> int:
    table, names = sections[".symtab"], sections[".strtab"]
    for number in range(len(table) // 24):
        at = struct.unpack_from("<I", table, 24 * number)[0]
        if names[at : names.index(b"\0", at)].decode() == name and table[24 * number + 4] & 15 == 2:
            return number
    raise KeyError(name)
