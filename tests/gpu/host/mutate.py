"""Is every barrier needed, and would its loss be noticed? python -m tests.gpu.host.mutate

Deletes each barrier of the kernels in turn and runs the exercise in three orders of threads, then under
ThreadSanitizer. Exits 1 when a deleted barrier goes unnoticed. Takes some minutes.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from gpu.cuda.sources import FOLDER

BARRIER = re.compile(r"__sync(?:threads|warp)\(\);")
PARTS = {"statistics.cu": ("statistics",), "scan.cuh": ("jpeg", "statistics")}
"""Parts of the exercise that run a file; jpeg runs the rest."""


def sanitizer(name: str) -> dict[str, str]:
    """The environment of a run under a sanitizer."""
    runtime = subprocess.check_output(["g++", f"-print-file-name=lib{name}.so"], text=True).strip()
    options = "exitcode=66 halt_on_error=1 report_signal_unsafe=0"
    return {
        "EMU_SANITIZER": name, "LD_PRELOAD": runtime, "TSAN_OPTIONS": options, "ASAN_OPTIONS": "detect_leaks=0",
    }  # fmt: skip


def fails(folder: Path, parts: tuple[str, ...], environment: dict[str, str], seconds: int) -> bool:
    """Does the exercise notice that something is wrong?"""
    command = [sys.executable, "-m", "tests.gpu.host.exercise", *parts]
    env = {**os.environ, "EMU_FOLDER": str(folder), "EMU_CACHE": str(folder / "cache"), **environment}
    try:
        return subprocess.run(command, env=env, capture_output=True, timeout=seconds, check=False).returncode != 0
    except subprocess.TimeoutExpired:
        return True


def noticed(folder: Path, parts: tuple[str, ...]) -> str:
    """By what a change is noticed; empty when by nothing."""
    for order, name in enumerate(("forward", "reverse", "random")):
        if fails(folder, parts, {"EMU_ORDER": str(order)}, 120):
            return name
    return "tsan" if fails(folder, parts, sanitizer("tsan"), 900) else ""


def main() -> int:
    silent = 0
    files = [file for file in sorted(FOLDER.iterdir()) if BARRIER.search(file.read_text())]
    for file in files:
        text = file.read_text()
        for match in BARRIER.finditer(text):
            with tempfile.TemporaryDirectory() as made:
                folder = Path(made)
                shutil.copytree(FOLDER, folder, dirs_exist_ok=True)
                (folder / file.name).write_text(text[: match.start()] + ";" + text[match.end() :])
                by = noticed(folder, PARTS.get(file.name, ("jpeg",)))
            line = text.count("\n", 0, match.start()) + 1
            print(f"{file.name}:{line} {match[0]} {f'noticed by {by}' if by else 'NOT NOTICED'}", flush=True)
            silent += not by
    print(f"{silent} deleted barriers were not noticed")
    return int(silent > 0)


if __name__ == "__main__":
    sys.exit(main())
