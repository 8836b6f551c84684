"""Kernel files as one text each: our own headers are put in place of their #include lines, once."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "kernels"
KERNELS = ("warp", "shade", "values", "jpeg_encode", "seg_scan", "seg_gather", "statistics")
"""Every kernel is the function of the same name in the file of that name."""

_INCLUDE = re.compile(r'^#include "([a-z_]+\.cuh)"$', re.MULTILINE)


@lru_cache(maxsize=32)
def source(name: str) -> str:
    """The complete text of kernels/{name}.cu; line numbers in messages are those of the files."""
    return _expanded(FOLDER, f"{name}.cu", set())


def _expanded(folder: Path, file: str, seen: set[str]) -> str:
    seen.add(file)
    text = (folder / file).read_text(encoding="utf-8").replace("#pragma once\n", "\n")
    parts = [f'#line 1 "{file}"\n']
    end = 0
    for match in _INCLUDE.finditer(text):
        parts.append(text[end : match.start()])
        if match[1] not in seen:
            parts.append(_expanded(folder, match[1], seen))
        end = match.end()
        line = text.count("\n", 0, end) + 1
        parts.append(f'\n#line {line} "{file}"')
    parts.append(text[end:])
    return "".join(parts)
